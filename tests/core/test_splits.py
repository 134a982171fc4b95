"""Splits: shares that are the total to the last minor unit, and what settles a split."""

# long: the rules of shares and those of the split are one noun's.

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.aliases import AddAlias
from ledger.core.books import Books
from ledger.core.entries import Entry, read_body, row_of, rows_of
from ledger.core.errors import LedgerError
from ledger.core.fields import PartyId
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.payment_requests import (
    CancelPaymentRequest,
    CreatePaymentRequest,
    DeclinePaymentRequest,
    ExpirePaymentRequest,
    PayPaymentRequest,
    request_id,
)
from ledger.core.rows import PaymentRequest, Split
from ledger.core.splits import SHARES_MAX, CancelSplit, CreateSplit, Share, WaiveShare, amounts_of, shares_fault
from tests.core.stories import START, attempt, deposit, do, new_books, refusal, snapshot

PAYERS = ("cem", "dag", "eve")
DEADLINE = "2026-01-01T01:00:00Z"
OVER = START + 3600 * 1_000_000


def group() -> Books:
    """Ann, who pays the bill, and cem, dag and eve, who have 1.00 EUR each."""
    books = new_books()
    for name in PAYERS:
        do(books, CreateParty(id=name, party_kind="person"))
        do(books, deposit(to=name, amount=100, rail_reference=name))
    return books


def split(*shares: Share, **fields: Any) -> CreateSplit:
    """Ann splits 0.60 EUR equally between cem, dag and eve, as far as nothing else is said."""
    facts: dict[str, Any] = {"payee": "ann", "currency": "EUR", "total": 60}
    return CreateSplit(**facts | {"shares": list(shares) or [Share(name) for name in PAYERS]} | fields)


def made(books: Books, *shares: Share, **fields: Any) -> Split:
    return row_of(do(books, split(*shares, **fields)), Split)


def named(row: Split) -> str:
    return f"split_{row.entry}"


def states(books: Books, row: Split) -> list[str]:
    """The shares' states, and the split's."""
    shares = [books.payment_requests[row.entry, n] for n in range(1, row.shares + 1)]
    return [*(share.state for share in shares if share is not None), now(books, row).state]


def now(books: Books, row: Split) -> Split:
    found = books.splits[row.entry]
    assert found is not None
    return found


def command(action: str, row: Split, n: int = 1, payer: PartyId = "cem") -> Any:
    of_share = {
        "pay": PayPaymentRequest,
        "decline": DeclinePaymentRequest,
        "withdraw": CancelPaymentRequest,
        "expire": ExpirePaymentRequest,
    }
    if action in of_share:
        return of_share[action](payment_request=request_id(row.entry, n))
    return CancelSplit(split=named(row)) if action == "cancel" else WaiveShare(split=named(row), payer=payer)


# Shares


def test_a_split_without_weights_is_equal_and_the_first_take_what_is_left_over() -> None:
    books = group()
    entry = do(books, split(total=100))
    rows = rows_of(entry, PaymentRequest)
    assert [("cem", 34, 1), ("dag", 33, 2), ("eve", 33, 3)] == [(row.payer, row.amount, row.n) for row in rows]
    assert {"open"} == {row.state for row in rows}
    assert Split(entry.number, entry.number, "ann", "EUR", 100, 3, 3, "open") == row_of(entry, Split)


def test_a_split_by_weights_gives_the_largest_remainder_its_unit_first() -> None:
    shares = [Share("cem", weight=1), Share("dag", weight=2), Share("eve", weight=3)]
    assert [17, 33, 50] == amounts_of(100, shares)
    rows = rows_of(do(group(), split(*shares, total=100)), PaymentRequest)
    assert [17, 33, 50] == [row.amount for row in rows]


def test_a_split_by_amounts_keeps_them_as_they_were_given() -> None:
    rows = rows_of(do(group(), split(Share("dag", amount=59), Share("cem", amount=1))), PaymentRequest)
    assert [("dag", 59), ("cem", 1)] == [(row.payer, row.amount) for row in rows]


