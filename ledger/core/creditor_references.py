"""Creditor references of ISO 11649: what a payer types when he pays an invoice by bank transfer.

    RF18539007547034        as machines write it: RF, two check digits, the invoice's number
    RF18 5390 0754 7034     as people read it: in groups of four

The check is ISO 7064 MOD 97-10, as in an IBAN: with the first four characters put last, and R and F read as 27 and 15,
the whole leaves 1 when divided by 97. So any one wrong digit is noticed, and any two neighbours that changed places.
ISO allows up to 21 digits and letters behind the check digits; ours are digits only: nobody takes an O for a 0.
"""

import re
from typing import Final

REFERENCE_NUMBER_MAX: Final = 10**18 - 1
"""The largest number that a reference carries."""

_RF00: Final = 271500  # RF, and check digits of 00, as they are counted
_reference = re.compile(r"\A[Rr][Ff][0-9]{2}([1-9][0-9]{0,17})\Z")


def creditor_reference(number: int) -> str:
    """The reference of an invoice's number, as machines write it: `RF18539007547034`.

    ValueError unless the number is 1 to 10^18-1.
    """
    if not 1 <= number <= REFERENCE_NUMBER_MAX:
        raise ValueError("A creditor reference is made of a number of 1 to 18 digits, above 0.")
    check_digits = 98 - (number * 10**6 + _RF00) % 97
    return f"RF{check_digits:02d}{number}"


def invoice_of_reference(text: str) -> int | None:
    """The number in a reference as people type it: spaces of any kind, anywhere, and small letters do not matter.

    None if it is no RF reference, its check digits are wrong (00, 01 and 99 always are: ISO 7064), or what is behind
    them is none of our numbers: 1 to 18 digits, the first not 0.
    """
    typed = "".join(text.split())
    found = _reference.match(typed)
    if found is None:
        return None
    number = int(found[1])
    return number if creditor_reference(number) == typed.upper() else None


def printed(reference: str) -> str:
    """A reference, or an IBAN, for people: in groups of four with a space between, the last may be shorter."""
    return " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))
