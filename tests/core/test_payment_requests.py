"""Payment requests: what may be done to one in which state, how many may stand open, and that paying moves money."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.entries import Entry, row_of
from ledger.core.errors import LedgerError
from ledger.core.limits import SetLimits
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.party_keys import SetPolicy
from ledger.core.payment_requests import (
    OPEN_REQUESTS_MAX,
    CancelPaymentRequest,
    CreatePaymentRequest,
    DeclinePaymentRequest,
    ExpirePaymentRequest,
    PayPaymentRequest,
    id_of,
    key_of,
    request_id,
)
from ledger.core.rows import Payment, PaymentRequest
from ledger.core.settings import SetLedger
from tests.core.devices import Device
from tests.core.stories import START, attempt, deposit, do, new_books, refusal, snapshot, transfer
from tests.core.test_consent import ask, register

DEADLINE, SECOND = "2026-01-01T01:00:00Z", 1_000_000
OVER = START + 3600 * SECOND


def request(**fields: Any) -> CreatePaymentRequest:
    """Bob asks ann for 5 minor units of EUR, as far as nothing else is said."""
    facts: dict[str, Any] = {"payee": "bob", "payer": "ann", "amount": 5, "currency": "EUR"}
    return CreatePaymentRequest(**facts | fields)


def asked(books: Books, **fields: Any) -> str:
    """The id of a new request."""
    return id_of(row_of(do(books, request(**fields)), PaymentRequest))


def pay(name: str, **fields: Any) -> PayPaymentRequest:
    return PayPaymentRequest(payment_request=name, **fields)


def kept(books: Books, name: str) -> Any:
    return books.payment_requests[key_of(name)]


def balances(books: Books) -> tuple[int, int]:
    return books.balance("ann", "available", "EUR"), books.balance("bob", "available", "EUR")


ACTIONS: dict[str, type[Command]] = {
    "pay": PayPaymentRequest,
    "decline": DeclinePaymentRequest,
    "cancel": CancelPaymentRequest,
    "expire": ExpirePaymentRequest,
}
AFTER = {"pay": "paid", "decline": "declined", "cancel": "cancelled", "expire": "expired"}


def in_state(state: str) -> tuple[Books, str]:
    """Books with a request in a state, `overdue` being open with its time over; it has a deadline, so it may expire."""
    books = new_books()
    name = asked(books, expires_at=DEADLINE)
    if state in ("overdue", "expired"):
        books.now = OVER
    action = next((action for action, after in AFTER.items() if after == state), None)
    if action is not None:
        do(books, ACTIONS[action](payment_request=name))
    return books, name


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        ("open", {"pay": "paid", "decline": "declined", "cancel": "cancelled", "expire": "request_not_open"}),
        ("overdue", dict.fromkeys(ACTIONS, "request_not_open") | {"expire": "expired"}),
        *((state, dict.fromkeys(ACTIONS, "request_not_open")) for state in AFTER.values()),
    ],
)
def test_in_each_state_just_these_actions_are_done(state: str, outcomes: dict[str, str]) -> None:
    assert outcomes.keys() == ACTIONS.keys()
    for action, outcome in outcomes.items():
        books, name = in_state(state)
        before = snapshot(books)
        made = attempt(books, ACTIONS[action](payment_request=name))
        said = made.code if isinstance(made, LedgerError) else kept(books, name).state
        assert outcome == said, (state, action)
        assert isinstance(made, Entry) or before == snapshot(books)


def test_a_paid_request_has_moved_its_amount_once_and_names_the_entry_that_paid_it() -> None:
    books = new_books()
    name = asked(books, amount=30)
    assert (100, 100) == balances(books)
    entry = do(books, pay(name))
    assert (70, 130) == balances(books)
    assert ("paid", entry.number) == (kept(books, name).state, kept(books, name).paid_by)
    assert [("ann/available", "bob/available", 30)] == [(p.debit.path, p.credit.path, p.amount) for p in entry.postings]
    assert "request_not_open" == refusal(books, pay(name))
    assert (70, 130) == balances(books)


def test_a_payment_is_remembered_as_a_transfer_that_can_be_refunded() -> None:
    books = new_books()
    entry = do(books, pay(asked(books, amount=30)))
    assert Payment(entry.number, entry.number, "transfer", "ann", "bob", 30, "EUR") == books.payments[entry.number]


def test_a_request_without_a_deadline_can_be_paid_for_ever() -> None:
    books = new_books()
    name = asked(books)
    books.now += 400 * 24 * 3600 * SECOND
    assert "request_not_open" == refusal(books, ExpirePaymentRequest(payment_request=name))
    assert refusal(books, pay(name)) is None


def test_a_request_can_be_paid_until_the_last_microsecond_before_its_deadline() -> None:
    for at, outcome in ((OVER - 1, None), (OVER, "request_not_open")):
        books = new_books()
        name = asked(books, expires_at=DEADLINE)
        made = attempt(books, pay(name), at)
        assert outcome == (made.code if isinstance(made, LedgerError) else None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"payer": "bob"}, "same_party"),
        ({"payer": "zoe"}, "party_unknown"),
        ({"payee": "alias:phone:+4915112345678"}, "party_unknown"),
        ({"currency": "USD"}, "currency_invalid"),
        ({"expires_at": "2025-12-31T23:59:59Z"}, "timestamp_invalid"),
        ({"expires_at": "2027-02-01T00:00:00Z"}, "timestamp_invalid"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_its_code(fields: dict[str, Any], code: str) -> None:
    assert code == refusal(new_books(), request(**fields))


@pytest.mark.parametrize("name", ["payment_request_1", "payment_request_8_1", "payment_request_x", "hold_8", "8", ""])
def test_a_name_that_no_request_has_is_not_found(name: str) -> None:
    books = new_books()
    asked(books)
    for action in ACTIONS.values():
        assert "not_found" == refusal(books, action(payment_request=name))


@pytest.mark.parametrize(
    ("party", "mode", "outcomes"),
    [
        ("ann", "debits", {"ask": None, "pay": "party_not_open", "decline": None, "cancel": None}),
        ("ann", "all", {"ask": None, "pay": "party_not_open", "decline": None, "cancel": None}),
        ("bob", "debits", {"ask": None, "pay": None, "decline": None, "cancel": None}),
        ("bob", "all", {"ask": "party_not_open", "pay": "party_not_open", "decline": None, "cancel": None}),
    ],
)
def test_a_frozen_payer_can_decline_but_not_pay_and_a_frozen_payee_is_not_paid(
    party: str, mode: Any, outcomes: dict[str, str | None]
) -> None:
    for action, outcome in outcomes.items():
        books = new_books()
        name = asked(books)
        do(books, FreezeParty(party=party, mode=mode))
        command = ACTIONS[action](payment_request=name) if action in ACTIONS else request()
        assert outcome == refusal(books, command), action


def test_a_party_is_not_closed_while_a_request_stands_open_on_either_side() -> None:
    books = new_books()
    for name in ("cem", "dag"):
        do(books, CreateParty(id=name, party_kind="person"))
    name = asked(books, payee="cem", payer="dag")
    assert ["party_not_empty"] * 2 == [refusal(books, CloseParty(party=party)) for party in ("cem", "dag")]
    do(books, DeclinePaymentRequest(payment_request=name))
    assert [None] * 2 == [refusal(books, CloseParty(party=party)) for party in ("cem", "dag")]


def test_nobody_asks_a_closed_party_for_money() -> None:
    books = new_books()
    do(books, CreateParty(id="cem", party_kind="person"))
    do(books, CloseParty(party="cem"))
    assert "party_not_open" == refusal(books, request(payer="cem"))
    assert "party_not_open" == refusal(books, request(payee="cem"))


def test_what_is_wrong_is_said_in_the_promised_order() -> None:
    """What goes wrong later in this test comes first in the answer."""
    books = new_books()
    name = asked(books, amount=101)
    assert "insufficient_funds" == refusal(books, pay(name))
    do(books, SetLimits(party="ann", currency="EUR", per_payment=50))
    assert "limit_exceeded" == refusal(books, pay(name))
    do(books, DeclinePaymentRequest(payment_request=name))
    assert "request_not_open" == refusal(books, pay(name))
    do(books, FreezeParty(party="ann", mode="debits"))
    assert "party_not_open" == refusal(books, pay(name))


def test_a_payees_limit_of_what_it_may_have_stands_against_being_paid() -> None:
    books = new_books()
    name = asked(books, amount=30)
    do(books, SetLimits(party="bob", currency="EUR", balance=120))
    assert "limit_exceeded" == refusal(books, pay(name))


def test_requests_that_are_paid_count_toward_the_payers_day() -> None:
    books = new_books()
    do(books, SetLimits(party="ann", currency="EUR", per_day_sum=50))
    first, second = asked(books, amount=30), asked(books, amount=30)
    do(books, pay(first))
    assert "limit_exceeded" == refusal(books, pay(second))
    assert "limit_exceeded" == refusal(books, transfer(amount=21))


def test_a_currency_that_the_ledger_gave_up_is_not_paid_any_more() -> None:
    books = new_books()
    name = asked(books)
    do(books, SetLedger(currencies=["JPY"]))
    assert "currency_invalid" == refusal(books, pay(name))
    assert refusal(books, DeclinePaymentRequest(payment_request=name)) is None


def test_twenty_requests_stand_open_between_two_and_no_more() -> None:
    books = new_books()
    names = [asked(books, expires_at=DEADLINE) for _ in range(OPEN_REQUESTS_MAX)]
    assert "limit_exceeded" == refusal(books, request())
    assert refusal(books, request(payer="bob", payee="ann")) is None
    for name, action in zip(names, ACTIONS, strict=False):
        books.now = OVER if action == "expire" else books.now
        do(books, ACTIONS[action](payment_request=name))
        assert refusal(books, request()) is None
        assert "limit_exceeded" == refusal(books, request())


def test_an_intent_is_good_for_the_one_request_that_it_names() -> None:
    books = new_books()
    phone = Device(1, books.ledger)
    ask(books, register(phone), "phone", 2)
    do(books, SetPolicy(party="ann", intents="always"))
    first, second = asked(books), asked(books)
    terms = {"operation": "payment_request.pay", "of": first, "from": "ann", "to": "bob", "amount": 5}
    intent = phone.intent("tap", **terms)

    def tap(name: str, **fields: Any) -> str | None:
        try:
            ask(books, pay(name, **fields), "tap", 200)
        except LedgerError as error:
            return error.code
        return None

    assert "intent_required" == tap(first)
    assert "intent_mismatch" == tap(second, intent=intent)
    assert tap(first, intent=intent) is None
    assert refusal(books, DeclinePaymentRequest(payment_request=second)) is None


def test_an_id_reads_back_as_the_key_it_was_made_of() -> None:
    assert (7, 0) == key_of(request_id(7, 0))
    assert (7, 2) == key_of(request_id(7, 2))
    for odd in ("payment_request_0", "payment_request_7_0", "payment_request_7_2_1", "payment_request_07", "_7"):
        assert key_of(odd) is None


STEPS = st.lists(
    st.tuples(st.sampled_from(("ask", *ACTIONS)), st.integers(0, 7), st.sampled_from((0, 1800 * SECOND))),
    max_size=40,
)


@given(STEPS)
def test_whatever_is_done_the_count_of_open_requests_and_the_money_follow_from_the_rows(
    steps: list[tuple[str, int, int]],
) -> None:
    books = new_books()
    do(books, deposit(to="ann", amount=1000))
    names: list[str] = []
    for action, which, passed in steps:
        books.now += passed
        if action == "ask":
            at = {"expires_at": DEADLINE} if which % 2 and books.now < OVER else {}
            made = attempt(books, request(amount=which + 1, **at))
            if isinstance(made, Entry):
                names.append(id_of(row_of(made, PaymentRequest)))
        elif names:
            attempt(books, ACTIONS[action](payment_request=names[which % len(names)]))
    rows = [kept(books, name) for name in names]
    still_open = [row.state for row in rows].count("open")
    assert still_open == (books.open_requests.find(("ann", "bob")) or 0) == (books.open_things.find("ann") or 0)
    paid = sum(row.amount for row in rows if row.state == "paid")
    assert (1100 - paid, 100 + paid) == balances(books)
