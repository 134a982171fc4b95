"""Reversals: the legs turned round, once, and only of what nothing came of."""

from collections.abc import Callable

import pytest

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.entries import Entry, row_of
from ledger.core.holds import CaptureHold, PlaceHold
from ledger.core.outside_moves import MoveBetweenBanks, PrefundRail, SettleRail
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.payment_requests import CreatePaymentRequest, PayPaymentRequest
from ledger.core.rails import RegisterBank
from ledger.core.refunds import MakeRefund
from ledger.core.reversals import ReverseEntry
from ledger.core.rows import OutsideMove, Payment
from tests.core.stories import do, new_books, refusal, transfer


def legs(entry: Entry) -> list[tuple[str, str, int]]:
    return [(posting.debit.path, posting.credit.path, posting.amount) for posting in entry.postings]


def turned_round(entry: Entry) -> list[tuple[str, str, int]]:
    return [(credit, debit, amount) for debit, credit, amount in legs(entry)]


def reverse(entry: Entry | int | str) -> ReverseEntry:
    return ReverseEntry(number=str(entry.number if isinstance(entry, Entry) else entry), reason="a slip")


def asked_and_paid(books: Books) -> Entry:
    asked = do(books, CreatePaymentRequest(payer="ann", payee="bob", amount=7, currency="EUR"))
    return do(books, PayPaymentRequest(payment_request=f"payment_request_{asked.number}"))


def with_two_banks(command: Command) -> Callable[[Books], Entry]:
    def story(books: Books) -> Entry:
        do(books, RegisterBank(id="other", currency="EUR", purpose="own"))
        return do(books, command)

    return story


MOVE = {"amount": 70, "currency": "EUR", "reference": "statement 7"}
SETTLED = SettleRail(rail="upi", bank="bank", fee=3, **MOVE)  # type: ignore[arg-type]
PREFUNDED = PrefundRail(rail="upi", bank="bank", fee=3, **MOVE)  # type: ignore[arg-type]
MOVED = MoveBetweenBanks(bank="bank", to="other", fee=3, **MOVE)  # type: ignore[arg-type]

REVERSIBLE: dict[str, Callable[[Books], Entry]] = {
    "transfer": lambda books: do(books, transfer(amount=50)),
    "payment_request.pay": asked_and_paid,
    "rail.settle": with_two_banks(SETTLED),
    "rail.prefund": with_two_banks(PREFUNDED),
    "bank.move": with_two_banks(MOVED),
    "rail.settle without a fee": with_two_banks(SettleRail(rail="upi", bank="bank", **MOVE)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("story", REVERSIBLE.values(), ids=REVERSIBLE)
def test_every_leg_is_turned_round_and_that_happens_once(story: Callable[[Books], Entry]) -> None:
    books = new_books()
    made = story(books)
    done = do(books, reverse(made))
    assert turned_round(made) == legs(done)
    assert "already_reversed" == refusal(books, reverse(made))
    assert "field_invalid" == refusal(books, reverse(done))


def test_what_was_reversed_says_so() -> None:
    books = new_books()
    paid = do(books, transfer(amount=50))
    assert (50, paid.number) == (
        row_of(done := do(books, reverse(paid)), Payment).refunded,
        row_of(done, Payment).entry,
    )
    moved = with_two_banks(MOVED)(books)
    assert "reversed" == row_of(do(books, reverse(moved)), OutsideMove).state


def test_what_was_refunded_is_not_reversed_nor_what_was_reversed_refunded() -> None:
    books = new_books()
    paid, other = do(books, transfer(amount=50)), do(books, transfer(amount=50))
    do(books, MakeRefund(of=f"transfer_{paid.number}", amount=1, reason="faulty"))
    assert "already_reversed" == refusal(books, reverse(paid))
    do(books, reverse(other))
    again = MakeRefund(of=f"transfer_{other.number}", reason="faulty")
    assert "already_reversed" == refusal(books, again)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ([], None),
        ([FreezeParty(party="bob", mode="all"), FreezeParty(party="ann", mode="all")], None),
        ([transfer(from_="bob", to="ann", amount=101)], "insufficient_funds"),
        ([transfer(amount=50), CloseParty(party="ann")], "party_not_open"),
    ],
)
def test_the_receiver_must_have_the_money_and_the_payer_be_there(before: list[Command], code: str | None) -> None:
    books = new_books()
    paid = do(books, transfer(amount=50))
    for command in before:
        do(books, command)
    assert code == refusal(books, reverse(paid))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("1", "field_invalid"),
        ("6", "field_invalid"),
        ("8", "not_found"),
        ("0", "not_found"),
        ("-1", "not_found"),
        ("x", "not_found"),
        ("999999999999999999999", "not_found"),
    ],
)
def test_of_any_other_entry_it_is_said_what_to_do_instead(number: str, code: str) -> None:
    assert code == refusal(new_books(), reverse(number))


def test_a_capture_is_refunded_and_not_reversed() -> None:
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    hold = do(books, PlaceHold(from_="ann", to="shop", amount=5, currency="EUR"))
    assert "field_invalid" == refusal(books, reverse(do(books, CaptureHold(hold=f"hold_{hold.number}"))))
    assert "field_invalid" == refusal(books, reverse(hold))
