"""What the model knows of deposits that a rail takes back, whatever became of them."""

from collections import defaultdict

from tests.http.model import RAIL, Deposited, Model, Verdict


class Returns(Model):
    """The books with returns of deposits."""

    def __init__(self) -> None:
        super().__init__()
        self.returned: set[int] = set()
        self.given: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        """By a deposit's entry: who got what of it as a surplus, or out of suspense."""
        self.paid_from: defaultdict[int, list[str]] = defaultdict(list)
        """By a deposit's entry: the settlements that were paid out of suspense."""

    def take_back(self, made: Deposited) -> Verdict:
        """A rail takes a deposit back, but for what was sent back before: from wherever it went."""
        item_name, names = f"suspense_{made.entry}", self.payments_of(made)
        item = self.items.get(item_name, {"remaining": 0})
        if made.entry in self.returned:
            return 409, "already_reversed"
        if any(
            shown["of"] in (item_name, *names) and shown["state"] == "requested"
            for path, shown in self.shown.items()
            if path.startswith("/v1/refunds/")
        ):
            return 409, "refund_not_open"
        left = {name: self.payments[name].amount - self.payments[name].refunded for name in names}
        parts = [(self.payments[name].payee, amount) for name, amount in left.items()] + self.given[made.entry]
        amount = item["remaining"] + sum(part for _, part in parts)
        if amount == 0:
            return 409, "already_reversed"
        self.returned.add(made.entry)
        for name in names:
            self.payments[name].is_reversed = left[name] > 0 or name.endswith(f"_{made.entry}")
        owed = sum(self.owe(party, part, made.currency) for party, part in parts)
        if item["remaining"]:
            self.take_from_suspense(item, RAIL, item["remaining"])
        return self.done(201, amount=amount, receivable=owed)

    def payments_of(self, made: Deposited) -> list[str]:
        """What a deposit paid, at once or out of suspense, and what can be refunded as that."""
        own = [f"deposit_{made.entry}"] if made.party is not None else []
        return own + self.paid_from[made.entry]

    def owe(self, party: str, amount: int, currency: str) -> int:
        """What a rail takes of a party, it gives as far as it can; what it owes then."""
        covered = min(amount, self.available(party, currency))
        self.move((party, "available"), RAIL, covered, currency)
        self.move((party, "receivable"), RAIL, amount - covered, currency)
        return amount - covered