@pytest.mark.parametrize(
    ("shares", "total", "fault"),
    [
        ([], 10, ("/shares", "field_invalid")),
        ([Share(f"p{n}") for n in range(SHARES_MAX + 1)], 1000, ("/shares", "field_invalid")),
        ([Share("cem"), Share("dag"), Share("cem")], 10, ("/shares/2/payer", "field_invalid")),
        ([Share("cem", weight=1), Share("dag")], 10, ("/shares", "field_invalid")),
        ([Share("cem", weight=1), Share("dag", amount=9)], 10, ("/shares", "field_invalid")),
        ([Share("cem", weight=1, amount=10)], 10, ("/shares", "field_invalid")),
        ([Share("cem", amount=5), Share("dag", amount=4)], 10, ("/total", "amount_invalid")),
        ([Share("cem", amount=5), Share("dag", amount=6)], 10, ("/total", "amount_invalid")),
        ([Share("cem"), Share("dag")], 1, ("/total", "amount_invalid")),
        ([Share("cem", weight=1000), Share("dag", weight=1)], 10, ("/total", "amount_invalid")),
    ],
)
def test_shares_that_cannot_be_the_total_are_refused_with_a_sentence(
    shares: list[Share], total: int, fault: tuple[str, str]
) -> None:
    found = shares_fault(total, shares)
    assert found is not None
    assert fault == (found.pointer, found.code)
    assert found.detail.endswith(".")


def test_a_split_of_a_hundred_shares_is_the_most_there_is() -> None:
    books = new_books()
    names = [f"{n:064d}" for n in range(SHARES_MAX)]
    for name in names:
        do(books, CreateParty(id=name, party_kind="person"))
    row = made(books, *map(Share, names), total=AMOUNT_MAX, expires_at=DEADLINE)
    assert (SHARES_MAX, SHARES_MAX) == (row.shares, row.outstanding)
    assert refusal(books, WaiveShare(split=named(row), payer=names[50])) is None
    assert refusal(books, CancelSplit(split=named(row))) is None


some_shares = st.one_of(
    st.integers(1, SHARES_MAX).map(lambda count: [Share(f"p{n}") for n in range(count)]),
    st.lists(st.integers(1, 1_000_000), min_size=1, max_size=SHARES_MAX).map(
        lambda weights: [Share(f"p{n}", weight=weight) for n, weight in enumerate(weights)]
    ),
)


@given(st.integers(1, 500) | st.integers(1, AMOUNT_MAX), some_shares)
def test_shares_sum_to_the_total_exactly_and_none_is_zero(total: int, shares: Sequence[Share]) -> None:
    fault = shares_fault(total, shares)
    amounts = amounts_of(total, shares)
    assert total == sum(amounts)
    assert (0 in amounts) == (fault is not None)
    if all(share.weight is None for share in shares):
        assert max(amounts) - min(amounts) <= 1


# Who


def test_the_payees_own_share_counts_as_paid_and_moves_nothing() -> None:
    books = group()
    row = made(books, Share("ann"), Share("cem"))
    assert ["paid", "open", "open"] == states(books, row)
    own = books.payment_requests[row.entry, 1]
    assert own is not None
    assert (None, 1) == (own.paid_by, row.outstanding)
    assert not books.open_requests.find(("ann", "ann"))
    assert "request_not_open" == refusal(books, WaiveShare(split=named(row), payer="ann"))
    do(books, command("pay", row, 2))
    assert ["paid", "paid", "settled"] == states(books, row)
    assert 130 == books.balance("ann", "available", "EUR")


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ([Share("ann")], "same_party"),
        ([Share("cem"), Share("zoe")], "party_unknown"),
        ([Share("cem"), Share("alias:phone:+491511111111")], "field_invalid"),
    ],
)
def test_whoever_is_named_has_to_be_there_and_to_be_asked_once(shares: list[Share], code: str) -> None:
    books = group()
    do(books, AddAlias(party="cem", channel="phone", value="+491511111111"))
    assert code == refusal(books, split(*shares))


