"""`chatledger bench`: how fast it is, beside a textbook service and beside COPY."""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

import rich_click as click

from ledger.bench.measure import Plan, measure, profile
from ledger.bench.profile import NoProfiler
from ledger.bench.report import as_json, show
from ledger.cli.database import connected, embedded
from ledger.cli.embedded import EmbeddedPostgres

CONNECTIONS_MAX = 150
STARTED = time.monotonic()


@click.command()
@click.option("--quick", is_flag=True, help="One round, twice as long, of an empty ledger only, and no lists.")
@click.option("--seconds", type=click.IntRange(1), default=1, show_default=True, help="How long each figure takes.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Figures are medians of so many.")
@click.option(
    "--grow",
    type=click.IntRange(0),
    default=1_000_000,
    show_default=True,
    help="Measure a ledger with so many transfers too. 0: do not.",
)
@click.option("--large", is_flag=True, help="And one with 1 million accounts and 10 million transfers: an hour.")
@click.option("--wide", is_flag=True, help="With 512 connections too.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.option(
    "--profile",
    "profile_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Do not measure, but record with py-spy where the service's time goes: .svg, .json (speedscope) or text.",
)
def bench(
    quick: bool,
    seconds: int,
    rounds: int,
    grow: int,
    large: bool,
    wide: bool,
    wants_json: bool,
    profile_path: Path | None,
) -> None:
    """Measure the service on a database of its own, which is deleted afterwards.

    Status 1 if an answer was an error or is not in the books, or if the checks find something: a fast wrong answer is
    no answer. A target that is missed only shows.
    """
    plan = Plan(seconds, rounds, grow=grow, large=large)
    if quick:
        plan = plan._replace(seconds=2 * seconds, rounds=1, grow=0, invoices=())
    if wide:
        plan = plan._replace(connections=(*plan.connections, 512))
    folder = Path(tempfile.mkdtemp(prefix="chatledger-bench-"))
    everything = [folder]
    try:
        with embedded(folder) as postgres:
            everything += postgres.everything()
            _allow_connections(postgres)
            if profile_path is not None:
                profile(postgres, plan, profile_path, _say)
                return
            measured = measure(postgres, plan, _say)
    except NoProfiler as missing:
        raise click.ClickException(str(missing)) from missing
    finally:
        for path in everything:
            shutil.rmtree(path, ignore_errors=True)
    if wants_json:
        print(as_json(measured))
    else:
        show(measured)
    if measured.problems:
        sys.exit(1)


def _allow_connections(postgres: EmbeddedPostgres) -> None:
    """Two services for each size of ledger want more connections than the one that Postgres is set up for."""

    async def set_limit() -> None:
        async with connected(postgres.url()) as connection:
            await connection.execute(f"ALTER SYSTEM SET max_connections = {CONNECTIONS_MAX}")

    asyncio.run(set_limit())
    postgres.stop()
    postgres.start()


def _say(step: str) -> None:
    print(f"{time.monotonic() - STARTED:4.0f} s  {step}", file=sys.stderr, flush=True)
