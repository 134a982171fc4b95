"""What the platform takes of a payment, the tax on that, and how much of both goes back with a refund.

The worked example: 10,000 at 290 basis points + 30, with 18 % tax, is a fee of 320 and a tax of 58; 9,622 are left.
"""

import re
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from ledger.core import shape
from ledger.core.errors import FieldError
from ledger.core.fields import Bps, MinorUnits
from ledger.core.money import BASIS_POINTS_IN_WHOLE, basis_points, half_up

_TAX_CODE: Final = "[a-z0-9_-]{1,16}"
_tax_code = re.compile(rf"\A{_TAX_CODE}\Z")

TaxCode = Annotated[
    str,
    Meta(
        title="TaxCode",
        description="The authority's account in the chart, `tax:<code>`: 1 to 16 of a-z 0-9 _ -.",
        extra_json_schema={"pattern": f"^{_TAX_CODE}$"},
    ),
]
OnRefund = Literal["keep", "proportional"]


class FeeSchedule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How a fee is reckoned: basis points of the amount + `fixed`, then at least `min`, at most `max`; and its tax.

    The amounts are minor units of whatever currency is paid. `on_refund` says whether a refund gives the fee back.
    """

    bps: Bps = 0
    fixed: MinorUnits = 0
    min: MinorUnits | None = None
    max: MinorUnits | None = None
    tax_code: TaxCode | None = None
    tax_bps: Bps = 0
    on_refund: OnRefund = "keep"

    def fault(self) -> FieldError | None:
        """What is wrong with the schedule, or None: a field by itself, or min and max, or a tax that goes nowhere."""
        return shape.first(
            shape.rate("/bps", self.bps),
            shape.amount("/fixed", self.fixed),
            shape.amount("/min", self.min),
            shape.amount("/max", self.max),
            _tax_code_fault(self.tax_code),
            shape.rate("/tax_bps", self.tax_bps),
            self._bounds_fault(),
            self._tax_fault(),
        )

    def _bounds_fault(self) -> FieldError | None:
        if self.min is None or self.max is None or self.min <= self.max:
            return None
        return FieldError("/min", "field_invalid", f"The least fee, {self.min}, is more than the most, {self.max}.")

    def _tax_fault(self) -> FieldError | None:
        if self.tax_bps == 0 or self.tax_code is not None:
            return None
        return FieldError("/tax_code", "field_invalid", "A tax is collected for someone: give its tax_code.")


class Fee(NamedTuple):
    """What is taken of a payment, or goes back with a refund, in minor units; the payee keeps amount - fee - tax."""

    fee: int
    tax: int


def fee_of(schedule: FeeSchedule, amount: int) -> Fee:
    """The fee on an amount, and the tax on that fee, each rounded half up once.

    Together they never exceed the amount: where they would, they are all of it, and the fee is the part of it that
    leaves room for its tax. ValueError if the amount is negative.
    """
    fee = basis_points(amount, schedule.bps) + schedule.fixed
    if schedule.min is not None:
        fee = max(fee, schedule.min)
    if schedule.max is not None:
        fee = min(fee, schedule.max)
    tax = basis_points(fee, schedule.tax_bps)
    if fee + tax > amount:
        fee = amount * BASIS_POINTS_IN_WHOLE // (BASIS_POINTS_IN_WHOLE + schedule.tax_bps)
        tax = amount - fee
    return Fee(fee, tax)


def returned(part: int, amount: int, refunded: int) -> int:
    """How much of a fee, or of a tax, has gone back in all where that is proportional. All are minor units.

    `part` was taken on a payment of `amount`, of which so much is `refunded` in all: so roundings do not add up, and in
    however many refunds, all of the amount gives back exactly all of the part. ValueError if something is negative, or
    more would be refunded than was paid.
    """
    if min(part, refunded) < 0 or amount < 1 or refunded > amount:
        raise ValueError("What is refunded is 0 or more, and at most what was paid, which is above 0.")
    return half_up(part * refunded, amount)


def _tax_code_fault(code: str | None) -> FieldError | None:
    if code is None or _tax_code.match(code):
        return None
    return FieldError("/tax_code", "field_invalid", "A tax code is 1 to 16 of a-z 0-9 _ and -.")
