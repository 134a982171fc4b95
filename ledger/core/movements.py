"""Every way money can move: kind → legs. Where money goes is decided here and nowhere else.

A leg is written `<who>.<role> -> <who>.<role>`: the account debited, the account credited. How much and when is a
function beside the agreement. README's table is printed from this one.
"""

from typing import NamedTuple

from ledger.core.chart import PLATFORM, ROLES


class Leg(NamedTuple):
    """One permitted way: from an account of `debit_role` to an account of `credit_role`.

    `payer` and `payee` are the words the movement uses for the two owners; `platform` stands for itself. `entries` are
    the kinds of entry that move so.
    """

    kind: str
    debit_who: str
    debit_role: str
    credit_who: str
    credit_role: str
    meaning: str
    entries: tuple[str, ...]


MOVEMENTS: list[Leg] = []
_OUTSIDE_OR_OURS = (PLATFORM, "rail", "bank", "tax")


def leg(kind: str, way: str, meaning: str, entries: tuple[str, ...] = ()) -> Leg:
    """Enter one row into the table of movements; a role that the chart lacks is a programming error.

    Where no `entries` are named, the movement is an entry of its own kind.
    """
    (debit_who, debit_role), (credit_who, credit_role) = (side.split(".") for side in way.split(" -> "))
    for who, role in ((debit_who, debit_role), (credit_who, credit_role)):
        if ROLES[role].owner != (who if who in _OUTSIDE_OR_OURS else "party"):
            raise LookupError(f"{who}.{role}: the chart gives {role} to a {ROLES[role].owner}")
    MOVEMENTS.append(Leg(kind, debit_who, debit_role, credit_who, credit_role, meaning, entries or (kind,)))
    return MOVEMENTS[-1]


_PAID_TO_MERCHANTS = ("hold.capture", "invoice.settle", "settlement", "deposit", "suspense.allocate")

DEPOSIT_CREDITED = leg("deposit", "rail.clearing -> party.available", "money arrived for a party")
DEPOSIT_SUSPENDED = leg("deposit", "rail.clearing -> platform.suspense", "money arrived that cannot be credited")
RETURN_FROM_BALANCE = leg("deposit.return", "party.available -> rail.clearing", "recalled: as far as the balance goes")
RETURN_AS_DEBT = leg("deposit.return", "party.receivable -> rail.clearing", "recalled: the rest, owed by the party")
RETURN_FROM_SUSPENSE = leg("deposit.return", "platform.suspense -> rail.clearing", "recalled before it was credited")

TRANSFER = leg(
    "transfer", "payer.available -> payee.available", "a party pays another", ("transfer", "payment_request.pay")
)
CLAIM_FUND = leg("claim.fund", "giver.available -> giver.escrow", "paid to someone without an account", ("transfer",))
CLAIM_TAKE = leg("claim.take", "giver.escrow -> claimer.available", "whose alias was registered")
CLAIM_RETURN = leg("claim.return", "giver.escrow -> giver.available", "nobody claimed it in time")

FEE = leg("fee", "payee.available -> platform.fees", "what a merchant is charged", _PAID_TO_MERCHANTS)
FEE_TAX = leg("fee", "payee.available -> tax.payable", "the tax on that", _PAID_TO_MERCHANTS)

HOLD_PLACE = leg("hold.place", "payer.available -> payer.held", "reserved for a payee", ("hold.place", "hold.increase"))
HOLD_CAPTURE = leg("hold.capture", "payer.held -> payee.available", "the payee takes what was reserved")
HOLD_RELEASE = leg(
    "hold.release",
    "payer.held -> payer.available",
    "voided, expired, or the rest after a final capture",
    ("hold.void", "hold.expire", "hold.capture"),
)

SETTLE = leg(
    "invoice.settle",
    "payer.available -> merchant.available",
    "an invoice is paid from a wallet",
    ("invoice.settle", "settlement"),
)
RECEIVE = leg("invoice.receive", "rail.clearing -> merchant.available", "an invoice is paid over a rail", ("deposit",))
SURPLUS = leg("invoice.receive", "rail.clearing -> payer.available", "more than was due", ("deposit",))
SURPLUS_SUSPENDED = leg(
    "invoice.receive", "rail.clearing -> platform.suspense", "more than was due, by nobody known", ("deposit",)
)

