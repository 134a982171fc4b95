"""`chatledger check`: what must always be true of the books, looked at by name."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import rich_click as click

from ledger.books.checking import FINDINGS_MAX, Check, Finding
from ledger.books.checks import UnknownCheck, checks_named, run_checks
from ledger.books.database import check_fitness, connect_checks
from ledger.books.setup import AUDITOR, find_ledger
from ledger.cli.database import connected, data_option, database, ledger_option
from ledger.cli.screen import progress, say, show_table


class FoundBy(msgspec.Struct):
    """A check and its exceptions, as --json prints them."""

    name: str
    sentence: str
    findings: list[dict[str, str]]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@ledger_option
@data_option
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.option("--list", "wants_list", is_flag=True, help="Only print the checks' names and sentences.")
def check(names: tuple[str, ...], ledger_name: str, data: Path, wants_json: bool, wants_list: bool) -> None:
    """Check what must always be true of the books: all of it, or what is named.

    It reads only, in short queries, so it may run beside the service. Status 0: nothing was found; 1: something was;
    2: asked wrongly.
    """
    try:
        checks = checks_named(names or None)
    except UnknownCheck as error:
        raise click.UsageError(str(error)) from error
    if wants_list:
        show_table(("name", "what must be true"), [(each.name, each.sentence) for each in checks])
        return
    with database(data, AUDITOR) as url, progress("Checking the books") as on_progress:
        findings = asyncio.run(_findings(url, ledger_name, checks, on_progress))
    (_print_json if wants_json else _print)(checks, findings)
    if findings:
        sys.exit(1)


async def _findings(
    url: str, ledger_name: str, checks: Sequence[Check], on_progress: Callable[[int, int], None]
) -> list[Finding]:
    async with connected(url, connect_checks) as connection:
        await check_fitness(connection)
        ledger_id = await find_ledger(connection, ledger_name)
        return await run_checks(connection, ledger_id, [each.name for each in checks], on_progress)


def _print(checks: Sequence[Check], findings: Sequence[Finding]) -> None:
    for each in checks:
        found = [finding for finding in findings if finding.check == each.name]
        say(f"{'FAIL' if found else 'ok  '}  {each.name}: {each.sentence}", "bold red" if found else "")
        for finding in found:
            say(f"      {finding.where} {finding.what}")
        if len(found) == FINDINGS_MAX:
            say(f"      These are the first {FINDINGS_MAX}; there may be more.")
    failed = len({finding.check for finding in findings})
    say(f"{failed} of {len(checks)} checks failed." if failed else f"All {len(checks)} checks hold.", "bold")


def _print_json(checks: Sequence[Check], findings: Sequence[Finding]) -> None:
    found = [
        FoundBy(
            each.name,
            each.sentence,
            [{"where": finding.where, "what": finding.what} for finding in findings if finding.check == each.name],
        )
        for each in checks
    ]
    click.echo(msgspec.json.format(msgspec.json.encode({"checks": found}), indent=2))
