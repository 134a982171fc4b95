"""README's table of movements, as Markdown, from the code; scripts/movements runs it."""

from ledger.core.movements import MOVEMENTS


def table() -> str:
    """The movements in the order of the code."""
    rows = ["| movement | debited | credited | when |", "|---|---|---|---|"]
    for leg in MOVEMENTS:
        debit, credit = f"{leg.debit_who}.{leg.debit_role}", f"{leg.credit_who}.{leg.credit_role}"
        rows.append(f"| `{leg.kind}` | `{debit}` | `{credit}` | {leg.meaning} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
