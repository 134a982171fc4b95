"""The lines of an invoice and their arithmetic: what each amounts to, the tax of each rate, the total.

Everything is rounded half up, and once: a line when its quantity is multiplied, a tax on the sum of the lines of its
rate. So the tax is that of EN 16931 (BR-CO-17: per rate, not per line) and may differ by a minor unit or two from the
sum of what each line alone would be taxed.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from ledger.core import shape
from ledger.core.errors import FieldError
from ledger.core.fields import Bps, Description, MinorUnits
from ledger.core.money import AMOUNT_MAX, BASIS_POINTS_IN_WHOLE, basis_points, half_up

DESCRIPTION_LENGTH_MAX: Final = shape.MEMO_LENGTH_MAX
QUANTITY_MAX: Final = 999_999_999
THOUSANDTHS_IN_WHOLE: Final = 1_000

_QUANTITY: Final = r"(?:[1-9][0-9]{0,8}(?:\.[0-9]{1,3})?|0\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))"
_quantity = re.compile(rf"\A{_QUANTITY}\Z")
_QUANTITY_RULE: Final = (
    "A quantity is a whole number from 1 to 999999999, or a string with up to 3 decimals and above 0, such as "
    '"1.5": no sign, no exponent, no zeros in front.'
)

Quantity = Annotated[
    int | str,
    Meta(
        title="Quantity",
        description=_QUANTITY_RULE,
        extra_json_schema={"minimum": 1, "maximum": QUANTITY_MAX, "pattern": rf"^{_QUANTITY}$"},
    ),
]


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One line of an invoice: so many of something at so many minor units each, less a discount, at a rate of tax."""

    description: Description
    quantity: Quantity
    unit_amount: MinorUnits
    discount: MinorUnits | None = None
    tax_bps: Bps | None = None

    def fault(self) -> FieldError | None:
        """What is wrong with the line, at a pointer into it, or None."""
        return shape.first(
            shape.required_text("/description", self.description, DESCRIPTION_LENGTH_MAX),
            _quantity_fault(self.quantity),
            shape.amount("/unit_amount", self.unit_amount),
            shape.amount("/discount", self.discount),
            shape.rate("/tax_bps", self.tax_bps),
        ) or _discount_fault(self)


class TaxLine(NamedTuple):
    """The tax of one rate over all lines of it: `base` is net of tax; both are minor units."""

    tax_bps: int
    base: int
    tax: int


class Totals(NamedTuple):
    """What an invoice amounts to, in minor units.

    `amounts` are the lines' own, after discount, and net of tax or with it as the invoice states its prices. `subtotal`
    is net; `breakdown` has a row a rate, 0 among them, by rising rate; subtotal + tax = total.
    """

    amounts: tuple[int, ...]
    subtotal: int
    tax: int
    total: int
    breakdown: tuple[TaxLine, ...]


def thousandths(quantity: int | str) -> int:
    """A quantity in thousandths: 2 is 2000, "1.5" is 1500. ValueError with a sentence if it is none."""
    if isinstance(quantity, int):
        if not 1 <= quantity <= QUANTITY_MAX:
            raise ValueError(_QUANTITY_RULE)
        return quantity * THOUSANDTHS_IN_WHOLE
    if not _quantity.match(quantity):
        raise ValueError(_QUANTITY_RULE)
    whole, _, decimals = quantity.partition(".")
    return int(whole) * THOUSANDTHS_IN_WHOLE + int(decimals.ljust(3, "0"))


def totals(lines: Iterable[Line], tax_inclusive: bool) -> Totals:
    """What lines that have no fault of their own amount to together.

    `tax_inclusive` says that their prices contain the tax, which is then taken out of each rate's sum: the total stays
    what the lines sum to. ValueError with a sentence if a discount is more than its line, or if the total is 0 or above
    2^53-1.
    """
    amounts: list[int] = []
    sums: dict[int, int] = {}
    for line in lines:
        amount = _amount(line)
        amounts.append(amount)
        bps = line.tax_bps or 0
        sums[bps] = sums.get(bps, 0) + amount
    taxed = _contained if tax_inclusive else _added
    breakdown = tuple(taxed(bps, sums[bps]) for bps in sorted(sums))
    subtotal = sum(row.base for row in breakdown)
    tax = sum(row.tax for row in breakdown)
    total = subtotal + tax
    if not 1 <= total <= AMOUNT_MAX:
        raise ValueError(f"The lines amount to {total} minor units; an invoice is of 1 to 2^53-1.")
    return Totals(tuple(amounts), subtotal, tax, total, breakdown)


def _amount(line: Line) -> int:
    gross = half_up(thousandths(line.quantity) * line.unit_amount, THOUSANDTHS_IN_WHOLE)
    discount = line.discount or 0
    if not 0 <= discount <= gross:
        raise ValueError(f"A discount is from 0 to what its line amounts to: {gross} minor units, not {discount}.")
    return gross - discount


def _added(bps: int, net: int) -> TaxLine:
    return TaxLine(bps, net, basis_points(net, bps))


def _contained(bps: int, gross: int) -> TaxLine:
    tax = half_up(gross * bps, BASIS_POINTS_IN_WHOLE + bps)
    return TaxLine(bps, gross - tax, tax)


def _quantity_fault(quantity: int | str) -> FieldError | None:
    try:
        thousandths(quantity)
    except ValueError as error:
        return FieldError("/quantity", "field_invalid", str(error))
    return None


def _discount_fault(line: Line) -> FieldError | None:
    """Asked last: how much may be taken off, only a line that is right so far can say."""
    try:
        _amount(line)
    except ValueError as error:
        return FieldError("/discount", "amount_invalid", str(error))
    return None
