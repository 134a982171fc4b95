"""What tests share: a database of their own, the real service on a free port, a client that speaks to it, and SQL.

The fixtures in conftest.py hand these out. A test that needs two services or a second ledger calls the functions here.
"""

# long: all that tests share stands in one place.

import asyncio
import contextlib
import hashlib
import itertools
import os
import socket
import threading
import uuid
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import asyncpg
import httpx
import uvicorn

from ledger.books.database import Connection, connect
from ledger.books.lane import Lane
from ledger.books.recall import Done
from ledger.books.signing import Signing, make_key
from ledger.cli.embedded import EmbeddedPostgres
from ledger.core.api_keys import CreateApiKey
from ledger.core.commands import Command
from ledger.core.entries import base64url
from ledger.core.fields import SCOPES
from ledger.core.keys import possession_message, to_base64
from ledger.core.public_keys import RegisterLogKey
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.settings import SetLedger
from ledger.http.app import make_app
from ledger.http.server import configured
from ledger.http.service import Service
from tests import documented

SERVICE_ROLE = "chatledger_service"
SCHEMA = Path(__file__).parents[1] / "schema.sql"
TEMPLATE = "books_template"
CURRENCIES = ["EUR", "INR", "JPY"]
PREPARED_ENTRIES = 4
"""A database of `Databases` holds four entries: an API key, the settings (EUR, INR, JPY), the bank and rail `test`."""
NOTHING_SINCE = {"refunded": 0, "reversed_by": None, "payment_request": None}
"""What GET says of a transfer beyond its first answer, if nothing went back and nobody had asked for it."""

T = TypeVar("T")


class Database(NamedTuple):
    """One database with the ledger `test` in it. `url` is the superuser's, `service_url` the service's role's;
    `token` is an API key with every scope."""

    name: str
    url: str
    service_url: str
    ledger_id: int
    token: str


