"""A check of amounts: what an agreement says was paid is what the postings of its entry have moved.

An agreement and its money are of one entry; so each amount is a sum of that entry's postings, from and to certain
accounts.
"""

from typing import NamedTuple

from ledger.books.checking import Along, Check, Part, account_numbered, query


class Tie(NamedTuple):
    """What columns of a table's rows are the sums of: conditions on the row r, the debited account d and the credited
    one c. `where` are the rows that it holds for; `entry` is the column that names the entry which has moved it."""

    table: str
    columns: dict[str, str]
    where: str = "true"
    entry: str = "entry"


_TO_PAYEE = "c.role = 'available' AND c.owner = r.payee"
_FEES = {
    "fee": "d.owner = r.payee AND c.role = 'fees'",
    "fee_tax": "d.owner = r.payee AND c.role = 'payable'",
}

TIES = (
    Tie("deposits", {"amount": "d.owner = 'rail:' || r.rail AND d.role = 'clearing'"}),
    Tie("suspense_items", {"amount": "c.role = 'suspense'"}),
    Tie("receivables", {"amount": "d.role = 'receivable' AND d.owner = r.party"}),
    Tie("claims", {"amount": "c.role = 'escrow' AND c.owner = r.giver"}),
    Tie(
        "claims",
        {"amount": "d.role = 'escrow' AND d.owner = r.giver AND c.role = 'available' AND c.owner = r.claimer"},
        where="r.state = 'claimed'",
        entry="changed_by",
    ),
    Tie(
        "payment_requests",
        {"amount": "d.role = 'available' AND d.owner = r.payer AND c.role = 'available' AND c.owner = r.payee"},
        where="r.paid_by IS NOT NULL",
        entry="paid_by",
    ),
    Tie(
        "payments",
        {"amount": f"d.role = 'held' AND d.owner = r.payer AND {_TO_PAYEE}"} | _FEES,
        where="r.kind = 'capture'",
    ),
    Tie(
        "payments",
        {"amount": f"d.role = 'available' AND d.owner = r.payer AND {_TO_PAYEE}"} | _FEES,
        where="r.kind = 'settlement' AND r.payer IS NOT NULL",
    ),
    Tie(
        "payments",
        {"amount": f"d.role IN ('clearing', 'suspense') AND {_TO_PAYEE}"} | _FEES,
        # A surplus may go to the merchant itself, if that is named as the payer.
        where="""r.kind = 'settlement' AND r.payer IS NULL AND NOT EXISTS (
            SELECT FROM deposits WHERE ledger_id = $1 AND entry = r.entry AND surplus_to = r.payee OFFSET 0
        )""",
    ),
    Tie(
        "payments",
        {"amount": "d.role = 'available' AND d.owner = r.payer AND (c.role = 'escrow' OR c.owner = r.payee)"},
        where="r.kind = 'transfer'",
    ),
    Tie("payments", {"amount": f"d.role = 'clearing' AND {_TO_PAYEE}"}, where="r.kind = 'deposit'"),
    Tie(
        "refunds",
        {
            "amount": "d.role IN ('available', 'receivable', 'suspense')"
            " AND (c.role = 'outbound' AND c.owner = 'rail:' || r.rail OR c.role = 'available' AND c.owner = r.\"to\")",
            "fee_returned": "d.role = 'fees' AND c.owner = r.party",
            "fee_tax_returned": "d.role = 'payable' AND c.owner = r.party",
        },
    ),
    Tie("payouts", {"amount": "d.owner = r.party AND c.owner = 'rail:' || r.rail AND c.role = 'outbound'"}),
    Tie(
        "outside_moves",
        {
            "amount": "d.role IN ('clearing', 'cash') AND c.role IN ('clearing', 'cash')",
            "fee": "d.role = 'fee_costs'",
        },
    ),
)


def _part(tie: Tie) -> Part:
    names = ", ".join(f"r.{name}" for name in tie.columns)
    sums = ", ".join(
        f"coalesce(sum(p.amount) FILTER (WHERE {condition}), 0)::bigint AS {name}"
        for name, condition in tie.columns.items()
    )
    moved = ", ".join(f"m.{name}" for name in tie.columns)
    return query(
        Along.ENTRIES,
        f"""
        SELECT format('{tie.table} %s', r.entry),
               format('has {", ".join(tie.columns)} of %s, but entry %s moved %s',
                      ROW({names})::text, r.{tie.entry}, ROW({moved})::text)
        FROM (
            SELECT * FROM {tie.table} r
            WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 AND {tie.where} OFFSET 0
        ) r, LATERAL (
            SELECT {sums} FROM (SELECT * FROM postings WHERE ledger_id = $1 AND entry = r.{tie.entry} OFFSET 0) p,
                {account_numbered("p.debit")} d, {account_numbered("p.credit")} c
        ) m
        WHERE ROW({names}) IS DISTINCT FROM ROW({moved})
        """,
    )


CHECKS = (
    Check(
        "amounts",
        "What an agreement says was paid, charged or given back is what its entry has moved.",
        tuple(_part(tie) for tie in TIES),
    ),
)
