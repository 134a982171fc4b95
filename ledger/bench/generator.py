"""A load generator for where wrk is not: `python -m ledger.bench.generator <url> <connections> <seconds> <requests…>`.

Each connection sends its next request once the last is answered. Prints the same line as load.lua; it needs about
three times the processor that wrk does.
"""

import asyncio
import contextlib
import json
import random
import secrets
import sys
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from ledger.bench.load import Requests

ANSWER_SECONDS = 30


class Connection(asyncio.Protocol):
    """One connection, and how long each of its requests took, in seconds."""

    def __init__(self, make: Callable[[], bytes], answered: asyncio.Event) -> None:
        self.latencies: list[float] = []
        self.errors = 0
        self.closing = False
        self._make, self._answered = make, answered
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send the next, once the answer is whole. The service always says its length."""
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        head = head.lower()
        length = int(head.partition(b"content-length:")[2].split(maxsplit=1)[0])
        if len(body) >= length:
            self.latencies.append(time.perf_counter() - self._sent)
            self.errors += not head.startswith(b"http/1.1 2")
            self._received = b""
            self._answered.set()
            self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody hangs up before the time is over."""
        self.errors += not self.closing

    def close(self) -> None:
        """Stop, whatever is on its way."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if self._transport is not None and not self.closing:
            self._sent = time.perf_counter()
            self._transport.write(self._make())


def maker(requests: Requests, token: str, host: str) -> Callable[[], bytes]:
    """A function that makes the next request's bytes, as load.lua does."""
    head = f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    prefix = secrets.token_hex(8)
    sent = 0

    def key() -> str:
        nonlocal sent
        sent += 1
        return f"{prefix}{sent}"

    def transfer(begin: str) -> str:
        payer = random.randint(1, requests.parties)
        payee = requests.payee
        if payee == "-":
            payee = f"user{(payer + random.randint(1, requests.parties - 1) - 1) % requests.parties + 1}"
        amount = random.randint(1, 99)
        return f'{begin}"from":"user{payer}","to":"{payee}","amount":{amount},"currency":"EUR"}}'

    def post(path: str, more: str, body: str) -> bytes:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return f"POST {path}{head}{more}{length}{body}".encode()

    def make() -> bytes:
        if requests.kind == "transfer":
            return post("/v1/transfers", f"Idempotency-Key: {key()}\r\n", transfer("{"))
        if requests.kind == "batch":
            items = ",".join(transfer(f'{{"key":"{key()}",') for _ in range(requests.items))
            return post("/v1/transfers/batch", "", f'{{"transfers":[{items}]}}')
        party = f"user{random.randint(1, requests.parties)}"
        entry = random.randint(requests.after + 1, requests.entries)
        path = requests.path.replace("{party}", party).replace("{entry}", str(entry))
        if requests.kind == "post":
            return post(path, f"Idempotency-Key: {key()}\r\n", requests.body.replace("{party}", party))
        return f"GET {path}{head}\r\n".encode()

    return make


async def generate(url: str, connections: int, seconds: float, requests: Requests, token: str) -> dict[str, float]:
    """Send requests for so long, and until something was answered: of nothing there is no rate. What wrk says."""
    place = urlsplit(url)
    make = maker(requests, token, place.netloc)
    answered, loop = asyncio.Event(), asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(make, answered), place.hostname or "", place.port or 80)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(answered.wait(), ANSWER_SECONDS)
    elapsed = time.perf_counter() - started
    for _, connection in made:
        connection.close()
    latencies = sorted(latency for _, connection in made for latency in connection.latencies) or [elapsed]
    return {
        "requests": sum(len(connection.latencies) for _, connection in made),
        "seconds": elapsed,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
        "errors": sum(connection.errors for _, connection in made),
    }


def main() -> None:
    """The command."""
    import uvloop

    url, connections, seconds, kind, token, payee, path, body, *numbers = sys.argv[1:]
    parties, items, entries, after = (int(number) for number in numbers)
    requests = Requests(kind, parties, payee, items, path, entries, after, body)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(generate(url, int(connections), float(seconds), requests, token))))


if __name__ == "__main__":
    main()
