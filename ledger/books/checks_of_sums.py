"""Checks of sums: what accounts hold is what agreements have left, and totals that are kept are what they sum up.

What goes along nothing is one query over what is open, or over what is few.
"""

# long: one query a check, some two.

from ledger.books.checking import Along, Check, query

SUSPENSE = Check(
    "suspense",
    "The suspense account of each currency holds what its open items have left: what was neither given out nor back.",
    (
        query(
            Along.ONCE,
            """
            SELECT 'suspense', format('holds %s in %s, but its open items have %s left',
                                      coalesce(a.balance, 0), currency, coalesce(items.remaining, 0))
            FROM (
                SELECT currency, balance FROM accounts WHERE ledger_id = $1 AND owner = 'platform' AND role = 'suspense'
            ) a
            FULL JOIN (
                SELECT currency, sum(remaining) AS remaining FROM suspense_items
                WHERE ledger_id = $1 AND state = 'open' GROUP BY currency
            ) items USING (currency)
            WHERE coalesce(a.balance, 0) <> coalesce(items.remaining, 0)
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('suspense_items %s', s.entry), format('has %s of %s left, but %s were given away',
                s.remaining, s.amount, given.amount)
            FROM (
                SELECT * FROM suspense_items WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0
            ) s, LATERAL (
                SELECT coalesce(sum(amount), 0) AS amount FROM (
                    SELECT (each ->> 'amount')::bigint AS amount FROM jsonb_array_elements(s.allocated::jsonb) each
                    UNION ALL
                    SELECT amount FROM refunds
                    WHERE ledger_id = $1 AND of = s.entry AND of_kind = 'suspense' AND state <> 'failed'
                ) part
            ) given
            -- The rail may have recalled the rest, but then all of it.
            WHERE CASE (SELECT state FROM deposits WHERE ledger_id = $1 AND entry = s.entry)
                  WHEN 'returned' THEN s.remaining <> 0 OR given.amount > s.amount
                  ELSE s.amount - s.remaining <> given.amount END
            """,
        ),
    ),
)


def _held(role: str, name: str, sentence: str, left: str) -> Check:
    """A check that the accounts of a role hold what agreements have `left`: rows of owner, currency, amount."""
    return Check(
        name,
        sentence,
        (
            query(
                Along.ONCE,
                f"""
                SELECT format('account %s', coalesce(a.number, 0)), format('holds %s in %s, but its agreements have %s',
                    coalesce(a.balance, 0), currency, coalesce(l.amount, 0))
                FROM (
                    SELECT number, owner, currency, abs(balance) AS balance FROM accounts
                    WHERE ledger_id = $1 AND role = '{role}'
                ) a
                FULL JOIN (
                    SELECT owner, currency, sum(amount)::bigint AS amount FROM ({left}) each GROUP BY owner, currency
                ) l USING (owner, currency)
                WHERE coalesce(a.balance, 0) <> coalesce(l.amount, 0)
                """,
            ),
        ),
    )


HELD = _held(
    "held",
    "held",
    "What a party has held is what its open holds have left.",
    """
    SELECT payer AS owner, currency, amount - captured - released AS amount FROM holds
    WHERE ledger_id = $1 AND state = 'open'
    """,
)

ESCROW = _held(
    "escrow",
    "escrow",
    "What a party has in escrow is what it sent that nobody has claimed yet.",
    "SELECT giver AS owner, currency, amount FROM claims WHERE ledger_id = $1 AND state = 'pending_claim'",
)

OUTBOUND = _held(
    "outbound",
    "outbound",
    "What rails were told to pay is what open payouts, refunds and returns of suspense sum to.",
    """
    SELECT 'rail:' || rail AS owner, currency, amount FROM payouts
    WHERE ledger_id = $1 AND state IN ('requested', 'in_transit')
    UNION ALL
    SELECT 'rail:' || rail, currency, amount FROM refunds WHERE ledger_id = $1 AND state = 'requested'
    """,
)

RECEIVABLES = _held(
    "receivable",
    "receivables",
    "What a party owes is what its receivables have left.",
    "SELECT party AS owner, currency, remaining AS amount FROM receivables WHERE ledger_id = $1 AND remaining > 0",
)

