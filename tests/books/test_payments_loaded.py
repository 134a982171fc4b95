"""A payment without a row is told from its entry, also while that is on its way, and where it was asked for before."""

import asyncio

from ledger.books.database import connect_lane
from ledger.books.load_payments import payments
from ledger.books.recall import NotDone
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import CreateParty
from ledger.core.payment_requests import CreatePaymentRequest, PayPaymentRequest
from ledger.core.payments import payment_in
from ledger.core.refunds import MakeRefund
from tests.books.lanes import do, done, fund, lane_on, pay, refusal, run
from tests.harness import Database


def refund(of: str) -> MakeRefund:
    """Two units of it."""
    return MakeRefund(of=of, amount=2, reason="a mistake")


def test_a_payment_is_refunded_by_what_is_taken_together_with_it(database: Database) -> None:
    """The payment is decided and not written when the refund has it loaded."""

    async def story() -> None:
        async with lane_on(database) as lane:
            ann, bob = await fund(lane, 2, 9)
            asked = await done(lane, CreatePaymentRequest(payee=bob, payer=ann, amount=4, currency="EUR"))
            last = asked.entry.number
            payments: list[tuple[str, Command]] = [
                ("transfer", pay(ann, bob, 4)),
                ("deposit", MakeDeposit(to=bob, amount=5, currency="EUR", rail="test", rail_reference="five more")),
                ("transfer", PayPaymentRequest(payment_request=f"payment_request_{last}")),
            ]
            for kind, payment in payments:
                together = await asyncio.gather(do(lane, payment), do(lane, refund(f"{kind}_{last + 1}")))
                assert not any(isinstance(each, NotDone) for each in together)
                last += 2

    run(story())


def test_who_asked_for_a_refund_before_the_payment_can_have_it_afterwards(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as lane:
            ann, bob = await fund(lane, 2, 9)
            transfer = pay(ann, bob, 4)
            first = await done(lane, transfer)
            of = f"transfer_{first.entry.number + 1}"
            assert "not_found" == await refusal(lane, refund(of))
            await done(lane, transfer)
            await done(lane, refund(of))

    run(story())


def test_what_an_entry_tells_is_the_same_just_decided_and_read_back(database: Database) -> None:
    """Of a deposit that settled an invoice there is a row; money that waits, for an alias or in suspense, is none."""

    def deposit(reference: str, **fields: str) -> MakeDeposit:
        return MakeDeposit(amount=4, currency="EUR", rail="test", rail_reference=reference, **fields)

    async def story() -> None:
        async with lane_on(database) as lane:
            ann, bob = await fund(lane, 2, 9)
            await done(lane, CreateParty(id="shop", party_kind="merchant"))
            asked = await done(lane, CreatePaymentRequest(payee=bob, payer=ann, amount=4, currency="EUR"))
            billed = await done(lane, CreateInvoice(merchant="shop", currency="EUR", lines=[Line("Soup", 1, 4)]))
            entries = [
                (await done(lane, command)).entry
                for command in (
                    pay(ann, bob, 4),
                    PayPaymentRequest(payment_request=f"payment_request_{asked.entry.number}"),
                    deposit("to bob", to=bob),
                    pay(bob, "alias:phone:+4915112345678", 4, if_unknown="hold_for_claim"),
                    deposit("to nobody"),
                    deposit("to the shop", invoice=f"invoice_{billed.entry.number}"),
                )
            ]
        connection = await connect_lane(database.service_url, database.ledger_id)
        found = await payments(connection, database.ledger_id, [entry.number for entry in entries])
        await connection.close()
        told, rows = entries[:3], entries[5:]
        assert [entry.number for entry in told + rows] == sorted(found)
        assert [payment_in(entry) for entry in told] == [found[entry.number] for entry in told]
        assert [None] * 3 == [payment_in(entry) for entry in entries[3:]]
        assert ["settlement"] == [found[entry.number].kind for entry in rows]

    run(story())
