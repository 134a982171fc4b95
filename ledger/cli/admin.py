"""`chatledger init` and `chatledger upgrade`: an administrator's work on the schema and the ledgers."""

import asyncio
from pathlib import Path

import rich_click as click

from ledger.books import setup
from ledger.books.database import SCHEMA_VERSION
from ledger.books.setup import MadeLedger, create_ledger, create_schema
from ledger.books.signing import Signing
from ledger.cli.database import connected, data_option, database, ledger_option, url_of_environment
from ledger.cli.log_key import ensure_log_key, signing_options


@click.command()
@ledger_option
@click.option(
    "--name",
    metavar="HOST",
    show_default=f"that of the other ledgers, else {setup.NAME}",
    help="What the name of its log begins with, for ever: HOST/log/LEDGER.",
)
@signing_options
@data_option
def init(ledger_name: str, name: str | None, data: Path, signing: Signing) -> None:
    """Make the schema and a ledger; again with another --ledger for a further one.

    DATABASE_URL must be an administrator's: a superuser's, or of one who may create roles, or, where the three roles
    exist already, may SET ROLE to chatledger_owner. The log's key is then made by the first `chatledger up`, for it
    belongs where that runs.
    """
    line = None
    with database(data, make=True) as url:
        made = asyncio.run(_init(url, ledger_name, name))
        if url_of_environment() is None:
            line = asyncio.run(ensure_log_key(url, made.ledger_id, made.name, signing))
    if made.is_new:
        click.echo(f"The ledger {made.name} is made; its log is called {made.origin}.")
    else:
        click.echo(f"The ledger {made.name} was there already; its log is called {made.origin}. Nothing was changed.")
    if line is not None:
        click.echo(f"Its verifier key: {line}")


@click.command()
@data_option
def upgrade(data: Path) -> None:
    """Bring the schema of an older chat-ledger forward. Stop the service first."""
    with database(data) as url:
        done = asyncio.run(_upgrade(url))
    for file in done:
        click.echo(f"Done: {file}")
    if done:
        click.echo(f"The schema now has version {SCHEMA_VERSION}.")
    else:
        click.echo(f"The schema has version {SCHEMA_VERSION}, which this chat-ledger needs: there is nothing to do.")


async def _init(url: str, ledger_name: str, name: str | None) -> MadeLedger:
    async with connected(url) as connection:
        if await create_schema(connection):
            click.echo(f"The schema is made. Let the service in: ALTER ROLE {setup.SERVICE} LOGIN PASSWORD '…';")
        return await create_ledger(connection, ledger_name, name)


async def _upgrade(url: str) -> list[str]:
    async with connected(url) as connection:
        return await setup.upgrade(connection, SCHEMA_VERSION)
