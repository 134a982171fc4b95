"""The engine without HTTP, in a process of its own: `python -m ledger.bench.engine` drives a lane and prints JSON.

Arguments: ledger, parties, callers, items each caller submits at a time, seconds. The database is DATABASE_URL.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from typing import NamedTuple

from ledger.bench.prepare import CURRENCY
from ledger.books.calls import Call
from ledger.books.lane import Lane
from ledger.books.recall import NotDone
from ledger.core.transfers import Transfer


class Drive(NamedTuple):
    """What came of driving a lane: transfers done, in how many batches, and the latency of one submission."""

    transfers: int
    seconds: float
    batches: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Transfers a second."""
        return self.transfers / self.seconds


def run(database_url: str, ledger_id: int, parties: int, callers: int, items: int, seconds: float) -> Drive:
    """Drive a lane in a process of its own: so many callers, each submitting again once it is answered."""
    arguments = [str(each) for each in (ledger_id, parties, callers, items, seconds)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ledger.bench.engine", *arguments],
        env=os.environ | {"DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Drive(**json.loads(done.stdout))


async def drive(url: str, ledger_id: int, parties: int, callers: int, items: int, seconds: float) -> Drive:
    """The same, in this process. As long again before, in which accounts are loaded, does not count."""
    lane = Lane(url, ledger_id, "bench")
    lane.start()
    latencies: list[float] = []

    async def caller(until: float) -> None:
        while (started := time.perf_counter()) < until:
            outcomes = await lane.submit_all([_transfer(parties) for _ in range(items)], atomic=False)
            latencies.append(time.perf_counter() - started)
            for outcome in outcomes:
                if isinstance(outcome, NotDone):
                    raise outcome.error

    async def phase(length: float) -> float:
        latencies.clear()
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller(started + length))
        return time.perf_counter() - started

    await phase(seconds)
    batches = lane.batches
    elapsed = await phase(seconds)
    batches = lane.batches - batches
    await lane.stop()
    latencies.sort()
    p50, p99 = (latencies[len(latencies) * share // 100] * 1000 for share in (50, 99))
    return Drive(len(latencies) * items, elapsed, batches, p50, p99)


def _transfer(parties: int) -> Call:
    payer = random.randint(1, parties)
    payee = (payer + random.randint(1, parties - 1) - 1) % parties + 1
    amount = random.randint(1, 99)
    command = Transfer(from_=f"user{payer}", to=f"user{payee}", amount=amount, currency=CURRENCY)
    return Call(command, os.urandom(16), "bench", "")


def main() -> None:
    """The command."""
    import uvloop

    ledger_id, parties, callers, items = (int(each) for each in sys.argv[1:5])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        done = runner.run(drive(os.environ["DATABASE_URL"], ledger_id, parties, callers, items, float(sys.argv[5])))
    print(json.dumps(done._asdict()))


if __name__ == "__main__":
    main()
