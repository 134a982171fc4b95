"""`chatledger log-key`: the keys that sign the log's checkpoints; and how a ledger gets its first one."""

import asyncio
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import rich_click as click

from ledger.books.database import Connection, turn
from ledger.books.guard import HEAD
from ledger.books.keys import public_keys
from ledger.books.setup import SERVICE, all_ledgers, enter_ledger, find_ledger
from ledger.books.signing import KeyFileError, Signing, load_keys, make_key
from ledger.cli.database import TAKES_IDS, connected, data_option, database, ledger_option, submit
from ledger.cli.screen import show_table
from ledger.core.commands import Command
from ledger.core.errors import Conflict, Invalid
from ledger.core.keys import Signer, possession_message, to_base64
from ledger.core.notes import VerifierKey
from ledger.core.public_keys import LEDGER, RegisterLogKey, RevokeLogKey, Signed


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the log's keys and the witness are; the command gets them as `signing`."""

    @wraps(command)
    def with_signing(*args: Any, keys: Path | None, witness: Path | None, data: Path, **options: Any) -> Any:
        signing = Signing(keys or data / "keys", witness or data / "witness")
        return command(*args, signing=signing, data=data, **options)

    folder = click.Path(file_okay=False, path_type=Path)
    described = "The folder of the log's private keys; of the data folder, if not given."
    with_keys = click.option("--keys", type=folder, metavar="FOLDER", help=described)(with_signing)
    described = "The folder of the witness, which all services share; of the data folder, if not given."
    return click.option("--witness", type=folder, metavar="FOLDER", help=described)(with_keys)


@click.group(name="log-key")
def log_key() -> None:
    """Show, rotate and revoke the keys that sign the log."""


@log_key.command(name="list")
@ledger_option
@signing_options
@data_option
def list_(ledger_name: str, data: Path, signing: Signing) -> None:
    """List the log's keys, and the verifier key line of each: with it anybody can verify receipts."""
    with database(data, SERVICE) as url:
        rows = asyncio.run(_listed(url, ledger_name, signing))
    show_table(("state", "here", "verifier key"), rows)


@log_key.command()
@ledger_option
@signing_options
@data_option
def rotate(ledger_name: str, data: Path, signing: Signing) -> None:
    """Make a further key, endorsed by the one at hand; checkpoints carry both signatures until the old one is revoked.

    Services that have the same folder of keys find it there. Put its file into the others', before the old key is
    revoked.
    """
    with database(data, SERVICE) as url:
        line = asyncio.run(_rotate(url, ledger_name, signing))
    click.echo("The log has a further key. Publish its verifier key line:", err=True)
    click.echo(line)


@log_key.command(context_settings=TAKES_IDS)
@ledger_option
@click.argument("key_id", metavar="ID")
@signing_options
@data_option
def revoke(ledger_name: str, key_id: str, data: Path, signing: Signing) -> None:
    """Revoke a log key; what it signed can be verified for ever. `chatledger log-key list` shows them."""
    with database(data, SERVICE) as url:
        asyncio.run(_revoke(url, ledger_name, key_id, signing))
    click.echo(f"{key_id} signs nothing any more.")


async def ensure_log_keys(url: str, signing: Signing) -> dict[str, str]:
    """Give every ledger that has no log key its first one; the verifier key line of each ledger, by its name.

    Raises KeyFileError if a ledger has a key, and none of it is here.
    """
    async with connected(url) as connection:
        ledgers = await all_ledgers(connection)
    return {name: await ensure_log_key(url, ledger_id, name, signing) for name, ledger_id in ledgers.items()}


async def ensure_log_key(url: str, ledger_id: int, name: str, signing: Signing) -> str:
    """The same for one ledger."""
    async with connected(url) as connection:
        await turn(connection, ledger_id)
        return await _ensure(connection, url, ledger_id, name, signing)


async def _ensure(connection: Connection, url: str, ledger_id: int, name: str, signing: Signing) -> str:
    folder = signing.keys / name
    live = await _live(connection, ledger_id)
    if not live:
        signer = await _unregistered(connection, ledger_id, folder) or make_key(folder)
        try:
            await _register(url, ledger_id, name, signer, None, signing)
        except (Invalid, Conflict):
            live = await _live(connection, ledger_id)
            if not live:
                raise
            # Another process was first. Whatever else fails leaves the file: the key may be registered all the same.
        live = live or await _live(connection, ledger_id)
    held = load_keys(folder)
    here = [held[key_id] for key_id in live if key_id in held]
    if not here:
        raise KeyFileError(
            f"The log of {name} is signed with the key {live[-1]}, which is not in {folder}: put its file there (it is "
            "called by the key's id), or name the right folder with --keys."
        )
    return VerifierKey(await _origin(connection, ledger_id), here[-1].public_key).line


async def _unregistered(connection: Connection, ledger_id: int, folder: Path) -> Signer | None:
    """A key that lies here and was never registered, as far as the database knows: it may be an older copy."""
    known = {row["id"] for row in await public_keys(connection, ledger_id, "log", LEDGER)}
    return next((signer for key_id, signer in load_keys(folder).items() if key_id not in known), None)


async def _live(connection: Connection, ledger_id: int) -> list[str]:
    rows = await public_keys(connection, ledger_id, "log", LEDGER)
    return [row["id"] for row in rows if row["state"] == "live"]


async def _origin(connection: Connection, ledger_id: int) -> str:
    row = await connection.fetchrow(HEAD, ledger_id)
    return str(row["origin"]) if row is not None else ""


async def _register(
    url: str, ledger_id: int, name: str, signer: Signer, endorsed_by: Signer | None, signing: Signing
) -> None:
    message = possession_message(name, "log", LEDGER, signer.public_key)
    endorsement = None
    if endorsed_by is not None:
        endorsement = Signed(endorsed_by.key_id, to_base64(await endorsed_by.sign(message)))
    proof = to_base64(await signer.sign(message))
    command = RegisterLogKey(public_key=to_base64(signer.public_key), proof=proof, endorsement=endorsement)
    await submit(url, ledger_id, name, "cli", [(command, os.urandom(16))], signing)


async def _rotate(url: str, ledger_name: str, signing: Signing) -> str:
    async with connected(url) as connection:
        ledger_id = await enter_ledger(connection, ledger_name)
        held = load_keys(signing.keys / ledger_name)
        old = next((held[key_id] for key_id in await _live(connection, ledger_id) if key_id in held), None)
        if old is None:
            raise click.ClickException(f"None of the log's keys is in {signing.keys / ledger_name}.")
        new = make_key(signing.keys / ledger_name)
        await _register(url, ledger_id, ledger_name, new, old, signing)
        return VerifierKey(await _origin(connection, ledger_id), new.public_key).line


async def _revoke(url: str, ledger_name: str, key_id: str, signing: Signing) -> None:
    async with connected(url) as connection:
        ledger_id = await find_ledger(connection, ledger_name)
    command: Command = RevokeLogKey(key_id=key_id)
    await submit(url, ledger_id, ledger_name, "cli", [(command, os.urandom(16))], signing)


async def _listed(url: str, ledger_name: str, signing: Signing) -> list[tuple[str, str, str]]:
    async with connected(url) as connection:
        ledger_id = await enter_ledger(connection, ledger_name)
        origin = await _origin(connection, ledger_id)
        rows = await public_keys(connection, ledger_id, "log", LEDGER)
    held = load_keys(signing.keys / ledger_name)
    return [
        (row["state"], "yes" if row["id"] in held else "no", VerifierKey(origin, row["public_key"]).line)
        for row in rows
    ]
