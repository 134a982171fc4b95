"""Of the invoices that can be paid the oldest are known, whatever is opened and ended and however few were loaded."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.open_invoices import NO_DATE, OpenInvoice, OpenInvoices
from ledger.core.rows import EPOCH, Invoice


def invoice(entry: int, due_at: datetime | None) -> Invoice:
    return Invoice(entry, entry, "shop", "eve", "EUR", "open", 5, 0, 5, entry, tax_inclusive=False, due_at=due_at)


def place(each: Invoice) -> OpenInvoice:
    return OpenInvoice(each.due_at or NO_DATE, each.entry)


days = st.none() | st.integers(0, 5).map(lambda day: EPOCH + timedelta(day))
steps = st.lists(st.tuples(st.booleans(), days, st.integers(0, 50)), max_size=60)


@given(st.lists(days, max_size=30), st.integers(1, 30), steps)
def test_what_is_known_is_where_the_list_of_all_begins(
    due: list[datetime | None], loaded: int, story: list[tuple[bool, datetime | None, int]]
) -> None:
    there = [invoice(entry, due_at) for entry, due_at in enumerate(due, 1)]
    oldest = sorted(map(place, there))
    known = OpenInvoices(tuple(oldest[:loaded]), len(there) <= loaded)
    made = len(there)
    for is_opened, due_at, which in story:
        if is_opened:
            made += 1
            each = invoice(made, due_at)
            there.append(each)
        elif there:
            each = there.pop(which % len(there))
        else:
            continue
        known = known.after(each, is_opened)
        oldest = sorted(map(place, there))
        assert oldest[: len(known.oldest)] == [*known.oldest]
        assert not known.is_all or len(oldest) == len(known.oldest)


def test_what_changes_and_can_still_be_paid_keeps_its_place() -> None:
    known = OpenInvoices((OpenInvoice(EPOCH, 1), OpenInvoice(NO_DATE, 2)), is_all=False)
    for each in (invoice(1, EPOCH), invoice(2, None)):
        assert known == known.after(each, can_be_paid=True)
