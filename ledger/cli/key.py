"""`chatledger key`: the API keys that open the HTTP interface."""

import asyncio
import hashlib
import os
import secrets
import string
from pathlib import Path

import msgspec
import rich_click as click

from ledger.books import keys
from ledger.books.setup import SERVICE, enter_ledger, find_ledger
from ledger.cli.database import TAKES_IDS, connected, data_option, database, ledger_option, submit
from ledger.cli.screen import show_table
from ledger.core.actors import Limit
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.commands import Command
from ledger.core.entries import base64url
from ledger.core.fields import SCOPES
from ledger.core.request_keys import RevokeRequestKey

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_BYTES = 32
KEY_CHARACTERS = 43
"""The least n with 62^n ≥ 256^32."""


@click.group()
def key() -> None:
    """Make, list and revoke API keys, which open the HTTP interface."""


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
@click.option("--until", metavar="TIME", help="When it ends, such as 2030-01-01T00:00:00Z. Never, where none is given.")
@click.option(
    "--limit",
    "limits",
    metavar="CUR:EACH:DAY",
    multiple=True,
    help="How much it may move in a currency by one request, and on one day, in minor units: EUR:50000:1000000. Either "
    "may be left out (EUR::1000000). Other currencies are closed then.",
)
@data_option
def create(
    ledger_name: str, name: str, scopes: tuple[str, ...], until: str | None, limits: tuple[str, ...], data: Path
) -> None:
    """Make an API key and print it, once: it is kept nowhere."""
    token = new_token()
    command = creation(token, name, scopes or SCOPES, until, [_limit(text) for text in limits] or None)
    with database(data, SERVICE) as url:
        asyncio.run(_enter(url, ledger_name, command))
    click.echo(f"An API key for the ledger {ledger_name}; keep it, since it is never shown again:", err=True)
    click.echo(token)


@key.command(name="list")
@ledger_option
@data_option
def list_(ledger_name: str, data: Path) -> None:
    """List the API keys, and the public keys that sign requests; their texts are known to nobody here."""
    with database(data, SERVICE) as url:
        rows = asyncio.run(_keys(url, ledger_name))
    show_table(("id", "name", "state", "until", "scopes"), rows)


@key.command(context_settings=TAKES_IDS)
@ledger_option
@click.argument("key_id", metavar="ID")
@data_option
def revoke(ledger_name: str, key_id: str, data: Path) -> None:
    """Revoke an API key, or a public key that signs requests, at once. `chatledger key list` shows their ids."""
    command: Command = RevokeApiKey(id=key_id) if key_id.startswith("key_") else RevokeRequestKey(key_id=key_id)
    with database(data, SERVICE) as url:
        asyncio.run(_enter(url, ledger_name, command))
    click.echo(f"{key_id} opens nothing any more.")


def new_token() -> str:
    """The text of a new API key: `clk_` and 32 random bytes in base62."""
    number = secrets.randbits(8 * KEY_BYTES)
    digits = [BASE62[number // 62**place % 62] for place in reversed(range(KEY_CHARACTERS))]
    return f"clk_{''.join(digits)}"


def creation(
    token: str, name: str, scopes: tuple[str, ...], until: str | None = None, limits: list[Limit] | None = None
) -> CreateApiKey:
    """The command that enters a key by its SHA-256."""
    digest = base64url(hashlib.sha256(token.encode()).digest())
    return CreateApiKey(name=name, digest=digest, scopes=list(dict.fromkeys(scopes)), valid_until=until, limits=limits)


def _limit(text: str) -> Limit:
    currency, *amounts = text.split(":")
    names = ("per_payment", "per_day_sum")
    try:
        given = {name: int(amount) for name, amount in zip(names, amounts, strict=False) if amount}
        if len(amounts) <= len(names):
            return msgspec.convert({"currency": currency} | given, Limit)
    except ValueError:  # msgspec's is one
        pass
    raise click.BadParameter(f"write {text!r} like EUR:50000:1000000, in whole minor units", param_hint="--limit")


async def _enter(url: str, ledger_name: str, command: Command) -> None:
    async with connected(url) as connection:
        ledger_id = await find_ledger(connection, ledger_name)
    fault = command.fault()
    if fault is not None:
        raise click.UsageError(f"{fault.pointer.removeprefix('/')}: {fault.detail}")
    await submit(url, ledger_id, ledger_name, "cli", [(command, os.urandom(16))])


async def _keys(url: str, ledger_name: str) -> list[tuple[str, ...]]:
    async with connected(url) as connection:
        ledger_id = await enter_ledger(connection, ledger_name)
        rows = [row for bearer in (True, False) for row in await keys.api_keys(connection, ledger_id, bearer)]
    return [
        (row["id"], row["name"], row["state"], str(row["valid_until"] or ""), " ".join(row["scopes"])) for row in rows
    ]
