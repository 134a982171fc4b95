"""Checks of sums: what accounts hold is what agreements have left, and totals that are kept are what they sum up.

What goes along nothing is one query over what is open, or over what is few.
"""

from ledger.books.checking import Along, Check, query


def _sums(name: str, sentence: str, sql: str) -> Check:
    return Check(name, sentence, (query(Along.ONCE, sql),))


SUSPENSE = Check(
    "suspense",
    "The suspense account of each currency holds what its open items have left.",
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
                (p.refunded, p.fee_returned, p.fee_tax_returned)::text, coalesce(r.sums::text, 'nothing'))
            FROM (SELECT * FROM payments WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) p
            LEFT JOIN LATERAL (
                SELECT (sum(amount)::bigint, sum(fee_returned)::bigint, sum(fee_tax_returned)::bigint) AS sums
                FROM refunds WHERE ledger_id = $1 AND of = p.entry AND state <> 'failed' AND of_kind <> 'suspense'
                GROUP BY of OFFSET 0
            ) r ON true
            WHERE CASE WHEN p.reversed_by IS NOT NULL THEN r.sums IS NOT NULL
                       WHEN r.sums IS NULL THEN (p.refunded, p.fee_returned, p.fee_tax_returned) <> (0, 0, 0)
                       ELSE (p.refunded, p.fee_returned, p.fee_tax_returned) IS DISTINCT FROM r.sums END
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

INVOICES = _sums(
    "invoices",
    "What an invoice was paid and refunded its payments say; what it was lowered by is what its credit notes sum to.",
    """
    SELECT format('invoices %s', i.entry), format('was paid %s, refunded %s, lowered by %s; not %s, %s, %s',
        i.paid, i.refunded, i.credited, coalesce(a.paid, 0), coalesce(a.refunded, 0), coalesce(c.credited, 0))
    FROM (SELECT * FROM invoices WHERE ledger_id = $1) i
    LEFT JOIN (
        SELECT (each ->> 'invoice')::bigint AS entry, sum((each ->> 'amount')::bigint)::bigint AS paid,
               sum((each ->> 'refunded')::bigint)::bigint AS refunded
        FROM payments, jsonb_array_elements(allocations::jsonb) each
        WHERE ledger_id = $1 AND kind = 'settlement' GROUP BY 1
    ) a USING (entry)
    LEFT JOIN (
        SELECT invoice AS entry, sum(amount)::bigint AS credited FROM credit_notes WHERE ledger_id = $1 GROUP BY 1
    ) c USING (entry)
    WHERE (i.paid, i.refunded, i.credited)
       <> (coalesce(a.paid, 0), coalesce(a.refunded, 0), coalesce(c.credited, 0))
    """,
)

NUMBERS = _sums(
    "invoice-numbers",
    "Each merchant's invoices and credit notes are numbered 1…n without gaps.",
    """
    SELECT format('invoice_numbers of entry %s', coalesce(n.entry, 0)),
           format('has come to %s, but %s are given, up to %s',
                  coalesce(n.last, 0), coalesce(given.count, 0), coalesce(given.last, 0))
    FROM (SELECT * FROM invoice_numbers WHERE ledger_id = $1) n
    FULL JOIN (
        SELECT merchant, count(DISTINCT number) AS count, max(number) AS last FROM (
            SELECT merchant, number FROM invoices WHERE ledger_id = $1 AND number IS NOT NULL
            UNION ALL
            SELECT i.merchant, c.number FROM credit_notes c
            JOIN invoices i ON i.ledger_id = c.ledger_id AND i.entry = c.invoice WHERE c.ledger_id = $1
        ) every GROUP BY merchant
    ) given USING (merchant)
    WHERE n.last IS DISTINCT FROM given.count OR n.last IS DISTINCT FROM given.last
    """,
)

SPLITS = Check(
    "splits",
    "A split's shares sum to its total, and as many are outstanding as are neither paid nor waived.",
    (
        query(
            Along.ENTRIES,
            """
            SELECT format('splits %s', s.entry),
                   format('has %s of %s shares outstanding, not %s of %s; they ask for %s of %s',
                          s.outstanding, s.shares, r.outstanding, r.shares, r.sum, s.total)
            FROM (SELECT * FROM splits WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0) s, LATERAL (
                SELECT coalesce(sum(amount), 0) AS sum, count(*) AS shares,
                       count(*) FILTER (WHERE state NOT IN ('paid', 'cancelled')) AS outstanding
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
