"""kill -9 of the service and of Postgres under load: nothing acknowledged is lost, nothing is done twice."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from ledger.books.checks import run_checks
from ledger.books.database import connect
from ledger.cli.embedded import EmbeddedPostgres
from tests.harness import Client, Database, Databases, Superuser, new_key

PAYERS = 8
FUNDS = 1_000_000
LOAD_SECONDS = 1.5


class Process:
    """A service in a process of its own on a port of its own, that can be killed and started again."""

    def __init__(self, database: Database, *options: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self._command = [sys.executable, "-m", "tests.runner", database.service_url, str(self.port), *options]
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False)
                return
            time.sleep(0.02)
        raise TimeoutError("the service did not start")

    def kill(self) -> None:
        """End it without warning."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Load:
    """Payers who pay as fast as they can, and remember under which keys and what they were told."""

    def __init__(self, client: Client, parties: list[str]) -> None:
        self.asked: dict[str, dict[str, Any]] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self._client, self._parties = client, parties
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._pay, args=(n,), daemon=True) for n in range(PAYERS)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def _pay(self, n: int) -> None:
        with httpx.Client(base_url=self._client.base, headers=self._client.http.headers, trust_env=False) as http:
            while not self._ending.is_set():
                key = new_key()
                payee = self._parties[(n + 1) % PAYERS]
                self.asked[key] = {"from": self._parties[n], "to": payee, "amount": 1 + n, "currency": "EUR"}
                try:
                    answer = http.post("/v1/transfers", json=self.asked[key], headers={"Idempotency-Key": key})
                except httpx.TransportError:
                    self._ending.wait(0.01)
                    continue
                if answer.status_code == 201:
                    self.told[key] = answer.json()

    def end(self) -> None:
        """Stop asking."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def lost(self, database: Database) -> list[str]:
        """The acknowledged payments that are not in the books."""
        with Superuser(database.url) as superuser:
            kept = {row["number"] for row in superuser.rows("SELECT number FROM entries")}
        return [key for key, answer in self.told.items() if answer["entry"] not in kept]


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres that a test may kill."""
    folder = Path(tempfile.mkdtemp(prefix="chatledger-kills-"))
    if os.name == "posix":
        folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "data")
    server.start()
    yield server
    server.ensure_running()
    belongings = server.everything()
    server.stop()
    for path in (*belongings, folder):
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def prepared(process: Process, database: Database) -> Iterator[tuple[Client, list[str]]]:
    """A client of the process, and parties with money; at the end the process is killed."""
    client = Client(f"http://127.0.0.1:{process.port}", database.token)
    try:
        yield client, [client.funded(FUNDS) for _ in range(PAYERS)]
    finally:
        client.close()
        process.kill()


def settle(load: Load, client: Client) -> None:
    """Ask everything again under its key: what was told is told again, and each payment is in the books once."""
    for key, body in load.asked.items():
        deadline = time.monotonic() + 30
        while (answer := client.post("/v1/transfers", body, key)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answer.status_code == 201
        if key in load.told:
            assert answer.json() == load.told[key]
            assert answer.headers["idempotency-replayed"] == "true"


def findings(database: Database) -> list[Any]:
    """What every check finds."""

    async def check() -> list[Any]:
        connection = await connect(database.url)
        try:
            return await run_checks(connection, database.ledger_id)
        finally:
            await connection.close()

    return asyncio.run(check())


def expected_balances(load: Load, parties: list[str]) -> list[int]:
    """What each party has once every request was done exactly once."""
    balances = dict.fromkeys(parties, FUNDS)
    for body in load.asked.values():
        balances[body["from"]] -= body["amount"]
        balances[body["to"]] += body["amount"]
    return list(balances.values())


def test_killing_the_service_under_load_loses_nothing_and_does_nothing_twice(databases: Databases) -> None:
    database = databases.new()
    process = Process(database)
    with prepared(process, database) as (client, parties):
        with Load(client, parties) as load:
            for _ in range(3):
                time.sleep(LOAD_SECONDS / 3)
                process.kill()
                process.start()
        judge(load, client, parties, database)
    databases.drop(database)


def test_killing_postgres_under_load_loses_nothing_and_does_nothing_twice(own_postgres: EmbeddedPostgres) -> None:
    database = Databases(own_postgres).new()
    with prepared(Process(database), database) as (client, parties):
        with Load(client, parties) as load:
            for _ in range(2):
                time.sleep(LOAD_SECONDS / 2)
                kill_postmaster(database)
                revive(own_postgres, database)
            time.sleep(LOAD_SECONDS / 2)
        judge(load, client, parties, database)


def test_with_synchronous_commit_off_the_same_harness_sees_a_loss(own_postgres: EmbeddedPostgres) -> None:
    """The control: what the two tests above look for is there to be found when the books are not durable."""
    database = Databases(own_postgres).new()
    lost = 0
    for _ in range(10):
        process = Process(database, "--unsafe")
        with prepared(process, database) as (client, parties), Load(client, parties) as load:
            time.sleep(LOAD_SECONDS / 3)
            kill_postmaster(database)
            process.kill()
        revive(own_postgres, database)
        lost += len(load.lost(database))
        if lost:
            break
    assert lost > 0


def judge(load: Load, client: Client, parties: list[str], database: Database) -> None:
    """Nothing that was acknowledged is missing, each request is done once, and every check holds."""
    assert len(load.told) > 20
    assert load.lost(database) == []
    settle(load, client)
    assert [client.available(party) for party in parties] == expected_balances(load, parties)
    assert findings(database) == []


def revive(postgres: EmbeddedPostgres, database: Database) -> None:
    """Have Postgres restarted, as the service's watchdog would, until it takes connections."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        postgres.ensure_running()
        with contextlib.suppress(OSError, asyncpg.PostgresError), Superuser(database.url):
            return
        time.sleep(0.05)
    raise TimeoutError("Postgres did not come back")


def kill_postmaster(database: Database) -> None:
    """End the server and all its backends at one instant, as a power cut would."""
    with Superuser(database.url) as superuser:
        pid_file = superuser.value("SELECT pg_read_file('postmaster.pid')")
        backends = [row["pid"] for row in superuser.rows("SELECT pid FROM pg_stat_activity")]
        for pid in (int(pid_file.split()[0]), *backends):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        superuser.connection.terminate()
