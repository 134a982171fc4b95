"""Who asks: an API key's end, its revocation, its limits, and what it may give to others."""

from typing import Any

import pytest

from ledger.core.actors import Limit
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.errors import Refused
from ledger.core.holds import CaptureHold, PlaceHold
from ledger.core.settings import SetLedger
from tests.core.stories import deposit, do, new_books
from tests.core.test_consent import ask, at, pay, said


@pytest.fixture
def books() -> Books:
    """Ann, with money, and bob."""
    made = new_books()
    do(made, deposit(to="ann", amount=10_000), at(1))
    return made


def limited(books: Books, **fields: Any) -> str:
    """A new API key; its id."""
    command = CreateApiKey(name="till", digest="A" * 43, scopes=["transfers:write"], **fields)
    return f"key_{ask(books, command, 'new key', 50).number}"


def test_a_key_moves_no_more_than_its_limits_to_the_unit_and_begins_anew_each_day(books: Books) -> None:
    do(books, SetLedger(time_zone="Asia/Tokyo"), at(3))
    key = limited(books, limits=[Limit("EUR", per_payment=100, per_day_sum=250)])
    by: dict[str, Any] = {"actor": key, "by_key": True}
    assert ["limit_exceeded", "done", "done", "limit_exceeded", "done", "limit_exceeded"] == [
        said(books, pay(amount), f"k{number}", 60, **by) for number, amount in enumerate((101, 100, 100, 51, 50, 1))
    ]
    midnight = 15 * 3600  # in Tokyo, of a day that began at 9
    assert "limit_exceeded" == said(books, pay(1), "before", midnight - 1, **by)
    assert "done" == said(books, pay(100), "after", midnight, **by)


def test_what_is_refused_counts_for_nothing(books: Books) -> None:
    key = limited(books, limits=[Limit("EUR", per_day_sum=20_000)])
    by: dict[str, Any] = {"actor": key, "by_key": True}
    assert "insufficient_funds" == said(books, pay(15_000), "a", **by)
    assert "done" == said(books, pay(10_000), "b", **by)


def test_other_currencies_are_closed_to_a_key_with_limits(books: Books) -> None:
    do(books, deposit(to="ann", amount=5, currency="JPY", rail_reference="yen"), at(5))
    key = limited(books, limits=[Limit("EUR")])
    with pytest.raises(Refused, match="do not allow JPY"):
        ask(books, pay(1, currency="JPY"), actor=key, by_key=True)
    assert "done" == said(books, pay(9_999), actor=key, by_key=True)


def test_a_key_that_was_revoked_or_has_ended_does_nothing_more(books: Books) -> None:
    key = limited(books, valid_until="2026-01-01T00:02:00Z")
    by: dict[str, Any] = {"actor": key, "by_key": True}
    assert ["done", "credentials_invalid"] == [said(books, pay(1), f"k{s}", s, **by) for s in (119, 120)]
    assert "credentials_invalid" == said(books, pay(1), "nobody", actor="key_99", by_key=True)
    ask(books, RevokeApiKey(id=key), "revoke", 130)
    assert "already_exists" == said(books, RevokeApiKey(id=key), "twice", 131)


def test_a_key_gives_no_scope_that_it_lacks_and_one_with_limits_gives_none(books: Books) -> None:
    key = limited(books)
    more = CreateApiKey(name="x", digest="B" * 42 + "A", scopes=["keys:manage"])
    assert "scope_missing" == said(books, more, actor=key, by_key=True)
    less = CreateApiKey(name="x", digest="C" * 42 + "A", scopes=["transfers:write"])
    assert "done" == said(books, less, "less", actor=key, by_key=True)


def test_where_signatures_are_required_a_bearer_key_writes_nothing(books: Books) -> None:
    key = limited(books)
    require = SetLedger(request_signatures="required")
    assert "signature_missing" == said(books, require, actor=key, by_key=True)
    ask(books, require, "by the command line", actor="cli")
    assert "signature_missing" == said(books, pay(1), "k", actor=key, by_key=True)


def test_a_fee_and_what_was_held_before_are_not_counted_twice(books: Books) -> None:
    do(books, SetFees(party="bob", bps=1_000), at(5))
    key = limited(books, limits=[Limit("EUR", per_day_sum=100)])
    by: dict[str, Any] = {"actor": key, "by_key": True}
    placed = ask(books, PlaceHold(from_="ann", to="bob", amount=100, currency="EUR"), "hold", 60, **by)
    assert "done" == said(books, CaptureHold(hold=f"hold_{placed.number}", amount=60), "capture", 61, **by)
    assert 100 == books.key_sums[key, "EUR"].amount  # type: ignore[union-attr]
    assert "limit_exceeded" == said(books, pay(1), "more", 62, **by)
