"""What the model knows of fees: a schedule of the ledger's or of the payee's own, the fee, its tax, what goes back."""

from typing import Any

from tests.http.model import Charge, Payment, Verdict
from tests.http.model_returns import Returns

NO_FEES: dict[str, Any] = {"bps": 0, "fixed": 0, "min": None, "max": None, "tax_code": None, "tax_bps": 0}

FEES = ("platform", "fees")


def half_up(dividend: int, divisor: int) -> int:
    """A quotient, rounded once."""
    return (2 * dividend + divisor) // (2 * divisor)


class Fees(Returns):
    """The books with fees."""

    def __init__(self) -> None:
        super().__init__()
        self.fees: dict[str | None, dict[str, Any]] = {}

    def set_fees(self, party: str | None, schedule: dict[str, Any]) -> Verdict:
        """A party, or the ledger (None), gets a schedule."""
        if party is not None and party not in self.state:
            return 404, "party_unknown"
        if self.state.get(party or "") == "closed":
            return 409, "party_not_open"
        self.fees[party] = NO_FEES | schedule
        return self.done(200)

    def charge_of(self, payee: str, amount: int) -> Charge:
        """What a payee is charged for an amount."""
        schedule = self.fees.get(payee) or self.fees.get(None) or NO_FEES
        fee = half_up(amount * schedule["bps"], 10_000) + schedule["fixed"]
        if schedule["min"] is not None:
            fee = max(fee, schedule["min"])
        if schedule["max"] is not None:
            fee = min(fee, schedule["max"])
        tax = half_up(fee * schedule["tax_bps"], 10_000)
        if fee + tax > amount:
            fee = amount * 10_000 // (10_000 + schedule["tax_bps"])
            tax = amount - fee
        return Charge(fee, tax, schedule["tax_code"], schedule.get("on_refund") == "proportional")

    def take(self, charge: Charge, payee: str, currency: str) -> None:
        """The payee is charged."""
        self.move((payee, "available"), FEES, charge.fee, currency)
        self.move((payee, "available"), (f"tax:{charge.tax_code}", "payable"), charge.tax, currency)

    def to_give_back(self, payment: Payment, amount: int) -> tuple[int, int]:
        """What the payee gets back of fee and tax when something more is refunded than before."""
        if not payment.charge.goes_back:
            return 0, 0
        before, after, whole = payment.refunded, payment.refunded + amount, payment.amount
        fee, tax = (
            half_up(part * after, whole) - half_up(part * before, whole)
            for part in (payment.charge.fee, payment.charge.tax)
        )
        return fee, tax

    def give_back(self, payment: Payment, fee: int, tax: int) -> None:
        """The payee gets back so much of fee and tax."""
        self.move(FEES, (payment.payee, "available"), fee, payment.currency)
        self.move((f"tax:{payment.charge.tax_code}", "payable"), (payment.payee, "available"), tax, payment.currency)
