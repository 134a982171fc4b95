"""Keys of payers, their policies and their intents: who may change what, and which payments need which signature."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import write
from ledger.core.entries import Entry, key_digest, read_body
from ledger.core.errors import LedgerError
from ledger.core.intents import SignedIntent
from ledger.core.keys import from_base64, to_base64
from ledger.core.party_keys import RECOVERY_SECONDS, RecoverParty, RegisterPartyKey, RevokePartyKey, SetPolicy
from ledger.core.public_keys import RegisterLogKey, RevokeLogKey, Signed
from ledger.core.transfers import Transfer
from tests.core.devices import Device
from tests.core.stories import START, deposit, do, new_books

SECOND = 1_000_000
SALT = bytes(32)


def at(seconds: float) -> int:
    return START + int(seconds * SECOND)


def ask(books: Books, command: Any, key: str = "k", seconds: float = 100, **options: Any) -> Entry:
    """Do a command under an Idempotency-Key, so many seconds after the beginning."""
    options = {"actor": "key_1"} | options
    return write(books, command, key=key_digest(key), salt=SALT, at=at(seconds), **options)


def said(books: Books, command: Any, key: str = "k", seconds: float = 100, **options: Any) -> str:
    """`done`, or the code with which it is refused."""
    try:
        ask(books, command, key, seconds, **options)
    except LedgerError as error:
        return error.code
    return "done"


@pytest.fixture
def books() -> Books:
    """Ann, with money, and bob."""
    made = new_books()
    do(made, deposit(to="ann", amount=10_000), at(1))
    return made


@pytest.fixture
def phone(books: Books) -> Device:
    """Ann's registered device."""
    device = Device(1, books.ledger)
    ask(books, register(device), "phone", 2)
    return device


def register(device: Device, party: str = "ann", **fields: Any) -> RegisterPartyKey:
    proof = device.proof("payer", party)
    return RegisterPartyKey(party=party, public_key=device.public_key, proof=proof, **fields)


def pay(amount: int = 100, intent: SignedIntent | None = None, **fields: Any) -> Transfer:
    facts: dict[str, Any] = {"from_": "ann", "to": "bob", "amount": amount, "currency": "EUR", "intent": intent}
    return Transfer(**facts | fields)


def consent(device: Device, key: str = "k", **fields: Any) -> SignedIntent:
    return device.intent(key, **{"from": "ann", "to": "bob", "amount": 100} | fields)


# Policies


@pytest.mark.parametrize(
    ("policy", "needs"),
    [
        ({"intents": "never"}, {1: False, 100: False, 10_000: False}),
        ({"intents": "above", "above": 100}, {1: False, 100: False, 101: True, 10_000: True}),
        ({"intents": "always"}, {1: True, 100: True}),
    ],
)
def test_a_policy_says_of_which_payments_the_payers_signature_is_asked(
    books: Books, phone: Device, policy: dict[str, Any], needs: dict[int, bool]
) -> None:
    word = phone.authorise("policy.set", "ann", key_digest("p"), policy["intents"], str(policy.get("above", "")))
    ask(books, SetPolicy(party="ann", authorization=word, **policy), "p")
    do(books, deposit(to="ann", amount=1_000_000, rail_reference="more"), at(90))
    for amount, is_needed in needs.items():
        assert said(books, pay(amount), f"bare-{amount}") == ("intent_required" if is_needed else "done")
        signed = consent(phone, f"signed-{amount}", amount=amount)
        assert said(books, pay(amount, signed), f"signed-{amount}") == "done"


def test_to_ask_for_more_is_free_and_to_ask_for_less_needs_the_partys_word(books: Books, phone: Device) -> None:
    steps: list[tuple[Any, int | None, str]] = [
        ("always", None, "done"),
        ("above", 500, "intent_required"),
        ("never", None, "intent_required"),
        ("always", None, "done"),
    ]
    for number, (intents, above, expected) in enumerate(steps):
        assert expected == said(books, SetPolicy(party="ann", intents=intents, above=above), f"s{number}")
    word = phone.authorise("policy.set", "ann", key_digest("w"), "never", "")
    loosen = SetPolicy(party="ann", intents="never", authorization=word)
    assert "intent_invalid" == said(books, loosen, "another-request")  # an old word is worth nothing again
    assert "done" == said(books, loosen, "w")


# Keys