REFUNDS = Check(
    "refunds",
    "What a payment gave back is what its refunds that did not fail sum to, its fee and tax too.",
    (
        query(
            Along.ENTRIES,
            """
            SELECT format('payments %s', p.entry), format('gave back %s, its refunds %s',
                (p.refunded, p.fee_returned, p.fee_tax_returned)::text, (r.amount, r.fee, r.fee_tax)::text)
            FROM (SELECT * FROM payments WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) p, LATERAL (
                SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(fee_returned), 0) AS fee,
                       coalesce(sum(fee_tax_returned), 0) AS fee_tax
                FROM refunds WHERE ledger_id = $1 AND of = p.entry AND state <> 'failed' AND of_kind <> 'suspense'
                OFFSET 0
            ) r
            -- The return of a deposit gives back what its refunds have not; a reversal is of what was not refunded.
            WHERE (p.fee_returned, p.fee_tax_returned) <> (r.fee, r.fee_tax)
               OR CASE WHEN p.reversed_by IS NULL THEN p.refunded <> r.amount
                       WHEN p.payer IS NULL THEN p.refunded <= r.amount
                       ELSE r.amount > 0 END
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('refunds %s', r.entry), format('gives back payment %s, of which nothing is kept', r.of)
            FROM (SELECT * FROM refunds WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) r
            LEFT JOIN LATERAL (
                SELECT entry FROM payments WHERE ledger_id = $1 AND entry = r.of OFFSET 0
            ) p ON true
            WHERE r.of_kind <> 'suspense' AND p.entry IS NULL
            """,
        ),
    ),
)

INVOICES = Check(
    "invoices",
    "What an invoice was paid and refunded its settlements say; what it was lowered by, its credit notes.",
    (
        query(
            Along.ENTRIES,
            """
            SELECT format('invoices %s', i.entry), format('was paid %s, refunded %s, lowered by %s; not %s, %s, %s',
                i.paid, i.refunded, i.credited, a.paid, a.refunded, c.credited)
            FROM (SELECT * FROM invoices WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) i, LATERAL (
                SELECT coalesce(sum((each ->> 'amount')::bigint), 0) AS paid,
                       coalesce(sum((each ->> 'refunded')::bigint), 0) AS refunded
                FROM settled_invoices s, LATERAL (
                    SELECT allocations FROM payments WHERE ledger_id = $1 AND entry = s.entry OFFSET 0
                ) p, jsonb_array_elements(p.allocations::jsonb) each
                WHERE s.ledger_id = $1 AND s.invoice = i.entry AND (each ->> 'invoice')::bigint = i.entry OFFSET 0
            ) a, LATERAL (
                SELECT coalesce(sum(amount), 0) AS credited FROM credit_notes
                WHERE ledger_id = $1 AND invoice = i.entry OFFSET 0
            ) c
            WHERE (i.paid, i.refunded, i.credited) <> (a.paid, a.refunded, c.credited)
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('payments %s', p.entry), format('settled %s and gave back %s, its allocations %s and %s, '
                'of which %s are for no invoice of the payee', p.amount, p.refunded, a.amount, a.refunded, a.missed)
            FROM (
                SELECT * FROM payments
                WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 AND kind = 'settlement' OFFSET 0
            ) p, LATERAL (
                SELECT coalesce(sum((each ->> 'amount')::bigint), 0) AS amount,
                       coalesce(sum((each ->> 'refunded')::bigint), 0) AS refunded,
                       count(*) FILTER (WHERE i.entry IS NULL) AS missed
                FROM jsonb_array_elements(p.allocations::jsonb) each
                LEFT JOIN LATERAL (
                    SELECT entry, merchant FROM invoices
                    WHERE ledger_id = $1 AND entry = (each ->> 'invoice')::bigint OFFSET 0
                ) i ON i.merchant = p.payee
            ) a
            WHERE (p.amount, p.refunded, 0) <> (a.amount, a.refunded, a.missed)
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('settled_invoices %s %s', s.invoice, s.entry), 'the payment says nothing of it'
            FROM (
                SELECT * FROM settled_invoices WHERE ledger_id = $1 AND invoice > $2 AND invoice <= $3 OFFSET 0
            ) s
            LEFT JOIN LATERAL (
                SELECT allocations FROM payments WHERE ledger_id = $1 AND entry = s.entry OFFSET 0
            ) p ON true
            WHERE NOT coalesce(
                p.allocations::jsonb @> jsonb_build_array(jsonb_build_object('invoice', s.invoice)), false
            )
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('credit_notes %s', c.entry), 'lowers no invoice of its merchant'
            FROM (SELECT * FROM credit_notes WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) c
            LEFT JOIN LATERAL (
                SELECT merchant FROM invoices WHERE ledger_id = $1 AND entry = c.invoice OFFSET 0
            ) i ON true
            WHERE i.merchant IS DISTINCT FROM c.merchant
            """,
        ),
    ),
)


