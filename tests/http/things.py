"""Something of every noun that a path can name, made anew and ready for whatever can be done to it."""

from typing import Any

import httpx

from tests.harness import Client, new_key

LINES = [{"description": "Soup", "quantity": 1, "unit_amount": 10}]


class Things:
    """Makes things in a ledger, each between new parties; `maker` answers the names that go with one."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._to_read: dict[str, dict[str, Any]] = {}

    def made_for(self, method: str, path: str) -> dict[str, Any]:
        """What a path names, and what has to stand in its body, so that what it does can be done. What is only read is
        made once."""
        if method != "GET":
            return self._made_for(method, path)
        if path not in self._to_read:
            self._to_read[path] = self._made_for(method, path)
        return self._to_read[path]

    def _made_for(self, method: str, path: str) -> dict[str, Any]:
        if path == "/v1/entries/{number}/reverse":
            made = self._client.transfer(self._client.funded(10), self._client.party(), 5)
            return {"number": str(made["entry"])}
        for noun in ("capture", "hold", "payment_request", "split", "settlement", "credit_note", "refund", "suspense"):
            if f"{{{noun}}}" in path:
                return dict(getattr(self, noun)())
        if path.startswith("/v1/payouts"):
            return self.payout(path.rpartition("/")[2])
        if "{invoice}" in path:
            return self.invoice(finalize=method != "PATCH" and not path.endswith("/finalize"))
        if method == "DELETE" and path.endswith("/fees"):
            return self.fees()
        if method == "POST" and path in ("/v1/settlements", "/v1/refunds", "/v1/invoices"):
            return dict(getattr(self, f"for_{path.rpartition('/')[2]}")())
        return {}

    def hold(self) -> dict[str, Any]:
        """An open hold of 10."""
        made = self._post("/v1/holds", {"from": self._client.funded(100), "to": self._client.party()} | _AMOUNT)
        return {"hold": made["id"]}

    def capture(self) -> dict[str, Any]:
        """A hold's capture."""
        return {"capture": self._post(f"/v1/holds/{self.hold()['hold']}/capture", {})["id"]}

    def payment_request(self) -> dict[str, Any]:
        """An open request, whose payer has the money."""
        asked = {"payer": self._client.funded(100), "payee": self._client.party()} | _AMOUNT
        return {"payment_request": self._post("/v1/payment-requests", asked)["id"]}

    def split(self) -> dict[str, Any]:
        """An open split of two, and one of its payers."""
        payer, payee = self._client.funded(100), self._client.party()
        asked = {"payee": payee, "currency": "EUR", "total": 10, "shares": [{"payer": payer}, {"payer": payee}]}
        return {"split": self._post("/v1/splits", asked)["id"], "payer": payer}

    def invoice(self, finalize: bool = True) -> dict[str, Any]:
        """An open invoice over 10 or a draft, and its customer, who has the money."""
        payer, merchant = self._client.funded(100), self._client.party(kind="merchant")
        asked = {"merchant": merchant, "customer": payer, "currency": "EUR", "lines": LINES, "finalize": finalize}
        made = self._post("/v1/invoices", asked)
        allocations = [{"invoice": made["id"], "amount": 3}]
        return {
            "invoice": made["id"],
            "payer": payer,
            "merchant": merchant,
            "customer": payer,
            "allocations": allocations,
            "lines": LINES,
            "external_ref": new_key(),
        }

    def settlement(self) -> dict[str, Any]:
        """A payment of 3, and an invoice of the same merchant's to which it can be allocated."""
        names = self.invoice()
        made = self._post(f"/v1/invoices/{names['invoice']}/settle", {"payer": names["payer"], "amount": 3})
        return names | {"settlement": made["id"]}

    def credit_note(self) -> dict[str, Any]:
        """A credit note over 3."""
        asked = {"amount": 3, "reason": "cold"}
        return {"credit_note": self._post(f"/v1/invoices/{self.invoice()['invoice']}/credit-notes", asked)["id"]}

    def refund(self) -> dict[str, Any]:
        """A refund that a rail has yet to pay."""
        deposit = self._client.deposit(self._client.party(), 10)
        return {"refund": self._post("/v1/refunds", {"of": deposit["id"], "reason": "cold"})["id"]}

    def payout(self, action: str) -> dict[str, Any]:
        """A payout of 3 in the state for what is to be done, and somebody who has as much again."""
        party = self._client.funded(6)
        asked = {"party": party, "amount": 3, "currency": "EUR", "rail": "test", "destination": "x"}
        payout = self._post("/v1/payouts", asked)["id"]
        if action == "returned":
            self._post(f"/v1/payouts/{payout}/paid", {})
        return {"party": party, "payout": payout}

    def suspense(self) -> dict[str, Any]:
        """An open item of 10, and an invoice that it can pay."""
        deposit = self._client.deposit(None, 10)
        return {"suspense": deposit["id"].replace("deposit", "suspense"), "invoice": self.invoice()["invoice"]}

    def fees(self) -> dict[str, Any]:
        """A merchant with a fee schedule of its own."""
        merchant = self._client.party(kind="merchant")
        self._client.put(f"/v1/parties/{merchant}/fees", {"bps": 100})
        return {"party": merchant}

    def for_settlements(self) -> dict[str, Any]:
        """A payer, and its invoice."""
        return self.invoice()

    def for_refunds(self) -> dict[str, Any]:
        """Something that was paid with 5; nothing else is said of it."""
        paid = self._client.transfer(self._client.funded(10), self._client.party(), 5)
        return {"of": paid["id"], "allocations": None, "credit_note": None}

    def for_invoices(self) -> dict[str, Any]:
        """A merchant and a customer, and a reference that is new."""
        names = self.invoice()
        return {name: names[name] for name in ("merchant", "customer", "external_ref")}

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: httpx.Response = self._client.post(path, body)
        if answer.status_code >= 300:
            raise AssertionError(f"{path} answered {answer.status_code}: {answer.text}")
        made: dict[str, Any] = answer.json()
        return made


_AMOUNT = {"amount": 10, "currency": "EUR"}
