"""What is kept of a request that was refused: nothing people could want erased, and all that tells it from others."""

import base64
import json
from typing import Any

import msgspec
import pytest

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.commands import Command, differing_fields
from ledger.core.entries import canonical
from ledger.core.holds import PlaceHold
from ledger.core.intents import SignedIntent
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import AliasName, CreateParty
from ledger.core.payouts import RequestPayout
from ledger.core.refunds import MakeRefund
from ledger.core.settlements import SettleInvoice
from ledger.core.splits import CreateSplit, Share
from ledger.core.transfers import Transfer

PHONE = "+4915199999999"
ALIAS = f"alias:phone:{PHONE}"
OTHER = "alias:phone:+4915188888888"


def intent(to: str) -> SignedIntent:
    """What a payer has signed, which names the payee in clear."""
    payload = base64.b64encode(f'{{"to":"{to}"}}'.encode()).decode()
    return SignedIntent(payload=payload, key_id="a key", signature="A" * 86 + "==")


REFUSED: list[tuple[Command, list[str], dict[str, Any]]] = [
    (
        Transfer(from_="ann", to=ALIAS, amount=1, currency="EUR", memo="SECRET", intent=intent(ALIAS)),
        [ALIAS],
        {"to": OTHER, "memo": "x", "intent": intent(OTHER)},
    ),
    (
        PlaceHold(from_=ALIAS, to="bob", amount=1, currency="EUR", memo="SECRET", intent=intent(ALIAS)),
        [ALIAS],
        {"from_": "bob", "memo": None, "intent": None},
    ),
    (SettleInvoice(invoice="invoice_7", payer="ann", intent=intent(ALIAS)), [], {"intent": intent("bob")}),
    (
        CreateInvoice(merchant="shop", customer=ALIAS, currency="EUR", lines=[Line("SECRET", 1, 5)], memo="SECRET"),
        [ALIAS],
        {"lines": [Line("x", 1, 5)], "memo": "x", "customer": None},
    ),
    (
        CreateSplit(payee="ann", currency="EUR", total=9, shares=[Share("bob"), Share(ALIAS)], memo="SECRET"),
        ["bob", ALIAS],
        {"shares": [Share("bob"), Share("eve")]},
    ),
    (AddAlias(party="ann", channel="phone", value=PHONE), [ALIAS], {"value": "+4915188888888"}),
    (RemoveAlias(party="ann", channel="phone", value=PHONE), [ALIAS], {"value": "+4915188888888"}),
    (
        CreateParty(id="ann", party_kind="person", name="SECRET", aliases=[AliasName("phone", PHONE)]),
        [ALIAS],
        {"name": "x", "aliases": None},
    ),
    (MakeRefund(of="transfer_7", reason="SECRET"), [], {"reason": "x"}),
    (RequestPayout(party="ann", currency="EUR", rail="sepa", destination="SECRET"), [], {"destination": "x"}),
]


def kept_of(command: Command) -> tuple[dict[str, Any], dict[str, Any]]:
    facts, private = command.refused(b"salt")
    return json.loads(canonical(facts)), json.loads(private or "{}")


@pytest.mark.parametrize(("command", "names", "_"), REFUSED, ids=lambda each: getattr(each, "kind", ""))
def test_of_a_refused_request_no_text_is_kept_but_the_names_it_is_found_by(
    command: Command, names: list[str], _: dict[str, Any]
) -> None:
    facts, private = kept_of(command)
    assert ({"salt", "names"} if names else {"salt"}) == private.keys()
    assert names == private.get("names", [])
    assert [] == [text for text in ("SECRET", PHONE) if text in json.dumps(facts)]
    assert isinstance(facts.get("intent", ""), str)  # a commitment, for in base64 nothing would be found


@pytest.mark.parametrize(("command", "_", "others"), REFUSED, ids=lambda each: getattr(each, "kind", ""))
def test_a_refused_request_is_told_from_every_other_by_what_is_kept_of_it(
    command: Command, _: list[str], others: dict[str, Any]
) -> None:
    facts, private = kept_of(command)
    assert [] == differing_fields(facts, private, command, was_refused=True)
    for name, value in others.items():
        changed = msgspec.structs.replace(command, **{name: value})
        assert [name.rstrip("_")] == differing_fields(facts, private, changed, was_refused=True)


@pytest.mark.parametrize(("command", "_", "others"), REFUSED, ids=lambda each: getattr(each, "kind", ""))
def test_once_its_names_are_erased_what_was_private_no_longer_counts(
    command: Command, _: list[str], others: dict[str, Any]
) -> None:
    facts, _private = kept_of(command)
    assert [] == differing_fields(facts, None, command, was_refused=True)