ALLOCATE = leg("suspense.allocate", "platform.suspense -> party.available", "it is known to whom it belongs")
ALLOCATE_TO_INVOICE = leg("suspense.allocate", "platform.suspense -> merchant.available", "it pays an invoice")
SUSPENSE_RETURN = leg("suspense.return", "platform.suspense -> rail.outbound", "sent back to where it came from")

FEE_RETURN = leg("fee.return", "platform.fees -> payee.available", "of a refunded payment", ("refund",))
FEE_TAX_RETURN = leg("fee.return", "tax.payable -> payee.available", "of a refunded payment", ("refund",))
REFUND = leg("refund", "payee.available -> payer.available", "given back to the wallet")
REFUND_AS_DEBT = leg("refund", "payee.receivable -> payer.available", "what the payee is short of, where allowed")
REFUND_TO_RAIL = leg("refund", "payee.available -> rail.outbound", "given back over the rail")
REFUND_TO_RAIL_AS_DEBT = leg("refund", "payee.receivable -> rail.outbound", "the same, what the payee is short of")
REFUND_PAID = leg("refund.paid", "rail.outbound -> rail.clearing", "the rail has paid it")
REFUND_FAILED = leg("refund.failed", "rail.outbound -> payee.available", "the rail could not pay it")
REFUND_DEBT_FAILED = leg(
    "refund.failed", "rail.outbound -> payee.receivable", "the same: first what of it the payee owes"
)
REFUND_FAILED_TO_SUSPENSE = leg("refund.failed", "rail.outbound -> platform.suspense", "the same, of what nobody owns")
FEE_AGAIN = leg("fee", "payee.available -> platform.fees", "what was returned with it", ("refund.failed",))
FEE_TAX_AGAIN = leg("fee", "payee.available -> tax.payable", "what was returned with it", ("refund.failed",))

PAYOUT = leg("payout.request", "party.available -> rail.outbound", "on its way to its owner")
PAYOUT_PAID = leg("payout.paid", "rail.outbound -> rail.clearing", "the rail has paid it")
PAYOUT_FAILED = leg("payout.return", "rail.outbound -> party.available", "the rail could not pay", ("payout.failed",))
PAYOUT_RETURNED = leg(
    "payout.return", "rail.clearing -> party.available", "it came back after it was paid", ("payout.returned",)
)
PAYOUT_RETURNED_TO_SUSPENSE = leg(
    "payout.return", "rail.clearing -> platform.suspense", "the same, of a closed party", ("payout.returned",)
)

RAIL_SETTLE = leg("rail.settle", "bank.cash -> rail.clearing", "the rail pays out to our bank")
RAIL_PREFUND = leg("rail.prefund", "rail.clearing -> bank.cash", "we pay the rail")
RAIL_FEE = leg(
    "rail.fee",
    "platform.fee_costs -> rail.clearing",
    "what the rail keeps for itself",
    ("rail.settle", "payout.paid", "payout.returned", "refund.paid"),
)
BANK_FEE = leg("rail.fee", "platform.fee_costs -> bank.cash", "what the bank charges", ("rail.prefund", "bank.move"))
BANK_MOVE = leg("bank.move", "bank.cash -> bank.cash", "from one bank account to another")

TRANSFER_REVERSED = leg("reversal", "payee.available -> payer.available", "a transfer, turned round by finance")
SETTLE_REVERSED = leg("reversal", "rail.clearing -> bank.cash", "a rail.settle, turned round")
PREFUND_REVERSED = leg("reversal", "bank.cash -> rail.clearing", "a rail.prefund, turned round")
RAIL_FEE_REVERSED = leg("reversal", "rail.clearing -> platform.fee_costs", "a rail.fee, turned round")
BANK_FEE_REVERSED = leg("reversal", "bank.cash -> platform.fee_costs", "a bank's fee, turned round")
BANK_MOVE_REVERSED = leg("reversal", "bank.cash -> bank.cash", "a bank.move, turned round")

MOVES_REVERSED = {
    RAIL_SETTLE.kind: (SETTLE_REVERSED, RAIL_FEE_REVERSED),
    RAIL_PREFUND.kind: (PREFUND_REVERSED, BANK_FEE_REVERSED),
    BANK_MOVE.kind: (BANK_MOVE_REVERSED, BANK_FEE_REVERSED),
}
"""What turns a move between our rails and banks round: the leg of its amount, and that of its fee."""