def test_the_first_key_is_free_and_a_further_one_needs_the_word_of_one_that_counts(books: Books) -> None:
    first, second, third = (Device(number, books.ledger) for number in (1, 2, 3))
    assert "done" == said(books, register(first), "a")
    assert "intent_required" == said(books, register(second), "b")
    word = second.authorise("party_key.register", "ann", key_digest("b"), second.key_id, "")
    assert "intent_invalid" == said(books, register(second, authorization=word), "b")  # it is not registered yet
    word = first.authorise("party_key.register", "ann", key_digest("b"), second.key_id, "")
    assert "intent_invalid" == said(books, register(third, authorization=word), "b")  # the word was for another key
    assert "done" == said(books, register(second, authorization=word), "b")


def test_a_key_is_revoked_with_the_word_of_one_that_counts_and_once(books: Books, phone: Device) -> None:
    revoke = RevokePartyKey(party="ann", key_id=phone.key_id)
    assert "intent_required" == said(books, revoke, "r")
    word = phone.authorise("party_key.revoke", "ann", key_digest("r"), phone.key_id)
    revoke = RevokePartyKey(party="ann", key_id=phone.key_id, authorization=word)
    assert "done" == said(books, revoke, "r")
    assert "already_exists" == said(books, RevokePartyKey(party="ann", key_id=phone.key_id), "r2")
    assert "intent_invalid" == said(books, pay(100, consent(phone, "k")), "k")
    assert "done" == said(books, register(Device(2, books.ledger)), "again")  # none counts any more


@pytest.mark.parametrize(("late", "expected"), [(0, "intent_invalid"), (1, "done")])
def test_a_key_entered_by_recovery_counts_after_its_delay_and_not_a_microsecond_before(
    books: Books, phone: Device, late: int, expected: str
) -> None:
    found = Device(9, books.ledger)
    recover = RecoverParty(party="ann", public_key=found.public_key, proof=found.proof("payer", "ann"))
    entry = ask(books, recover, "lost", 200)
    counts_from = entry.posted_at + RECOVERY_SECONDS * SECOND
    seconds = (counts_from - 1 + late - START) / SECOND
    assert expected == said(books, pay(100, consent(found, "k")), "k", seconds)


def test_a_recovery_that_nobody_lost_a_key_for_is_revoked_by_a_key_that_counts(books: Books, phone: Device) -> None:
    thief = Device(9, books.ledger)
    recover = RecoverParty(party="ann", public_key=thief.public_key, proof=thief.proof("payer", "ann"))
    ask(books, recover, "theft", 200)
    word = phone.authorise("party_key.revoke", "ann", key_digest("stop"), thief.key_id)
    assert "done" == said(books, RevokePartyKey(party="ann", key_id=thief.key_id, authorization=word), "stop", 300)
    assert "intent_invalid" == said(books, pay(100, consent(thief, "k")), "k", RECOVERY_SECONDS + 300)


def test_a_key_with_an_end_counts_until_then(books: Books) -> None:
    device = Device(1, books.ledger)
    ask(books, register(device, valid_until="2026-01-01T00:10:00Z"), "a")
    assert "done" == said(books, pay(1, consent(device, "k1", amount=1)), "k1", 599.9)
    assert "intent_invalid" == said(books, pay(1, consent(device, "k2", amount=1)), "k2", 600)
    assert "timestamp_invalid" == said(
        books, register(Device(2, books.ledger), "bob", valid_until="2026-01-01T00:00:01Z"), "b"
    )


@pytest.mark.parametrize("wrong", ["another key", "another ledger", "another purpose", "another owner"])
def test_a_proof_counts_for_its_key_ledger_purpose_and_owner_alone(books: Books, wrong: str) -> None:
    device = Device(1, books.ledger)
    proofs = {
        "another key": Device(2, books.ledger).proof("payer", "ann"),
        "another ledger": Device(1, "elsewhere").proof("payer", "ann"),
        "another purpose": device.proof("request"),
        "another owner": device.proof("payer", "bob"),
    }
    command = RegisterPartyKey(party="ann", public_key=device.public_key, proof=proofs[wrong])
    assert "key_invalid" == said(books, command)


def test_a_key_is_registered_once_for_whatever_purpose(books: Books, phone: Device) -> None:
    again = RegisterPartyKey(party="bob", public_key=phone.public_key, proof=phone.proof("payer", "bob"))
    assert "key_in_use" == said(books, again, "x")
    log = RegisterLogKey(public_key=phone.public_key, proof=phone.proof("log"))
    assert "key_in_use" == said(books, log, "y")


