"""Whether the service is alive and can write, what the checks found, and figures for Prometheus."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.books.fence import CONNECT_FAULTS
from ledger.core.errors import TryLater
from ledger.core.text import format_timestamp
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route
from ledger.http.service import Service

ANSWER_SECONDS_MAX = 2.0
CONNECTING_SECONDS_MAX = 0.5
"""A lane that was idle has no connection yet when a command comes; that is no reason for an alarm."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
"""The text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats)."""


class Alive(msgspec.Struct):
    """The process answers."""

    status: str


class FoundWhere(msgspec.Struct):
    """Something that must always be true, and is not: which check says so, and where to look. `chatledger check` tells
    what it is."""

    ledger: str
    check: str
    where: str


class LastChecks(msgspec.Struct):
    """The last result of the checks that run in the background, null before a first round has ended: when it ended,
    the last entry of each ledger that it went through, and what it found."""

    last_finished_at: str | None
    through_entry: dict[str, int]
    findings: list[FoundWhere]


class Ready(msgspec.Struct):
    """The service can write. Findings of the checks do not make it unready: they are for people to look into."""

    status: str
    checks: LastChecks


class Figure(NamedTuple):
    """One metric: its values by their labels. Neither names nor statuses have anything in them to escape."""

    name: str
    kind: str
    meaning: str
    values: Mapping[str, float]

    def lines(self) -> str:
        """It in the text format."""
        values = [f"{self.name}{labels and f'{{{labels}}}'} {value}" for labels, value in sorted(self.values.items())]
        return "\n".join([f"# HELP {self.name} {self.meaning}", f"# TYPE {self.name} {self.kind}", *values, ""])


async def show_alive(_: Asked) -> Reply:
    """Answers as long as the process does. It looks at nothing else: a database that is away is no reason to restart
    the service."""
    return Reply(200, Alive("alive"))


async def show_ready(asked: Asked) -> Reply:
    """Whether payments can be written, and the last result of the background checks."""
    service = asked.service
    await service.look_again()
    if service.faults:
        raise TryLater("unavailable", service.faults[0])
    if _stuck(service):
        await asyncio.sleep(CONNECTING_SECONDS_MAX)
        if stuck := _stuck(service):
            raise TryLater("unavailable", f"The books of {', '.join(stuck)} cannot be written just now.")
    if await _heads(service) is None:
        raise TryLater("unavailable", "The database does not answer, or takes no writes.")
    results = service.checks.results
    ended = [result.finished_at for result in results.values()]
    checks = LastChecks(
        last_finished_at=_timestamp(max(ended)) if ended else None,
        through_entry={ledger: result.through_entry for ledger, result in results.items()},
        findings=[
            FoundWhere(ledger, found.check, found.where)
            for ledger, result in results.items()
            for found in result.findings
        ],
    )
    return Reply(200, Ready("ready", checks))


async def show_metrics(asked: Asked) -> Reply:
    """Figures for Prometheus. Counters begin anew with the process."""
    text = "".join(figure.lines() for figure in _figures(asked.service, await _heads(asked.service)))
    return Reply(200, text.encode(), PROMETHEUS.encode())


def _stuck(service: Service) -> list[str]:
    """The ledgers whose lanes have work and no connection to do it on."""
    return [lane.ledger for lane in service.lanes if lane.waiting and not lane.is_connected]


async def _heads(service: Service) -> dict[str, int] | None:
    """The number of each ledger's last entry; None if the database does not answer, or is one that takes no writes."""
    query = "SELECT ledger, number FROM heads_of_all() WHERE NOT pg_is_in_recovery()"
    try:
        rows = await asyncio.wait_for(service.pool.fetch(query), ANSWER_SECONDS_MAX)
    except CONNECT_FAULTS:
        return None
    return {row["ledger"]: row["number"] for row in rows} or None


def _timestamp(seconds: float) -> str:
    return format_timestamp(int(seconds * 1_000_000))


def _figures(service: Service, heads: dict[str, int] | None) -> Iterator[Figure]:
    lanes, results = service.lanes, service.checks.results.items()
    yield Figure(
        "chatledger_requests_total",
        "counter",
        "Requests answered.",
        {f'method="{method}",status="{status}"': count for (method, status), count in service.requests.items()},
    )
    yield Figure(
        "chatledger_database_up",
        "gauge",
        "1 if the database answers and takes writes, else 0.",
        {"": int(heads is not None)},
    )
    yield Figure("chatledger_entries", "gauge", "The number of the last entry.", _by_ledger((heads or {}).items()))
    yield Figure(
        "chatledger_lane_waiting",
        "gauge",
        "Commands that wait to be taken into a batch.",
        _by_ledger((lane.ledger, lane.waiting) for lane in lanes),
    )
    yield Figure(
        "chatledger_lane_batches_total",
        "counter",
        "Batches committed.",
        _by_ledger((lane.ledger, lane.batches) for lane in lanes),
    )
    yield Figure(
        "chatledger_check_findings",
        "gauge",
        "What the last round of checks found; alert on anything but 0.",
        _by_ledger((ledger, len(result.findings)) for ledger, result in results),
    )
    yield Figure(
        "chatledger_checks_finished_timestamp_seconds",
        "gauge",
        "When the last round of checks ended; alert when that is long ago.",
        _by_ledger((ledger, result.finished_at) for ledger, result in results),
    )
    resident = _resident_bytes()
    if resident is not None:
        yield Figure("process_resident_memory_bytes", "gauge", "Memory of this process.", {"": resident})


def _by_ledger(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {f'ledger="{ledger}"': value for ledger, value in values}


def _resident_bytes() -> int | None:
    """The second field of /proc/self/statm, in pages (proc_pid_statm(5)); None on systems without it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


ROUTES = (
    Route("GET", "/healthz", None, show_alive, summary="Is the process alive?", answers=Alive),
    Route("GET", "/readyz", None, show_ready, summary="Can payments be written?", answers=Ready),
    Route("GET", "/metrics", None, show_metrics, summary="Figures for Prometheus", answers=str, media_type=PROMETHEUS),
)
