"""What the model knows of what two parties agree on: holds, payment requests, splits, transfers to be claimed."""

from typing import Any

from tests.http.model import ENABLED, Payment, Verdict
from tests.http.model_fees import Fees


def parts_of(total: int, weights: list[int]) -> list[int]:
    """A total in shares as the weights say: the largest remainders first, of equal ones the first given."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


class Wallet(Fees):
    """The books with holds, payment requests, splits and claims."""

    # holds

    def place(self, body: dict[str, Any]) -> Verdict:
        """A payer reserves an amount for a payee."""
        currency, amount = body["currency"], body["amount"]
        if currency not in ENABLED:
            return 422, "currency_invalid"
        payer, payee = self.named(body["from"]), self.named(body["to"])
        if payer not in self.state or payee not in self.state:
            return 404, "party_unknown"
        if payer == payee:
            return 422, "same_party"
        if self.cannot_pay(payer) or self.cannot_be_paid(payee):
            return 409, "party_not_open"
        if self.is_too_much(payer, amount, currency):
            return 422, "limit_exceeded"
        if self.available(payer, currency) < amount:
            return 422, "insufficient_funds"
        self.spend(payer, (payer, "held"), amount, currency)
        hold = {"from": payer, "to": payee, "currency": currency, "state": "open"}
        hold |= {"amount": amount, "captured": 0, "released": 0, "remaining": amount}
        return self.made("/v1/holds/hold", hold)

    def increase(self, path: str, amount: int) -> Verdict:
        """The payer reserves more."""
        hold = self.shown.get(path)
        if hold is None:
            return 404, "not_found"
        payer, currency = hold["from"], hold["currency"]
        if self.cannot_pay(payer) or self.cannot_be_paid(hold["to"]):
            return 409, "party_not_open"
        if hold["state"] != "open":
            return 409, "hold_not_open"
        if self.is_too_much(payer, amount, currency):
            return 422, "limit_exceeded"
        if self.available(payer, currency) < amount:
            return 422, "insufficient_funds"
        self.spend(payer, (payer, "held"), amount, currency)
        hold |= {"amount": hold["amount"] + amount, "remaining": hold["remaining"] + amount}
        return self.done(200, **hold)

    def capture(self, path: str, amount: int | None, final: bool) -> Verdict:
        """The payee takes of what is reserved."""
        hold = self.shown.get(path)
        if hold is None:
            return 404, "not_found"
        payer, payee, currency = hold["from"], hold["to"], hold["currency"]
        if self.state[payer] == "frozen" or self.cannot_be_paid(payee):
            return 409, "party_not_open"
        if hold["state"] != "open":
            return 409, "hold_not_open"
        amount = hold["remaining"] if amount is None else amount
        if self.is_too_rich(payee, amount, currency):
            return 422, "limit_exceeded"
        if amount > hold["remaining"]:
            return 422, "amount_exceeds_remaining"
        self.move((payer, "held"), (payee, "available"), amount, currency)
        charge = self.charge_of(payee, amount)
        self.take(charge, payee, currency)
        hold |= {"captured": hold["captured"] + amount, "remaining": hold["remaining"] - amount}
        if final or hold["remaining"] == 0:
            self._release(hold, "captured")
        verdict = self.done(
            201,
            id=f"capture_{self.entries + 1}",
            amount=amount,
            fee=charge.fee,
            fee_tax=charge.tax,
            net=amount - charge.fee - charge.tax,
        )
        self.payments[self.said["id"]] = Payment(payer, payee, amount, currency, charge)
        return verdict

    def void(self, path: str) -> Verdict:
        """What is reserved is let go; nobody's state stands against it."""
        hold = self.shown.get(path)
        if hold is None:
            return 404, "not_found"
        if hold["state"] != "open":
            return 409, "hold_not_open"
        self._release(hold, "voided")
        return self.done(200, **hold)

    def _release(self, hold: dict[str, Any], state: str) -> None:
        left = hold["remaining"]
        self.move((hold["from"], "held"), (hold["from"], "available"), left, hold["currency"])
        hold |= {"released": hold["released"] + left, "remaining": 0, "state": state}

    # payment requests

    def request(self, body: dict[str, Any]) -> Verdict:
        """A payee asks a payer for money."""
        if body["currency"] not in ENABLED:
            return 422, "currency_invalid"
        payer, payee = self.named(body["payer"]), self.named(body["payee"])
        if payer not in self.state or payee not in self.state:
            return 404, "party_unknown"
        if payer == payee:
            return 422, "same_party"
        if self.state[payer] == "closed" or self.cannot_be_paid(payee):
            return 409, "party_not_open"
        request = {"payee": payee, "payer": payer, "amount": body["amount"], "currency": body["currency"]}
        return self.made("/v1/payment-requests/payment_request", request | {"state": "open"})

    def pay(self, path: str) -> Verdict:
        """The payer pays."""
        request = self.shown.get(path)
        if request is None:
            return 404, "not_found"
        payer, payee, amount, currency = (request[name] for name in ("payer", "payee", "amount", "currency"))
        if self.cannot_pay(payer) or self.cannot_be_paid(payee):
            return 409, "party_not_open"
        if request["state"] != "open":
            return 409, "request_not_open"
        refusal = self.refusal_of_payment(payer, payee, amount, currency)
        if refusal:
            return refusal
        self.spend(payer, (payee, "available"), amount, currency)
        request["state"] = "paid"
        self._look_at_the_split_of(request)
        verdict = self.done(201, id=f"transfer_{self.entries + 1}", amount=amount)
        self.payments[self.said["id"]] = Payment(payer, payee, amount, currency)
        self.reversible[self.entries] = [((payer, "available"), (payee, "available"), amount)], currency
        return verdict

    def give_up(self, path: str, state: str) -> Verdict:
        """The payer declines or the payee cancels."""
        request = self.shown.get(path)
        if request is None:
            return 404, "not_found"
        if request["state"] != "open":
            return 409, "request_not_open"
        request["state"] = state
        self._look_at_the_split_of(request)
        return self.done(200, **request)

    # splits

    def split(self, body: dict[str, Any]) -> Verdict:
        """A payee asks several payers for a share each; its own share counts as paid."""
        amounts = [share.get("amount") for share in body["shares"]]
        if None in amounts:
            amounts = parts_of(body["total"], [share.get("weight", 1) for share in body["shares"]])
        if 0 in amounts:
            return 422, "amount_invalid"
        if body["currency"] not in ENABLED:
            return 422, "currency_invalid"
        payee, payers = self.named(body["payee"]), [self.named(share["payer"]) for share in body["shares"]]
        if any(party not in self.state for party in (payee, *payers)):
            return 404, "party_unknown"
        if payers == [payee]:
            return 422, "same_party"
        if self.cannot_be_paid(payee) or any(self.state[payer or ""] == "closed" for payer in payers):
            return 409, "party_not_open"
        shares = []
        for number, (payer, amount) in enumerate(zip(payers, amounts, strict=True), 1):
            request = {"payee": payee, "payer": payer, "amount": amount, "currency": body["currency"]}
            request |= {"split": f"split_{self.entries + 1}", "state": "paid" if payer == payee else "open"}
            name = f"payment_request_{self.entries + 1}_{number}"
            self.shown[f"/v1/payment-requests/{name}"] = request
            shares.append({"payer": payer, "amount": amount, "request": name, "state": request["state"]})
        split = {"payee": payee, "currency": body["currency"], "total": body["total"], "shares": shares}
        return self.made("/v1/splits/split", split | {"state": "open"})

    def waive(self, path: str, payer: str) -> Verdict:
        """The payee does without a share, even one that was declined."""
        split = self.shown.get(path)
        request = next((asked for asked in self._asked(path) if asked["payer"] == payer), None)
        if split is None or request is None:
            return 404, "not_found"
        if split["state"] != "open" or request["state"] not in ("open", "declined"):
            return 409, "request_not_open"
        request["state"] = "cancelled"
        self._look_at_the_split_of(request)
        return self.done(200, **split)

    def cancel_split(self, path: str) -> Verdict:
        """The payee does without whatever is outstanding."""
        split = self.shown.get(path)
        if split is None:
            return 404, "not_found"
        if split["state"] != "open":
            return 409, "request_not_open"
        for request in self._asked(path):
            if request["state"] == "open":
                request["state"] = "cancelled"
            self._look_at_the_split_of(request)
        split["state"] = "cancelled"
        return self.done(200, **split)

    def _asked(self, path: str) -> list[dict[str, Any]]:
        """The requests of a split."""
        return [request for request in self.shown.values() if request.get("split") == path.rpartition("/")[2]]

    def _look_at_the_split_of(self, request: dict[str, Any]) -> None:
        """A split shows how its shares stand, and is settled when none is outstanding: open, or declined."""
        if "split" not in request:
            return
        path = f"/v1/splits/{request['split']}"
        split, states = self.shown[path], [each["state"] for each in self._asked(path)]
        for share, state in zip(split["shares"], states, strict=True):
            share["state"] = state
        if split["state"] == "open" and not {"open", "declined"} & {*states}:
            split["state"] = "settled"

    # transfers to be claimed

    def transfer(self, body: dict[str, Any]) -> Verdict:
        """A transfer to an alias that nobody has can wait for who will have it."""
        payer, to, amount, currency = body["from"], body["to"], body["amount"], body["currency"]
        payer = self.named(payer)
        if body.get("if_unknown") != "hold_for_claim" or not to.startswith("alias:") or self.named(to) is not None:
            return super().transfer(body)
        if currency not in ENABLED:
            return 422, "currency_invalid"
        if payer not in self.state:
            return 404, "party_unknown"
        if body.get("to_expected") is not None:
            return 409, "alias_moved"
        if self.cannot_pay(payer):
            return 409, "party_not_open"
        if self.is_too_much(payer, amount, currency):
            return 422, "limit_exceeded"
        if self.available(payer, currency) < amount:
            return 422, "insufficient_funds"
        self.spend(payer, (payer, "escrow"), amount, currency)
        shown = {"from": payer, "to": to, "amount": amount, "currency": currency, "status": "pending_claim"}
        return self.made("/v1/transfers/transfer", shown)

    def take_claims(self) -> bool:
        """Whoever has the alias by now gets what waits for it; whether anybody does."""
        pending = [(path, shown) for path, shown in self.shown.items() if shown.get("status") == "pending_claim"]
        for path, shown in pending:
            payer, payee, amount, currency = shown["from"], self.named(shown["to"]), shown["amount"], shown["currency"]
            if payee in (None, payer) or self.cannot_be_paid(payee) or self.is_too_rich(payee, amount, currency):
                continue
            self.move((payer, "escrow"), (payee or "", "available"), amount, currency)
            shown |= {"to": payee, "status": "claimed"}
            name = path.rpartition("/")[2]
            self.payments[name] = Payment(payer, payee or "", amount, currency)
            entry = int(name.removeprefix("transfer_"))
            self.reversible[entry] = [((payer, "available"), (payee or "", "available"), amount)], currency
            self.done(201)
        return any(shown["status"] == "claimed" for _, shown in pending)