def test_a_frozen_payer_is_asked_but_a_frozen_payee_is_not() -> None:
    books = group()
    do(books, FreezeParty(party="cem", mode="all"))
    row = made(books)
    assert "party_not_open" == refusal(books, command("pay", row))
    do(books, FreezeParty(party="ann", mode="all"))
    assert "party_not_open" == refusal(books, split())


def test_a_closed_party_has_no_share_in_a_split() -> None:
    books = group()
    do(books, CreateParty(id="fay", party_kind="person"))
    do(books, CloseParty(party="fay"))
    assert "party_not_open" == refusal(books, split(Share("cem"), Share("fay")))


def test_phones_in_the_shares_stand_in_the_private_part_alone() -> None:
    books = group()
    do(books, AddAlias(party="cem", channel="phone", value="+491511111111"))
    entry = do(books, split(Share("alias:phone:+491511111111", weight=1), Share("dag", weight=2), memo="Pizza"))
    assert b"491511111111" not in entry.body
    assert b"Pizza" not in entry.body
    assert entry.private is not None
    assert "+491511111111" in entry.private
    assert ["cem", "dag"] == [row["payer"] for row in (read_body(entry.body).result or {})["rows"]["payment_requests"]]


def test_shares_count_among_the_twenty_requests_between_two() -> None:
    books = group()
    for _ in range(19):
        do(books, CreatePaymentRequest(payee="ann", payer="dag", amount=1, currency="EUR"))
    row = made(books)
    before = snapshot(books)
    assert "limit_exceeded" == refusal(books, split())
    assert before == snapshot(books)
    do(books, WaiveShare(split=named(row), payer="dag"))
    assert refusal(books, split()) is None


# What settles


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        ("open", {"pay": "paid", "decline": "declined", "withdraw": "cancelled", "waive": "cancelled"}),
        ("overdue", {"expire": "expired", "waive": "cancelled"}),
        ("declined", {"waive": "cancelled"}),
        ("expired", {"waive": "cancelled"}),
        ("paid", {}),
        ("cancelled", {}),
    ],
)
def test_in_each_state_a_share_takes_just_these_actions(state: str, outcomes: dict[str, str]) -> None:
    leads_to = {"paid": "pay", "declined": "decline", "cancelled": "waive", "expired": "expire"}
    for action in ("pay", "decline", "withdraw", "expire", "waive"):
        books = group()
        row = made(books, expires_at=DEADLINE)
        books.now = OVER if state in ("overdue", "expired") else books.now
        if state in leads_to:
            do(books, command(leads_to[state], row))
        outcome = attempt(books, command(action, row))
        said = states(books, row)[0] if isinstance(outcome, Entry) else outcome.code
        assert outcomes.get(action, "request_not_open") == said, (state, action)
        done = said in ("paid", "cancelled") or state in ("paid", "cancelled")
        assert (2 if done else 3) == now(books, row).outstanding


@pytest.mark.parametrize("last", ["pay", "withdraw", "waive"])
def test_the_last_share_that_is_paid_or_waived_settles_the_split_in_the_same_entry(last: str) -> None:
    books = group()
    row = made(books)
    do(books, command("pay", row, 2))
    do(books, WaiveShare(split=named(row), payer="eve"))
    assert ["open", "paid", "cancelled", "open"] == states(books, row)
    entry = do(books, command(last, row))
    assert ("settled", 0, entry.number) == (
        row_of(entry, Split).state,
        row_of(entry, Split).outstanding,
        row_of(entry, Split).changed_by,
    )
    assert "request_not_open" == refusal(books, command("cancel", row))


