"""What the model knows of giving back: refunds of whatever was paid, and entries turned round."""

from tests.http.model import OUTBOUND, RAIL, Verdict
from tests.http.model_outside import FEE_COSTS, Outside


class Refunds(Outside):
    """The books with refunds and reversals."""

    def __init__(self) -> None:
        super().__init__()
        self.may_owe: set[str] = set()
        self.reversed: set[int] = set()

    def set_policy(self, party: str, may_owe: bool) -> Verdict:
        """Whether a party's refunds may exceed what is available to it."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        (self.may_owe.add if may_owe else self.may_owe.discard)(party)
        return self.done(200)

    def refund(self, of: str, amount: int | None) -> Verdict:
        """A payee gives back what it was paid, or some of it: to the payer's wallet, or over the rail."""
        payment = self.payments.get(of)
        if payment is None:
            return 404, "not_found"
        payer, payee, currency = payment.payer, payment.payee, payment.currency
        if payer is not None and self.state[payer] == "closed":
            return 409, "party_not_open"
        if payment.is_reversed:
            return 409, "already_reversed"
        left = payment.amount - payment.refunded
        amount = left if amount is None else amount
        if amount > left or left == 0:
            return 422, "amount_exceeds_remaining"
        fee, tax = self.to_give_back(payment, amount)
        short = max(0, amount - fee - tax - self.available(payee, currency))
        if short and payee not in self.may_owe:
            return 422, "insufficient_funds"
        self.give_back(payment, fee, tax)
        target = OUTBOUND if payer is None else (payer, "available")
        self.move((payee, "available"), target, amount - short, currency)
        self.move((payee, "receivable"), target, short, currency)
        payment.refunded += amount
        refund = {"of": of, "to": payer, "amount": amount, "currency": currency, "receivable": short}
        refund |= {"fee_returned": fee, "fee_tax_returned": tax, "state": "requested" if payer is None else "succeeded"}
        return self.made("/v1/refunds/refund", refund)

    def pay_refund(self, path: str, fee: int) -> Verdict:
        """The rail says it has paid."""
        refund = self.shown.get(path)
        if refund is None:
            return 404, "not_found"
        if refund["state"] != "requested":
            return 409, "refund_not_open"
        self.move(OUTBOUND, RAIL, refund["amount"], refund["currency"])
        self.move(FEE_COSTS, RAIL, fee, refund["currency"])
        refund["state"] = "succeeded"
        return self.done(200, state="succeeded")

    def fail_refund(self, path: str) -> Verdict:
        """The rail says it will not pay; the payee owes what it did before, and may try again."""
        refund = self.shown.get(path)
        if refund is None:
            return 404, "not_found"
        if refund["state"] != "requested":
            return 409, "refund_not_open"
        if refund["of"] in self.items:
            self.take_from_suspense(self.items[refund["of"]], OUTBOUND, -refund["amount"])
        else:
            payment = self.payments[refund["of"]]
            payment.refunded -= refund["amount"]
            self.move(OUTBOUND, (payment.payee, "receivable"), refund["receivable"], refund["currency"])
            rest = refund["amount"] - refund["receivable"]
            self.give_to(payment.payee, OUTBOUND, rest, refund["currency"])
            self.give_back(payment, -refund["fee_returned"], -refund["fee_tax_returned"])
        refund["state"] = "failed"
        return self.done(200, state="failed")

    def is_bound(self, party: str) -> bool:
        """Also by a refund that the rail has not paid yet."""
        return super().is_bound(party) or any(
            shown["state"] == "requested" and shown["of"] in self.payments and self.payments[shown["of"]].payee == party
            for path, shown in self.shown.items()
            if path.startswith("/v1/refunds/")
        )

    def reverse(self, entry: int) -> Verdict:
        """An entry that should not have been is turned round."""
        if entry > self.entries:
            return 404, "not_found"
        if entry not in self.reversible:
            return 422, "field_invalid"
        postings, currency = self.reversible[entry]
        payment = self.payments.get(f"transfer_{entry}")
        if payment is not None and self.state[payment.payer or ""] == "closed":
            return 409, "party_not_open"
        if entry in self.reversed or (payment is not None and payment.refunded):
            return 409, "already_reversed"
        if payment is not None and self.available(payment.payee, currency) < payment.amount:
            return 422, "insufficient_funds"
        for debit, credit, amount in postings:
            self.move(credit, debit, amount, currency)
        self.reversed.add(entry)
        self.moved = {reference: by for reference, by in self.moved.items() if by != entry}
        if payment is not None:
            payment.is_reversed = True
        return self.done(201, id=f"reversal_{self.entries + 1}", reverses=entry)