class Databases:
    """Makes databases from a template that holds the schema and a prepared ledger."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self._numbers = itertools.count(1)
        self._token = new_token()
        with Superuser(postgres.url()) as superuser:
            superuser.run_script(f"CREATE DATABASE {TEMPLATE}")
        self._ledger_id = asyncio.run(self._prepare(postgres.url(database=TEMPLATE)))

    def new(self) -> Database:
        """A fresh database, in some tens of milliseconds."""
        name = f"books_{next(self._numbers)}"
        with Superuser(self.postgres.url()) as superuser:
            superuser.run_script(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return Database(
            name,
            self.postgres.url(database=name),
            self.postgres.url(SERVICE_ROLE, name),
            self._ledger_id,
            self._token,
        )

    def drop(self, database: Database) -> None:
        """Delete a database, whoever is still connected to it."""
        with Superuser(self.postgres.url()) as superuser:
            superuser.run_script(f"DROP DATABASE {database.name} WITH (FORCE)")

    async def _prepare(self, url: str) -> int:
        connection = await connect(url)
        try:
            await connection.execute(SCHEMA.read_text(encoding="utf-8"))
            password = self.postgres.password(SERVICE_ROLE)
            await connection.execute(f"ALTER ROLE {SERVICE_ROLE} LOGIN PASSWORD '{password}'")
        finally:
            await connection.close()
        return await _new_ledger(url, "test", self._token)


class Superuser:
    """A connection that may do everything, used from ordinary functions. Its event loop runs in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.connection: Connection = self.wait(connect(url))

    def __enter__(self) -> "Superuser":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of anything that is asked of `connection`."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query; the schema `ledger` is on the search path."""
        return self.wait(self.connection.fetch(query, *arguments))

    def value(self, query: str, *arguments: Any) -> Any:
        """The one value of a query."""
        return self.wait(self.connection.fetchval(query, *arguments))

    def run_script(self, script: str) -> None:
        """Run statements."""
        self.wait(self.connection.execute(script))

    def head(self, ledger_id: int = 1) -> tuple[int, int]:
        """The head's version, which every write raises, and its number of entries."""
        row = self.rows("SELECT version, number FROM heads WHERE ledger_id = $1", ledger_id)[0]
        return row["version"], row["number"]

    def close(self) -> None:
        """Close the connection."""
        self.wait(self.connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Client:
    """A messenger backend: HTTP with a bearer key, and a new random Idempotency-Key for each write. Every answer is
    held to the OpenAPI document.

    The verbs answer the response as it came; `party`, `deposit` and `transfer` expect success and answer its body.
    """

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self.token = token
        self.http = httpx.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
            event_hooks={"response": [documented.check]},
        )

    def get(self, path: str, **query: Any) -> httpx.Response:
        """A read."""
        return self.http.get(path, params=query or None)

    def write(
        self, method: str, path: str, json: Any = None, key: str | None = None, dry_run: bool = False, **options: Any
    ) -> httpx.Response:
        """A write under a key; `options` are httpx's (`content`, `headers` …)."""
        headers = {"Idempotency-Key": key or new_key()} | dict(options.pop("headers", None) or {})
        query = {"dry_run": "true"} if dry_run else None
        return self.http.request(method, path, json=json, headers=headers, params=query, **options)

    def post(
        self, path: str, json: Any = None, key: str | None = None, dry_run: bool = False, **options: Any
    ) -> httpx.Response:
        """POST under a key."""
        return self.write("POST", path, json, key, dry_run, **options)

    def put(self, path: str, json: Any = None, key: str | None = None, **options: Any) -> httpx.Response:
        """PUT under a key."""
        return self.write("PUT", path, json, key, **options)

    def delete(self, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        """DELETE under a key."""
        return self.write("DELETE", path, None, key, **options)

    def party(self, party_id: str | None = None, **fields: Any) -> str:
        """A new party (a person unless `kind` says otherwise); its id."""
        party_id = party_id or f"p{uuid.uuid4().hex[:12]}"
        self._made(self.post("/v1/parties", {"id": party_id, "kind": "person"} | fields))
        return party_id

    def deposit(self, to: str | None, amount: int, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
        """A deposit over the rail `test`, with a reference of its own."""
        body = {"to": to, "amount": amount, "currency": currency, "rail": "test", "rail_reference": new_key()}
        return self._made(self.post("/v1/deposits", body | fields))

    def transfer(self, payer: str, payee: str, amount: int, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
        """A transfer."""
        body = {"from": payer, "to": payee, "amount": amount, "currency": currency}
        return self._made(self.post("/v1/transfers", body | fields))

    def funded(self, amount: int, currency: str = "EUR", **fields: Any) -> str:
        """A new party with money; its id."""
        party_id = self.party(**fields)
        self.deposit(party_id, amount, currency)
        return party_id

    def available(self, party_id: str, currency: str = "EUR") -> int:
        """What a party can spend, in minor units."""
        balances = self.get(f"/v1/parties/{party_id}").json()["balances"]
        return int(next((each["available"] for each in balances if each["currency"] == currency), 0))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    @staticmethod
    def _made(response: httpx.Response) -> dict[str, Any]:
        if response.status_code != 201:
            raise AssertionError(f"{response.request.url} answered {response.status_code}: {response.text}")
        body: dict[str, Any] = response.json()
        return body


class Served(NamedTuple):
    """A running service. `base` is its URL without a slash at the end; `database` what it serves."""

    base: str
    service: Service
    database: Database


@contextlib.contextmanager
def serve(database: Database, signing: Signing | None = None) -> Iterator[Served]:
    """The service on a free port of the loopback, in a thread, connected as the service's own role. Without `signing`
    it signs no checkpoints."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        service = Service(database.service_url, base, signing)
        server = uvicorn.Server(configured(make_app(service), log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield Served(base, service, database)
        finally:
            server.should_exit = True
            thread.join(30)


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the service did not start: see the log above")
        pause.wait(0.005)


def new_key() -> str:
    """A random Idempotency-Key."""
    return uuid.uuid4().hex


def new_token() -> str:
    """The text of an API key that nobody has yet."""
    return f"clk_{os.urandom(24).hex()}"


def make_api_key(database: Database, *scopes: str, ledger_id: int | None = None, ledger: str = "test") -> str:
    """The text of a new API key with just these scopes, for the ledger `test` or another one of the database."""
    token = new_token()
    asyncio.run(_submit(database.url, ledger_id or database.ledger_id, ledger, [_key_command(token, list(scopes))]))
    return token


def make_log_key(database: Database, signing: Signing, ledger_id: int | None = None, ledger: str = "test") -> None:
    """Give the ledger `test`, or another one, a log key: the file, and the entry that registers it."""
    signer = make_key(signing.keys / ledger)
    proof = to_base64(signer.sign_now(possession_message(ledger, "log", "", signer.public_key)))
    command = RegisterLogKey(public_key=to_base64(signer.public_key), proof=proof)
    asyncio.run(_submit(database.url, ledger_id or database.ledger_id, ledger, [command]))


def make_ledger(database: Database, name: str) -> tuple[int, str]:
    """Another ledger in the same database, prepared like the first: its number, and an API key with every scope."""
    token = new_token()
    return asyncio.run(_new_ledger(database.url, name, token)), token


def _key_command(token: str, scopes: list[str]) -> CreateApiKey:
    return CreateApiKey(name="test", digest=base64url(hashlib.sha256(token.encode()).digest()), scopes=scopes)


async def _new_ledger(url: str, name: str, token: str) -> int:
    connection = await connect(url)
    try:
        ledger_id: int = await connection.fetchval("SELECT create_ledger($1, $2)", name, f"test.invalid/log/{name}")
    finally:
        await connection.close()
    commands = [
        _key_command(token, list(SCOPES)),
        SetLedger(currencies=CURRENCIES),
        RegisterBank(id="test", currency="EUR", purpose="safeguarded"),
        RegisterRail(id="test", settles_to="test"),
    ]
    await _submit(url, ledger_id, name, commands)
    return ledger_id


async def _submit(url: str, ledger_id: int, ledger: str, commands: list[Command]) -> None:
    lane = Lane(url, ledger_id, ledger)
    lane.start()
    try:
        for command in commands:
            outcome = await lane.submit(command, os.urandom(16), "test")
            if not isinstance(outcome, Done):
                raise outcome.error
    finally:
        await lane.stop()
