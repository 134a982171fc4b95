"""What the model knows of invoices: their sums, drafts, numbers and credit notes."""

from collections import defaultdict
from typing import Any

from tests.http.model import ENABLED, Verdict
from tests.http.model_fees import half_up
from tests.http.model_refunds import Refunds

TAKES_MONEY = ("open", "uncollectible")
INVOICES = "/v1/invoices/"


def sums_of(lines: list[dict[str, Any]], tax_inclusive: bool) -> dict[str, Any]:
    """The sum of lines without tax and with it; tax is reckoned once for each rate, on the sum of its lines."""
    by_rate: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        whole, _, decimals = str(line["quantity"]).partition(".")
        thousandths = int(whole) * 1_000 + int(decimals.ljust(3, "0"))
        by_rate[line.get("tax_bps") or 0] += half_up(thousandths * line["unit_amount"], 1_000) - (
            line.get("discount") or 0
        )
    stated = sum(by_rate.values())
    if tax_inclusive:
        tax = sum(half_up(amount * rate, 10_000 + rate) for rate, amount in by_rate.items())
        return {"subtotal": stated - tax, "tax": tax, "total": stated}
    tax = sum(half_up(amount * rate, 10_000) for rate, amount in by_rate.items())
    return {"subtotal": stated, "tax": tax, "total": stated + tax}


class Invoices(Refunds):
    """The books with invoices and credit notes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: defaultdict[str, int] = defaultdict(int)
        self.priced: dict[str, bool] = {}
        """By path of an invoice: whether its prices are with tax."""

    def issue(self, body: dict[str, Any]) -> Verdict:
        """A merchant writes an invoice, and issues it unless it is to be a draft."""
        inclusive = body.get("tax_inclusive", False)
        sums = sums_of(body["lines"], inclusive)
        if sums["total"] == 0:
            return 422, "amount_invalid"
        if body["currency"] not in ENABLED:
            return 422, "currency_invalid"
        merchant, customer = self.named(body["merchant"]), self.named(body.get("customer"))
        if merchant not in self.state or (body.get("customer") is not None and customer not in self.state):
            return 404, "party_unknown"
        if merchant == customer:
            return 422, "same_party"
        if self.cannot_be_paid(merchant) or self.state.get(customer or "") == "closed":
            return 409, "party_not_open"
        invoice = {"merchant": merchant, "customer": customer, "currency": body["currency"], "state": "draft"}
        invoice |= {"amount_paid": 0, "amount_credited": 0, "amount_refunded": 0, "number": None} | sums
        invoice["due_at"] = body.get("due_at")
        if body.get("finalize", True):
            self._open(invoice)
        self.look_at(invoice)
        self.priced[f"{INVOICES}invoice_{self.entries + 1}"] = inclusive
        return self.made(f"{INVOICES}invoice", invoice)

    def update(self, path: str, changes: dict[str, Any]) -> Verdict:
        """A draft may change."""
        invoice, customer = self.shown.get(path), self.named(changes.get("customer"))
        if invoice is None:
            return 404, "not_found"
        if changes.get("customer") is not None and customer not in self.state:
            return 404, "party_unknown"
        if customer == invoice["merchant"]:
            return 422, "same_party"
        if self.state.get(customer or "") == "closed":
            return 409, "party_not_open"
        if invoice["state"] != "draft":
            return 409, "invoice_not_open"
        if "customer" in changes:
            invoice["customer"] = customer
        if "due_at" in changes:
            invoice["due_at"] = changes["due_at"]
        if "lines" in changes:
            invoice |= sums_of(changes["lines"], self.priced[path])
        return self.done(200, **invoice)

    def finalize(self, path: str) -> Verdict:
        """A draft is issued."""
        invoice = self.shown.get(path)
        if invoice is None:
            return 404, "not_found"
        if self.cannot_be_paid(invoice["merchant"]) or self.state.get(invoice["customer"] or "") == "closed":
            return 409, "party_not_open"
        if invoice["state"] != "draft":
            return 409, "invoice_not_open"
        self._open(invoice)
        self.look_at(invoice)
        return self.done(200, **invoice)

    def void_invoice(self, path: str) -> Verdict:
        """An invoice on which nothing was ever paid or credited is declared void."""
        invoice = self.shown.get(path)
        if invoice is None:
            return 404, "not_found"
        if invoice["state"] not in ("draft", *TAKES_MONEY) or invoice["amount_paid"] or invoice["amount_credited"]:
            return 409, "invoice_not_open"
        invoice["state"] = "void"
        self.look_at(invoice)
        return self.done(200, **invoice)

    def give_up_on(self, path: str) -> Verdict:
        """A merchant expects no money any more, but takes it if it comes."""
        invoice = self.shown.get(path)
        if invoice is None:
            return 404, "not_found"
        if invoice["state"] != "open":
            return 409, "invoice_not_open"
        invoice["state"] = "uncollectible"
        return self.done(200, **invoice)

    def credit(self, path: str, amount: int | None, lines: list[dict[str, Any]] | None) -> Verdict:
        """An invoice is lowered after it was issued."""
        invoice = self.shown.get(path)
        if lines is not None and invoice is not None:
            amount = sums_of(lines, self.priced[path])["total"]
        if amount == 0:
            return 422, "amount_invalid"
        if invoice is None:
            return 404, "not_found"
        if invoice["state"] in ("draft", "void"):
            return 409, "invoice_not_open"
        if amount is None or amount > invoice["total"] - invoice["amount_credited"]:
            return 422, "amount_exceeds_remaining"
        invoice["amount_credited"] += amount
        self.look_at(invoice)
        self.numbers[invoice["merchant"]] += 1
        note = {"amount": amount, "currency": invoice["currency"], "number": self.numbers[invoice["merchant"]]}
        self.shown[f"/v1/credit-notes/credit_note_{self.entries + 1}"] = note | {"invoice": path.rpartition("/")[2]}
        return self.done(201, **note, id=f"credit_note_{self.entries + 1}")

    def look_at(self, invoice: dict[str, Any]) -> None:
        """What is due and what can be refunded follows from the rest; nothing due is paid."""
        settled = invoice["amount_paid"] + invoice["amount_credited"]
        due = max(0, invoice["total"] - settled)
        if invoice["state"] in TAKES_MONEY and due == 0:
            invoice["state"] = "paid"
        invoice["amount_due"] = 0 if invoice["state"] in ("draft", "void") else due
        invoice["amount_refundable"] = max(0, settled - invoice["total"] - invoice["amount_refunded"])

    def is_bound(self, party: str) -> bool:
        """A draft binds nobody."""
        drafts = {path: shown for path, shown in self.shown.items() if shown.get("state") == "draft"}
        for path in drafts:
            del self.shown[path]
        bound = super().is_bound(party)
        self.shown |= drafts
        return bound

    def _open(self, invoice: dict[str, Any]) -> None:
        self.numbers[invoice["merchant"]] += 1
        invoice |= {"state": "open", "number": self.numbers[invoice["merchant"]]}
