"""The service as it is run for real: it says where it is, finishes what it has begun, and outlives its Postgres."""

import contextlib
import json
import os
import re
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

import httpx
import pytest

from ledger.cli.database import database as database_of
from ledger.cli.embedded_process import living_postmaster
from tests.harness import Client, Database, Databases, Superuser, new_key

UP = (sys.executable, "-m", "ledger", "up", "--port", "0")


class Up:
    """A `chatledger up` in a process of its own. `url` is the first line of its output."""

    def __init__(self, *options: str, database_url: str = "") -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  it is read at the end
        self.process = subprocess.Popen(
            [*UP, *options],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=os.environ | {"DATABASE_URL": database_url},
            start_new_session=True,
        )
        self.url = self.line()

    def line(self) -> str:
        """The next line of the output."""
        if self.process.stdout is None:
            raise RuntimeError("there is no pipe")
        return self.process.stdout.readline().rstrip("\n")

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self) -> tuple[int, list[dict[str, object]]]:
        """Its status once it has ended, and what it logged."""
        self.process.communicate(timeout=60)
        self.log.seek(0)
        return self.process.returncode, [json.loads(line) for line in self.log]

    def close(self) -> None:
        """Stop it if it still runs."""
        if self.process.poll() is None:
            self.signal()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=30)
        self.process.kill()
        self.log.close()


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The log's key is kept from one test to the next, as the database is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CHATLEDGER_DATA", str(tmp_path_factory.mktemp("data")))
        yield


def client_of(service: Up, token: str) -> contextlib.closing[Client]:
    """A client of the service, to be closed."""
    return contextlib.closing(Client(service.url, token))


@contextlib.contextmanager
def up(*options: str, database_url: str = "") -> Iterator[Up]:
    """A service that is stopped at the end."""
    started = Up(*options, database_url=database_url)
    try:
        yield started
    finally:
        started.close()


def refused(*options: str, database_url: str = "") -> str:
    """What a service that must not start says."""
    said = subprocess.run(
        [*UP, *options], env=os.environ | {"DATABASE_URL": database_url}, capture_output=True, text=True, check=False
    )
    assert [1, ""] == [said.returncode, said.stdout]
    return said.stderr.splitlines()[-1]


def test_the_first_line_is_the_url_and_there_it_serves(database: Database) -> None:
    with up(database_url=database.service_url) as service:
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", service.url)
        with client_of(service, database.token) as client:
            answer = client.get("/v1/ledger")
            assert [200, None] == [answer.status_code, answer.headers.get("server")]


def test_being_stopped_it_answers_what_it_has_taken_and_takes_nothing_new(database: Database) -> None:
    answers = list[httpx.Response]()
    with up(database_url=database.service_url) as service, client_of(service, database.token) as client:
        asking = payment(client, answers)
        with held_head(database):
            asking.start()
            await_taken(database)
            for _ in range(2):
                service.signal(signal.SIGTERM)
                time.sleep(0.3)
            with pytest.raises(httpx.ConnectError):
                httpx.get(service.url + "/healthz", trust_env=False)
            assert service.process.poll() is None
        asking.join()
        assert [201] == [answer.status_code for answer in answers]
        status, log = service.ended()
        assert [0, "stopped"] == [status, log[-1]["event"]]


def test_a_second_ctrl_c_cuts_the_waiting_short_and_the_key_tells_what_became_of_it(database: Database) -> None:
    key = new_key()
    answers = list[httpx.Response]()
    with up(database_url=database.service_url) as service, client_of(service, database.token) as client:
        asking = payment(client, answers, key)
        with held_head(database):
            asking.start()
            await_taken(database)
            for _ in range(2):
                service.signal(signal.SIGINT)
                time.sleep(0.3)
            assert 0 == service.ended()[0]
    asking.join()
    assert [] == answers
    with up(database_url=database.service_url) as service, client_of(service, database.token) as client:
        payer = asking.name
        again = client.post(
            "/v1/transfers", {"from": payer, "to": payer + "-payee", "amount": 1, "currency": "EUR"}, key
        )
        assert [201, 99] == [again.status_code, client.available(payer)]


def payment(client: Client, answers: list[httpx.Response], key: str | None = None) -> threading.Thread:
    """A payment of 1 from a new party, after which the thread is called, to another; it is asked for in the thread."""
    payer = client.funded(100)
    payee = client.party(payer + "-payee")
    body = {"from": payer, "to": payee, "amount": 1, "currency": "EUR"}

    def ask() -> None:
        with contextlib.suppress(httpx.TransportError):
            answers.append(client.post("/v1/transfers", body, key))

    return threading.Thread(target=ask, name=payer)


