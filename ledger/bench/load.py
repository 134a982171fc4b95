"""The load generator: wrk where it is installed, our own in Python elsewhere; always in processes of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

WRK_SCRIPT = Path(__file__).with_name("load.lua")
BUSY_MAX = 0.9
"""A generator that was busy for more than this share of its time may have been what limited the figure."""


class Requests(NamedTuple):
    """What is sent: one `transfer` a request, a `batch` of items, a `get` of a path, or a `post` of a body to it.

    The parties are user1 … user<parties>; `payee` "-" is a random one of them. In a path and a body {party} is a random
    party; in a path {entry} is a random number above `after` and up to `entries`.
    """

    kind: str
    parties: int
    payee: str = "-"
    items: int = 1
    path: str = "-"
    entries: int = 1
    after: int = 0
    body: str = "-"

    def arguments(self, token: str) -> list[str]:
        """As both generators read them."""
        numbers = (self.parties, self.items, self.entries, self.after)
        return [self.kind, token, self.payee, self.path, self.body, *(str(number) for number in numbers)]


class Load(NamedTuple):
    """What came of it: answered requests, of which `errors` were no success; latencies of one request."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    was_limit: bool

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def run(base: str, token: str, requests: Requests, connections: int, seconds: float) -> Load:
    """Send requests over so many connections for so long, each connection one after the other."""
    arguments = requests.arguments(token)
    workers = 1 if connections == 1 else 2
    if has_wrk():
        options = [f"-t{workers}", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        commands = [["wrk", *options, "-s", str(WRK_SCRIPT), base, "--", *arguments]]
    else:
        share = [connections // workers + (index < connections % workers) for index in range(workers)]
        program = [sys.executable, "-P", "-m", "ledger.bench.generator", base]
        commands = [[*program, str(each), str(seconds), *arguments] for each in share]
    started, used = time.monotonic(), _seconds_of_children()
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate()[0] for process in processes]
    busy = (_seconds_of_children() - used) / (time.monotonic() - started) / workers
    if any(process.returncode for process in processes):
        raise RuntimeError("the load generator failed: " + "\n".join(said))
    return _together([json.loads(text.rstrip().rpartition("\n")[2]) for text in said], busy > BUSY_MAX)


def _together(parts: list[dict[str, float]], was_limit: bool) -> Load:
    """One figure of several generators' equal shares: their latencies differ by chance only, so the mean will do."""
    count = len(parts)
    return Load(
        requests=int(sum(part["requests"] for part in parts)),
        seconds=sum(part["seconds"] for part in parts) / count,
        p50_ms=sum(part["p50_ms"] for part in parts) / count,
        p99_ms=sum(part["p99_ms"] for part in parts) / count,
        errors=int(sum(part["errors"] for part in parts)),
        was_limit=was_limit,
    )


def _seconds_of_children() -> float:
    """Processor seconds of the children that have ended."""
    times = os.times()
    return times.children_user + times.children_system
