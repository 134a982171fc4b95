"""`chatledger up`: the service, for real use."""

import asyncio
import contextlib
import logging
import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

import rich_click as click

from ledger.books.database import Connection, check_fitness
from ledger.books.setup import SERVICE, all_ledgers, create_ledger, has_api_keys
from ledger.books.signing import Signing
from ledger.cli.database import DATABASE, connected, data_option, embedded, set_up, url_of_environment
from ledger.cli.embedded import EmbeddedPostgres
from ledger.cli.log_key import ensure_log_keys, signing_options
from ledger.cli.logs import log_to_stderr
from ledger.cli.serving import listen, serve, url_of
from ledger.http.rates import Rates

log = logging.getLogger(__name__)


@click.command()
@data_option
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 is any free one."
)
@click.option(
    "--public-url",
    metavar="URL",
    help="How others reach the service, if not at that address, such as https://pay.example.com.",
)
@click.option(
    "--rate-per-key", metavar="N", type=click.FloatRange(0, min_open=True), help="Requests a second of one key at most."
)
@click.option(
    "--rate-per-address",
    metavar="N",
    type=click.FloatRange(0, min_open=True),
    help="Requests a second of one address at most, counted before anything else is looked at.",
)
@signing_options
def up(
    data: Path,
    host: str,
    port: int,
    public_url: str | None,
    rate_per_key: float | None,
    rate_per_address: float | None,
    signing: Signing,
) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    It keeps its books in an embedded Postgres, which it makes at the first start and then runs itself. Where
    DATABASE_URL is set, they are in that database, which `chatledger init` has made ready.
    """
    if public_url is not None and (urlsplit(public_url).scheme not in ("http", "https") or "?" in public_url):
        raise click.BadParameter("write it like https://pay.example.com", param_hint="--public-url")
    log_to_stderr(logging.INFO)
    with contextlib.ExitStack() as stack:
        # First, since a port in use is found at once, and a database may have to be made.
        listener = stack.enter_context(listen(host, port))
        address = url_of(listener)
        base = public_url.rstrip("/") if public_url is not None else address
        rates = Rates(rate_per_key, rate_per_address)
        make_key = f"{_as_called()} key create"
        given = url_of_environment()
        if given is not None:
            hint = asyncio.run(_look(given, make_key))
            lines = asyncio.run(ensure_log_keys(given, signing))
            serve(lambda: given, listener, base, lambda: _say_ready(address, hint, lines), signing=signing, rates=rates)
        else:
            server = stack.enter_context(embedded(data))
            log.info("Postgres runs in %s", server.folder)
            hint = asyncio.run(_prepare(server, f"{make_key} --data {shlex.quote(str(server.folder))}"))
            lines = asyncio.run(ensure_log_keys(server.url(SERVICE, DATABASE), signing))
            serve(
                lambda: server.url(SERVICE, DATABASE),
                listener,
                base,
                lambda: _say_ready(address, hint, lines),
                server.ensure_running,
                signing,
                rates,
            )
    log.info("stopped")


async def _look(url: str, make_key: str) -> str | None:
    """See whether a given database is fit to be served; how to make a first key where there is none."""
    async with connected(url) as connection:
        await check_fitness(connection)
        if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            log.warning("DATABASE_URL is a superuser's, who could change the books: use the role %s", SERVICE)
        return await _hint(connection, make_key)


async def _prepare(server: EmbeddedPostgres, make_key: str) -> str | None:
    """Make the embedded database at its first start, with the ledger `main`; how to make a first key."""
    await set_up(server)
    async with connected(server.url(database=DATABASE)) as connection:
        if not await all_ledgers(connection):
            await create_ledger(connection, "main")
        return await _hint(connection, make_key)


async def _hint(connection: Connection, make_key: str) -> str | None:
    ledgers = await all_ledgers(connection)
    if not ledgers:
        raise click.ClickException("The database has no ledger yet: run `chatledger init`.")
    return None if await has_api_keys(connection) else f"{make_key} --ledger {next(iter(ledgers))}"


def _as_called() -> str:
    """How to call this program again, in whatever environment it is installed."""
    return (
        f"{shlex.quote(sys.executable)} -m ledger" if sys.argv[0].endswith("__main__.py") else shlex.quote(sys.argv[0])
    )


def _say_ready(address: str, hint: str | None, verifier_keys: dict[str, str]) -> None:
    log.info("serving at %s", address)
    for ledger, line in verifier_keys.items():
        log.info("receipts of %s are verified with %s", ledger, line)
    print(address, flush=True)
    if hint is not None:
        print(f"Nobody has an API key yet. To make one, in another terminal:\n{hint}", flush=True)
