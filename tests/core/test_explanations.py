"""What a payout pays out adds up, whatever the story; and what a rail is told to pay is what is on its way."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.entries import Entry, rows_of
from ledger.core.payouts import ConfirmPayout, FailPayout, ReturnPayout, SubmitPayout
from ledger.core.rows import Payout
from tests.core.stories import Step, attempt, deposit, each_kind, new_books, play, transfer
from tests.core.test_payouts import ask

payout_ids = st.integers(8, 40).map("payout_{}".format)
requests = st.builds(
    ask,
    party=st.sampled_from(("ann", "bob")),
    amount=st.none() | st.integers(1, 60),
    currency=st.sampled_from(("EUR", "EUR", "JPY")),
    rail=st.sampled_from(("upi", "sepa")),
)
answers = st.one_of(
    st.builds(SubmitPayout, payout=payout_ids),
    st.builds(ConfirmPayout, payout=payout_ids, fee=st.integers(0, 3)),
    st.builds(FailPayout, payout=payout_ids),
    st.builds(ReturnPayout, payout=payout_ids, amount=st.none() | st.integers(1, 60), fee=st.integers(0, 3)),
)
money_moves = st.one_of(
    st.builds(transfer, amount=st.integers(1, 60)),
    st.builds(transfer, from_=st.just("bob"), to=st.just("ann"), amount=st.integers(1, 60)),
    st.builds(
        deposit,
        to=st.sampled_from(("ann", "bob")),
        amount=st.integers(1, 60),
        currency=st.sampled_from(("EUR", "JPY")),
        rail_reference=st.sampled_from("abcdefghij"),
    ),
)
stories_of_payouts: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.one_of(requests, requests, answers, answers, money_moves, st.one_of(each_kind)), st.just(1)),
    min_size=5,
    max_size=40,
)


OPENING = {("ann", "EUR"): {6: 100}, ("bob", "EUR"): {7: 100}}
"""What new books gave to whom, by entry."""


def changes_of(entries: list[Entry], party: str, currency: str) -> dict[int, int]:
    """By how much each entry changed what a party could spend."""
    changes = dict(OPENING.get((party, currency), {}))
    for entry in entries:
        for posting in entry.postings:
            for account, amount in ((posting.debit, -posting.amount), (posting.credit, posting.amount)):
                if (account.owner, account.role, account.currency) == (party, "available", currency):
                    changes[entry.number] = changes.get(entry.number, 0) + amount
    return changes


@given(stories_of_payouts)
def test_a_payout_is_what_came_since_the_one_before_with_what_was_left_and_is_left(story: list[Step]) -> None:
    books = new_books()
    entries = play(books, story)
    last: dict[tuple[str, str], int] = {}
    for payout in (rows_of(entry, Payout)[0] for entry in entries if entry.kind == "payout.request"):
        key = (payout.party, payout.currency)
        assert last.get(key, 0) == payout.after_entry < payout.entry
        last[key] = payout.entry
        changes = changes_of(entries, *key)
        carried_forward = sum(change for number, change in changes.items() if number <= payout.after_entry)
        remaining = sum(change for number, change in changes.items() if number <= payout.entry)
        between = sum(change for number, change in changes.items() if payout.after_entry < number < payout.entry)
        assert payout.amount == carried_forward + between - remaining
        assert remaining >= 0


@given(stories_of_payouts)
def test_what_a_rail_is_told_to_pay_is_what_open_payouts_sum_to_after_every_step(story: list[Step]) -> None:
    books = new_books()
    for command, _ in story:
        attempt(books, command)
        payouts = [payout for payout in books.payouts.values() if payout is not None]
        for rail in ("upi", "sepa"):
            for currency in ("EUR", "JPY"):
                open_ones = [
                    each.amount
                    for each in payouts
                    if (each.rail, each.currency) == (rail, currency) and each.state in ("requested", "in_transit")
                ]
                assert sum(open_ones) == books.balance(f"rail:{rail}", "outbound", currency)
        items = [item for item in books.suspense_items.values() if item is not None]
        for currency in ("EUR", "JPY", "INR"):
            waiting = sum(item.remaining for item in items if item.currency == currency)
            assert waiting == books.balance("platform", "suspense", currency)
