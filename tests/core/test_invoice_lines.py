"""The arithmetic of invoices: lines, discounts, tax per rate, prices with tax and without."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.core.errors import FieldError
from ledger.core.invoice_lines import Line, TaxLine, Totals, thousandths, totals
from ledger.core.money import AMOUNT_MAX

rates = st.sampled_from([None, 0, 1, 500, 700, 1_900, 10_000]) | st.integers(0, 10_000)
whole_quantities: st.SearchStrategy[int | str] = st.integers(1, 10**6)
quantities = whole_quantities | st.integers(1, 10**6).map(lambda n: f"{n // 1000}.{n % 1000:03d}")


@st.composite
def some_lines(draw: st.DrawFn) -> list[Line]:
    lines = []
    for quantity, unit_amount in draw(st.lists(st.tuples(quantities, st.integers(0, 10**6)), min_size=1, max_size=9)):
        line = Line("x", quantity, unit_amount)
        gross = (thousandths(quantity) * unit_amount + 500) // 1000
        line.discount = draw(st.none() | st.integers(0, gross))
        line.tax_bps = draw(rates)
        lines.append(line)
    assume(any((thousandths(line.quantity) * line.unit_amount + 500) // 1000 > (line.discount or 0) for line in lines))
    return lines


def judged(fault: FieldError | None) -> tuple[str, str] | None:
    return (fault.pointer, fault.code) if fault is not None else None


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (1, 1_000),
        (999_999_999, 999_999_999_000),
        ("1", 1_000),
        ("1.5", 1_500),
        ("1.50", 1_500),
        ("0.250", 250),
        ("0.25", 250),
        ("0.001", 1),
        ("0.01", 10),
        ("0.100", 100),
        ("10.020", 10_020),
        ("999999999.999", 999_999_999_999),
    ],
)
def test_a_quantity_is_counted_in_thousandths(quantity: int | str, expected: int) -> None:
    assert expected == thousandths(quantity)


NO_QUANTITIES: list[int | str] = [
    *(0, -1, 1_000_000_000, 10**40),
    *("", "0", "0.0", "0.000", "-1", "+1", "01", "01.5", "00.5", ".5", "1.", "1.2345", "0.0001", "1e3", "1,5", "1 000"),
    *(" 1", "1\n", "1.5\n", "1000000000", "1000000000.5", "١", "1.٥", "NaN", "0x1"),
]


@pytest.mark.parametrize("quantity", NO_QUANTITIES)
def test_what_is_no_quantity_is_refused_with_the_rule(quantity: int | str) -> None:
    with pytest.raises(ValueError, match="up to 3 decimals"):
        thousandths(quantity)
    assert judged(Line("x", quantity, 1).fault()) == ("/quantity", "field_invalid")


@given(st.integers(1, 999_999_999_999))
def test_thousandths_written_as_decimals_are_read_back(number: int) -> None:
    text = f"{number // 1000}.{number % 1000:03d}"
    assert number == thousandths(text) == thousandths(text.rstrip("0").rstrip("."))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line("x", 1, 0), None),
        (Line("ğ" * 280, "0.001", AMOUNT_MAX, 0, 0), None),
        (Line("x", 2, 50, 100, 10_000), None),
        (Line("", 1, 1), ("/description", "field_invalid")),
        (Line("x" * 281, 1, 1), ("/description", "text_invalid")),
        (Line("a\nb", 1, 1), ("/description", "text_invalid")),
        (Line("x", 1, -1), ("/unit_amount", "amount_invalid")),
        (Line("x", 1, AMOUNT_MAX + 1), ("/unit_amount", "amount_invalid")),
        (Line("x", 1, 1, -1), ("/discount", "amount_invalid")),
        (Line("x", 2, 50, 101), ("/discount", "amount_invalid")),
        (Line("x", 1, 0, 1), ("/discount", "amount_invalid")),
        (Line("x", 9, AMOUNT_MAX, AMOUNT_MAX + 1), ("/discount", "amount_invalid")),
        (Line("x", 1, 1, None, -1), ("/tax_bps", "field_invalid")),
        (Line("x", 1, 1, None, 10_001), ("/tax_bps", "field_invalid")),
        # Several at once: in the order of the fields, and the discount last.
        (Line("", 0, -1, -1, -1), ("/description", "field_invalid")),
        (Line("x", 0, -1, -1, -1), ("/quantity", "field_invalid")),
        (Line("x", 1, 1, 2, -1), ("/tax_bps", "field_invalid")),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_at_the_field(line: Line, expected: tuple[str, str] | None) -> None:
    assert expected == judged(line.fault())


@pytest.mark.parametrize(
    "body",
    [
        b'{"description":"x","quantity":1.5,"unit_amount":1}',
        b'{"description":"x","quantity":1.0,"unit_amount":1}',
        b'{"description":"x","quantity":true,"unit_amount":1}',
        b'{"description":"x","quantity":1,"unit_amount":"1"}',
        b'{"description":"x","quantity":1,"unit_amount":1.0}',
        b'{"description":"x","quantity":1,"unit_amount":1,"unit":"kg"}',
        b'{"description":"x","quantity":1}',
        b'{"quantity":1,"unit_amount":1}',
    ],
)
def test_a_line_of_another_form_cannot_be_read(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Line)


def test_a_line_keeps_its_quantity_as_it_was_written() -> None:
    body = b'{"description":"x","quantity":"0.250","unit_amount":1}'
    assert body == msgspec.json.encode(msgspec.json.decode(body, type=Line))


def test_the_openapi_document_knows_the_kinds_by_their_titles() -> None:
    fields = msgspec.json.schema(Line)["$defs"]["Line"]["properties"]
    quantity = fields["quantity"]
    assert [kind["type"] for kind in quantity["anyOf"]] == ["integer", "string"]
    assert (quantity["title"], quantity["minimum"], quantity["maximum"]) == ("Quantity", 1, 999_999_999)
    assert fields["description"]["title"] == "Description"
    assert fields["unit_amount"]["title"] == "MinorUnits"
    assert fields["discount"]["anyOf"][0]["title"] == "MinorUnits"
    assert fields["tax_bps"]["anyOf"][0]["title"] == "Bps"


@pytest.mark.parametrize(
    ("lines", "tax_inclusive", "expected"),
    [
        ([Line("x", 1, 1)], False, Totals((1,), 1, 0, 1, (TaxLine(0, 1, 0),))),
        # 2 x 12.50 at 19 %: 25.00, 4.75
        ([Line("x", 2, 1_250, None, 1_900)], False, Totals((2_500,), 2_500, 475, 2_975, (TaxLine(1_900, 2_500, 475),))),
        # 29.75 with 19 % in it: 2975 x 19 / 119 = 475
        ([Line("x", 1, 2_975, None, 1_900)], True, Totals((2_975,), 2_500, 475, 2_975, (TaxLine(1_900, 2_500, 475),))),
        # 0.333 x 10.00 = 3.33; 0.5 x 0.01 = 0.005, half up 0.01; 0.499 x 0.01 is nothing
        (
            [Line("x", "0.333", 1_000), Line("x", "0.5", 1), Line("x", "0.499", 1)],
            False,
            Totals((333, 1, 0), 334, 0, 334, (TaxLine(0, 334, 0),)),
        ),
        # Tax on the sum of a rate: 3 x 0.03 at 19 % is 0.0171, so 0.02; of each line alone it would be 0.01.
        ([Line("x", 1, 3, None, 1_900)] * 3, False, Totals((3, 3, 3), 9, 2, 11, (TaxLine(1_900, 9, 2),))),
        # The same within: 9 x 19 / 119 = 1.44, so 1.
        ([Line("x", 1, 3, None, 1_900)] * 3, True, Totals((3, 3, 3), 8, 1, 9, (TaxLine(1_900, 8, 1),))),
        # Half a unit goes up: 10 x 5 % = 0.5; within 21: 21 x 500 / 10500 = 1; within 3 at 100 %: 1.5.
        ([Line("x", 1, 10, None, 500)], False, Totals((10,), 10, 1, 11, (TaxLine(500, 10, 1),))),
        ([Line("x", 1, 21, None, 500)], True, Totals((21,), 20, 1, 21, (TaxLine(500, 20, 1),))),
        ([Line("x", 1, 3, None, 10_000)], True, Totals((3,), 1, 2, 3, (TaxLine(10_000, 1, 2),))),
        # Three rates, by rising rate; None is 0; 1.5 x 2.99 = 4.485, 4.49, less 0.49.
        (
            [
                Line("book", "1.5", 299, 49, 700),
                Line("pen", 3, 120, None, 1_900),
                Line("stamp", 1, 95),
                Line("map", 1, 100, 0, 700),
                Line("deposit", 1, 5, None, 0),
            ],
            False,
            # 5.00 at 7 % is 0.35; 3.60 at 19 % is 0.684, 0.68
            Totals(
                (400, 360, 95, 100, 5),
                960,
                103,
                1_063,
                (TaxLine(0, 100, 0), TaxLine(700, 500, 35), TaxLine(1_900, 360, 68)),
            ),
        ),
        # A line may be free, and a discount may be all of it.
        (
            [Line("x", 1, 0), Line("x", 1, 7, 7), Line("x", 1, 1)],
            False,
            Totals((0, 0, 1), 1, 0, 1, (TaxLine(0, 1, 0),)),
        ),
        (
            [Line("x", 1, AMOUNT_MAX)],
            False,
            Totals((AMOUNT_MAX,), AMOUNT_MAX, 0, AMOUNT_MAX, (TaxLine(0, AMOUNT_MAX, 0),)),
        ),
    ],
)
def test_an_invoice_that_was_reckoned_by_hand(lines: list[Line], tax_inclusive: bool, expected: Totals) -> None:
    assert expected == totals(lines, tax_inclusive)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "amount to 0 minor units"),
        ([Line("x", 5, 0)], "amount to 0 minor units"),
        ([Line("x", 1, 5, 5)], "amount to 0 minor units"),
        ([Line("x", 1, AMOUNT_MAX), Line("x", 1, 1)], "of 1 to 2\\^53-1"),
        ([Line("x", 1, AMOUNT_MAX, None, 1)], "of 1 to 2\\^53-1"),
        ([Line("x", 1, 5, 6)], "A discount is from 0 to what its line amounts to: 5 minor units, not 6"),
        ([Line("x", 1, 5, -1)], "A discount is from 0"),
        ([Line("x", 0, 5)], "A quantity is"),
    ],
)
def test_an_invoice_that_cannot_be_is_refused_with_a_sentence(lines: list[Line], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        totals(lines, tax_inclusive=False)


@given(some_lines(), st.booleans())
def test_net_and_tax_always_make_the_total(lines: list[Line], tax_inclusive: bool) -> None:
    assert not any(line.fault() for line in lines)
    sums = totals(lines, tax_inclusive)
    assert sums.total == sums.subtotal + sums.tax
    assert sums.subtotal == sum(row.base for row in sums.breakdown)
    assert sums.tax == sum(row.tax for row in sums.breakdown)
    assert sum(sums.amounts) == (sums.total if tax_inclusive else sums.subtotal)
    assert [row.tax_bps for row in sums.breakdown] == sorted({line.tax_bps or 0 for line in lines})


@given(some_lines(), st.booleans())
def test_the_tax_of_a_rate_is_within_half_a_unit_of_the_exact_one(lines: list[Line], tax_inclusive: bool) -> None:
    sums = totals(lines, tax_inclusive)
    for bps, base, tax in sums.breakdown:
        stated = sum(amount for line, amount in zip(lines, sums.amounts, strict=True) if (line.tax_bps or 0) == bps)
        exact = Fraction(stated * bps, 10_000 + bps) if tax_inclusive else Fraction(stated * bps, 10_000)
        assert stated == (base + tax if tax_inclusive else base)
        assert Fraction(-1, 2) < tax - exact <= Fraction(1, 2)


@given(some_lines(), st.booleans(), st.data())
def test_the_order_of_the_lines_changes_nothing_but_their_own(
    lines: list[Line], tax_inclusive: bool, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(lines))
    assert totals(lines, tax_inclusive)[1:] == totals(shuffled, tax_inclusive)[1:]


@given(quantities, st.integers(0, AMOUNT_MAX))
def test_a_line_is_within_half_a_unit_of_the_exact_product(quantity: int | str, unit_amount: int) -> None:
    exact = Fraction(str(quantity)) * unit_amount
    assume(Fraction(1, 2) <= exact < AMOUNT_MAX)
    (amount,) = totals([Line("x", quantity, unit_amount)], tax_inclusive=False).amounts
    assert Fraction(-1, 2) < amount - exact <= Fraction(1, 2)
