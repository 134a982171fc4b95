"""Checks of the postings and of the accounts between which they move money."""

from ledger.books.checking import (
    POSTINGS,
    Along,
    Check,
    Exceptions,
    Part,
    Stretch,
    account_numbered,
    entry_numbered,
    query,
)
from ledger.core.chart import ROLES
from ledger.core.currencies import CURRENCIES
from ledger.core.movements import MOVEMENTS

PROPER = Check(
    "postings",
    "Every posting debits one account and credits another in the same currency, by a positive amount.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s, posting %s', p.entry, p.n),
                   format('moves %s %s from account %s (%s) to account %s (%s)', p.amount, p.currency,
                          p.debit, coalesce(debit.currency, 'missing'), p.credit, coalesce(credit.currency, 'missing'))
            FROM {POSTINGS} p
            LEFT JOIN {account_numbered("p.debit")} debit ON true
            LEFT JOIN {account_numbered("p.credit")} credit ON true
            WHERE p.amount < 1 OR p.debit = p.credit
               OR debit.currency IS DISTINCT FROM p.currency OR credit.currency IS DISTINCT FROM p.currency
            """,
        ),
    ),
)

MOVEMENTS_KNOWN = Check(
    "movements",
    "Every posting goes one of the ways that the table of movements has for its kind of entry.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s, posting %s', p.entry, p.n),
                   format('goes from %s to %s, which is no way of a %s', debit.role, credit.role, e.kind)
            FROM {POSTINGS} p, {entry_numbered("p.entry")} e,
                 {account_numbered("p.debit")} debit, {account_numbered("p.credit")} credit
            WHERE concat_ws(' ', e.kind, debit.role, credit.role) <> ALL ($4::text[])
            """,
            sorted({f"{kind} {leg.debit_role} {leg.credit_role}" for leg in MOVEMENTS for kind in leg.entries}),
        ),
    ),
)

_SIDES = f"""
    SELECT entry, n, debit AS account, -amount AS change, debit_balance AS balance, debit_version AS version
    FROM {POSTINGS} p
    UNION ALL
    SELECT entry, n, credit, amount, credit_balance, credit_version FROM {POSTINGS} p
"""
"""Each posting of a stretch twice, once for either account."""


def _last_posting(account: str, through: str, wanted: str = "true") -> str:
    """What an account's last posting up to an entry left: two looks into the indexes, however long the history.

    Where it is not `wanted`, nothing is looked up.

    Not WHERE debit = …: the planner might then walk the primary key backwards, which has the same order by entry.
    """

    def last(side: str) -> str:
        return f"""
            SELECT * FROM (
                SELECT {side} AS account, entry, n, {side}_balance AS balance, {side}_version AS version FROM postings
                WHERE ledger_id = $1 AND ({side}, entry) <= ({account}, {through})
                ORDER BY {side} DESC, entry DESC, n DESC LIMIT 1
            ) {side} WHERE account = {account}
        """

    return f"""
        SELECT entry, balance, version FROM ({last("debit")} UNION ALL {last("credit")}) either WHERE {wanted}
        ORDER BY entry DESC, n DESC LIMIT 1
    """


_EVER = "9223372036854775807"

