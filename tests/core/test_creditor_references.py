"""Creditor references: published ones, what people make of them, and what the check digits notice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.creditor_references import REFERENCE_NUMBER_MAX, creditor_reference, invoice_of_reference, printed

numbers = st.integers(1, REFERENCE_NUMBER_MAX)


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        (539_007_547_034, "RF18539007547034"),  # ISO 11649 as everybody quotes it
        (12_345_678, "RF2012345678"),  # the sample of a SEPA remittance, <Cd>SCOR</Cd>, that validators publish
        # By hand: 1271500 = 97 x 13108 + 24 and 98 - 24 = 74; 2271500 = 97 x 23417 + 51 and 98 - 51 = 47.
        (1, "RF741"),
        (2, "RF472"),
    ],
)
def test_a_published_reference_has_the_check_digits_that_we_give_it(number: int, reference: str) -> None:
    assert reference == creditor_reference(number)
    assert number == invoice_of_reference(reference)


@given(numbers)
def test_the_whole_leaves_one_when_divided_by_97_as_iso_7064_wants(number: int) -> None:
    reference = creditor_reference(number)
    assert int(f"{number}2715{reference[2:4]}") % 97 == 1
    assert "02" <= reference[2:4] <= "98"


@given(numbers)
def test_a_printed_reference_leads_back_to_its_number(number: int) -> None:
    assert number == invoice_of_reference(printed(creditor_reference(number)))


@pytest.mark.parametrize(
    "typed",
    [
        "RF18539007547034",
        "RF18 5390 0754 7034",
        "rf18 5390 0754 7034",
        "Rf18539007547034",
        "  R F 1 8 5390  07547034\t\n",
        "RF18\u00a05390\u00a00754\u00a07034",
        "RF18\u202f5390\u20070754\u30007034",
    ],
)
def test_spaces_and_small_letters_do_not_matter_in_what_is_typed(typed: str) -> None:
    assert invoice_of_reference(typed) == 539_007_547_034


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "RF",
        "RF18",
        "539007547034",
        "RF17539007547034",  # another check digit
        "RF18539007547043",  # neighbours that changed places
        "RF185390075470Y",  # ISO allows letters; we use none
        "RF18-5390-0754-7034",
        "XRF18539007547034",
        "RF18539007547034X",
        "RF1８539007547034",
        "RF18539007547٠34",
        "RF18\u200b539007547034",
        "DE89370400440532013000",
    ],
)
def test_what_is_no_reference_of_ours_leads_to_no_invoice(typed: str) -> None:
    assert invoice_of_reference(typed) is None


def test_a_number_with_zeros_in_front_is_no_reference_of_ours() -> None:
    # The check digits hold: to MOD 97-10 a zero in front is nothing.
    assert int("0539007547034271518") % 97 == 1
    assert invoice_of_reference("RF180539007547034") is None
    assert invoice_of_reference("RF980") is None


def test_check_digits_that_are_right_by_97_too_much_or_too_little_are_wrong() -> None:
    by_digits = {creditor_reference(number)[2:4]: number for number in range(1, 200)}
    for right, wrong in (("97", "00"), ("98", "01"), ("02", "99")):
        number = by_digits[right]
        assert int(f"{number}2715{wrong}") % 97 == 1
        assert invoice_of_reference(f"RF{wrong}{number}") is None


def test_eighteen_digits_are_read_and_nineteen_are_not() -> None:
    assert invoice_of_reference(creditor_reference(REFERENCE_NUMBER_MAX)) == REFERENCE_NUMBER_MAX
    nineteen = 10**18
    check_digits = 98 - int(f"{nineteen}271500") % 97
    assert invoice_of_reference(f"RF{check_digits:02d}{nineteen}") is None


@pytest.mark.parametrize("number", [0, -1, REFERENCE_NUMBER_MAX + 1])
def test_a_number_without_a_reference_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 18 digits, above 0"):
        creditor_reference(number)


@given(numbers, st.data())
def test_one_wrong_digit_is_always_noticed(number: int, data: st.DataObject) -> None:
    reference = creditor_reference(number)
    where = data.draw(st.integers(2, len(reference) - 1))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != reference[where]))
    assert invoice_of_reference(reference[:where] + digit + reference[where + 1 :]) is None


@given(numbers, st.data())
def test_two_neighbours_that_changed_places_are_always_noticed(number: int, data: st.DataObject) -> None:
    reference = creditor_reference(number)
    at = data.draw(st.integers(2, len(reference) - 2))
    swapped = reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
    assert invoice_of_reference(swapped) == (number if swapped == reference else None)


@given(st.text())
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    number = invoice_of_reference(text)
    assert number is None or "".join(text.split()).upper() == creditor_reference(number)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("RF18539007547034", "RF18 5390 0754 7034"),
        ("RF2012345678", "RF20 1234 5678"),
        ("RF741", "RF74 1"),
        ("DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
        ("", ""),
    ],
)
def test_people_read_a_reference_in_groups_of_four(reference: str, text: str) -> None:
    assert text == printed(reference)
