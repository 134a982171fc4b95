"""What the demo's ledger holds. Each write has a fixed key: at the next start it is a replay, and changes nothing."""

import os
from typing import Any, NamedTuple

from ledger.books.setup import create_ledger
from ledger.books.signing import Signing
from ledger.cli.database import connected, submit
from ledger.cli.key import creation, new_token
from ledger.cli.log_key import ensure_log_keys
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import key_digest
from ledger.core.fields import SCOPES
from ledger.core.parties import AliasName, CreateParty
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.settings import SetLedger
from ledger.core.transfers import Transfer

LEDGER = "demo"

SEED: dict[str, Command] = {
    "demo-currencies": SetLedger(name="Demo", currencies=["EUR", "INR"]),
    "demo-bank": RegisterBank(id="test", currency="EUR", purpose="safeguarded", iban="DE02120300000000202051"),
    "demo-rail": RegisterRail(id="test", settles_to="test"),
    "demo-alice": CreateParty(
        id="alice", party_kind="person", name="Alice", aliases=[AliasName("phone", "+4915112345678")]
    ),
    "demo-bob": CreateParty(id="bob", party_kind="person", name="Bob", aliases=[AliasName("phone", "+919812345678")]),
    "demo-cafe": CreateParty(id="cafe", party_kind="merchant", name="Café Central"),
    "demo-deposit-1": MakeDeposit(to="alice", amount=1_000_000, currency="EUR", rail="test", rail_reference="demo-1"),
    "demo-deposit-2": MakeDeposit(to="alice", amount=5_000_000, currency="INR", rail="test", rail_reference="demo-2"),
    "demo-deposit-3": MakeDeposit(to="bob", amount=25_000, currency="EUR", rail="test", rail_reference="demo-3"),
}
TRANSFER = Transfer(from_="alice", to="bob", amount=1_250, currency="EUR", memo="Pizza")


class Shown(NamedTuple):
    """What the demo shows: an API key, and the first transfer's entry with its postings, as the database has them; and
    the line to verify its receipt with."""

    token: str
    verifier_key: str
    number: int
    body: str
    postings: list[dict[str, Any]]


async def make_books(admin_url: str, service_url: str, signing: Signing) -> Shown:
    """Make what is missing of the demo's ledger, and a new API key with every scope."""
    async with connected(admin_url) as connection:
        ledger_id = (await create_ledger(connection, LEDGER)).ledger_id
        verifier_key = (await ensure_log_keys(service_url, signing))[LEDGER]
        token = new_token()
        seed = [(command, key_digest(key)) for key, command in SEED.items()]
        made, *_ = await submit(
            service_url, ledger_id, LEDGER, "demo", [(creation(token, "demo", SCOPES), os.urandom(16)), *seed], signing
        )
        # By the key that is shown, as if the line that is shown had been pasted already.
        actor = f"key_{made.number}"
        paid, *_ = await submit(service_url, ledger_id, LEDGER, actor, [(TRANSFER, key_digest("demo-transfer"))])
        body = await connection.fetchval(
            "SELECT body FROM ledger.entries WHERE ledger_id = $1 AND number = $2", ledger_id, paid.number
        )
        postings = await connection.fetch(_POSTINGS, ledger_id, paid.number)
    return Shown(token, verifier_key, paid.number, body, [dict(posting) for posting in postings])


_POSTINGS = """
    SELECT d.owner || '/' || d.role AS debit, c.owner || '/' || c.role AS credit, p.amount, p.currency,
           p.debit_balance, p.credit_balance
    FROM ledger.postings p
    JOIN ledger.accounts d ON d.ledger_id = p.ledger_id AND d.number = p.debit
    JOIN ledger.accounts c ON c.ledger_id = p.ledger_id AND c.number = p.credit
    WHERE p.ledger_id = $1 AND p.entry = $2
    ORDER BY p.n
"""
