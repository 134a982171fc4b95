"""Drafts: what a change names is set, what it sets to null is taken away, and what it leaves out stays."""

from datetime import datetime
from typing import Any

import pytest
from msgspec import UNSET

from ledger.core.books import Books
from ledger.core.commands import differing_fields
from ledger.core.drafts import UpdateInvoice
from ledger.core.entries import Entry
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import CreateParty
from ledger.core.rows import Invoice
from tests.core.stories import do, new_books, refusal
from tests.core.test_commands import stored

NAME = "invoice_9"
DRAFT: dict[str, Any] = {
    "merchant": "shop",
    "customer": "ann",
    "currency": "EUR",
    "lines": [Line("Tiles", 4, 25, tax_bps=1_000)],
    "tax_inclusive": True,
    "due_at": "2026-02-01T00:00:00Z",
    "external_ref": "A-1",
    "memo": "keep me",
    "finalize": False,
}
LINES = [Line("Tiles", 1, 110, tax_bps=1_000)]


def books_with_draft(**fields: object) -> Books:
    """Entry 8 is the shop, entry 9 its draft."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, CreateInvoice(**DRAFT | fields))
    return books


def change(books: Books, **fields: Any) -> Entry:
    return do(books, UpdateInvoice(invoice=NAME, **fields))


def draft(books: Books) -> Invoice:
    found = books.invoices.find(9)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["customer", "due_at", "external_ref"])
def test_null_takes_away_what_a_draft_had_and_what_is_left_out_stays(name: str) -> None:
    books = books_with_draft()
    before = draft(books)
    change(books)
    assert getattr(before, name) == getattr(draft(books), name)
    change(books, **{name: None})
    others = {"customer", "due_at", "external_ref"} - {name}
    assert None is getattr(draft(books), name)
    assert [getattr(before, other) for other in others] == [getattr(draft(books), other) for other in others]


def test_a_reference_that_was_taken_away_is_free_again() -> None:
    books = books_with_draft()
    another = CreateInvoice(**DRAFT)
    assert "already_exists" == refusal(books, another)
    change(books, external_ref=None)
    assert None is refusal(books, another)


def test_a_memo_stays_until_it_is_named_and_needs_no_lines() -> None:
    books = books_with_draft()
    assert (9, 9) == (draft(books).lines_by, draft(books).memo_by)
    change(books, lines=LINES)
    assert (10, 9) == (draft(books).lines_by, draft(books).memo_by)
    change(books, memo="another")
    assert (10, 11) == (draft(books).lines_by, draft(books).memo_by)
    change(books, memo=None)
    assert (10, None) == (draft(books).lines_by, draft(books).memo_by)
    assert None is draft(books_with_draft(memo=None)).memo_by


def test_new_lines_are_priced_as_the_draft_was_unless_they_say_otherwise() -> None:
    books = books_with_draft()
    change(books, lines=LINES)
    assert (100, 10, 110, True) == totals(books)
    change(books, lines=LINES, tax_inclusive=False)
    assert (110, 11, 121, False) == totals(books)
    change(books, lines=LINES)
    assert (110, 11, 121, False) == totals(books)


def totals(books: Books) -> tuple[int, int, int, bool]:
    row = draft(books)
    return row.subtotal, row.tax, row.total, row.tax_inclusive


def test_lines_too_large_only_with_the_tax_that_the_draft_adds_are_refused() -> None:
    lines = [Line("Palace", 1, AMOUNT_MAX, tax_bps=1)]
    assert None is refusal(books_with_draft(), UpdateInvoice(invoice=NAME, lines=lines))
    books = books_with_draft(tax_inclusive=False)
    assert None is UpdateInvoice(invoice=NAME, lines=lines).fault()
    assert "amount_invalid" == refusal(books, UpdateInvoice(invoice=NAME, lines=lines))


@pytest.mark.parametrize("fields", [{"currency": "JPY"}, {"tax_inclusive": False}])
def test_what_the_sums_rest_on_comes_with_the_lines(fields: dict[str, Any]) -> None:
    fault = UpdateInvoice(invoice=NAME, **fields).fault()
    assert fault is not None
    assert ("/lines", "field_missing") == (fault.pointer, fault.code)
    assert None is UpdateInvoice(invoice=NAME, lines=LINES, **fields).fault()


@pytest.mark.parametrize("name", ["customer", "due_at", "external_ref", "memo"])
def test_null_and_left_out_are_two_requests_and_each_comes_back_as_it_was(name: str) -> None:
    text = {"customer": "ann", "due_at": "2026-02-01T00:00:00Z"}.get(name, "text")
    values: tuple[Any, ...] = (UNSET, None, text)
    for value in values:
        command = UpdateInvoice(invoice=NAME, **{name: value})
        facts, private = stored(command)
        assert command == UpdateInvoice.recalled(facts, private or {})
        assert (value is not UNSET) == (name in facts)
        for other in values:
            asked = UpdateInvoice(invoice=NAME, **{name: other})
            assert ([] if value is other else [name]) == differing_fields(facts, private, asked)


def test_of_an_erased_change_the_memo_comes_back_as_none_and_no_longer_counts() -> None:
    facts, _ = stored(UpdateInvoice(invoice=NAME, memo="secret"))
    assert None is UpdateInvoice.recalled(facts, {}).memo
    assert [] == differing_fields(facts, None, UpdateInvoice(invoice=NAME, memo="another"))


def test_a_time_is_set_and_taken_away_again() -> None:
    books = books_with_draft(due_at=None)
    assert None is draft(books).due_at
    change(books, due_at="2026-03-01T01:00:00+01:00")
    assert datetime.fromisoformat("2026-03-01T00:00:00Z") == draft(books).due_at
    change(books, due_at=None)
    assert None is draft(books).due_at
