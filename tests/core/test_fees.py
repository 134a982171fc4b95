"""Fees: what a schedule takes, what a schedule may say, what goes back with refunds."""

import itertools
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import FieldError
from ledger.core.fees import Fee, FeeSchedule, fee_of, returned
from ledger.core.money import AMOUNT_MAX, basis_points

amounts = st.integers(0, AMOUNT_MAX)
rates = st.integers(0, 10_000)
PUBLISHED = FeeSchedule(bps=290, fixed=30, tax_code="gst", tax_bps=1_800)


@st.composite
def schedules(draw: st.DrawFn) -> FeeSchedule:
    low, high = sorted(draw(st.tuples(amounts, amounts)))
    return FeeSchedule(
        bps=draw(rates),
        fixed=draw(st.one_of(st.integers(0, 1_000), amounts)),
        min=draw(st.sampled_from([None, low])),
        max=draw(st.sampled_from([None, high])),
        tax_code="vat",
        tax_bps=draw(rates),
    )


def judged(fault: FieldError | None) -> tuple[str, str] | None:
    return (fault.pointer, fault.code) if fault is not None else None


def test_the_published_example_leaves_9622_of_10000() -> None:
    fee, tax = fee_of(PUBLISHED, 10_000)
    assert (fee, tax, 10_000 - fee - tax) == (320, 58, 9_622)


@pytest.mark.parametrize(
    ("schedule", "amount", "fee", "tax"),
    [
        (FeeSchedule(), 10_000, 0, 0),
        (FeeSchedule(bps=290), 50, 1, 0),  # 1.45
        (FeeSchedule(bps=300), 50, 2, 0),  # 1.5
        (FeeSchedule(fixed=30), 10_000, 30, 0),
        (FeeSchedule(bps=100, min=50), 1_000, 50, 0),  # 10, at least 50
        (FeeSchedule(bps=100, fixed=45, min=50), 1_000, 55, 0),
        (FeeSchedule(bps=100, max=500), 100_000, 500, 0),  # 1000, at most 500
        (FeeSchedule(fixed=30, max=0), 10_000, 0, 0),
        (FeeSchedule(bps=150, min=7, max=7), 10_000, 7, 0),
        (FeeSchedule(fixed=25, tax_code="vat", tax_bps=1_000), 1_000, 25, 3),  # 2.5
        # What is more than the amount: 100 x 10000 / 11800 = 84.7, so 84 and the other 16.
        (FeeSchedule(fixed=100, tax_code="gst", tax_bps=1_800), 100, 84, 16),
        (FeeSchedule(fixed=200), 100, 100, 0),
        (FeeSchedule(fixed=30, tax_code="gst", tax_bps=10_000), 1, 0, 1),
        (FeeSchedule(bps=10_000, tax_code="gst", tax_bps=10_000), 10, 5, 5),
        (FeeSchedule(min=50), 0, 0, 0),
        # As much as the amount to the unit is not more: 100 + 18 of 118.
        (FeeSchedule(fixed=100, tax_code="gst", tax_bps=1_800), 118, 100, 18),
        (FeeSchedule(fixed=100, tax_code="gst", tax_bps=1_800), 117, 99, 18),
        (FeeSchedule(bps=10_000, fixed=AMOUNT_MAX), AMOUNT_MAX, AMOUNT_MAX, 0),
    ],
)
def test_a_fee_that_was_reckoned_by_hand(schedule: FeeSchedule, amount: int, fee: int, tax: int) -> None:
    assert Fee(fee, tax) == fee_of(schedule, amount)


@given(schedules(), amounts)
def test_fee_and_tax_together_never_exceed_the_amount(schedule: FeeSchedule, amount: int) -> None:
    fee, tax = fee_of(schedule, amount)
    assert fee >= 0
    assert tax >= 0
    assert fee + tax <= amount


@given(schedules(), amounts)
def test_the_tax_is_the_rate_of_the_fee_to_less_than_two_units(schedule: FeeSchedule, amount: int) -> None:
    fee, tax = fee_of(schedule, amount)
    assert -1 < tax - Fraction(fee * schedule.tax_bps, 10_000) < 2
    if fee + tax < amount:
        assert tax == basis_points(fee, schedule.tax_bps)


@given(schedules(), amounts)
def test_a_fee_is_within_its_bounds_unless_the_amount_is_too_small(schedule: FeeSchedule, amount: int) -> None:
    fee, tax = fee_of(schedule, amount)
    if schedule.max is not None:
        assert fee <= schedule.max
    if schedule.min is not None and fee + tax < amount:
        assert fee >= schedule.min


