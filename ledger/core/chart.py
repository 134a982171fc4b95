"""The chart of accounts: which roles exist, who owns them, their class, and whether they may go below zero.

Balance = credits - debits. People are shown it in the natural sign of its class: asset and expense turned round.
"""

from enum import StrEnum
from typing import NamedTuple

from ledger.core.money import AMOUNT_MAX


class Class(StrEnum):
    """The five classes of account, in the order in which reports show them."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


class Role(NamedTuple):
    """What an account is for. `may_go_below_zero` is meant in the natural sign of the class.

    `sign` turns credits - debits into the natural sign; `lowest` and `highest` bound credits - debits.
    """

    name: str
    owner: str
    account_class: Class
    may_go_below_zero: bool
    meaning: str
    sign: int
    lowest: int
    highest: int


def _role(name: str, owner: str, account_class: Class, may_go_below_zero: bool, meaning: str) -> Role:
    sign = -1 if account_class in (Class.ASSET, Class.EXPENSE) else 1
    lowest = -AMOUNT_MAX if may_go_below_zero or sign < 0 else 0
    highest = AMOUNT_MAX if may_go_below_zero or sign > 0 else 0
    return Role(name, owner, account_class, may_go_below_zero, meaning, sign, lowest, highest)


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        _role("available", "party", Class.LIABILITY, False, "can be spent"),
        _role("held", "party", Class.LIABILITY, False, "reserved by holds"),
        _role("escrow", "party", Class.LIABILITY, False, "paid, not yet anyone else's"),
        _role("receivable", "party", Class.ASSET, False, "the party owes the platform"),
        _role("clearing", "rail", Class.ASSET, True, "the rail says it has our money, or we owe it"),
        _role("outbound", "rail", Class.LIABILITY, False, "told the rail to pay, not yet confirmed"),
        _role("cash", "bank", Class.ASSET, True, "what that bank account's statement says"),
        _role("suspense", "platform", Class.LIABILITY, False, "arrived, belongs to someone, not yet known to whom"),
        _role("fees", "platform", Class.INCOME, True, "what merchants are charged"),
        _role("fee_costs", "platform", Class.EXPENSE, True, "what rails and banks charge"),
        _role("payable", "tax", Class.LIABILITY, True, "collected for an authority"),
    )
}

PLATFORM = "platform"


def rail_owner(rail: str) -> str:
    """The owner of a rail's accounts."""
    return f"rail:{rail}"


def bank_owner(bank: str) -> str:
    """The owner of a bank's accounts."""
    return f"bank:{bank}"


def tax_owner(code: str) -> str:
    """The owner of a tax's account."""
    return f"tax:{code}"


def owner_kind(owner: str) -> str:
    """`party`, `rail`, `bank`, `platform` or `tax`: the first column of the chart."""
    if owner == PLATFORM:
        return PLATFORM
    kind, colon, _ = owner.partition(":")
    return kind if colon and kind in ("rail", "bank", "tax") else "party"