BALANCES = Check(
    "balances",
    "Every account's balance is the sum of its postings, its version counts them; each posting's balances follow.",
    (
        query(
            Along.ACCOUNTS,
            f"""
            SELECT format('account %s', a.number), format(
                       'has the balance %s at version %s, but its postings led to %s at version %s',
                       a.balance, a.version, coalesce(last.balance, 0), coalesce(last.version, 0))
            FROM accounts a LEFT JOIN LATERAL ({_last_posting("a.number", _EVER)}) last ON true
            WHERE a.ledger_id = $1 AND a.number > $2 AND a.number <= $3
              AND (a.balance, a.version) IS DISTINCT FROM (coalesce(last.balance, 0), coalesce(last.version, 0))
            """,
        ),
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s, posting %s', s.entry, s.n), format(
                       'leaves account %s with %s at version %s, which does not follow from %s at version %s',
                       s.account, s.balance, s.version,
                       coalesce(s.balance_before, before.balance, 0), coalesce(s.version_before, before.version, 0))
            FROM (
                SELECT *, lag(balance) OVER history AS balance_before, lag(version) OVER history AS version_before
                FROM ({_SIDES}) side WINDOW history AS (PARTITION BY account ORDER BY entry, n)
            ) s
            LEFT JOIN LATERAL ({_last_posting("s.account", "$2", "s.version_before IS NULL")}) before ON true
            WHERE s.balance <> coalesce(s.balance_before, before.balance, 0) + s.change
               OR s.version <> coalesce(s.version_before, before.version, 0) + 1
            """,
        ),
    ),
)


async def _sums(stretch: Stretch) -> Exceptions:
    """Add up the balances as they were at the head where the walk began: what moved since is left out."""
    rows = await stretch.fetch(
        f"""
        SELECT a.currency, sum(CASE WHEN last.entry > $4 THEN coalesce(at_head.balance, 0) ELSE a.balance END) AS sum
        FROM accounts a
        LEFT JOIN LATERAL ({_last_posting("a.number", _EVER)}) last ON true
        LEFT JOIN LATERAL ({_last_posting("a.number", "$4", "last.entry > $4")}) at_head ON true
        WHERE a.ledger_id = $1 AND a.number > $2 AND a.number <= $3 GROUP BY a.currency
        """,
        stretch.walk.head.number,
    )
    for row in rows:
        stretch.walk.sums[row["currency"]] += int(row["sum"])
    sums = stretch.walk.sums.items() if stretch.is_last else ()
    return [(currency, f"does not balance: credits - debits is {total}") for currency, total in sums if total]


CURRENCIES_BALANCE = Check(
    "currencies", "Per currency, credits - debits over all accounts is zero.", (Part(Along.ACCOUNTS, _sums),)
)

_NEVER_NEGATIVE = [role.name for role in ROLES.values() if not role.may_go_below_zero and role.sign > 0]
_NEVER_POSITIVE = [role.name for role in ROLES.values() if not role.may_go_below_zero and role.sign < 0]

NOT_BELOW_ZERO = Check(
    "below-zero",
    "No account is below zero that may not be, nor was after any entry.",
    (
        query(
            Along.ACCOUNTS,
            """
            SELECT format('account %s', number), format('is below zero: credits - debits of %s is %s', role, balance)
            FROM accounts WHERE ledger_id = $1 AND number > $2 AND number <= $3
              AND (balance < 0 AND role = ANY ($4::text[]) OR balance > 0 AND role = ANY ($5::text[]))
            """,
            _NEVER_NEGATIVE,
            _NEVER_POSITIVE,
        ),
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s, posting %s', s.entry, s.n),
                   format('left account %s below zero: credits - debits of %s was %s', a.number, a.role, s.balance)
            FROM (
                SELECT *, lead(entry) OVER (PARTITION BY account ORDER BY entry, n) AS next_entry FROM ({_SIDES}) side
            ) s, {account_numbered("s.account")} a
            WHERE s.next_entry IS DISTINCT FROM s.entry AND (
                s.balance < 0 AND a.role = ANY ($4::text[]) OR s.balance > 0 AND a.role = ANY ($5::text[])
            )
            """,
            _NEVER_NEGATIVE,
            _NEVER_POSITIVE,
        ),
    ),
)

CHART = Check(
    "chart",
    "Every account has a role of the chart, an owner of the kind that may have it, and a currency that exists.",
    (
        query(
            Along.ACCOUNTS,
            f"""
            SELECT format('account %s', n), CASE WHEN a.number IS NULL THEN 'is counted by the head, but missing'
                                            ELSE format('is %s of %s in %s', a.role, a.owner, a.currency) END
            FROM generate_series($2::bigint + 1, $3::bigint) n
            LEFT JOIN {account_numbered("n")} a ON true
            LEFT JOIN unnest($4::text[], $5::text[]) chart (role, owner) ON chart.role = a.role
            WHERE NOT coalesce(a.currency = ANY ($6::text[]) AND CASE chart.owner
                WHEN 'party' THEN EXISTS (SELECT FROM parties WHERE ledger_id = $1 AND id = a.owner OFFSET 0)
                WHEN 'rail' THEN EXISTS (SELECT FROM rails WHERE ledger_id = $1 AND 'rail:' || id = a.owner OFFSET 0)
                WHEN 'bank' THEN EXISTS (SELECT FROM banks WHERE ledger_id = $1 AND 'bank:' || id = a.owner OFFSET 0)
                WHEN 'platform' THEN a.owner = 'platform'
                WHEN 'tax' THEN a.owner ~ '^tax:[a-z0-9_-]{{1,16}}$'
            END, false)
            """,
            list(ROLES),
            [role.owner for role in ROLES.values()],
            sorted(CURRENCIES),
        ),
        query(
            Along.ONCE,
            """
            SELECT format('account %s', a.number), 'is numbered beyond what the head counts'
            FROM heads h JOIN accounts a ON a.ledger_id = h.ledger_id AND a.number > h.accounts WHERE h.ledger_id = $1
            UNION ALL
            SELECT format('account %s', number), 'is numbered below 1' FROM accounts WHERE ledger_id = $1 AND number < 1
            """,
        ),
    ),
)

CHECKS = (PROPER, MOVEMENTS_KNOWN, BALANCES, CURRENCIES_BALANCE, NOT_BELOW_ZERO, CHART)
