"""Invoices as they are sent in the chat, and the payload of the QR code they are paid by."""

import unicodedata
from itertools import pairwise

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.creditor_references import REFERENCE_NUMBER_MAX, creditor_reference
from ledger.core.invoice_lines import TaxLine
from ledger.core.invoice_texts import BankAccount, Printed, PrintedLine, epc_payload, plain_text
from ledger.core.invoices import InvoiceState
from ledger.core.money import AMOUNT_MAX
from ledger.core.text import text_fault

IBAN = "DE89370400440532013000"
MALTESE = "MT84MALT011000012345MTLCAST001S"
REFERENCE = "RF18539007547034"

INVOICE = Printed(
    merchant="Corner Coffee",
    customer="Ann",
    number="17",
    reference=REFERENCE,
    currency="EUR",
    issued_on="2026-11-20",
    due_on="2026-12-04",
    lines=[PrintedLine("Coffee beans, 1 kg", "2", 1_250, 2_500)],
    subtotal=2_500,
    breakdown=[TaxLine(1_900, 2_500, 475)],
    total=2_975,
    paid=0,
    credited=0,
    refunded=0,
    due=2_975,
    state="open",
    tax_inclusive=False,
    memo=None,
    bank=BankAccount("Corner Coffee Ltd", IBAN),
)

IN_FULL = """\
INVOICE 17
Corner Coffee
for Ann

Issued 2026-11-20
Pay by 2026-12-04

Coffee beans, 1 kg
2 x 12.50 EUR = 25.00 EUR

Subtotal: 25.00 EUR
Tax 19 %: 4.75 EUR
Total: 29.75 EUR

To pay by bank transfer:
Name: Corner Coffee Ltd
IBAN: DE89 3704 0044 0532 0130 00
Reference: RF18 5390 0754 7034"""

WITH_EVERYTHING = """\
INVOICE 18
Corner Coffee
for Ann

Issued 2026-11-20

Thank you for coming in. The grinder is
as good as new again.

Coffee beans of the highest mountains,
freshly roasted for you
1.5 x 20.00 EUR less 3.00 EUR
= 27.00 EUR

Repair
0.250 x 80.00 EUR = 20.00 EUR

1 x 5.00 EUR = 5.00 EUR

Total: 52.00 EUR
Including tax 0 % on 5.00 EUR: 0.00 EUR
Including tax 7.5 % on 25.12 EUR:
1.88 EUR
Including tax 19 % on 16.81 EUR:
3.19 EUR
Without tax: 46.93 EUR
Paid: 10.00 EUR
Credited: 2.00 EUR
Left to pay: 40.00 EUR

When you pay, please give this:
Reference: RF18 5390 0754 7034"""


def columns(text: str) -> int:
    return sum(
        (unicodedata.east_asian_width(c) in "WF") + (unicodedata.category(c) not in ("Mn", "Me", "Cf")) for c in text
    )


def last_section(invoice: Printed) -> str:
    return plain_text(invoice).rpartition("\n\n")[2]


def test_an_invoice_reads_as_it_does_in_the_documentation() -> None:
    assert IN_FULL == plain_text(INVOICE)


def test_an_invoice_with_everything_on_it_reads_well() -> None:
    # 27.00 with 7.5 % in it: 2700 x 750 / 10750 = 188.4; 20.00 with 19 %: 2000 x 19 / 119 = 319.3
    invoice = INVOICE._replace(
        number="18",
        due_on=None,
        memo="Thank you for coming in. The grinder is as good as new again.",
        lines=[
            PrintedLine("Coffee beans of the highest mountains, freshly roasted for you", "1.5", 2_000, 2_700, 300),
            PrintedLine("Repair", "0.250", 8_000, 2_000),
            PrintedLine(None, "1", 500, 500),
        ],
        subtotal=4_693,
        breakdown=[TaxLine(0, 500, 0), TaxLine(750, 2_512, 188), TaxLine(1_900, 1_681, 319)],
        total=5_200,
        paid=1_000,
        credited=200,
        due=4_000,
        tax_inclusive=True,
        bank=None,
    )
    assert WITH_EVERYTHING == plain_text(invoice)


