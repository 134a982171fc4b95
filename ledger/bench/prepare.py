"""The databases that the load runs on: the ledger's own, and the yardstick's, with the same parties and money."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple, Protocol

from ledger.books.calls import Call
from ledger.books.database import Connection, connect
from ledger.books.lane import Lane
from ledger.books.recall import NotDone
from ledger.books.setup import SERVICE, create_database, create_ledger, create_schema, give_login
from ledger.core.api_keys import CreateApiKey
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import base64url
from ledger.core.parties import CreateParty
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.settings import SetLedger

TOKEN = "clk_of_the_bench"
HOT = "shop"
CURRENCY = "EUR"
FUNDS = 1_000_000_000
"""What each party begins with, in minor units: more than it will ever pay."""
SCOPES = ["transfers:write", "entries:read"]
_CHUNK = 5_000


class Cluster(Protocol):
    """A Postgres of our own; ledger.cli's EmbeddedPostgres is one."""

    def url(self, user: str = ..., database: str = ...) -> str:
        """A URL on which a role reaches a database."""

    def password(self, user: str) -> str:
        """The password a role is to have."""


class Prepared(NamedTuple):
    """Where things are: the ledger for its service and for an administrator, and the yardstick's database."""

    ledger_id: int
    service_url: str
    admin_url: str
    textbook_url: str


async def prepare(cluster: Cluster, parties: int) -> Prepared:
    """Make both databases, each with so many parties that have money, and a shop that has none."""
    for database in ("books", "textbook"):
        connection = await connect(cluster.url())
        await create_database(connection, database)
        await connection.close()
    admin_url = cluster.url(database="books")
    connection = await connect(admin_url)
    await create_schema(connection)
    ledger = await create_ledger(connection, "bench")
    await give_login(connection, SERVICE, cluster.password(SERVICE))
    await connection.close()
    prepared = Prepared(ledger.ledger_id, cluster.url(SERVICE, "books"), admin_url, cluster.url(database="textbook"))
    digest = hashlib.sha256(TOKEN.encode()).digest()
    await _do(
        prepared,
        [
            CreateApiKey(name="bench", digest=base64url(digest), scopes=SCOPES),
            SetLedger(currencies=[CURRENCY]),
            RegisterBank(id="bank", currency=CURRENCY, purpose="safeguarded"),
            RegisterRail(id="test", settles_to="bank"),
            CreateParty(id=HOT, party_kind="merchant"),
        ],
    )
    await add_parties(prepared, 1, parties)
    await _prepare_textbook(prepared.textbook_url, digest, parties)
    return prepared


async def add_parties(prepared: Prepared, first: int, last: int) -> None:
    """Register the parties user<first> … user<last> in the ledger, and give each its money."""
    for start in range(first, last + 1, _CHUNK):
        numbers = range(start, min(start + _CHUNK, last + 1))
        await _do(prepared, [CreateParty(id=f"user{n}", party_kind="person") for n in numbers])
        await _do(
            prepared,
            [
                MakeDeposit(to=f"user{n}", amount=FUNDS, currency=CURRENCY, rail="test", rail_reference=f"deposit {n}")
                for n in numbers
            ],
        )


async def _do(prepared: Prepared, commands: list[Command]) -> None:
    lane = Lane(prepared.service_url, prepared.ledger_id, "bench")
    lane.start()
    try:
        calls = [Call(command, os.urandom(16), "bench", "") for command in commands]
        for outcome in await lane.submit_all(calls, atomic=False):
            if isinstance(outcome, NotDone):
                raise outcome.error
    finally:
        await lane.stop()


async def _prepare_textbook(url: str, digest: bytes, parties: int) -> None:
    connection = await connect_textbook(url)
    await connection.execute(Path(__file__).with_name("textbook.sql").read_text(encoding="utf-8"))
    await connection.execute("INSERT INTO api_keys VALUES (1, 'key_1', $1, $2)", digest, SCOPES)
    await connection.execute(
        """
        INSERT INTO accounts (owner, currency, balance)
        SELECT 'user' || n, $2::text, $3::bigint FROM generate_series(1, $1::int) n UNION ALL SELECT $4::text, $2, 0
        """,
        parties,
        CURRENCY,
        FUNDS,
        HOT,
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def grow_textbook(url: str, transfers: int, parties: int) -> None:
    """Add so many transfers between random parties, in one statement a table."""
    connection = await connect_textbook(url)
    await connection.execute(
        """
        INSERT INTO transfers (idempotency_key, payer, payee, amount, currency)
        SELECT md5('grown ' || n), 1 + n * 7919 % $2, 1 + (n * 7919 + 1 + n % ($2 - 1)) % $2, 1 + n % 99, $3
        FROM generate_series(1, $1::bigint) n
        """,
        transfers,
        parties,
        CURRENCY,
    )
    await connection.execute(
        """
        WITH grown AS (SELECT * FROM transfers ORDER BY id DESC LIMIT $1), booked AS (
            INSERT INTO postings
            SELECT id, payer, -amount FROM grown UNION ALL SELECT id, payee, amount FROM grown
            RETURNING account, amount
        )
        UPDATE accounts a SET balance = a.balance + b.amount
        FROM (SELECT account, sum(amount) AS amount FROM booked GROUP BY account) b WHERE a.id = b.account
        """,
        transfers,
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def connect_textbook(url: str) -> Connection:
    """A connection for the bench's own work, on the yardstick's tables, which lie in the schema public."""
    connection = await connect(url)
    await connection.execute("SET search_path = public")
    return connection
