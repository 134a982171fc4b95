"""The currency table, held against what ISO 4217 says of the codes that are easy to get wrong."""

from datetime import date

import pytest

from ledger.core.currencies import CURRENCIES, is_postable

TODAY = date(2026, 11, 20)
LIVE = [currency for currency in CURRENCIES.values() if currency.withdrawn_on is None]
WITHDRAWN = [currency for currency in CURRENCIES.values() if currency.withdrawn_on is not None]


def codes_of_exponent(exponent: int) -> str:
    return " ".join(sorted(currency.code for currency in LIVE if currency.exponent == exponent))


def test_a_code_is_three_capital_letters_and_a_number_three_digits() -> None:
    for code, currency in CURRENCIES.items():
        assert code == currency.code
        assert len(code) == 3
        assert code.isascii()
        assert code.isalpha()
        assert code.isupper()
        assert len(currency.number) == 3
        assert currency.number.isdecimal()
        assert currency.name


def test_the_table_is_in_the_order_of_its_codes() -> None:
    assert sorted(currency.code for currency in LIVE) == [currency.code for currency in LIVE]
    assert sorted(currency.code for currency in WITHDRAWN) == [currency.code for currency in WITHDRAWN]


def test_the_table_has_every_live_code_that_iso_gives_an_exponent() -> None:
    assert 165 == len(LIVE)


def test_no_two_live_currencies_share_a_number() -> None:
    assert len(LIVE) == len({currency.number for currency in LIVE})


def test_the_live_currencies_without_two_decimals_are_those_of_iso_4217() -> None:
    assert "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF" == codes_of_exponent(0)
    assert "BHD IQD JOD KWD LYD OMR TND" == codes_of_exponent(3)
    assert "CLF UYW" == codes_of_exponent(4)
    assert len(LIVE) == 17 + 7 + 2 + len(codes_of_exponent(2).split())


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XUA", "XSU", "XBA", "XEU"])
def test_what_has_no_minor_unit_is_not_money(code: str) -> None:
    assert code not in CURRENCIES


@pytest.mark.parametrize("code", ["EUR", "USD", "INR", "BRL", "JPY", "KWD", "CLF", "XCG", "ZWG", "SLE", "VED", "VES"])
def test_a_live_currency_is_postable(code: str) -> None:
    assert is_postable(code, TODAY)


@pytest.mark.parametrize("code", ["inr", "IN", "INRR", "INR\n", " INR", "", "XXX", "ZZZ", "\u0406NR"])
def test_an_unknown_code_is_not_postable(code: str) -> None:
    assert not is_postable(code, TODAY)


def test_a_withdrawn_currency_is_postable_up_to_the_day_before() -> None:
    assert is_postable("BGN", date(2025, 12, 31))
    assert not is_postable("BGN", date(2026, 1, 1))
    assert is_postable("HRK", date(2022, 12, 31))
    assert not is_postable("HRK", date(2023, 1, 1))


def test_no_withdrawn_currency_is_postable_today() -> None:
    assert [] == [currency.code for currency in WITHDRAWN if is_postable(currency.code, TODAY)]


@pytest.mark.parametrize(
    "codes",
    ["ATS BEF DEM ESP FIM FRF GRD IEP ITL LUF NLG PTE", "SIT", "CYP MTL", "SKK", "EEK", "LVL", "LTL", "HRK", "BGN"],
)
def test_the_currencies_that_became_the_euro_together_were_withdrawn_together(codes: str) -> None:
    assert 1 == len({CURRENCIES[code].withdrawn_on for code in codes.split()} - {None})
