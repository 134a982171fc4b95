"""What stands open with a party is counted rightly, also while the entries that change it are on their way."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from ledger.books.lane import Lane
from ledger.books.load_sums import spent
from ledger.books.recall import NotDone
from ledger.core.books import Spent
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import Entry
from ledger.core.holds import PlaceHold, VoidHold
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.open_invoices import KNOWN_MAX
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.payment_requests import CreatePaymentRequest, DeclinePaymentRequest
from ledger.core.rows import Invoice, day_of, moment
from ledger.core.settlements import MakeSettlement, SettleInvoice
from tests.books.lanes import do, done, fund, lane_on, pay, refusal, run
from tests.core.stories import new_books
from tests.core.test_payment_requests import asked
from tests.harness import Database, Superuser


def request(payer: str) -> CreatePaymentRequest:
    return CreatePaymentRequest(payee="host", payer=payer, amount=1, currency="EUR")


def test_a_party_is_closed_together_with_what_ends_its_last_request(database: Database, superuser: Superuser) -> None:
    """The three commands are taken at once: the count is loaded when the request's end is decided but not written."""

    async def story() -> None:
        lane = Lane(database.service_url, database.ledger_id, "test")
        lane.start()
        try:
            for party in ("host", "ann", "bob"):
                await done(lane, CreateParty(id=party, party_kind="person"))
            made = await done(lane, request("ann"))
            name = f"payment_request_{made.entry.number}"
            closed = await asyncio.gather(
                do(lane, FreezeParty(party="host", mode="debits")),
                do(lane, DeclinePaymentRequest(payment_request=name)),
                do(lane, CloseParty(party="ann")),
            )
            assert not any(isinstance(each, NotDone) for each in closed)
            refused = await asyncio.gather(
                do(lane, FreezeParty(party="host", mode="debits")),
                do(lane, request("bob")),
                do(lane, CloseParty(party="bob")),
            )
            assert isinstance(refused[2], NotDone)
            assert "party_not_empty" == refused[2].error.code == await refusal(lane, CloseParty(party="bob"))
        finally:
            await lane.stop()

    run(story())


