"""Amounts: whole minor units of one currency, and the only ways to divide them.

Everything here is integer arithmetic. The parts of a split always sum to the whole; a rate is rounded half up, once.
"""

from collections.abc import Sequence

from ledger.core.currencies import CURRENCIES

AMOUNT_MAX = 2**53 - 1
"""The largest amount, in minor units, and the furthest a balance may be from zero: what JSON readers keep exact."""

BASIS_POINTS_IN_WHOLE = 10_000


def split_evenly(total: int, parts: int) -> list[int]:
    """A total in as many equal parts; the units that are left over go one each to the first of them.

    A part is 0 where there are fewer units than parts. ValueError if the total is negative or there are no parts.
    """
    if total < 0 or parts < 1:
        raise ValueError("A split needs a total of 0 or more and at least one part.")
    part, left_over = divmod(total, parts)
    return [part + 1] * left_over + [part] * (parts - left_over)


def split_by_weights(total: int, weights: Sequence[int]) -> list[int]:
    """A total in proportion to the weights: largest remainder first (Hamilton's method), ties by the given order.

    A weight of 0 gets 0. ValueError if the total or a weight is negative, or no weight is above 0.
    """
    whole = sum(weights)
    if total < 0 or whole < 1 or min(weights) < 0:
        raise ValueError("A split needs a total of 0 or more, and weights of 0 or more of which one is above 0.")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def half_up(numerator: int, denominator: int) -> int:
    """A fraction of 0 or more, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def basis_points(amount: int, bps: int) -> int:
    """So many hundredths of a percent of an amount, rounded half up once. ValueError if either is negative."""
    if amount < 0 or bps < 0:
        raise ValueError("A rate needs an amount and basis points of 0 or more.")
    return half_up(amount * bps, BASIS_POINTS_IN_WHOLE)


def format_amount(amount: int, currency: str) -> str:
    """An amount or balance for people, such as `12.50 EUR`, `1250 JPY` or `-0.05 EUR`.

    Never grouped and always with a full stop, so that it reads back the same everywhere. ValueError for a currency that
    is not in the table.
    """
    known = CURRENCIES.get(currency)
    if known is None:
        raise ValueError(f"{currency} is not a currency of ISO 4217.")
    if known.exponent == 0:
        return f"{amount} {currency}"
    units, minor = divmod(abs(amount), 10**known.exponent)
    sign = "-" if amount < 0 else ""
    return f"{sign}{units}.{minor:0{known.exponent}d} {currency}"
