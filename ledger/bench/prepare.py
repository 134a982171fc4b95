"""The databases that the load runs on: the ledger's own, and the yardstick's, with the same parties and money."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.books.calls import Call
from ledger.books.database import Connection, connect
from ledger.books.lane import Lane
from ledger.books.recall import NotDone
from ledger.books.setup import SERVICE, create_database, create_ledger, create_schema, give_login
from ledger.cli.embedded import EmbeddedPostgres
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
SCOPES = ["transfers:write", "invoices:settle", "entries:read"]
_CHUNK = 5_000


class Prepared(NamedTuple):
    """A ledger and the yardstick's tables beside it, with the same parties.

    `first` is the ledger's last entry before any transfer; the URLs but `service_url` are an administrator's.
    """

    parties: int
    ledger_id: int
    service_url: str
    admin_url: str
    textbook_url: str
    first: int


async def prepare(postgres: EmbeddedPostgres, name: str, parties: int) -> Prepared:
    """Make both databases, each with so many parties that have money, and a shop that has none."""
    connection = await connect(postgres.url())
    for database in (name, f"{name}_textbook"):
        await create_database(connection, database)
    await connection.close()
    service_url, admin_url = postgres.url(SERVICE, name), postgres.url(database=name)
    connection = await connect(admin_url)
    await create_schema(connection)
    ledger = await create_ledger(connection, "bench")
    await give_login(connection, SERVICE, postgres.password(SERVICE))
    digest = hashlib.sha256(TOKEN.encode()).digest()
    await _fill(service_url, ledger.ledger_id, digest, parties)
    first = await connection.fetchval("SELECT number FROM heads WHERE ledger_id = $1", ledger.ledger_id)
    await connection.close()
    textbook_url = postgres.url(database=f"{name}_textbook")
    await _prepare_textbook(textbook_url, digest, parties)
    return Prepared(parties, ledger.ledger_id, service_url, admin_url, textbook_url, first)


async def _fill(url: str, ledger_id: int, digest: bytes, parties: int) -> None:
    lane = Lane(url, ledger_id, "bench")
    lane.start()
    try:
        await do(
            lane,
            [
                CreateApiKey(name="bench", digest=base64url(digest), scopes=SCOPES),
                SetLedger(currencies=[CURRENCY]),
                RegisterBank(id="bank", currency=CURRENCY, purpose="safeguarded"),
                RegisterRail(id="test", settles_to="bank"),
                CreateParty(id=HOT, party_kind="merchant"),
            ],
        )
        for start in range(1, parties + 1, _CHUNK):
            numbers = range(start, min(start + _CHUNK, parties + 1))
            await do(lane, [CreateParty(id=f"user{n}", party_kind="person") for n in numbers])
            await do(lane, [_deposit(n) for n in numbers])
    finally:
        await lane.stop()


def _deposit(n: int) -> MakeDeposit:
    return MakeDeposit(to=f"user{n}", amount=FUNDS, currency=CURRENCY, rail="test", rail_reference=f"deposit {n}")


async def do(lane: Lane, commands: Sequence[Command]) -> int:
    """Do commands, some thousands at a time, and say which entry was the last."""
    last = 0
    for start in range(0, len(commands), _CHUNK):
        calls = [Call(command, os.urandom(16), "bench", "") for command in commands[start : start + _CHUNK]]
        for outcome in await lane.submit_all(calls, atomic=False):
            if isinstance(outcome, NotDone):
                raise outcome.error
            last = outcome.entry.number
    return last


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


async def grow_textbook(prepared: Prepared, transfers: int) -> None:
    """Add so many transfers, as good as random, to the yardstick's tables: in one statement a table."""
    connection = await connect_textbook(prepared.textbook_url)
    await connection.execute(
        """
        INSERT INTO transfers (idempotency_key, payer, payee, amount, currency)
        SELECT md5('grown ' || n), 1 + n * 7919 % $2, 1 + (n * 7919 + 1 + n % ($2 - 1)) % $2, 1 + n % 99, $3
        FROM generate_series(1, $1::bigint) n
        """,
        transfers,
        prepared.parties,
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
