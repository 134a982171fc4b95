"""A payment without a row is told from its entry, also while that is on its way, and where it was asked for before."""

import asyncio

from ledger.books.recall import NotDone
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit
from ledger.core.payment_requests import CreatePaymentRequest, PayPaymentRequest
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