@given(schedules(), amounts, amounts)
def test_a_larger_payment_never_has_a_smaller_fee(schedule: FeeSchedule, one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert fee_of(schedule, small).fee <= fee_of(schedule, large).fee


def test_a_negative_amount_has_no_fee() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        fee_of(PUBLISHED, -1)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (FeeSchedule(), None),
        (PUBLISHED, None),
        (FeeSchedule(bps=10_000, fixed=AMOUNT_MAX, min=0, max=AMOUNT_MAX, tax_code="a_-9" * 4), None),
        (FeeSchedule(min=5, max=5), None),
        (FeeSchedule(tax_code="vat"), None),
        (FeeSchedule(bps=-1), ("/bps", "field_invalid")),
        (FeeSchedule(bps=10_001), ("/bps", "field_invalid")),
        (FeeSchedule(fixed=-1), ("/fixed", "amount_invalid")),
        (FeeSchedule(fixed=AMOUNT_MAX + 1), ("/fixed", "amount_invalid")),
        (FeeSchedule(min=-1), ("/min", "amount_invalid")),
        (FeeSchedule(min=AMOUNT_MAX + 1), ("/min", "amount_invalid")),
        (FeeSchedule(max=-1), ("/max", "amount_invalid")),
        (FeeSchedule(max=AMOUNT_MAX + 1), ("/max", "amount_invalid")),
        (FeeSchedule(min=6, max=5), ("/min", "field_invalid")),
        (FeeSchedule(tax_code=""), ("/tax_code", "field_invalid")),
        (FeeSchedule(tax_code="a" * 17), ("/tax_code", "field_invalid")),
        (FeeSchedule(tax_code="VAT"), ("/tax_code", "field_invalid")),
        (FeeSchedule(tax_code="vat\n"), ("/tax_code", "field_invalid")),
        (FeeSchedule(tax_code="vat", tax_bps=-1), ("/tax_bps", "field_invalid")),
        (FeeSchedule(tax_code="vat", tax_bps=10_001), ("/tax_bps", "field_invalid")),
        (FeeSchedule(tax_bps=1), ("/tax_code", "field_invalid")),
    ],
)
def test_a_schedule_that_means_nothing_is_refused_at_the_field(
    schedule: FeeSchedule, expected: tuple[str, str] | None
) -> None:
    assert expected == judged(schedule.fault())


@given(schedules())
def test_a_schedule_within_the_rules_has_no_fault_and_survives_json(schedule: FeeSchedule) -> None:
    assert schedule.fault() is None
    assert schedule == msgspec.json.decode(msgspec.json.encode(schedule), type=FeeSchedule)


@pytest.mark.parametrize("body", [b'{"bps":1.5}', b'{"fee":1}', b'{"on_refund":"give"}', b'{"bps":"290"}'])
def test_a_schedule_of_another_form_cannot_be_read(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=FeeSchedule)


@pytest.mark.parametrize(
    ("part", "amount", "before", "now", "back"),
    [
        (320, 10_000, 0, 10_000, 320),
        (320, 10_000, 0, 2_500, 80),
        (58, 10_000, 0, 2_500, 15),  # 14.5
        (58, 10_000, 2_500, 2_500, 14),  # 29 in all
        (58, 10_000, 5_000, 2_500, 15),  # 43.5 in all, 44
        (58, 10_000, 7_500, 2_500, 14),
        (1, 3, 0, 1, 0),  # 0.33
        (1, 3, 1, 1, 1),  # 0.67 in all
        (1, 3, 2, 1, 0),
        (320, 10_000, 4_000, 0, 0),
        (0, 10_000, 0, 10_000, 0),
    ],
)
def test_what_goes_back_was_reckoned_by_hand(part: int, amount: int, before: int, now: int, back: int) -> None:
    assert back == returned(part, amount, before + now) - returned(part, amount, before)


@given(st.data(), st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_after_a_refund_of_everything_exactly_the_part_was_given_back(data: st.DataObject, refunds: list[int]) -> None:
    amount = sum(refunds)
    part = data.draw(st.integers(0, amount))
    in_all = [returned(part, amount, sum(refunds[:i])) for i in range(len(refunds) + 1)]
    back = [after - before for before, after in itertools.pairwise(in_all)]
    assert part == sum(back)
    assert min(back) >= 0
    assert all(given_back <= refund for given_back, refund in zip(back, refunds, strict=True))


@given(st.data(), st.integers(1, AMOUNT_MAX))
def test_what_went_back_in_all_is_within_half_a_unit_of_its_share(data: st.DataObject, amount: int) -> None:
    part = data.draw(st.integers(0, amount))
    refunded = data.draw(st.integers(0, amount))
    assert Fraction(-1, 2) < returned(part, amount, refunded) - Fraction(part * refunded, amount) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("part", "amount", "refunded"), [(-1, 10, 1), (1, 0, 0), (1, -10, 0), (1, 10, -1), (1, 10, 11)]
)
def test_a_refund_beyond_what_was_paid_gives_nothing_back(part: int, amount: int, refunded: int) -> None:
    with pytest.raises(ValueError, match="at most what was paid"):
        returned(part, amount, refunded)