def test_declined_and_expired_shares_keep_a_split_open_until_they_are_waived() -> None:
    books = group()
    row = made(books, expires_at=DEADLINE)
    do(books, command("decline", row, 1))
    do(books, command("pay", row, 2))
    books.now = OVER
    do(books, command("expire", row, 3))
    assert ["declined", "paid", "expired", "open"] == states(books, row)
    assert 2 == now(books, row).outstanding
    do(books, WaiveShare(split=named(row), payer="cem"))
    do(books, WaiveShare(split=named(row), payer="eve"))
    assert ["cancelled", "paid", "cancelled", "settled"] == states(books, row)


def test_cancelling_a_split_cancels_all_that_is_open_and_leaves_what_has_ended() -> None:
    books = group()
    row = made(books, Share("ann"), *map(Share, PAYERS), total=80, expires_at=DEADLINE)
    do(books, command("pay", row, 2))
    do(books, command("decline", row, 3))
    entry = do(books, command("cancel", row))
    assert ["paid", "paid", "declined", "cancelled", "cancelled"] == states(books, row)
    assert 0 == now(books, row).outstanding
    assert {("cem", "ann"): 0, ("dag", "ann"): 0, ("eve", "ann"): 0} == dict(books.open_requests)
    assert 80 == books.balance("cem", "available", "EUR")
    assert ["paid", "paid", "declined", "cancelled"] == [each["state"] for each in (entry.result or {})["shares"]]
    for action in ("cancel", "pay", "waive"):
        assert "request_not_open" == refusal(books, command(action, row, 4, "eve"))


def test_cancelling_a_split_lets_an_overdue_share_expire() -> None:
    books = group()
    row = made(books, expires_at=DEADLINE)
    do(books, command("decline", row, 1))
    books.now = OVER
    entry = do(books, command("cancel", row))
    assert ["declined", "expired", "expired", "cancelled"] == states(books, row)
    assert ["declined", "expired", "expired"] == [each["state"] for each in (entry.result or {})["shares"]]
    assert "request_not_open" == refusal(books, command("expire", row, 2))


@pytest.mark.parametrize("name", ["split_1", "split_x", "payment_request_8", ""])
def test_a_name_that_no_split_or_payer_has_is_not_found(name: str) -> None:
    books = group()
    row = made(books)
    assert "not_found" == refusal(books, CancelSplit(split=name))
    assert "not_found" == refusal(books, WaiveShare(split=name, payer="cem"))
    assert "not_found" == refusal(books, WaiveShare(split=named(row), payer="bob"))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("pay", "decline", "withdraw", "expire", "waive", "waive", "cancel")),
        st.integers(1, 3),
        st.sampled_from((0, 0, 0, 3600 * 1_000_000)),
    ),
    max_size=12,
)


@given(ACTIONS, st.booleans())
def test_whatever_is_done_a_splits_state_follows_from_its_shares(
    actions: list[tuple[str, int, int]], has_deadline: bool
) -> None:
    books = group()
    row = made(books, expires_at=DEADLINE if has_deadline else None)
    was_cancelled = False
    for action, n, passed in actions:
        books.now += passed
        outcome = attempt(books, command(action, row, n, PAYERS[n - 1]))
        assert not isinstance(outcome, LedgerError) or outcome.code == "request_not_open"
        was_cancelled |= action == "cancel" and isinstance(outcome, Entry)
    *shares, state = states(books, row)
    outstanding = sum(each not in ("paid", "cancelled") for each in shares)
    assert (0 if was_cancelled else outstanding) == now(books, row).outstanding
    assert state == ("cancelled" if was_cancelled else "open" if outstanding else "settled")
    paid = sum(each == "paid" for each in shares)
    assert 100 + 20 * paid == books.balance("ann", "available", "EUR")
    still_open = sum(each == "open" for each in shares)
    assert still_open + (state == "open") == (books.open_things.find("ann") or 0)
    assert still_open == sum(books.open_requests.find((p, "ann")) or 0 for p in PAYERS)
