"""What the model knows of what pays invoices: settlements of one or several, deposits, money in suspense."""

from typing import Any

from tests.http.model import ENABLED, RAIL, Account, Deposited, Payment, Verdict
from tests.http.model_invoices import INVOICES, TAKES_MONEY, Invoices

SETTLEMENTS = "/v1/settlements/"
NEVER = "9999"


class Settlements(Invoices):
    """The books with all there is: also what pays invoices."""

    def __init__(self) -> None:
        super().__init__()
        self.received: dict[str, str | None] = {}
        """By id of a deposit that paid an invoice: who has the surplus."""

    def settle(self, payer: str, merchant: str, amount: int | None, asked: dict[str, Any]) -> Verdict:
        """A payer pays one invoice, or several; if it says nothing else, its own, the oldest due first."""
        allocations, currency = asked.get("allocations"), asked.get("currency", ENABLED[0])
        if allocations is not None and amount is not None and sum(allocations.values()) != amount:
            return 422, "amount_invalid"
        if currency not in ENABLED:
            return 422, "currency_invalid"
        payer, merchant = self.named(payer) or "", self.named(merchant) or ""
        if payer not in self.state or merchant not in self.state:
            return 404, "party_unknown"
        invoices = [self.shown.get(INVOICES + name, {}) for name in allocations or ()]
        refused = self._do_not_belong_together(payer, merchant, invoices, currency)
        if refused is not None:
            return refused
        if self.cannot_pay(payer) or self.cannot_be_paid(merchant):
            return 409, "party_not_open"
        if any(invoice["state"] not in TAKES_MONEY for invoice in invoices):
            return 409, "invoice_not_open"
        if amount is None:
            amount = sum(invoice["amount_due"] for invoice in invoices)
            allocations = dict.fromkeys(allocations or (), amount)
        if self.is_too_much(payer, amount, currency) or self.is_too_rich(merchant, amount, currency):
            return 422, "limit_exceeded"
        if allocations is None:
            allocations = self._oldest_due_first(payer, merchant, amount, currency)
        if sum(allocations.values()) != amount or any(
            part > self.shown[INVOICES + name]["amount_due"] for name, part in allocations.items()
        ):
            return 422, "amount_exceeds_remaining"
        if self.available(payer, currency) < amount:
            return 422, "insufficient_funds"
        self.spend(payer, (merchant, "available"), amount, currency)
        return self._settled(payer, merchant, allocations, currency)

    @staticmethod
    def _do_not_belong_together(
        payer: str, merchant: str, invoices: list[dict[str, Any]], currency: str
    ) -> Verdict | None:
        if any(invoice.get("merchant") != merchant for invoice in invoices):
            return 404, "not_found"
        if payer == merchant:
            return 422, "same_party"
        if any(invoice["currency"] != currency for invoice in invoices):
            return 422, "currency_mismatch"
        return None

    def settle_one(self, path: str, payer: str, amount: int | None) -> Verdict:
        """A payer pays one invoice, or a part of it."""
        invoice = self.shown.get(path)
        if invoice is None:
            return 404, "not_found"
        name = path.rpartition("/")[2]
        allocations = {name: amount if amount is not None else 0}
        asked = {"allocations": allocations, "currency": invoice["currency"]}
        return self.settle(payer, invoice["merchant"], amount, asked)

    def _oldest_due_first(self, payer: str, merchant: str, amount: int, currency: str) -> dict[str, int]:
        own = [
            (invoice["due_at"] or NEVER, int(path.rpartition("_")[2]), path)
            for path, invoice in self.shown.items()
            if path.startswith(INVOICES)
            and invoice["state"] in TAKES_MONEY
            and (invoice["merchant"], invoice["customer"], invoice["currency"]) == (merchant, payer, currency)
        ]
        allocations = {}
        for _, _, path in sorted(own):
            part = min(amount, self.shown[path]["amount_due"])
            if part > 0:
                allocations[path.rpartition("/")[2]] = part
                amount -= part
        return allocations

    def _settled(self, payer: str | None, merchant: str, allocations: dict[str, int], currency: str) -> Verdict:
        """Book what the merchant is charged, and what was paid on which invoice."""
        amount = sum(allocations.values())
        charge = self.charge_of(merchant, amount)
        self.take(charge, merchant, currency)
        for name, part in allocations.items():
            invoice = self.shown[INVOICES + name]
            invoice["amount_paid"] += part
            self.look_at(invoice)
        settlement: dict[str, Any] = {
            "payer": payer,
            "merchant": merchant,
            "amount": amount,
            "currency": currency,
            "refunded": 0,
        }
        settlement |= {"fee": charge.fee, "fee_tax": charge.tax, "net": amount - charge.fee - charge.tax}
        settlement["allocations"] = [
            {"invoice": name, "amount": part, "refunded": 0} for name, part in allocations.items()
        ]
        name = f"settlement_{self.entries + 1}"
        self.payments[name] = Payment(payer, merchant, amount, currency, charge)
        self.shown[SETTLEMENTS + name] = settlement
        return self.done(201, id=name, **settlement)

    def reallocate(self, path: str, allocations: dict[str, int]) -> Verdict:
        """What was paid was meant for other invoices of the merchant; what was refunded stays where it is."""
        settlement = self.shown.get(path)
        if settlement is None:
            return 404, "not_found"
        before = {each["invoice"]: each for each in settlement["allocations"]}
        invoices = {name: self.shown.get(INVOICES + name, {}) for name in {**before, **allocations}}
        if any(invoice.get("merchant") != settlement["merchant"] for invoice in invoices.values()):
            return 404, "not_found"
        if any(invoice["currency"] != settlement["currency"] for invoice in invoices.values()):
            return 422, "currency_mismatch"
        fewer = [name for name in before if allocations.get(name, 0) < before[name]["amount"]]
        if any(self._is_reopened(invoices[name], before[name]["amount"] - allocations.get(name, 0)) for name in fewer):
            return 409, "party_not_open"
        added = [name for name, part in allocations.items() if part > before.get(name, {"amount": 0})["amount"]]
        if any(invoices[name]["state"] not in TAKES_MONEY for name in added):
            return 409, "invoice_not_open"
        if sum(allocations.values()) != settlement["amount"]:
            return 422, "amount_invalid"
        for name, invoice in invoices.items():
            had = before.get(name, {"amount": 0, "refunded": 0})
            more = allocations.get(name, 0) - had["amount"]
            if more > invoice["amount_due"] or allocations.get(name, 0) < had["refunded"]:
                return 422, "amount_exceeds_remaining"
        for name, invoice in invoices.items():
            more = allocations.get(name, 0) - before.get(name, {"amount": 0})["amount"]
            invoice["amount_paid"] += more
            if more < 0 and invoice["state"] == "paid":
                invoice["state"] = "open"
            self.look_at(invoice)
        settlement["allocations"] = [
            {"invoice": name, "amount": part, "refunded": before.get(name, {"refunded": 0})["refunded"]}
            for name, part in allocations.items()
        ]
        return self.done(200, **settlement)

    def _is_reopened(self, invoice: dict[str, Any], less: int) -> bool:
        """Whether something would be due again that one of the two can no longer be asked for."""
        would_be_due = invoice["amount_paid"] - less + invoice["amount_credited"] < invoice["total"]
        is_closed = "closed" in (self.state[invoice["merchant"]], self.state.get(invoice["customer"] or ""))
        return invoice["state"] == "paid" and would_be_due and is_closed

    # over a rail, and back

    def receive(self, name: str | None, payer: str | None, amount: int, currency: str, reference: str) -> Verdict:
        """A deposit names an invoice: what is due is the merchant's, what is more the payer's."""
        if reference in self.references:
            return 409, "already_exists"
        self.references.add(reference)
        invoice, deposit = self.shown.get(f"{INVOICES}{name}"), f"deposit_{self.entries + 1}"
        self.deposits.append(Deposited(self.entries + 1, None, amount, currency))
        part = 0 if invoice is None or invoice["currency"] != currency else min(amount, invoice["amount_due"])
        if invoice is None or part == 0 or invoice["state"] not in TAKES_MONEY or self._is_kept_out(invoice, part):
            self.put_in_suspense(RAIL, amount, currency)
            return self.done(201, id=deposit, to=None, state="suspense", settlement=None)
        party: str | None = self.named(payer)
        surplus = amount - part
        if surplus == 0 or self.cannot_be_paid(party) or self.is_too_rich(party, surplus, currency):
            party = None
        if surplus and party is None:
            self.put_in_suspense(RAIL, surplus, currency)
        self.move(RAIL, (party or "", "available"), surplus if party else 0, currency)
        self.move(RAIL, (invoice["merchant"], "available"), part, currency)
        self.received[deposit] = party
        if party is not None:
            self.given[self.entries + 1].append((party, surplus))
        verdict = self._settled(None, invoice["merchant"], {str(name): part}, currency)
        self.said = {"id": deposit, "to": invoice["merchant"], "state": "credited", "surplus": surplus}
        self.said |= {"settlement": f"settlement_{self.entries}", "surplus_to": party}
        return verdict

    def _is_kept_out(self, invoice: dict[str, Any], part: int) -> bool:
        merchant = invoice["merchant"]
        return self.cannot_be_paid(merchant) or self.is_too_rich(merchant, part, invoice["currency"])

    def take_back(self, made: Deposited) -> Verdict:
        """What of it paid invoices counts as refunded."""
        verdict = super().take_back(made)
        for name in self.payments_of(made) if verdict[0] == 201 else ():
            for each in self.shown.get(SETTLEMENTS + name, {}).get("allocations", ()):
                self._spread(name, {each["invoice"]: each["amount"] - each["refunded"]})
        return verdict

    def payments_of(self, made: Deposited) -> list[str]:
        """Also the invoice that it named."""
        own = [f"settlement_{made.entry}"] if f"deposit_{made.entry}" in self.received else []
        return own + super().payments_of(made)

    def allocate_to_invoice(self, name: str, invoice_name: str, amount: int | None) -> Verdict:
        """What is in suspense turns out to pay an invoice."""
        item, invoice = self.items.get(name), self.shown.get(INVOICES + invoice_name)
        if item is None or invoice is None:
            return 404, "not_found"
        merchant, currency = invoice["merchant"], item["currency"]
        if invoice["currency"] != currency:
            return 422, "currency_mismatch"
        if self.cannot_be_paid(merchant):
            return 409, "party_not_open"
        if item["state"] != "open":
            return 409, "suspense_not_open"
        if invoice["state"] not in TAKES_MONEY:
            return 409, "invoice_not_open"
        amount = min(item["remaining"], invoice["amount_due"]) if amount is None else amount
        if self.is_too_rich(merchant, amount, currency):
            return 422, "limit_exceeded"
        if amount > item["remaining"] or amount > invoice["amount_due"]:
            return 422, "amount_exceeds_remaining"
        target: Account = (merchant, "available")
        self.take_from_suspense(item, target, amount)
        verdict = self._settled(None, merchant, {invoice_name: amount}, currency)
        self.paid_from[int(name.removeprefix("suspense_"))].append(f"settlement_{self.entries}")
        self.said = {"to": merchant, "amount": amount, "settlement": f"settlement_{self.entries}"}
        return verdict

    # refunds

    def refund(self, of: str, amount: int | None, asked: dict[str, int] | None = None) -> Verdict:
        """What was paid on invoices is given back of them in their order, if nothing else is said."""
        if of in self.received:
            return 422, "field_invalid"
        settlement, payment = self.shown.get(SETTLEMENTS + of), self.payments.get(of)
        if settlement is None or payment is None:
            return super().refund(of, amount)
        left = {each["invoice"]: each["amount"] - each["refunded"] for each in settlement["allocations"]}
        if asked is not None:
            if not left.keys() >= asked.keys() or amount not in (None, sum(asked.values())):
                return 422, "field_invalid"
            amount = sum(asked.values())
        is_refused_anyway = payment.is_reversed or self.state.get(payment.payer or "") == "closed"
        if asked is not None and not is_refused_anyway and any(part > left[name] for name, part in asked.items()):
            return 422, "amount_exceeds_remaining"
        verdict = super().refund(of, amount)
        if verdict[0] == 201:
            amount = self.said["amount"]
            spread = asked or {}
            for name, most in left.items() if asked is None else ():
                part = min(most, amount - sum(spread.values()))
                if part > 0:
                    spread[name] = part
            self.shown[f"/v1/refunds/refund_{self.entries}"]["allocations"] = [
                {"invoice": name, "amount": part} for name, part in spread.items()
            ]
            self._spread(of, spread)
        return verdict

    def fail_refund(self, path: str) -> Verdict:
        """What the rail could not give back is paid on the invoices again."""
        verdict = super().fail_refund(path)
        refund = self.shown.get(path, {})
        if verdict[0] == 200 and "allocations" in refund:
            self._spread(refund["of"], {each["invoice"]: -each["amount"] for each in refund["allocations"]})
        return verdict

    def _spread(self, settlement_name: str, spread: dict[str, int]) -> None:
        settlement = self.shown[SETTLEMENTS + settlement_name]
        settlement["refunded"] += sum(spread.values())
        for each in settlement["allocations"]:
            part = spread.get(each["invoice"], 0)
            each["refunded"] += part
            invoice = self.shown[INVOICES + each["invoice"]]
            invoice["amount_refunded"] += part
            self.look_at(invoice)
