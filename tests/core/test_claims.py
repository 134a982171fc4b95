"""Claims: what is sent to nobody waits for whoever registers the alias; what can be sent so, and what cannot."""

import msgspec
import pytest

from ledger.core.aliases import AddAlias
from ledger.core.claims import TakeClaim
from ledger.core.commands import differing_fields, write
from ledger.core.entries import Entry, key_digest, read_body, row_of
from ledger.core.errors import LedgerError
from ledger.core.parties import FreezeParty
from ledger.core.party_keys import RegisterPartyKey, SetPolicy
from ledger.core.rows import Claim, Payment
from ledger.core.transfers import Transfer
from tests.core.claiming import ALIAS, DAY, PHONE, available, cem, legs, name, send
from tests.core.devices import Device
from tests.core.stories import START, do, new_books, refusal


def test_what_is_sent_to_nobody_lies_in_the_givers_escrow_for_seven_days() -> None:
    books = new_books()
    entry = do(books, send())
    assert [("ann/available", "ann/escrow", 60)] == legs(entry)
    claim = row_of(entry, Claim)
    assert ("ann", 60, "EUR", "pending_claim", None) == (
        claim.giver,
        claim.amount,
        claim.currency,
        claim.state,
        claim.claimer,
    )
    assert 7 * DAY == round((claim.expires_at.timestamp() * 1_000_000) - books.now)


def test_the_alias_stands_nowhere_in_the_body() -> None:
    books = new_books()
    entry = do(books, send())
    assert PHONE.encode() not in entry.body
    cem(books)
    assert PHONE.encode() not in do(books, TakeClaim(transfer=name(entry))).body


def test_whoever_registers_the_alias_takes_it() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    taken = do(books, TakeClaim(transfer=name(sent)))
    assert [("ann/escrow", "cem/available", 60)] == legs(taken)
    assert ("claimed", "cem") == (row_of(taken, Claim).state, row_of(taken, Claim).claimer)
    assert (40, 60) == available(books, "ann", "cem")


def test_what_was_taken_can_be_refunded_as_the_transfer_that_it_is() -> None:
    books = new_books()
    sent = do(books, send())
    assert books.payments.find(sent.number) is None
    cem(books)
    do(books, TakeClaim(transfer=name(sent)))
    payment = books.payments.find(sent.number)
    assert isinstance(payment, Payment)
    assert ("transfer", "ann", "cem", 60) == (payment.kind, payment.payer, payment.payee, payment.amount)


@pytest.mark.parametrize("ahead", [1, DAY, 366 * DAY])
def test_a_deadline_that_was_asked_for_is_kept(ahead: int) -> None:
    books = new_books()
    books.now = START + 1_000_000_000
    at = {1: "2026-01-01T00:16:41Z", DAY: "2026-01-02T00:16:40Z", 366 * DAY: "2027-01-02T00:16:40Z"}[ahead]
    claim = row_of(do(books, send(expires_at=at)), Claim)
    assert at == claim.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("at", ["2025-12-31T23:59:59Z", "2027-01-03T00:00:00Z"])
def test_a_deadline_lies_ahead_and_at_most_a_year(at: str) -> None:
    assert "timestamp_invalid" == refusal(new_books(), send(expires_at=at))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"if_unknown": "refuse", "expires_at": "2026-01-02T00:00:00Z"}, "field_invalid"),
        ({"to": "bob", "if_unknown": "refuse", "expires_at": "2026-01-02T00:00:00Z"}, "field_invalid"),
        ({"expires_at": "tomorrow"}, "timestamp_invalid"),
    ],
)
def test_a_deadline_is_a_time_and_goes_with_a_claim_alone(fields: dict[str, object], code: str) -> None:
    fault = send(**fields).fault()
    assert fault is not None
    assert ("/expires_at", code) == (fault.pointer, fault.code)


def test_to_somebody_known_it_is_a_transfer_like_any_other() -> None:
    books = new_books()
    do(books, AddAlias(party="bob", channel="phone", value=PHONE))
    entry = do(books, send(expires_at="2026-01-02T00:00:00Z"))
    assert [("ann/available", "bob/available", 60)] == legs(entry)
    assert {} == dict(books.claims)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "nobody"}, "party_unknown"),
        ({"if_unknown": "refuse"}, "party_unknown"),
        ({"to_expected": "bob"}, "alias_moved"),
        ({"from_": ALIAS}, "party_unknown"),
        ({"amount": 101}, "insufficient_funds"),
        ({"currency": "INR"}, "currency_invalid"),
    ],
)
def test_what_cannot_be_sent_to_nobody_is_refused(fields: dict[str, object], code: str) -> None:
    assert code == refusal(new_books(), send(**fields))


def test_a_frozen_giver_sends_nothing_to_nobody() -> None:
    books = new_books()
    do(books, FreezeParty(party="ann", mode="debits"))
    assert "party_not_open" == refusal(books, send())


def test_a_payer_signs_the_alias_that_they_send_it_to() -> None:
    books = new_books()
    device = Device(1, books.ledger)
    register = RegisterPartyKey(party="ann", public_key=device.public_key, proof=device.proof("payer", "ann"))
    do(books, register)
    do(books, SetPolicy(party="ann", intents="always"))
    assert "intent_required" == refusal(books, send())

    def signed(to: str) -> Entry | LedgerError:
        intent = device.intent("k1", **{"from": "ann"}, to=to, amount=60)
        try:
            return write(books, send(intent=intent), actor="key_1", key=key_digest("k1"), salt=bytes(32), at=books.now)
        except LedgerError as error:
            return error

    elsewhere = signed("alias:phone:+491522222222")
    assert isinstance(elsewhere, LedgerError)
    assert ["/intent/to"] == [error.pointer for error in elsewhere.errors]
    entry = signed(ALIAS)
    assert isinstance(entry, Entry)
    # Else the number that nobody has yet would stand in the log for ever, and could not be erased.
    request, private = msgspec.json.decode(read_body(entry.body).request), msgspec.json.decode(entry.private or "{}")
    assert (str, dict) == (type(request["intent"]), type(private["intent"]))
    assert [] == differing_fields(request, private, entry.request)
    again = Transfer.recalled(request, private)
    assert (entry.request.intent, None) == (again.intent, Transfer.recalled(request, {}).intent)
