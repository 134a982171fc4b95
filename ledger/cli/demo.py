"""`chatledger demo`: a small ledger to play with, in an embedded Postgres of its own."""

import asyncio
import contextlib
import logging
import os
import secrets
import shlex
from pathlib import Path

import msgspec
import rich_click as click

from ledger.books.setup import PACKAGE, SERVICE
from ledger.books.signing import Signing
from ledger.cli.database import DATABASE, embedded, set_up
from ledger.cli.demo_books import TRANSFER, Shown, make_books
from ledger.cli.embedded import EmbeddedPostgres
from ledger.cli.logs import log_to_stderr
from ledger.cli.screen import line, say, show_json, show_table, working
from ledger.cli.serving import listen, serve, url_of
from ledger.core.errors import LedgerError

CAPTION = "bold"


def default_folder() -> Path:
    """In the repository where this runs from one, else where the user's programs keep their data."""
    repository = PACKAGE.parent
    if (repository / "pyproject.toml").is_file() and os.access(repository, os.W_OK):
        return repository / "data" / "demo"
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(home) / "chat-ledger" / "demo"


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_folder,
    metavar="FOLDER",
    show_default="data/demo in the repository, else ~/.local/share/chat-ledger/demo",
    help="The folder of the demo's own Postgres.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    show_default="any free one",
    help="Where to listen.",
)
def demo(data: Path, port: int) -> None:
    """Run a small ledger to play with, until Ctrl-C.

    It has the currencies EUR and INR, a bank and a rail called test, the people alice and bob and the merchant cafe,
    and some money. It is kept: the next start finds it as it was left.
    """
    log_to_stderr(logging.WARNING)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen("127.0.0.1", port))
        address = url_of(listener)
        with working("Making the demo's books …"):
            server = stack.enter_context(embedded(data))
            signing = Signing(server.folder / "keys", server.folder / "witness")
            shown = asyncio.run(_prepare(server, signing))
        everything = f"rm -rf {shlex.join(map(str, server.everything()))}"
        serve(
            lambda: server.url(SERVICE, DATABASE),
            listener,
            address,
            lambda: _show(address, shown, everything),
            server.ensure_running,
            signing,
        )
    say("\nStopped. The books are kept.")


async def _prepare(server: EmbeddedPostgres, signing: Signing) -> Shown:
    await set_up(server)
    try:
        return await make_books(server.url(database=DATABASE), server.url(SERVICE, DATABASE), signing)
    except LedgerError as error:
        raise click.ClickException(
            f"The demo's books in {server.folder} are of another version ({error}). Delete them and start again: "
            f"rm -rf {shlex.join(map(str, server.everything()))}"
        ) from error


def _show(address: str, shown: Shown, everything: str) -> None:
    """Say where the service is and how to play with it. What is to be copied stands on a line of its own."""
    body = msgspec.json.encode(TRANSFER).decode()
    say("The ledger is running at", CAPTION)
    line(address)
    say("\nA new API key for it, with every scope:", CAPTION)
    line(shown.token)
    say("\nFor commands that name them, as README's do, and the log's verifier key beside them, paste this:", CAPTION)
    line(f"URL={address} KEY={shown.token} VKEY='{shown.verifier_key}'")
    say("\nTo send money, paste this. Paste it again, and it is answered again, but the money has moved once:", CAPTION)
    line(
        f"curl -sS -w '\\n' {address}/v1/transfers -H 'Authorization: Bearer {shown.token}' "
        f"-H 'Content-Type: application/json' -H 'Idempotency-Key: demo-{secrets.token_hex(8)}' -d '{body}'"
    )
    say(
        f"\nWhat that leaves behind: an entry. Here is number {shown.number}, of the same transfer, which the demo "
        f"made itself. (The memo's text is kept apart, so that it can be erased.)",
        CAPTION,
    )
    show_json(shown.body)
    say("\nand its posting, from one account to another, in minor units:", CAPTION)
    show_table([*shown.postings[0]], [[*posting.values()] for posting in shown.postings])
    say("\nThat it is in the log, and stays, can be proven without asking anybody. Get its receipt,", CAPTION)
    line(
        f"curl -sS {address}/v1/entries/{shown.number}/receipt -H 'Authorization: Bearer {shown.token}' "
        f"-o receipt-{shown.number}"
    )
    say("\nand verify it, offline and wherever, with the log's verifier key:", CAPTION)
    line(f"python3 {_verifier()} receipt-{shown.number} --key '{shown.verifier_key}'")
    say(f"\nThe API is described at {address}/docs.", CAPTION)
    say(
        "\nCtrl-C stops the demo; the next start finds everything as it was. To delete it all, once it is stopped:",
        CAPTION,
    )
    line(everything)


def _verifier() -> str:
    """scripts/verify.py, by its path where this runs from a repository."""
    script = PACKAGE.parent / "scripts" / "verify.py"
    return shlex.quote(os.path.relpath(script)) if script.is_file() else "verify.py"