def test_whom_a_hold_is_for_is_closed_together_with_what_ends_the_last_one(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as lane:
            payer, shop = await fund(lane, 1, 9) + await fund(lane, 1, 0)
            holds = [PlaceHold(from_=payer, to=shop, amount=amount, currency="EUR") for amount in (2, 3)]
            first = await done(lane, holds[0])
            refused = await asyncio.gather(do(lane, holds[1]), do(lane, CloseParty(party=shop)))
            assert ["Done", "NotDone"] == [type(each).__name__ for each in refused]
            assert "party_not_empty" == await refusal(lane, CloseParty(party=shop))
            await done(lane, VoidHold(hold=f"hold_{first.entry.number}"))
            assert "party_not_empty" == await refusal(lane, CloseParty(party=shop))
            closed = await asyncio.gather(
                do(lane, VoidHold(hold=f"hold_{first.entry.number + 1}")),
                do(lane, CloseParty(party=shop)),
            )
            assert not any(isinstance(each, NotDone) for each in closed)

    run(story())


@pytest.mark.parametrize("is_loaded", [False, True])
def test_what_was_counted_is_undone_whether_it_was_loaded_meanwhile_or_not(is_loaded: bool) -> None:
    books = new_books()
    books.open_things.complete = False
    before = books.savepoint()
    asked(books)
    assert (1, 1) == (books.counted_open("ann"), books.counted_open("bob"))
    if is_loaded:
        books.open_things["ann"] = 7 + books.counted_open("ann")
    books.undo(before)
    assert 0 == books.counted_open("ann")
    assert (7 if is_loaded else None) == books.open_things.get("ann")


def test_what_was_paid_today_is_of_the_books_day_where_they_are_ahead_of_the_clock(
    database: Database, superuser: Superuser
) -> None:
    async def story() -> tuple[str, Entry]:
        async with lane_on(database) as lane:
            ann, bob = await fund(lane, 2, 9)
            return ann, (await done(lane, pay(ann, bob, 4))).entry

    ann, paid = run(story())
    today = day_of(moment(paid.posted_at), "UTC")
    for days, expected in ((0, Spent(today, 4, 1)), (1, Spent(today + timedelta(1), 0, 0)), (-1, Spent(today, 4, 1))):
        superuser.run_script(f"UPDATE ledger.heads SET posted_at = posted_at + interval '{days} day'")
        found = superuser.wait(spent(superuser.connection, database.ledger_id, [(ann, "EUR", "UTC")]))
        assert {(ann, "EUR", "UTC"): expected} == found


def invoice(merchant: str, total: int, customer: str = "eve") -> CreateInvoice:
    lines = [Line(description="bread", quantity=1, unit_amount=total)]
    return CreateInvoice(merchant=merchant, customer=customer, currency="EUR", lines=lines)


def settlement(merchant: str, amount: int) -> MakeSettlement:
    """Eve pays what is due to a merchant, the oldest first."""
    return MakeSettlement(payer="eve", merchant=merchant, amount=amount, currency="EUR")


@pytest.mark.parametrize("merchant", ["baker", "smith"])
def test_who_pays_oldest_first_pays_invoices_that_are_not_written_yet(database: Database, merchant: str) -> None:
    """What is open is loaded while invoices are made and another is paid, none of them written. With the smith they are
    undone once and decided again, because of a key used before: what was loaded upon them is forgotten, else eve would
    pay gil's, which then has the number that hers had."""

    async def story() -> None:
        async with lane_on(database) as lane:
            if merchant == "baker":
                await done(lane, CreateParty(id="eve", party_kind="person"))
                await done(lane, CreateParty(id="gil", party_kind="person"))
            await done(lane, CreateParty(id=merchant, party_kind="merchant"))
            await done(lane, MakeDeposit(to="eve", amount=99, currency="EUR", rail="test", rail_reference=merchant))
            paid = await done(lane, invoice(merchant, 10))
            await done(lane, invoice(merchant, 20), merchant.encode() * 3 + b"!")
            commands = [
                do(lane, FreezeParty(party=merchant, mode="debits")),
                do(lane, invoice(merchant, 20), merchant.encode() * 3 + b"!") if merchant == "smith" else None,
                do(lane, invoice(merchant, 40)),
                do(lane, invoice(merchant, 7, "gil")),
                do(lane, SettleInvoice(invoice=f"invoice_{paid.entry.number}", payer="eve")),
                do(lane, settlement(merchant, 5)),
            ]
            for outcome in await asyncio.gather(*(command for command in commands if command is not None)):
                assert not isinstance(outcome, NotDone)
            assert "amount_exceeds_remaining" == await refusal(lane, settlement(merchant, 56))
            await done(lane, settlement(merchant, 55))

    run(story())


def test_more_invoices_than_are_known_at_once_are_all_paid_the_oldest_first(database: Database) -> None:
    """The payments are taken together: where too few are known after one, they are loaded again for the next."""

    async def story() -> None:
        async with lane_on(database) as lane:
            (eve,) = await fund(lane, 1, KNOWN_MAX + 30)
            await done(lane, CreateParty(id="miller", party_kind="merchant"))
            made = await asyncio.gather(*(done(lane, invoice("miller", 1, eve)) for _ in range(KNOWN_MAX + 30)))
            pay_some = MakeSettlement(payer=eve, merchant="miller", amount=90, currency="EUR")
            paid = await asyncio.gather(*(done(lane, pay_some) for _ in range(3)))
            entries = sorted(each.entry.number for each in made)
            settled = [each.entry.rows for each in paid]
            assert [entries[:90], entries[90:180], entries[180:270]] == [
                sorted(row.entry for row in rows if isinstance(row, Invoice)) for rows in settled
            ]
            assert "amount_exceeds_remaining" == await refusal(lane, pay_some)  # 60 are left
            await done(lane, msgspec.structs.replace(pay_some, amount=60))

    run(story())