@pytest.mark.parametrize("tax_inclusive", [False, True])
def test_where_nothing_is_taxed_nothing_is_said_of_tax(tax_inclusive: bool) -> None:
    rows = [TaxLine(0, 95, 0)]
    text = plain_text(INVOICE._replace(breakdown=rows, total=95, due=95, currency="JPY", tax_inclusive=tax_inclusive))
    assert "\n\nTotal: 95 JPY\n\n" in text
    assert "tax" not in text.lower()


@pytest.mark.parametrize(("bps", "percent"), [(1, "0.01"), (50, "0.5"), (700, "7"), (1_025, "10.25"), (10_000, "100")])
def test_a_rate_is_printed_in_percent(bps: int, percent: str) -> None:
    assert f"\nTax {percent} %: " in plain_text(INVOICE._replace(breakdown=[TaxLine(bps, 2_500, 475)]))


@pytest.mark.parametrize(
    ("state", "first_line", "end"),
    [
        ("paid", "INVOICE 17 (paid)", "Paid: nothing is left to pay."),
        ("void", "INVOICE 17 (void)", "Void: please do not pay it."),
        ("draft", "INVOICE 17 (draft)", "A draft: please do not pay it yet."),
        ("open", "INVOICE 17", "Nothing is left to pay."),
        ("uncollectible", "INVOICE 17", "Nothing is left to pay."),
    ],
)
def test_where_there_is_nothing_to_pay_the_end_says_why(state: InvoiceState, first_line: str, end: str) -> None:
    invoice = INVOICE._replace(state=state, paid=2_975, due=0)
    assert first_line == plain_text(invoice).partition("\n")[0]
    assert end == last_section(invoice)


@pytest.mark.parametrize("state", ["paid", "void", "draft"])
def test_nobody_is_asked_to_pay_what_is_not_open(state: InvoiceState) -> None:
    text = plain_text(INVOICE._replace(state=state, paid=1, due=2_974))
    assert [] == [asked for asked in ("RF18", "Left to pay") if asked in text]


def test_an_invoice_that_was_written_off_can_still_be_paid() -> None:
    assert plain_text(INVOICE) == plain_text(INVOICE._replace(state="uncollectible"))


def test_a_draft_has_neither_number_nor_date_nor_customer() -> None:
    draft = INVOICE._replace(state="draft", number=None, reference=None, issued_on=None, due_on=None, customer=None)
    assert plain_text(draft).startswith("INVOICE (draft)\nCorner Coffee\n\nCoffee beans, 1 kg\n")


def test_an_account_without_a_reference_can_be_paid_to() -> None:
    end = "To pay by bank transfer:\nName: Corner Coffee Ltd\nIBAN: DE89 3704 0044 0532 0130 00"
    assert end == last_section(INVOICE._replace(reference=None))


def test_an_iban_that_is_too_long_for_a_line_breaks_between_its_groups() -> None:
    maltese = INVOICE._replace(bank=BankAccount("Corner Coffee Ltd", MALTESE))
    assert "\nIBAN: MT84 MALT 0110 0001 2345 MTLC AST0\n01S\n" in plain_text(maltese)


def test_a_word_that_is_too_long_for_a_line_is_cut() -> None:
    text = plain_text(INVOICE._replace(merchant="y" * 45, memo="a " + "z" * 81 + " b"))
    assert "\n" + "y" * 40 + "\n" + "y" * 5 + "\n" in text
    assert "\na\n" + "z" * 40 + "\n" + "z" * 40 + "\nz b\n" in text


def test_wide_letters_are_two_columns_and_marks_are_none() -> None:
    assert "\n" + "字" * 20 + "\n" + "字" + "\n" in plain_text(INVOICE._replace(merchant="字" * 21))
    assert "\n" + "e\u0301" * 40 + "\n" in plain_text(INVOICE._replace(merchant="e\u0301" * 40))


def test_a_currency_that_is_none_cannot_be_printed() -> None:
    with pytest.raises(ValueError, match="XXX is not a currency"):
        plain_text(INVOICE._replace(currency="XXX"))


