"""What figures are taken of: a ledger of some size and its service, beside the textbook's of the same size."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ledger.bench import disk, engine, figures, limit, load
from ledger.bench.disk import Disk
from ledger.bench.figures import Cell, Figure
from ledger.bench.load import Requests
from ledger.bench.prepare import HOT, TOKEN, Prepared, grow_textbook, prepare
from ledger.bench.server import OUR_SERVICE, TEXTBOOK_SERVICE, UNLOGGED_SERVICE, Server
from ledger.books.database import connect
from ledger.cli.embedded import EmbeddedPostgres

BATCH_CONNECTIONS = {100: 8, 1_000: 4}
ENGINE_LOADS = ((128, 1), (figures.ENGINE_CALLERS, 1), (8, 100))
"""Callers, and how many transfers each submits at a time."""
GROW_ITEMS = 100
GROW_SECONDS_MAX = 10.0
WARM_SECONDS = 1.0
SETTLE_SECONDS = 0.1


class Stage(NamedTuple):
    """`before` and `after` are what the ledger took on disk before and after it was grown. `unlogged` is our service
    without the log, on the ledger of its own that `bare` is."""

    title: str
    prepared: Prepared
    ours: Server
    textbook: Server
    unlogged: Server | None
    bare: Prepared | None
    before: Disk
    after: Disk


class Reading(NamedTuple):
    """The last entry, and the processor seconds that a service and each of its database's backends have used."""

    head: int
    service: float
    backends: dict[int, float]


def set_up(stack: ExitStack, postgres: EmbeddedPostgres, name: str, parties: int, transfers: int) -> Stage:
    """Make both databases with so many parties, start both services on them, add so many transfers, and warm up.

    Beside an empty ledger there is a third one, without the log.
    """
    prepared = asyncio.run(prepare(postgres, name, parties))
    ours = stack.enter_context(Server(OUR_SERVICE, prepared.service_url))
    before = asyncio.run(disk.measure(prepared.admin_url, prepared.ledger_id))
    if transfers:
        _grow(prepared, ours, transfers)
        asyncio.run(grow_textbook(prepared, transfers))
    after = asyncio.run(disk.measure(prepared.admin_url, prepared.ledger_id))
    textbook = stack.enter_context(Server(TEXTBOOK_SERVICE, prepared.textbook_url))
    unlogged = bare = None
    if not transfers:
        bare = asyncio.run(prepare(postgres, f"{name}_unlogged", parties))
        unlogged = stack.enter_context(Server(UNLOGGED_SERVICE, bare.service_url))
        load.run(unlogged.base, TOKEN, Requests("batch", parties, "-", GROW_ITEMS), 8, 2 * WARM_SECONDS)
    for payee in ("-", HOT):
        # Enough that our service has seen every party, and that the shop has a statement of some pages.
        load.run(ours.base, TOKEN, Requests("batch", parties, payee, GROW_ITEMS), 8, 2 * WARM_SECONDS)
        load.run(textbook.base, TOKEN, Requests("transfer", parties, payee), 32, WARM_SECONDS)
    settled_head(prepared)
    return Stage(
        f"after {transfers:,}" if transfers else "empty", prepared, ours, textbook, unlogged, bare, before, after
    )


def over_http(
    stage: Stage, server: Server, requests: Requests, connections: int, seconds: float, problems: list[str]
) -> Figure:
    """One figure of one of a stage's services."""
    if server is stage.ours:
        return taken(stage.prepared, server, requests, connections, seconds, problems)
    prepared, url = stage.prepared, stage.prepared.textbook_url
    if server is stage.unlogged and stage.bare is not None:
        url = stage.bare.admin_url
    return taken(prepared, server, requests, connections, seconds, problems, url)


def taken(
    prepared: Prepared,
    server: Server,
    requests: Requests,
    connections: int,
    seconds: float,
    problems: list[str],
    other_url: str | None = None,
) -> Figure:
    """One figure over HTTP. What was answered as done must be in the ledger's books, unless the service works on
    another database; else a problem is noted."""
    url = other_url or prepared.admin_url
    before = _read(prepared, server, url)
    done = load.run(server.base, TOKEN, requests, connections, seconds)
    settled_head(prepared)
    after = _read(prepared, server, url)
    what = f"{requests.kind} over {connections} connections"
    if done.errors:
        problems.append(f"{what}: {done.errors} of {done.requests} answers were errors")
    made, answered = after.head - before.head, done.requests * requests.items
    if other_url is None and requests.kind != "get" and made < answered:
        problems.append(f"{what}: {answered:,} requests were answered as done and {made:,} are in the books")
    database = sum(used - before.backends.get(pid, 0.0) for pid, used in after.backends.items())
    return Figure(
        done.rate * requests.items,
        done.p50_ms,
        done.p99_ms,
        done.was_limit,
        service_us=(after.service - before.service) * 1e6 / answered,
        database_us=database * 1e6 / answered,
    )


def without_http(prepared: Prepared, seconds: float, copied: int) -> Iterator[tuple[Cell, Figure]]:
    """The engine, and next to it COPY in transactions as large as the engine's just were."""
    for callers, items in ENGINE_LOADS:
        done = engine.run(prepared.service_url, prepared.ledger_id, prepared.parties, callers, items, seconds)
        yield figures.engine(callers, items), Figure(done.rate, done.p50_ms, done.p99_ms)
        if items == 1:
            size = max(1, round(done.transfers / done.batches))
            work = limit.copy(prepared.admin_url, prepared.ledger_id, prepared.first, size, copied)
            yield figures.limit(callers), Figure(asyncio.run(work).rate, transaction=size)


def settled_head(prepared: Prepared) -> int:
    """The number of the last entry, once it rests: what was on its way when the load ended is still done."""
    head, before = _head(prepared), -1
    while head != before:
        time.sleep(SETTLE_SECONDS)
        head, before = _head(prepared), head
    return head


def one_number(url: str, query: str, *values: object) -> int:
    """What a query of one number answers."""

    async def ask() -> int:
        connection = await connect(url)
        try:
            return int(await connection.fetchval(query, *values))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _grow(prepared: Prepared, ours: Server, transfers: int) -> None:
    """Add transfers through the service, half of them to the shop."""
    goal, seconds, payees = prepared.first + transfers, 2.0, ("-", HOT)
    while (head := settled_head(prepared)) < goal:
        started = time.monotonic()
        requests = Requests("batch", prepared.parties, payees[0], GROW_ITEMS)
        done = load.run(ours.base, TOKEN, requests, BATCH_CONNECTIONS[GROW_ITEMS], seconds)
        made = settled_head(prepared) - head
        if done.errors or not made:
            raise RuntimeError(f"the ledger could not be grown: {done.errors} of {done.requests} answers were errors")
        left = (goal - head - made) / made * (time.monotonic() - started)
        seconds = min(max(left / 2, 1.0), GROW_SECONDS_MAX)
        payees = payees[::-1]


def _head(prepared: Prepared) -> int:
    return one_number(prepared.admin_url, "SELECT number FROM heads WHERE ledger_id = $1", prepared.ledger_id)


def _read(prepared: Prepared, server: Server, url: str) -> Reading:
    return Reading(_head(prepared), _seconds(server.pid), asyncio.run(_backends(url)))


async def _backends(url: str) -> dict[int, float]:
    connection = await connect(url)
    pids = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return {row["pid"]: _seconds(row["pid"]) for row in pids}


def _seconds(pid: int) -> float:
    """The processor seconds a process has used (proc(5), utime and stime in ticks of 10 ms); 0 where nobody tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100