@pytest.mark.parametrize(
    "public_key",
    [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32, bytes(31), bytes(33)],
)
def test_a_point_under_which_others_can_sign_is_no_key(public_key: bytes) -> None:
    fault = RegisterPartyKey(party="ann", public_key=to_base64(public_key), proof="A" * 86 + "==").fault()
    assert fault is not None
    assert ("key_invalid", "/public_key") == (fault.code, fault.pointer)


def test_a_log_key_follows_another_with_its_word_and_the_last_one_stays(books: Books) -> None:
    old, new = Device(21, books.ledger), Device(22, books.ledger)
    assert "done" == said(books, RegisterLogKey(public_key=old.public_key, proof=old.proof("log")), "a")
    assert "key_invalid" == said(books, RegisterLogKey(public_key=new.public_key, proof=new.proof("log")), "b")
    signed = RegisterLogKey(public_key=new.public_key, proof=new.proof("log"), endorsement=old.endorse(new))
    assert "done" == said(books, signed, "c")
    assert ["done", "key_in_use"] == [
        said(books, RevokeLogKey(key_id=old.key_id), "d"),
        said(books, RevokeLogKey(key_id=new.key_id), "e"),
    ]


# Intents


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("ledger", "other"), ("operation", "hold.place"), ("of", "invoice_1"), ("key", "another")),
        *(("from", "bob"), ("to", "ann"), ("amount", 101), ("currency", "JPY")),
    ],
)
def test_an_intent_that_says_something_else_than_the_request_is_named_by_its_fields(
    books: Books, phone: Device, field: str, value: Any
) -> None:
    with pytest.raises(LedgerError) as refused:
        ask(books, pay(100, consent(phone, **{field: value})))
    assert ("intent_mismatch", [f"/intent/{field}"]) == (
        refused.value.code,
        [error.pointer for error in refused.value.errors],
    )


@pytest.mark.parametrize(("seconds", "expected"), [(99.999999, "done"), (100, "intent_invalid")])
def test_an_intent_counts_until_its_end(books: Books, phone: Device, seconds: float, expected: str) -> None:
    signed = consent(phone, expires_at="2026-01-01T00:01:40Z")
    assert expected == said(books, pay(100, signed), seconds=seconds)


def test_an_intent_is_good_for_one_payment(books: Books, phone: Device) -> None:
    signed = consent(phone, "k")
    entry = ask(books, pay(100, signed), "k")
    with pytest.raises(LedgerError, match=f"was used for entry {entry.number}") as refused:
        ask(books, pay(100, signed), "another")
    assert "intent_already_used" == refused.value.code


def test_an_intent_of_somebody_elses_key_is_none(books: Books, phone: Device) -> None:
    bobs = Device(5, books.ledger)
    ask(books, register(bobs, "bob"), "bobs")
    for device in (bobs, Device(6, books.ledger)):
        assert "intent_invalid" == said(books, pay(100, consent(device)))
    forged = SignedIntent(consent(bobs).payload, phone.key_id, consent(bobs).signature)
    assert "intent_invalid" == said(books, pay(100, forged))


@given(st.data())
def test_one_flipped_bit_of_what_was_signed_is_refused(data: st.DataObject) -> None:
    books = new_books()
    do(books, deposit(to="ann", amount=10_000), at(1))
    device = Device(1, books.ledger)
    ask(books, register(device), "phone", 2)
    signed = consent(device)
    name = data.draw(st.sampled_from(["payload", "signature"]))
    raw = bytearray(from_base64(getattr(signed, name)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    changed = {"payload": signed.payload, "signature": signed.signature} | {name: to_base64(bytes(raw))}
    assert "intent_invalid" == said(books, pay(100, SignedIntent(key_id=signed.key_id, **changed)))


def test_the_entry_keeps_what_was_signed_and_the_key_so_that_a_receipt_proves_both(books: Books, phone: Device) -> None:
    signed = consent(phone)
    body = read_body(ask(books, pay(100, signed)).body)
    kept = json.loads(bytes(body.request))["intent"]
    assert {"payload": signed.payload, "key_id": signed.key_id, "signature": signed.signature} == kept
    assert {"intent_public_key": phone.public_key} == body.result


def test_a_signature_that_is_not_base64_is_an_answer_and_no_fault() -> None:
    row = Device(1)
    assert not Signed(row.key_id, "not base64").holds(_row(row), b"message")


def _row(device: Device) -> Any:
    books = new_books()
    ask(books, register(device.__class__(1, books.ledger), "ann"), "a")
    return books.public_keys.find(device.key_id)