@contextlib.contextmanager
def held_head(database: Database) -> Iterator[None]:
    """Nobody can write to the books meanwhile."""
    with Superuser(database.url) as superuser:
        superuser.run_script("BEGIN; SELECT FROM ledger.heads FOR UPDATE")
        yield
        superuser.run_script("COMMIT")


def await_taken(database: Database) -> None:
    """Wait until a commit waits for the head."""
    with Superuser(database.url) as superuser:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while not superuser.value(waiting):
            time.sleep(0.01)


def test_what_it_logs_is_lines_of_json_without_personal_data(database: Database) -> None:
    with up(database_url=database.service_url) as service, client_of(service, database.token) as client:
        client.party(name="Zebedee", aliases=[{"channel": "phone", "value": "+4915100000009"}])
        with Superuser(database.url) as superuser:
            superuser.run_script(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'chatledger_service' AND datname = current_database()"
            )
        client.party(name="Zebedee")
        service.signal()
        status, log = service.ended()
    assert 0 == status
    assert {frozenset({"at", "level", "from", "event"})} <= {frozenset(line.keys()) for line in log}
    assert not re.search("Zebedee|0000009|clk_", json.dumps(log))


def test_a_port_in_use_is_told_in_a_sentence_at_once(database: Database) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--port", str(port), database_url=database.service_url)
    assert said == (
        f"Error: The service cannot listen on 127.0.0.1, port {port} (Address already in use): stop the program that "
        f"does, or choose another --port (0 is any free one) or --host."
    )


def test_a_database_without_books_or_of_another_version_is_refused(databases: Databases) -> None:
    database = databases.new()
    with Superuser(database.url) as superuser:
        superuser.run_script("UPDATE ledger.schema_version SET version = 7")
        assert "Error: The schema has version 7, this program needs 1: run a newer chat-ledger." == refused(
            database_url=database.service_url
        )
        superuser.run_script("DROP SCHEMA ledger CASCADE")
        assert "Error: The database has no books yet: run `chatledger init`." == refused(database_url=database.url)
    databases.drop(database)


def test_whoever_serves_as_a_superuser_is_warned(database: Database) -> None:
    with up(database_url=database.url) as service:
        service.signal()
        log = service.ended()[1]
    assert ["DATABASE_URL is a superuser's, who could change the books: use the role chatledger_service"] == [
        line["event"] for line in log if line["level"] == "warning"
    ]


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder for an embedded Postgres, which is not there yet."""
    base = Path(tempfile.mkdtemp(prefix="chatledger's tests "))
    base.chmod(0o711)
    yield base / "my data"
    shutil.rmtree(base)


def run(*arguments: str) -> str:
    """The output of another command beside the service."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "ledger", *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_the_embedded_service_from_its_first_start_to_its_last(data: Path) -> None:
    with up("--data", str(data)) as service:
        assert "Nobody has an API key yet. To make one, in another terminal:" == service.line()
        said = subprocess.run(["/bin/sh", "-c", service.line()], check=True, capture_output=True, text=True)
        token = said.stdout.strip()
        with client_of(service, token) as client:
            set_up = client.put("/v1/ledger", {"currencies": ["EUR"]})
            assert [200, "main"] == [set_up.status_code, set_up.json()["name"]]
        assert "The ledger shop is made" in run("init", "--data", str(data), "--ledger", "shop")
        assert f"Another chatledger (process {service.process.pid}) is running on" in refused("--data", str(data))

        cluster = Path(os.path.realpath(data / "postgres"))
        postgres = living_postmaster(cluster)
        assert postgres is not None
        os.kill(postgres.pid, signal.SIGKILL)
        key, deadline = new_key(), time.monotonic() + 20
        with client_of(service, token) as client:
            while (answer := client.post("/v1/parties", {"id": "alice", "kind": "person"}, key)).status_code == 503:
                assert time.monotonic() < deadline
        assert 201 == answer.status_code

        service.signal()
        status, log = service.ended()
        assert [0, "stopped"] == [status, log[-1]["event"]]
        assert "Postgres had died and was started again" in [line["event"] for line in log]
        assert living_postmaster(cluster) is None
    with up("--data", str(data)) as service, client_of(service, token) as client:
        assert 200 == client.get("/v1/parties/alice").status_code
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (data / "secrets").iterdir()}


def test_the_service_does_not_log_in_as_a_superuser(data: Path) -> None:
    run("init", "--data", str(data), "--name", "books.example.com")
    with up("--data", str(data)) as service, client_of(service, "clk_unknown") as client:
        assert 401 == client.get("/v1/ledger").status_code
        with database_of(data) as url, Superuser(url) as superuser:
            users = superuser.rows(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'chat-ledger'"
            )
            origin = superuser.value("SELECT origin FROM ledgers")
    assert ["books.example.com/log/main", {"chatledger_service", "postgres"}] == [origin, {user[0] for user in users}]
