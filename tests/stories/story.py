"""A story is told step by step to the real service, and written down as a bookkeeper would: each entry with its number,
what happened, the postings, and the balances that it changed; at the end the trial balance.

    entry  what happened
           debit                 credit                    amount      balance of          after the entry
    ──────────────────────────────────────────────────────────────────────────────────────────────────────

       13  Ada pays the bill from her wallet.                                                     transfer
           ada/available         trattoria/available   100.00 EUR      ada/available             50.00 EUR
                                                                       trattoria/available      100.00 EUR

The page is kept beside the test and compared byte for byte. `STORIES=write` writes it anew: read the difference then.
What differs from run to run, times and keys, is left out.
"""

import os
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ledger.core.money import format_amount
from tests.harness import PREPARED_ENTRIES, Client
from tests.http.wire import problem_of
from tests.stories.reports import RULE, WIDTH, clients, trial_balance

ACCOUNT_WIDTH = 20
AMOUNT_WIDTH = 12
INDENT = " " * 7
BALANCES = " " * 6
_SIDES = f"{'debit':<{ACCOUNT_WIDTH}}  {'credit':<{ACCOUNT_WIDTH}}{'amount':>{AMOUNT_WIDTH}}"
_AFTER = f"{'balance of':<{ACCOUNT_WIDTH}}{'after the entry':>{AMOUNT_WIDTH + 3}}"
HEAD = ("entry  what happened", f"{INDENT}{_SIDES}{BALANCES}{_AFTER}", RULE)
IBAN = "DE89370400440532013000"
MADE_OR_CHANGED = (200, 201)


class Story:
    """What was told so far. `client` may be asked anything between the steps."""

    def __init__(self, client: Client, path: Path, opening: str) -> None:
        self.client = client
        self.last = PREPARED_ENTRIES
        self._path = path
        title, _, rest = opening.strip().partition("\n")
        title = title.rstrip(".")
        self._lines = [title, "=" * len(title), *rest.splitlines(), "", *HEAD, ""]
        self._write(f"1–{self.last}", "An empty ledger is prepared.", "by the tests")

    def opens(self, *people: str, merchants: tuple[str, ...] = ()) -> None:
        """A bank account and a rail that settles to it are registered, and everyone joins."""
        bank = {"id": "house", "currency": "EUR", "purpose": "safeguarded", "iban": IBAN}
        self.does("Our bank account for clients' money is registered.", "/v1/banks", bank)
        self.does("The rail for bank transfers settles to it.", "/v1/rails", {"id": "sepa", "settles_to": "house"})
        for name in people:
            self.does(f"{name} joins.", "/v1/parties", {"id": name.lower(), "kind": "person", "name": name})
        for party in merchants:
            self.does(f"The {party} joins.", "/v1/parties", {"id": party, "kind": "merchant", "name": party.title()})

    def tops_up(self, name: str, amount: int) -> Any:
        """Somebody sends money to a wallet of their own."""
        body = {"to": name.lower(), "amount": amount, "currency": "EUR", "rail": "sepa"}
        body["rail_reference"] = f"{name.upper()}-{self.last}"
        return self.does(f"{name} tops up by bank transfer.", "/v1/deposits", body)

    def does(self, sentence: str, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """Something is done by one request, which makes one entry; the answer's body."""
        answer = self.client.write(method, path, body if body is not None else {})
        assert answer.status_code in MADE_OR_CHANGED, answer.text
        made = answer.json()
        assert self.last + 1 == made["entry"], f"entries {self.last + 1} to {made['entry'] - 1} are told nowhere"
        self._enter(sentence)
        return made

    def happens(self, sentence: str, kind: str) -> None:
        """The service itself does what is due: the entry comes within its five seconds."""
        found = self.client.get("/v1/entries", after=self.last, limit=1, wait=10).json()["entries"]
        assert [kind] == [entry["kind"] for entry in found]
        self._enter(sentence)

    def is_refused(self, sentence: str, code: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Something is asked for in vain, and nothing is booked."""
        assert code == problem_of(self.client.post(path, body if body is not None else {}))[1]
        self._write("–", sentence, f"refused: {code}")
        self._lines.append("")

    def shows(self, *lines: str) -> None:
        """What people see after the last step."""
        if self._lines[-1] == "":
            self._lines.pop()
        self._lines += [f"{INDENT}{line}".rstrip() for line in lines]
        self._lines.append("")

    def balance(self, account: str) -> int:
        """What is on an account (`ada/available`) now, in minor units of EUR."""
        return int(self.client.get(f"/v1/accounts/{account}/EUR").json()["balance"])

    def told(self) -> str:
        """The whole page."""
        report = self.client.get("/v1/reports/trial-balance").json()
        assert self.last == report["as_of_entry"]
        accounts = self.client.get("/v1/accounts", limit=500).json()["data"]
        lines = [*self._lines, *trial_balance(report), "", *clients(accounts), ""]
        assert [] == [line for line in lines if len(line) > WIDTH]
        return "\n".join(lines)

    def kept(self) -> str:
        """The page as it is kept beside the test."""
        if os.environ.get("STORIES") == "write":
            self._path.write_bytes(self.told().encode())
        return self._path.read_bytes().decode()

    def _enter(self, sentence: str) -> None:
        """Write the next entry down."""
        self.last += 1
        entry = self.client.get(f"/v1/entries/{self.last}").json()
        postings: list[dict[str, Any]] = entry["postings"]
        if postings and self._lines[-1] != "":
            self._lines.append("")
        self._write(str(self.last), sentence, entry["kind"])
        pairs = zip_longest(map(_posting, postings), self._balances(postings), fillvalue="")
        blank = " " * len(_posting({"debit": "", "credit": "", "amount": 1, "currency": "EUR"}))
        self._lines += [f"{INDENT}{posting or blank}{BALANCES}{balance}".rstrip() for posting, balance in pairs]
        if postings:
            self._lines.append("")

    def _balances(self, postings: Iterable[dict[str, Any]]) -> list[str]:
        """The balances that an entry changed, in the order in which it names them."""
        names = [(posting[side], posting["currency"]) for posting in postings for side in ("debit", "credit")]
        shown = []
        for path, currency in dict.fromkeys(names):
            account = self.client.get(f"/v1/accounts/{path}/{currency}", as_of_entry=self.last).json()
            balance = format_amount(account["balance"], currency)
            shown.append(f"{path:<{ACCOUNT_WIDTH}}{balance:>{AMOUNT_WIDTH + 3}}")
        return shown

    def _write(self, number: str, sentence: str, kind: str) -> None:
        room = WIDTH - len(INDENT) - len(sentence)
        assert len(kind) + 2 <= room, f"too long for a line: {sentence}"
        self._lines.append(f"{number:>5}  {sentence}{kind:>{room}}")


def eur(amount: int) -> str:
    """An amount as people read it."""
    return format_amount(amount, "EUR")


def _posting(posting: dict[str, Any]) -> str:
    debit, credit = posting["debit"], posting["credit"]
    amount = format_amount(posting["amount"], posting["currency"])
    return f"{debit:<{ACCOUNT_WIDTH}}  {credit:<{ACCOUNT_WIDTH}}{amount:>{AMOUNT_WIDTH}}"
