"""Amounts: splits, rates and how people read them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.money import AMOUNT_MAX, basis_points, format_amount, split_by_weights, split_evenly

totals = st.integers(0, AMOUNT_MAX)
weight_lists = st.lists(st.integers(0, AMOUNT_MAX), min_size=1, max_size=50).filter(any)


def test_the_largest_amount_is_the_largest_integer_that_json_readers_keep_exact() -> None:
    assert 9_007_199_254_740_991 == AMOUNT_MAX
    assert int(float(AMOUNT_MAX)) == AMOUNT_MAX
    assert float(AMOUNT_MAX + 2) == float(AMOUNT_MAX + 1)


@given(totals, st.integers(1, 500))
def test_an_even_split_sums_to_the_whole_and_its_parts_differ_by_one_at_most(total: int, parts: int) -> None:
    split = split_evenly(total, parts)
    assert parts == len(split)
    assert total == sum(split)
    assert split[0] - split[-1] <= 1
    assert sorted(split, reverse=True) == split


@given(totals, weight_lists)
def test_a_split_always_sums_to_the_whole(total: int, weights: list[int]) -> None:
    assert total == sum(split_by_weights(total, weights))


@given(totals, weight_lists)
def test_a_share_is_less_than_one_unit_from_its_exact_part(total: int, weights: list[int]) -> None:
    for part, weight in zip(split_by_weights(total, weights), weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(totals, weight_lists)
def test_a_unit_that_is_left_over_goes_to_a_larger_remainder_or_to_the_earlier_of_equals(
    total: int, weights: list[int]
) -> None:
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    got_one = [part > share for part, share in zip(split_by_weights(total, weights), exact, strict=True)]
    ranks = [(-(share % 1), i) for i, share in enumerate(exact)]
    lucky = [rank for rank, got in zip(ranks, got_one, strict=True) if got]
    others = [rank for rank, got in zip(ranks, got_one, strict=True) if not got]
    assert max(lucky, default=(Fraction(-1), -1)) < min(others)


@given(totals, st.integers(1, 100), st.integers(1, 1000))
def test_equal_weights_split_evenly(total: int, parts: int, weight: int) -> None:
    assert split_evenly(total, parts) == split_by_weights(total, [weight] * parts)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10_000, [1, 1, 1], [3_334, 3_333, 3_333]),
        (100, [1, 2, 4], [14, 29, 57]),
        (5, [1, 1], [3, 2]),
        (1, [1, 2, 2], [0, 1, 0]),
        (7, [0, 1, 0, 1], [0, 4, 0, 3]),
        (0, [3, 1], [0, 0]),
        (2, [1, 1, 1, 1], [1, 1, 0, 0]),
        (AMOUNT_MAX, [AMOUNT_MAX, AMOUNT_MAX], [2**52, 2**52 - 1]),
    ],
)
def test_a_split_known_by_heart(total: int, weights: list[int], parts: list[int]) -> None:
    assert parts == split_by_weights(total, weights)


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0, 0]), (1, [2, -1]), (-1, [1])])
def test_a_split_without_meaning_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="A split needs"):
        split_by_weights(total, weights)


@pytest.mark.parametrize(("total", "parts"), [(1, 0), (1, -1), (-1, 2)])
def test_an_even_split_without_meaning_is_refused(total: int, parts: int) -> None:
    with pytest.raises(ValueError, match="A split needs"):
        split_evenly(total, parts)


@pytest.mark.parametrize(
    ("amount", "bps", "expected"),
    [
        (10_000, 290, 290),
        (320, 1_800, 58),
        (1, 5_000, 1),
        (1, 4_999, 0),
        (3, 5_000, 2),
        (10_000, 0, 0),
        (0, 290, 0),
        (AMOUNT_MAX, 10_000, AMOUNT_MAX),
    ],
)
def test_a_rate_is_rounded_half_up(amount: int, bps: int, expected: int) -> None:
    assert expected == basis_points(amount, bps)


@given(totals, st.integers(0, 20_000))
def test_a_rate_is_within_half_a_unit_of_the_exact_one(amount: int, bps: int) -> None:
    off = basis_points(amount, bps) - Fraction(amount * bps, 10_000)
    assert Fraction(-1, 2) < off <= Fraction(1, 2)


@pytest.mark.parametrize(("amount", "bps"), [(-1, 290), (1, -290)])
def test_a_negative_rate_or_amount_has_no_half_up(amount: int, bps: int) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        basis_points(amount, bps)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1_250, "EUR", "12.50 EUR"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (-1_250, "EUR", "-12.50 EUR"),
        (0, "INR", "0.00 INR"),
        (1_250, "JPY", "1250 JPY"),
        (-7, "JPY", "-7 JPY"),
        (1_250, "KWD", "1.250 KWD"),
        (1_250, "CLF", "0.1250 CLF"),
        (100, "BGN", "1.00 BGN"),
        (AMOUNT_MAX, "USD", "90071992547409.91 USD"),
    ],
)
def test_people_read_an_amount_in_units(amount: int, currency: str, text: str) -> None:
    assert text == format_amount(amount, currency)


def test_an_unknown_currency_cannot_be_read_in_units() -> None:
    with pytest.raises(ValueError, match="XXX is not a currency"):
        format_amount(1, "XXX")
