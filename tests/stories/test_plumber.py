"""A plumber's invoice.

A plumber mends a boiler, and sends Ada an invoice in the chat: three lines, two rates of tax, a
discount, 200.00 EUR in all. She pays half of it from her wallet and the rest by bank transfer, and
gives 1.00 too much. A washer leaks; the plumber credits 20.00, and Ada gets them back. All that he
has is paid out to his bank, comes back, is paid out again, and the rail settles with ours.

The platform charges merchants 2.9 % and 0.30 a payment, with 18 % tax on that: 3.20 and 0.58 of
100.00, which leaves the plumber 96.22.
"""

from typing import Any

from ledger.books.checks import run_checks
from ledger.core.creditor_references import printed
from tests.harness import Superuser
from tests.stories.reports import explanation
from tests.stories.story import Story, eur

FEES = {"bps": 290, "fixed": 30, "tax_code": "vat", "tax_bps": 18_00, "on_refund": "proportional"}
LINES = [
    {"description": "Call-out", "quantity": 1, "unit_amount": 40_00, "tax_bps": 18_00},
    {"description": "Work, hours", "quantity": "2.5", "unit_amount": 48_00, "discount": 10_00, "tax_bps": 18_00},
    {"description": "Washers", "quantity": 3, "unit_amount": 7_30, "tax_bps": 5_00},
]
SUMS = ("total", "amount_credited", "amount_paid", "amount_refunded", "amount_due")


def test_an_invoice_is_paid_in_two_parts_credited_refunded_and_paid_out(story: Story, superuser: Superuser) -> None:
    story.does("The ledger is given its name.", "/v1/ledger", {"name": "Chat Pay"}, method="PUT")
    story.opens("Ada", merchants=("plumber",))
    story.does("What the plumber is charged is agreed.", "/v1/parties/plumber/fees", FEES, method="PUT")
    story.tops_up("Ada", 150_00)

    invoice = is_sent(story)
    settlement = is_paid_twice(story, invoice)
    is_credited(story, invoice, settlement)
    is_paid_out(story)

    # Ada had 150.00, paid 100.00 from it, gave 1.00 too much, and got 20.00 back.
    assert 150_00 - 100_00 + 1_00 + 20_00 == story.balance("ada/available") == 71_00
    assert 0 == story.balance("plumber/available")
    # The platform keeps two fees of 3.20 less a fifth of one, and owes two taxes of 0.58 less a fifth of one.
    assert 2 * 3_20 - 64 == story.balance("platform/fees") == 5_76
    assert 2 * 58 - 12 == story.balance("tax:vat/payable") == 1_04
    assert 35 == story.balance("platform/fee_costs")
    # Nothing is on its way, and the bank has what Ada, the platform and the tax office are due.
    assert (0, 0) == (story.balance("rail:sepa/clearing"), story.balance("rail:sepa/outbound"))
    assert 71_00 + 5_76 + 1_04 - 35 == story.balance("bank:house/cash") == 77_45
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()


def is_sent(story: Story) -> Any:
    body = {"merchant": "plumber", "customer": "ada", "currency": "EUR", "lines": LINES, "memo": "Boiler"}
    invoice = story.does("The plumber sends Ada an invoice.", "/v1/invoices", body)
    # 40.00, 2.5 times 48.00 less 10.00, and 3 times 7.30.
    assert [40_00, 110_00, 21_90] == [line["amount"] for line in invoice["lines"]]
    # 18 % of 150.00 is 27.00; 5 % of 21.90 is 1.095, which is rounded up.
    assert [(21_90, 1_10), (150_00, 27_00)] == sorted((rate["base"], rate["tax"]) for rate in invoice["tax_breakdown"])
    assert 171_90 + 28_10 == invoice["total"] == 200_00
    shows_chat(story, invoice)
    return invoice


