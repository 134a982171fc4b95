"""Every way money can move: kind → legs. Where money goes is decided here and nowhere else.

A leg is written `<who>.<role> -> <who>.<role>`: the account debited, the account credited. How much and when is a
function beside the agreement. README's table is printed from this one.
"""

from typing import NamedTuple

from ledger.core.chart import PLATFORM, ROLES


class Leg(NamedTuple):
    """One permitted way: from an account of `debit_role` to an account of `credit_role`.

    `payer` and `payee` are the words the movement uses for the two owners; `platform` stands for itself.
    """

    kind: str
    debit_who: str
    debit_role: str
    credit_who: str
    credit_role: str
    meaning: str


MOVEMENTS: list[Leg] = []
_OUTSIDE_OR_OURS = (PLATFORM, "rail", "bank", "tax")


def leg(kind: str, way: str, meaning: str) -> Leg:
    """Enter one row into the table of movements; a role that the chart lacks is a programming error."""
    (debit_who, debit_role), (credit_who, credit_role) = (side.split(".") for side in way.split(" -> "))
    for who, role in ((debit_who, debit_role), (credit_who, credit_role)):
        if ROLES[role].owner != (who if who in _OUTSIDE_OR_OURS else "party"):
            raise LookupError(f"{who}.{role}: the chart gives {role} to a {ROLES[role].owner}")
    MOVEMENTS.append(Leg(kind, debit_who, debit_role, credit_who, credit_role, meaning))
    return MOVEMENTS[-1]


DEPOSIT_CREDITED = leg("deposit", "rail.clearing -> party.available", "money arrived for a party")
DEPOSIT_SUSPENDED = leg("deposit", "rail.clearing -> platform.suspense", "money arrived that cannot be credited")
RETURN_FROM_BALANCE = leg("deposit.return", "party.available -> rail.clearing", "recalled: as far as the balance goes")
RETURN_AS_DEBT = leg("deposit.return", "party.receivable -> rail.clearing", "recalled: the rest, owed by the party")
RETURN_FROM_SUSPENSE = leg("deposit.return", "platform.suspense -> rail.clearing", "recalled before it was credited")
TRANSFER = leg("transfer", "payer.available -> payee.available", "a party pays another")
