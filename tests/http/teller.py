"""A random history of a ledger, and what it should have left, by a model that only adds up postings."""

import random
from collections import Counter
from typing import Any, NamedTuple

import httpx

from tests.harness import Client

Account = tuple[str, str]
"""An owner and a role; everything is in EUR."""

RAIL: Account = ("rail:test", "clearing")
SUSPENSE: Account = ("platform", "suspense")
ASSETS = {"clearing", "receivable"}
MOVES = 60


class Posting(NamedTuple):
    """One posting, as the test itself saw it happen."""

    entry: int
    posted_at: str
    effective_on: str
    debit: Account
    credit: Account
    amount: int

    def change(self, account: Account) -> int:
        sign = -1 if account[1] in ASSETS else 1
        return sign * self.amount * ((account == self.credit) - (account == self.debit))


class Story(NamedTuple):
    """Some random months of a ledger in EUR."""

    postings: list[Posting]
    accounts: list[Account]
    first: int
    last: int

    def balance(self, account: Account, entry: int) -> int:
        return sum(posting.change(account) for posting in self.postings if posting.entry <= entry)


class Teller:
    """Lets things happen, and writes down what should have come of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.dice = random.Random(7)
        self.parties = [client.party(f"teller:{n}@x+y.z_-") for n in range(4)]
        self.funds: Counter[str] = Counter()
        self.deposits: list[tuple[str, str | None, int]] = []
        self.postings: list[Posting] = []

    def deposit(self) -> None:
        party = self.dice.choice([*self.parties, None])
        amount = self.dice.randint(1, 1000)
        made = self.client.deposit(party, amount, memo=f"memo {amount}")
        self.deposits.append((made["id"], party, amount))
        self.write_down(made, RAIL, (party, "available") if party else SUSPENSE, amount)

    def transfer(self) -> None:
        payer, payee = self.dice.sample(self.parties, 2)
        if self.funds[payer] > 0:
            amount = self.dice.randint(1, self.funds[payer])
            day = self.dice.choice(["2026-01-31", "2026-02-01", "2026-02-28", None])
            made = self.client.transfer(payer, payee, amount, effective_on=day)
            self.write_down(made, (payer, "available"), (payee, "available"), amount)

    def give_back(self) -> None:
        if not self.deposits:
            return
        deposit, party, amount = self.deposits.pop(self.dice.randrange(len(self.deposits)))
        made = self.client.post(f"/v1/deposits/{deposit}/return", {"reason": "recalled"}).json()
        made |= {"effective_on": made["posted_at"][:10]}
        if party is None:
            self.write_down(made, SUSPENSE, RAIL, amount)
            return
        covered = min(amount, self.funds[party])
        if covered > 0:
            self.write_down(made, (party, "available"), RAIL, covered)
        if covered < amount:
            self.write_down(made, (party, "receivable"), RAIL, amount - covered)

    def write_down(self, made: dict[str, Any], debit: Account, credit: Account, amount: int) -> None:
        posting = Posting(made["entry"], made["posted_at"], made["effective_on"], debit, credit, amount)
        self.postings.append(posting)
        for (owner, role), change in ((debit, -amount), (credit, amount)):
            if role == "available":
                self.funds[owner] += change


def tell(client: Client) -> Story:
    """Let a random history happen."""
    teller = Teller(client)
    for _ in range(MOVES):
        teller.dice.choice([teller.deposit, teller.transfer, teller.transfer, teller.give_back])()
    accounts = sorted({account for posting in teller.postings for account in (posting.debit, posting.credit)})
    return Story(teller.postings, accounts, teller.postings[0].entry, teller.postings[-1].entry)


def path(account: Account, currency: str = "EUR") -> str:
    """Where an account is."""
    return f"/v1/accounts/{account[0]}/{account[1]}/{currency}"


def read(client: Client, path: str, **query: Any) -> dict[str, Any]:
    """What a read answers, which must be a success; a query parameter that is None is left out."""
    response = client.get(path, **{name: value for name, value in query.items() if value is not None})
    assert 200 == response.status_code, response.text
    body: dict[str, Any] = response.json()
    return body


def pages(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list. The cursor goes alone: it has the filters baked in."""
    found = [read(client, path, **query)]
    while found[-1]["next_cursor"] is not None:
        found.append(read(client, path, cursor=found[-1]["next_cursor"], limit=query.get("limit")))
    return found


def ids(answer: httpx.Response) -> list[str]:
    """The ids of a page."""
    assert 200 == answer.status_code, answer.text
    return [each["id"] for each in answer.json()["data"]]


def all_pages(client: Client, path: str, **query: Any) -> list[str]:
    """The ids of all pages of a list."""
    return [each["id"] for page in pages(client, path, **query) for each in page["data"]]