def _numbers_from(merchant: str, number: str) -> str:
    """The first numbers of a merchant's invoices and credit notes from one on. The order leaves one index to walk."""
    parts = (
        f"""(
            SELECT number FROM {table} WHERE ledger_id = $1 AND merchant = {merchant} AND number >= {number}
            ORDER BY number LIMIT 3
        )"""
        for table in ("invoices", "credit_notes")
    )
    return f"({' UNION ALL '.join(parts)})"


NUMBERS = Check(
    "invoice-numbers",
    "Each merchant's invoices and credit notes are numbered 1…n without gaps.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('%s %s', d.name, d.entry), format('has number %s; of this and the one before there are %s, '
                'and the series has come to %s', d.number, near.numbers, coalesce(n.last, 0))
            FROM (
                SELECT 'invoices' AS name, entry, merchant, number FROM invoices
                WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 AND number IS NOT NULL
                UNION ALL
                SELECT 'credit_notes', entry, merchant, number FROM credit_notes
                WHERE ledger_id = $1 AND entry > $2 AND entry <= $3
                OFFSET 0
            ) d
            LEFT JOIN LATERAL (
                SELECT last FROM invoice_numbers WHERE ledger_id = $1 AND merchant = d.merchant OFFSET 0
            ) n ON true, LATERAL (
                SELECT array_agg(number ORDER BY number) AS numbers
                FROM {_numbers_from("d.merchant", "d.number - 1")} following WHERE number <= d.number
            ) near
            WHERE d.number > coalesce(n.last, 0)
               OR near.numbers <> CASE d.number WHEN 1 THEN ARRAY[1] ELSE ARRAY[d.number - 1, d.number] END
            """,
        ),
        query(
            Along.ENTRIES,
            f"""
            SELECT format('invoice_numbers of entry %s', n.entry),
                   format('has come to %s, but the numbers from there on are %s', n.last, far.numbers)
            FROM (SELECT * FROM invoice_numbers WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) n,
            LATERAL (
                SELECT array_agg(number) AS numbers FROM {_numbers_from("n.merchant", "n.last")} following
            ) far
            WHERE far.numbers IS DISTINCT FROM ARRAY[n.last]
            """,
        ),
    ),
)

SPLITS = Check(
    "splits",
    "A split's shares sum to its total; as many are outstanding as are neither paid nor waived, until it is cancelled.",
    (
        query(
            Along.ENTRIES,
            """
            SELECT format('splits %s', s.entry),
                   format('has %s of %s shares outstanding, not %s of %s; they ask for %s of %s',
                          s.outstanding, s.shares, r.outstanding, r.shares, r.sum, s.total)
            FROM (SELECT * FROM splits WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) s, LATERAL (
                SELECT coalesce(sum(amount), 0) AS sum, count(*) AS shares,
                       count(*) FILTER (
                           WHERE state NOT IN ('paid', 'cancelled') AND (s.state <> 'cancelled' OR state = 'open')
                       ) AS outstanding
                FROM payment_requests WHERE ledger_id = $1 AND entry = s.entry AND n > 0 OFFSET 0
            ) r
            WHERE (s.total, s.shares, s.outstanding) <> (r.sum, r.shares, r.outstanding)
            """,
        ),
        query(
            Along.ENTRIES,
            """
            SELECT format('payment_requests %s %s', r.entry, r.n), 'is a share of no split'
            FROM (SELECT * FROM payment_requests WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) r
            LEFT JOIN LATERAL (SELECT entry FROM splits WHERE ledger_id = $1 AND entry = r.entry OFFSET 0) s ON true
            WHERE (r.n > 0) <> (s.entry IS NOT NULL)
            """,
        ),
    ),
)

CHECKS = (SUSPENSE, HELD, ESCROW, OUTBOUND, RECEIVABLES, REFUNDS, INVOICES, NUMBERS, SPLITS)
