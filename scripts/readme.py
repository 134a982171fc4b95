"""The parts of README that come from the code, written into it; scripts/readme runs it."""

import re
from pathlib import Path

from ledger.core.errors import FAMILIES
from ledger.core.movements import MOVEMENTS
from ledger.http.problems import status_of

README = Path(__file__).resolve().parents[1] / "README.md"


def movements() -> str:
    """Every leg, in the order of the code."""
    rows = ["| movement | debited | credited | when | in entries |", "|---|---|---|---|---|"]
    for leg in MOVEMENTS:
        debit, credit = f"{leg.debit_who}.{leg.debit_role}", f"{leg.credit_who}.{leg.credit_role}"
        entries = ", ".join(f"`{kind}`" for kind in leg.entries)
        rows.append(f"| `{leg.kind}` | `{debit}` | `{credit}` | {leg.meaning} | {entries} |")
    return "\n".join(rows)


def problems() -> str:
    """Every family of errors with its statuses and codes."""
    rows = ["| family | status | codes | under its key |", "|---|---|---|---|"]
    for family in FAMILIES:
        statuses = " / ".join(str(status) for status in sorted({status_of(code) for code in family.codes}))
        codes = ", ".join(f"`{code}`" for code in family.codes)
        rows.append(f"| {family.family} | {statuses} | {codes} | {'remembered' if family.remembered else ''} |")
    return "\n".join(rows)


def with_part(text: str, name: str, part: str) -> str:
    """The text with what stands between two marks replaced."""
    return re.sub(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: f"{m[1]}{part}\n{m[2]}", text)


def refreshed(text: str) -> str:
    """README with its parts as the code has them now."""
    return with_part(with_part(text, "movements", movements()), "problems", problems())


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")
