"""`chatledger key`: the API keys that open the HTTP interface."""

import asyncio
import hashlib
import os
import secrets
import string
from pathlib import Path

import rich_click as click

from ledger.books.setup import SERVICE, find_ledger
from ledger.cli.database import connected, data_option, database, ledger_option, submit
from ledger.core.api_keys import SCOPES, CreateApiKey
from ledger.core.entries import base64url

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_BYTES = 32
KEY_CHARACTERS = 43
"""The least n with 62^n ≥ 256^32."""


@click.group()
def key() -> None:
    """Make API keys, which open the HTTP interface."""


@key.command()
@ledger_option
@click.option("--name", metavar="NAME", default="made by chatledger key create", help="Whose key it is, for people.")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    multiple=True,
    type=click.Choice(SCOPES),
    help=f"What it may do, once for each of: {', '.join(SCOPES)}. Everything, where none is given.",
)
@data_option
def create(ledger_name: str, name: str, scopes: tuple[str, ...], data: Path) -> None:
    """Make an API key and print it, once: it is kept nowhere."""
    token = new_token()
    with database(data, SERVICE) as url:
        asyncio.run(_enter(url, ledger_name, creation(token, name, scopes or SCOPES)))
    click.echo(f"An API key for the ledger {ledger_name}; keep it, since it is never shown again:", err=True)
    click.echo(token)


def new_token() -> str:
    """The text of a new API key: `clk_` and 32 random bytes in base62."""
    number = secrets.randbits(8 * KEY_BYTES)
    digits = [BASE62[number // 62**place % 62] for place in reversed(range(KEY_CHARACTERS))]
    return f"clk_{''.join(digits)}"


def creation(token: str, name: str, scopes: tuple[str, ...]) -> CreateApiKey:
    """The command that enters a key by its SHA-256."""
    digest = base64url(hashlib.sha256(token.encode()).digest())
    return CreateApiKey(name=name, digest=digest, scopes=list(dict.fromkeys(scopes)))


async def _enter(url: str, ledger_name: str, command: CreateApiKey) -> None:
    async with connected(url) as connection:
        ledger_id = await find_ledger(connection, ledger_name)
    fault = command.fault()
    if fault is not None:
        raise click.UsageError(f"{fault.pointer.removeprefix('/')}: {fault.detail}")
    await submit(url, ledger_id, ledger_name, "cli", [(command, os.urandom(16))])
