"""`chatledger erase`: emptying the private part of entries, as people may ask for."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from ledger.books.database import Connection
from ledger.books.erasure import entries_of_party, erase_entries, erase_refusals, live_aliases, waiting_claims
from ledger.books.setup import act_as_owner, enter_ledger
from ledger.cli.database import connected, data_option, database, ledger_option
from ledger.cli.screen import progress
from ledger.core.rows import shown_time


@click.command()
@click.argument("entries", nargs=-1, type=click.IntRange(1), metavar="[ENTRY]...")
@click.option("--party", metavar="ID", help="All that is kept of a party: what names it, and what it paid or was paid.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@data_option
def erase(entries: tuple[int, ...], party: str | None, yes: bool, ledger_name: str, data: Path) -> None:
    """Empty the private part of entries: names, alias values, memos, metadata, reasons.

    Amounts, balances and the log stay as they are, and every proof still holds. What is in use stays too: live aliases,
    and what a transfer says that waits to be claimed. DATABASE_URL must be an administrator's.
    """
    if bool(entries) == (party is not None):
        raise click.UsageError("Give either the numbers of entries or a --party.")
    with database(data) as url:
        asyncio.run(_erase(url, ledger_name, entries, party, yes))


async def _erase(url: str, ledger_name: str, entries: Sequence[int], party: str | None, yes: bool) -> None:
    async with connected(url) as connection:
        ledger_id = await enter_ledger(connection, ledger_name)
        await act_as_owner(connection)
        what = "the private part of "
        if party is not None:
            await _remind_of_aliases(connection, ledger_id, party)
            with progress("Looking through the entries") as on_page:
                entries = await entries_of_party(connection, ledger_id, party, on_page)
            what += f"{party}'s refused requests and of "
        entries = await _without_what_waits(connection, ledger_id, entries)
        question = f"This empties {what}{_count(len(entries), 'entry')} for good. Go on?"
        if not yes and not click.confirm(question, err=True):
            raise click.ClickException("Nothing was erased.")
        # First the refusals: they are found by aliases, too, whose values go with the entries.
        refusals = await erase_refusals(connection, ledger_id, party) if party is not None else 0
        emptied = await erase_entries(connection, ledger_id, entries)
    click.echo(f"Emptied: {_count(emptied, 'entry')}, {_count(refusals, 'refused request')}.")
    click.echo("Backups made before still have what was there.")


async def _remind_of_aliases(connection: Connection, ledger_id: int, party: str) -> None:
    aliases = await live_aliases(connection, ledger_id, party)
    if aliases:
        channels = ", ".join(alias.channel for alias in aliases)
        click.echo(
            f"{party} still has {_count(len(aliases), 'alias')} ({channels}), and what is in use keeps its value: "
            f"first remove each with DELETE /v1/parties/{party}/aliases/<channel>/<value>, then erase.",
            err=True,
        )


async def _without_what_waits(connection: Connection, ledger_id: int, entries: Sequence[int]) -> list[int]:
    waiting = await waiting_claims(connection, ledger_id, entries)
    for number, until in waiting.items():
        click.echo(
            f"transfer_{number} waits to be claimed until {shown_time(until)}, and what is in use is kept: "
            "erase again once it was claimed or went back.",
            err=True,
        )
    return [number for number in entries if number not in waiting]


def _count(number: int, noun: str) -> str:
    plural = {"entry": "entries", "alias": "aliases"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else plural}"
