"""What is measured, and in which order: pairs that are compared stand next to each other, round after round."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ledger.bench import disk, figures, limit, load, machine
from ledger.bench.figures import HOT, OURS, RANDOM, READS, TEXTBOOK, Cell, Figure, Measured, Phase
from ledger.bench.load import Requests
from ledger.bench.prepare import CURRENCY, FUNDS, TOKEN, Cluster, Prepared, add_parties, connect_textbook, prepare
from ledger.bench.prepare import HOT as SHOP
from ledger.bench.profile import record
from ledger.bench.server import OUR_SERVICE, TEXTBOOK_SERVICE, Server
from ledger.bench.stage import (
    BATCH_CONNECTIONS,
    GROW_ITEMS,
    Say,
    Stage,
    disk_of,
    grow,
    head_of,
    one_number,
    over_http,
    settled_head,
    without_http,
)
from ledger.books.checks import run_checks
from ledger.books.database import connect_checks
from ledger.core.text import format_timestamp

LARGE_PARTIES, LARGE_TRANSFERS = 1_000_000, 10_000_000
WARM_SECONDS = 2.0
READ_SECONDS = 1.0
PROFILE_SECONDS = 10.0


class Plan(NamedTuple):
    """How long and how often. `grow` transfers are added before everything is measured again; 0: it is not."""

    seconds: float = 1.0
    rounds: int = 3
    parties: int = 10_000
    grow: int = 1_000_000
    large: bool = False
    connections: tuple[int, ...] = (1, 32, 128)
    copied: int = 50_000


def measure(cluster: Cluster, plan: Plan, say: Say) -> Measured:
    """The whole run; both services run throughout, each in its own process."""
    say(f"preparing two databases with {plan.parties:,} parties each")
    prepared = asyncio.run(prepare(cluster, plan.parties))
    problems: list[str] = []
    with (
        Server(OUR_SERVICE, prepared.service_url) as ours,
        Server(TEXTBOOK_SERVICE, prepared.textbook_url) as textbook,
    ):
        stage = Stage(prepared, ours, textbook, plan.parties, head_of(prepared), problems, say)
        before = disk_of(stage)
        phases = [_phase(stage, plan, "empty")]
        after = disk_of(stage)
        wal: float | None = None
        if plan.grow:
            before, after = grow(stage, plan.grow)
            wal = (after.wal - before.wal) / (after.head - before.head)
            phases.append(_phase(stage, plan, f"after {plan.grow:,}"))
        if plan.large:
            say(f"registering parties until there are {LARGE_PARTIES:,}")
            asyncio.run(add_parties(prepared, plan.parties + 1, LARGE_PARTIES))
            stage = stage._replace(parties=LARGE_PARTIES, first=head_of(prepared))
            before, after = grow(stage, LARGE_TRANSFERS)
            wal = (after.wal - before.wal) / (after.head - before.head)
            phases.append(_phase(stage, plan, f"after {LARGE_TRANSFERS:,}"))
        memory = ours.memory_peak()
    say("checking the books that the load has made")
    problems += asyncio.run(_findings(prepared))
    described = asyncio.run(machine.described(prepared.admin_url))
    return Measured(described, phases, disk.bytes_per_entry(before, after), wal, memory, problems)


def profile(cluster: Cluster, plan: Plan, path: Path, say: Say) -> None:
    """Record the service at 128 connections and in batches of 100, each into a file of its own; see `record`."""
    prepared = asyncio.run(prepare(cluster, plan.parties))
    with Server(OUR_SERVICE, prepared.service_url) as ours:
        for name, requests, connections in (
            ("", Requests("transfer", plan.parties), 128),
            ("-batches", Requests("batch", plan.parties, items=100), BATCH_CONNECTIONS[100]),
        ):
            target = path.with_stem(path.stem + name)
            load.run(ours.base, TOKEN, Requests("batch", plan.parties, items=GROW_ITEMS), 8, WARM_SECONDS)
            record(ours, requests, connections, PROFILE_SECONDS, target)
            say(f"wrote {target}")


def _phase(stage: Stage, plan: Plan, title: str) -> Phase:
    """Everything, once the services are warm: reads, then writes over HTTP, then what goes without HTTP."""
    found: dict[Cell, list[Figure]] = {}
    first_entry = head_of(stage.prepared)
    stage.say(f"{title}: warming up, reading")
    for server, requests in _warming(stage):
        load.run(server.base, TOKEN, requests, 8, WARM_SECONDS)
    head = settled_head(stage.prepared)
    for label, path in _reads(stage.prepared, head):
        requests = Requests("get", stage.parties, path=path, entries=head)
        found[Cell(READS, label)] = [over_http(stage, stage.ours, requests, 1, READ_SECONDS)]
    for number in range(plan.rounds):
        stage.say(f"{title}: over HTTP, round {number + 1} of {plan.rounds}")
        for cell, server, requests, connections in _writes(stage, plan):
            figure = over_http(stage, server, requests, connections, plan.seconds)
            found.setdefault(cell, []).append(figure)
    stage.say(f"{title}: filling tables for COPY")
    asyncio.run(limit.make_equal_tables(stage.prepared.admin_url))
    for number in range(plan.rounds):
        stage.say(f"{title}: without HTTP, round {number + 1} of {plan.rounds}")
        for cell, figure in without_http(stage, plan.seconds, plan.copied):
            found.setdefault(cell, []).append(figure)
    medians = {cell: figures.middle(rounds) for cell, rounds in found.items()}
    return Phase(title, first_entry, head_of(stage.prepared), medians)


def _warming(stage: Stage) -> Iterator[tuple[Server, Requests]]:
    """Enough that our service has seen every party, and that the shop has a statement of some pages."""
    for payee in ("-", SHOP):
        yield stage.ours, Requests("batch", stage.parties, payee, GROW_ITEMS)
        yield stage.textbook, Requests("transfer", stage.parties, payee)


def _reads(prepared: Prepared, head: int) -> list[tuple[str, str]]:
    """A balance now, of any account; the others of the account with the longest history, and from its middle."""
    middle = one_number(
        prepared.admin_url,
        "SELECT micros(posted_at) FROM entries WHERE ledger_id = $1 AND number = $2",
        prepared.ledger_id,
        head // 2,
    )
    hot = f"/v1/accounts/{SHOP}/available/{CURRENCY}"
    return [
        ("a balance now", f"/v1/accounts/{{party}}/available/{CURRENCY}"),
        ("a balance as of an entry", f"{hot}?as_of_entry={{entry}}"),
        ("a statement's page of 50", f"{hot}/statement?limit=50&since={format_timestamp(middle)}"),
    ]


def _writes(stage: Stage, plan: Plan) -> Iterator[tuple[Cell, Server, Requests, int]]:
    for connections in plan.connections:
        for accounts, payee in ((RANDOM, "-"), (HOT, SHOP)):
            requests = Requests("transfer", stage.parties, payee)
            for group, server in ((OURS, stage.ours), (TEXTBOOK, stage.textbook)):
                yield figures.single(group, accounts, connections), server, requests, connections
    for items, connections in BATCH_CONNECTIONS.items():
        yield figures.batch(items), stage.ours, Requests("batch", stage.parties, items=items), connections


async def _findings(prepared: Prepared) -> list[str]:
    """What the checks find in the ledger, and whether the textbook's money is all there."""
    connection = await connect_checks(prepared.admin_url)
    found = [f"{each.check}: {each.where}: {each.what}" for each in await run_checks(connection, prepared.ledger_id)]
    await connection.close()
    connection = await connect_textbook(prepared.textbook_url)
    made = await connection.fetchval("SELECT sum(balance) - $1 * (count(*) - 1) FROM accounts", FUNDS)
    halves = await connection.fetchval("SELECT sum(amount) FROM postings")
    await connection.close()
    if made or halves:
        found.append(f"the textbook service lost or made money: {made} in balances, {halves} in postings")
    return found
