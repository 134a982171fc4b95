"""What a story ends with, and shows on its way: the trial balance, what the clients have, what a payout paid out."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ledger.core.money import format_amount
from tests.harness import Client

WIDTH = 102
RULE = "─" * WIDTH


class Row(NamedTuple):
    """A line of a trial balance. A balance stands on the side that its class grows on, below zero on the other one."""

    account_class: str
    account: str
    debits: int
    credits: int
    debit: int | None
    credit: int | None


def trial_balance(report: dict[str, Any]) -> list[str]:
    """All accounts with their turnovers and balances; debits and credits come to the same in both."""
    lines = [f"Trial balance after entry {report['as_of_entry']}"]
    for each in report["currencies"]:
        rows = [_row(row) for row in each["rows"]]
        debits, credits = sum(row.debits for row in rows), sum(row.credits for row in rows)
        debit, credit = sum(row.debit or 0 for row in rows), sum(row.credit or 0 for row in rows)
        assert (debits, debit) == (credits, credit)
        assert (str(debits), str(credits)) == (each["debits"], each["credits"])
        lines += ["", _line("", "", "turnover", "", "balance", "")]
        lines += [_line("class", "account", "debits", "credits", "debit", "credit"), RULE]
        lines += [_amounts(row, each["currency"]) for row in rows]
        lines += [RULE, _amounts(Row("", "", debits, credits, debit, credit), each["currency"])]
    return lines


def clients(accounts: Iterable[dict[str, Any]]) -> list[str]:
    """Which of the clients have what."""
    found = sorted(
        (f"{account['owner']}/{account['role']}", format_amount(account["balance"], account["currency"]))
        for account in accounts
        if account["balance"] and ":" not in account["owner"] and account["owner"] != "platform"
    )
    if not found:
        return ["No client has anything left."]
    return ["What the clients have", "", *(_line("", path, "", "", "", amount) for path, amount in found)]


def explanation(client: Client, payout: str) -> list[str]:
    """Of a payout: by how much each entry before it changed what its party could spend, and what that came to."""
    explained = client.get(f"/v1/payouts/{payout}/explanation", limit=500).json()
    assert explained["next_cursor"] is None
    currency, lines = explained["currency"], explained["entries"]
    paid_out = explained["carried_forward"] + sum(line["amount"] for line in lines) - explained["remaining"]
    assert paid_out == explained["amount"]
    return [
        f"{payout} pays out {format_amount(explained['amount'], currency)}:",
        *(
            f"{line['entry']:>6}  {line['kind']:<36}{format_amount(line['amount'], currency):>12}"
            f"{format_amount(line['running'], currency):>18}"
            for line in lines
        ),
    ]


def _row(row: dict[str, Any]) -> Row:
    closing = row["closing"]
    is_debit = (row["class"] in {"asset", "expense"}) == (closing >= 0)
    debit, credit = (abs(closing), None) if is_debit else (None, abs(closing))
    return Row(row["class"], f"{row['owner']}/{row['role']}", int(row["debits"]), int(row["credits"]), debit, credit)


def _amounts(row: Row, currency: str) -> str:
    amounts = (format_amount(amount, currency) if amount is not None else "" for amount in row[2:])
    return _line(row.account_class, row.account, *amounts)


def _line(account_class: str, account: str, *columns: str) -> str:
    return f"{account_class:<12}{account:<22}{''.join(f'{column:>17}' for column in columns)}".rstrip()
