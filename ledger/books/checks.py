"""What must always be true: one table of checks, each a name, a sentence and what finds its exceptions.

Finance runs them by name (`chatledger check`), tests after every step, the service bit by bit in the background.
"""

from collections.abc import Callable, Sequence

from ledger.books import (
    checks_of_accounts,
    checks_of_agreements,
    checks_of_amounts,
    checks_of_entries,
    checks_of_keys,
    checks_of_register,
    checks_of_sums,
)
from ledger.books.checking import Check, Finding, looks
from ledger.books.database import Connection

CHECKS: tuple[Check, ...] = (
    *checks_of_entries.CHECKS,
    *checks_of_accounts.CHECKS,
    *checks_of_agreements.CHECKS,
    *checks_of_sums.CHECKS,
    *checks_of_amounts.CHECKS,
    *checks_of_register.CHECKS,
    *checks_of_keys.CHECKS,
)


class UnknownCheck(LookupError):
    """There is no check of that name; the message lists those there are."""


def checks_named(names: Sequence[str] | None) -> list[Check]:
    """The checks of these names, in the table's order; None is all of them. Raises UnknownCheck."""
    known = {check.name for check in CHECKS}
    for name in names or ():
        if name not in known:
            raise UnknownCheck(f"There is no check {name}. There are: {', '.join(check.name for check in CHECKS)}.")
    return [check for check in CHECKS if names is None or check.name in names]


async def run_checks(
    connection: Connection,
    ledger_id: int,
    names: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, work: None,
) -> list[Finding]:
    """Run checks to their end: their exceptions, of each check at most FINDINGS_MAX. Raises UnknownCheck.

    The connection should be one of `connect_checks`; only SELECT is needed, so the auditor's role will do. `progress`
    hears how much of all the work is done.
    """
    found: list[Finding] = []
    async for look in looks(connection, ledger_id, checks_named(names)):
        found += look.findings
        progress(look.done, look.work)
    return found
