"""What is measured, and in which order: whatever is compared stands next to each other, round after round.

A machine does not stay as fast as it was. So the empty ledger and the grown ones are all made first, each with its
service and with the textbook's, and every figure is taken of one after the other.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ledger.bench import agreements, disk, figures, limit, lists, load, machine
from ledger.bench.figures import HOT, OURS, RANDOM, READS, TEXTBOOK, Cell, Figure, Measured, Size
from ledger.bench.load import Requests
from ledger.bench.prepare import CURRENCY, FUNDS, TOKEN, Prepared, connect_textbook, prepare
from ledger.bench.prepare import HOT as SHOP
from ledger.bench.profile import profiler, record
from ledger.bench.server import OUR_SERVICE, Server
from ledger.bench.stage import (
    BATCH_CONNECTIONS,
    GROW_ITEMS,
    WARM_SECONDS,
    Stage,
    one_number,
    over_http,
    set_up,
    settled_head,
    without_http,
)
from ledger.books.checks import run_checks
from ledger.books.database import connect_checks
from ledger.cli.embedded import EmbeddedPostgres
from ledger.core.text import format_timestamp

LARGE_PARTIES, LARGE_TRANSFERS = 1_000_000, 10_000_000
READ_SECONDS = 1.0
PROFILE_SECONDS = 10.0

COSTS_OF_THE_LOG = (figures.single(OURS, RANDOM, 128), figures.batch(100))
"""What is measured without the log as well."""

Say = Callable[[str], None]


class Plan(NamedTuple):
    """How long and how often. `grow` transfers are in the second ledger before it is measured; 0: there is none.

    `invoices`: how many there are where lists are read.
    """

    seconds: float = 1.0
    rounds: int = 3
    parties: int = 10_000
    grow: int = 1_000_000
    large: bool = False
    connections: tuple[int, ...] = (1, 32, 128)
    copied: int = 50_000
    invoices: tuple[int, ...] = (1_000, 1_000_000)

    def sizes(self) -> Iterator[tuple[str, int, int]]:
        """The ledgers: a name for their databases, their parties, their transfers before the measuring."""
        yield "empty", self.parties, 0
        if self.grow:
            yield "grown", self.parties, self.grow
        if self.large:
            yield "large", LARGE_PARTIES, LARGE_TRANSFERS


def measure(postgres: EmbeddedPostgres, plan: Plan, say: Say) -> Measured:
    """The whole run."""
    problems: list[str] = []
    load_before = os.getloadavg()[0]
    beside: dict[Cell, list[Figure]] = {}
    books: list[tuple[str, Prepared]] = []
    for cell, figure in _lists(postgres, plan, problems, say):
        beside.setdefault(cell, []).append(figure)
    with ExitStack() as stack:
        say("opening holds and invoices")
        made = agreements.set_up(stack, postgres, plan.parties)
        books.append(("agreements", made.prepared))
        for number in range(plan.rounds):
            say(f"settling and capturing over HTTP, round {number + 1} of {plan.rounds}")
            for cell, figure in made.measured(plan.seconds, problems):
                beside.setdefault(cell, []).append(figure)
    with ExitStack() as stack:
        stages: list[Stage] = []
        for name, parties, transfers in plan.sizes():
            say(f"making a ledger with {parties:,} parties and {transfers:,} transfers, and the textbook's like it")
            stages.append(set_up(stack, postgres, name, parties, transfers))
        found: list[dict[Cell, list[Figure]]] = [beside, *({} for _ in stages[1:])]
        first = [settled_head(stage.prepared) for stage in stages]
        for index, cell, figure in _figures(stages, plan, problems, say):
            found[index].setdefault(cell, []).append(figure)
        memory = max(stage.ours.memory_peak() for stage in stages)
    last = [settled_head(stage.prepared) for stage in stages]
    sizes = [
        Size(
            stage.title,
            stage.prepared.parties,
            begin,
            end,
            {cell: figures.middle(rounds) for cell, rounds in each.items()},
        )
        for stage, begin, end, each in zip(stages, first, last, found, strict=True)
    ]
    say("checking the books that the load has made")
    books += [(stage.title, stage.prepared) for stage in stages]
    problems += asyncio.run(_findings(books))
    described = asyncio.run(machine.described(postgres.url(), load_before))
    return Measured(described, sizes, *asyncio.run(_left_behind(stages[-1])), memory, problems)


async def _left_behind(largest: Stage) -> tuple[dict[str, float], float | None]:
    """The bytes of each transfer on disk, and in the log, by growing the ledger; if it was not, by measuring it."""
    before, after = largest.before, largest.after
    if after.head > before.head:
        return disk.bytes_per_entry(before, after), disk.wal_per_entry(before, after)
    after = await disk.measure(largest.prepared.admin_url, largest.prepared.ledger_id)
    return disk.bytes_per_entry(before, after), None


def profile(postgres: EmbeddedPostgres, plan: Plan, path: Path, say: Say) -> None:
    """Record the service at 128 connections and in batches of 100, each into a file of its own; see `record`.

    Raises NoProfiler.
    """
    profiler()
    prepared = asyncio.run(prepare(postgres, "profiled", plan.parties))
    with Server(OUR_SERVICE, prepared.service_url) as ours:
        for name, requests, connections in (
            ("", Requests("transfer", plan.parties), 128),
            ("-batches", Requests("batch", plan.parties, items=100), BATCH_CONNECTIONS[100]),
        ):
            target = path.with_stem(path.stem + name)
            load.run(ours.base, TOKEN, Requests("batch", plan.parties, items=GROW_ITEMS), 8, 2 * WARM_SECONDS)
            record(ours, requests, connections, PROFILE_SECONDS, target)
            say(f"wrote {target}")


def _lists(postgres: EmbeddedPostgres, plan: Plan, problems: list[str], say: Say) -> Iterator[tuple[Cell, Figure]]:
    """Every page of every list, of one ledger after the other, round after round."""
    with ExitStack() as stack:
        listed: list[lists.Listed] = []
        for invoices in plan.invoices:
            say(f"making {invoices:,} invoices, and reading lists of them")
            listed.append(lists.set_up(stack, postgres, invoices))
        for _ in range(plan.rounds):
            for each in listed:
                yield from each.measured(READ_SECONDS, problems)


def _figures(stages: list[Stage], plan: Plan, problems: list[str], say: Say) -> Iterator[tuple[int, Cell, Figure]]:
    """Every figure of every round, and of which ledger it is: reads, then writes over HTTP, then without HTTP."""
    say("reading")
    for index, stage in enumerate(stages):
        head = settled_head(stage.prepared)
        for label, path in _reads(stage.prepared, head):
            requests = Requests("get", stage.prepared.parties, path=path, entries=head)
            yield index, Cell(READS, label), over_http(stage, stage.ours, requests, 1, READ_SECONDS, problems)
    for number in range(plan.rounds):
        say(f"writing over HTTP, round {number + 1} of {plan.rounds}")
        for cell, requests, connections in _writes(plan):
            for index, stage in enumerate(stages):
                server = stage.textbook if cell.group == TEXTBOOK else stage.ours
                sent = requests._replace(parties=stage.prepared.parties)
                yield index, cell, over_http(stage, server, sent, connections, plan.seconds, problems)
                if stage.unlogged is not None and cell in COSTS_OF_THE_LOG:
                    figure = over_http(stage, stage.unlogged, sent, connections, plan.seconds, problems)
                    yield index, figures.unlogged(cell), figure
    say("filling tables for COPY")
    for stage in stages:
        asyncio.run(limit.make_equal_tables(stage.prepared.admin_url))
    for number in range(plan.rounds):
        say(f"writing without HTTP, round {number + 1} of {plan.rounds}")
        for index, stage in enumerate(stages):
            for cell, figure in without_http(stage.prepared, plan.seconds, plan.copied):
                yield index, cell, figure


def _reads(prepared: Prepared, head: int) -> list[tuple[str, str]]:
    """A balance now, of any account; the others of the account with the longest history, and from its middle."""
    middle = one_number(
        prepared.admin_url,
        "SELECT micros(posted_at) FROM entries WHERE ledger_id = $1 AND number = $2",
        prepared.ledger_id,
        (prepared.first + head) // 2,
    )
    hot = f"/v1/accounts/{SHOP}/available/{CURRENCY}"
    return [
        ("a balance now", f"/v1/accounts/{{party}}/available/{CURRENCY}"),
        ("a balance as of an entry", f"{hot}?as_of_entry={{entry}}"),
        ("a statement's page of 50", f"{hot}/statement?limit=50&since={format_timestamp(middle)}"),
    ]


def _writes(plan: Plan) -> Iterator[tuple[Cell, Requests, int]]:
    for connections in plan.connections:
        for accounts, payee in ((RANDOM, "-"), (HOT, SHOP)):
            for group in (OURS, TEXTBOOK):
                yield figures.single(group, accounts, connections), Requests("transfer", 0, payee), connections
    for items, connections in BATCH_CONNECTIONS.items():
        yield figures.batch(items), Requests("batch", 0, items=items), connections


async def _findings(books: list[tuple[str, Prepared]]) -> list[str]:
    """What the checks find in the ledgers, and whether the textbook's money is all there."""
    found: list[str] = []
    for title, prepared in books:
        connection = await connect_checks(prepared.admin_url)
        findings = await run_checks(connection, prepared.ledger_id)
        await connection.close()
        found += [f"{title}: {each.check}: {each.where}: {each.what}" for each in findings]
        connection = await connect_textbook(prepared.textbook_url)
        made = await connection.fetchval("SELECT sum(balance) - $1 * (count(*) - 1) FROM accounts", FUNDS)
        halves = await connection.fetchval("SELECT sum(amount) FROM postings")
        await connection.close()
        if made or halves:
            found.append(f"the textbook service lost or made money: {made} in balances, {halves} in postings")
    return found