texts = st.text(max_size=280).filter(lambda text: text_fault(text, 280) is None)
amounts = st.integers(0, AMOUNT_MAX)
quantities = st.sampled_from(["1", "999999999.999"])
printed_lines = st.builds(PrintedLine, st.none() | texts, quantities, amounts, amounts, st.just(0) | amounts)
invoices = st.builds(
    INVOICE._replace,
    merchant=texts,
    customer=st.none() | texts,
    number=st.integers(1, REFERENCE_NUMBER_MAX).map(str),
    reference=st.integers(1, REFERENCE_NUMBER_MAX).map(creditor_reference),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
    lines=st.lists(printed_lines, min_size=1, max_size=5),
    subtotal=amounts,
    breakdown=st.lists(st.builds(TaxLine, st.integers(0, 10_000), amounts, amounts), max_size=4),
    **dict.fromkeys(("total", "paid", "credited", "due"), amounts),
    state=st.sampled_from(["draft", "open", "paid", "void", "uncollectible"]),
    tax_inclusive=st.booleans(),
    memo=st.none() | texts,
    bank=st.none() | st.builds(BankAccount, texts, st.just(MALTESE)),
)


@given(invoices)
def test_no_line_of_any_invoice_is_wider_than_forty_columns(invoice: Printed) -> None:
    lines = plain_text(invoice).split("\n")
    assert max(map(columns, lines)) <= 40
    assert all(line == line.strip() for line in lines)
    assert not any(above == below == "" for above, below in pairwise(lines))


@given(invoices)
def test_nothing_that_was_written_is_lost_by_wrapping(invoice: Printed) -> None:
    text = "".join(plain_text(invoice).split())
    for said in (invoice.merchant, invoice.memo, *(line.description for line in invoice.lines)):
        assert "".join((said or "").split()) in text


PAYLOAD = f"BCD\n002\n1\nSCT\n\nCorner Coffee Ltd\n{IBAN}\nEUR29.75\n\n{REFERENCE}"


@pytest.mark.parametrize("reference", [REFERENCE, "rf18 5390 0754 7034"])
def test_the_payload_of_a_qr_code_is_that_of_the_guidelines(reference: str) -> None:
    assert PAYLOAD == epc_payload("Corner Coffee Ltd", IBAN, 2_975, reference)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1, "EUR0.01"), (10, "EUR0.10"), (100, "EUR1.00"), (1_230, "EUR12.30"), (99_999_999_999, "EUR999999999.99")],
)
def test_cents_are_written_as_euros_with_two_decimals(amount: int, text: str) -> None:
    assert text == epc_payload("Corner Coffee Ltd", IBAN, amount, REFERENCE).split("\n")[7]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("  Corner   Coffee ", "Corner Coffee"),
        ("x" * 71, "x" * 70),
        ("x" * 69 + " y", "x" * 69),
        ("字" * 200, "字" * 70),
    ],
)
def test_a_name_is_cut_off_where_banks_cut_it_off(name: str, printed: str) -> None:
    assert printed == epc_payload(name, IBAN, 1, REFERENCE).split("\n")[5]


@pytest.mark.parametrize(
    ("name", "iban", "amount", "reference", "sentence"),
    [
        ("", IBAN, 1, REFERENCE, "name is empty"),
        (" \u00a0", IBAN, 1, REFERENCE, "name is empty"),
        ("Corner\nCoffee", IBAN, 1, REFERENCE, "has U\\+000A"),
        ("x" * 201, IBAN, 1, REFERENCE, "at most 200"),
        ("😀" * 70, IBAN, 1, REFERENCE, "above the 331 bytes"),
        ("x", "", 1, REFERENCE, "Not an IBAN"),
        ("x", "DE89370400440532013001", 1, REFERENCE, "Not an IBAN"),
        ("x", "DE89 3704 0044 0532 0130 00", 1, REFERENCE, "Not an IBAN"),
        ("x", IBAN, 0, REFERENCE, "0.01 to 999999999.99 EUR"),
        ("x", IBAN, 100_000_000_000, REFERENCE, "0.01 to 999999999.99 EUR"),
        ("x", IBAN, 1, "RF17539007547034", "Not a creditor reference"),
        ("x", IBAN, 1, "", "Not a creditor reference"),
    ],
)
def test_a_qr_code_that_no_bank_would_read_is_refused(
    name: str, iban: str, amount: int, reference: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        epc_payload(name, iban, amount, reference)


def test_the_largest_payload_fits_into_the_largest_qr_code_that_is_allowed() -> None:
    payload = epc_payload("字" * 70, MALTESE, 99_999_999_999, creditor_reference(REFERENCE_NUMBER_MAX))
    drawn = segno.make_qr(payload, encoding="utf-8", error="m", boost_error=False)
    assert isinstance(drawn.version, int)
    assert drawn.version <= 13