def is_paid_twice(story: Story, invoice: Any) -> str:
    """The first settlement's id."""
    path = f"/v1/invoices/{invoice['id']}"
    half = story.does("She pays half of it from her wallet.", f"{path}/settle", {"payer": "ada", "amount": 100_00})
    assert (3_20, 58, 96_22) == (half["fee"], half["fee_tax"], half["net"])
    shows_sums(story, invoice)
    reference = printed(invoice["reference"]).lower()
    transfer = {"payer": "ada", "amount": 101_00, "currency": "EUR", "rail": "sepa", "rail_reference": "E2E-77"}
    rest = story.does(
        f"She transfers 101.00 and types the reference: {reference}.",
        "/v1/deposits",
        transfer | {"reference": reference},
    )
    assert (1_00, "ada") == (rest["surplus"], rest["surplus_to"])
    shows_sums(story, invoice)
    story.is_refused("She pays once more.", "invoice_not_open", f"{path}/settle", {"payer": "ada", "amount": 1})
    settlement: str = half["id"]
    return settlement


def is_credited(story: Story, invoice: Any, settlement: str) -> None:
    path = f"/v1/invoices/{invoice['id']}"
    note = {"amount": 20_00, "reason": "A washer leaks"}
    noted = story.does("A washer leaks: credit note 2 takes 20.00 off.", f"{path}/credit-notes", note)
    assert (2, 20_00) == (noted["number"], noted["invoice"]["amount_refundable"])
    shows_sums(story, invoice)
    refund = {"of": settlement, "amount": 20_00, "credit_note": noted["id"], "reason": "A washer leaks"}
    # A fifth of 3.20 and of 0.58, which is 0.116.
    back = story.does("Ada has them back, and the plumber a fifth of one fee.", "/v1/refunds", refund)
    assert (64, 12) == (back["fee_returned"], back["fee_tax_returned"])
    shows_sums(story, invoice)
    # Two payments of 96.22; the refund, less what came back of the fee and its tax.
    assert 2 * 96_22 - 20_00 + 64 + 12 == story.balance("plumber/available") == 173_20


def is_paid_out(story: Story) -> None:
    body = {"party": "plumber", "currency": "EUR", "rail": "sepa", "destination": "DE02120300000000202051"}
    first = story.does("The plumber has all that he has paid out.", "/v1/payouts", body)["id"]
    story.shows(*explanation(story.client, first))
    story.does("The rail is told to.", f"/v1/payouts/{first}/submitted", {"rail_reference": "PO-1"})
    story.does("It says that it has paid.", f"/v1/payouts/{first}/paid")
    bounce = {"rail_reference": "PO-1-R", "fee": 35, "reason": "Account closed"}
    story.does("It bounces, and costs us 0.35: the account is closed.", f"/v1/payouts/{first}/returned", bounce)
    body["destination"] = "DE02500105170137075030"
    second = story.does("He names another account.", "/v1/payouts", body)["id"]
    story.shows(*explanation(story.client, second))
    story.does("The rail is told to.", f"/v1/payouts/{second}/submitted", {"rail_reference": "PO-2"})
    story.does("It says that it has paid.", f"/v1/payouts/{second}/paid")
    # 150.00 and 101.00 came in, 173.20 went out and 0.35 was kept.
    settled = {"bank": "house", "amount": 150_00 + 101_00 - 173_20 - 35, "currency": "EUR", "reference": "STMT-1"}
    story.does("It settles the rest to our bank, and owes nothing.", "/v1/rails/sepa/settle", settled)


def shows_chat(story: Story, invoice: Any) -> None:
    """The invoice as it stands in the chat, but for the day."""
    text = story.client.get(f"/v1/invoices/{invoice['id']}/text").text
    parts = [part for part in text.split("\n\n") if not part.startswith("Issued ")]
    story.shows("", *(f"    {line}" for line in "\n\n".join(parts).splitlines()))


def shows_sums(story: Story, invoice: Any) -> None:
    """What has become of the invoice."""
    shown = story.client.get(f"/v1/invoices/{invoice['id']}").json()
    sums = (f"{name.removeprefix('amount_')} {eur(shown[name])}" for name in SUMS if shown[name])
    story.shows(f"invoice {shown['number']} is {shown['state']}: {', '.join(sums)}")
