"""Odd is not bad: what people and messengers do write is taken as it is, and comes back as it went in."""

from urllib.parse import quote

import pytest

from tests.harness import NOTHING_SINCE, Client, new_key

pytestmark = pytest.mark.usefixtures("ann_and_bob")

TEXTS = (
    "'; DROP TABLE entries; --",
    "<script>alert(1)</script>&amp;",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "$(reboot) `reboot` | rm -rf / && true",
    "%s %n %00 \\x00 \\u0000",
    "=1+1",
    "\u00e4 a\u0308 \u1e9e \u0130\u0131",  # composed and decomposed stay what they are
    "\u0414\u043e\u0431\u0440\u044b\u0439 \u0928\u092e\u0938\u094d\u0924\u0947 \u4f60\u597d",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f",
    "\u200e\u200f\u00a0\u2028\ufeff\ufffd",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b",
    "\U0001f4b8" * 280,
    " ",
    "null",
    '"',
    "\\",
    "/",
    "alias:phone:+4915112345678",
    "alias:",
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:40])
def test_what_people_write_comes_back_as_it_went_in(client: Client, text: str) -> None:
    body = {"from": "ann", "to": "bob", "amount": 1, "currency": "EUR", "memo": text}
    body |= {"metadata": {"note": text}, "chat": {"conversation": text[:128], "message": text[:128]}}
    key = new_key()
    made = client.post("/v1/transfers", body, key)
    assert 201 == made.status_code
    assert (text, {"note": text}, text[:128]) == (
        made.json()["memo"],
        made.json()["metadata"],
        made.json()["chat"]["conversation"],
    )
    assert made.json() | NOTHING_SINCE == client.get(f"/v1/transfers/{made.json()['id']}").json()
    assert made.content == client.post("/v1/transfers", body, key).content


@pytest.mark.parametrize("text", [text for text in TEXTS if text.strip() == text and len(text) <= 200], ids=ascii)
def test_a_name_and_an_alias_too(client: Client, text: str) -> None:
    party = client.party(name=text, aliases=[{"channel": "app", "value": text}])
    found = client.get(f"/v1/parties/{party}").json()
    assert (text, [{"channel": "app", "value": text}]) == (found["name"], found["aliases"])
    assert party == client.get(f"/v1/aliases/app/{quote(text, safe='')}").json()["party"]
    assert party == client.transfer("ann", f"alias:app:{text}", 1, to_expected=party)["to"]
    assert 200 == client.delete(f"/v1/parties/{party}/aliases/app/{quote(text, safe='')}").status_code
    assert 404 == client.get(f"/v1/aliases/app/{quote(text, safe='')}").status_code


@pytest.mark.parametrize("party", ["a", "x" * 64, "+4915112345678", "a.b:c@d+e-f_g", "0", "..", ".", "rail", "null"])
def test_a_partys_id_is_the_messengers_own(client: Client, party: str) -> None:
    assert party == client.party(party)
    assert party == client.http.get(f"/v1/parties/{quote(party, safe='').replace('.', '%2E')}").json()["id"]
    assert party == client.transfer("ann", party, 1)["to"]


def test_metadata_may_take_8_kib_in_all(client: Client) -> None:
    metadata = {f"key {n:02}": "\u20ac" * 134 for n in range(20)}  # 20 times 6 + 402 bytes: 8,160
    metadata["key 00"] += "x" * 32
    assert metadata == client.transfer("ann", "bob", 1, metadata=metadata)["metadata"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31t12:00:00.5z", "2026-01-31T12:00:00.500000Z"),
        ("2026-01-31T12:00:00.123456789+05:30", "2026-01-31T06:30:00.123456Z"),
        ("0001-01-02T00:00:00-23:59", "0001-01-02T23:59:00.000000Z"),
    ],
)
def test_a_time_may_be_in_any_zone_and_comes_back_in_utc(client: Client, sent: str, shown: str) -> None:
    assert shown == client.deposit("ann", 1, occurred_at=sent)["occurred_at"]


@pytest.mark.parametrize("day", ["2026-01-01", "2024-02-29", "0001-01-01"])
def test_an_accounting_date_may_lie_far_in_the_past(client: Client, day: str) -> None:
    assert day == client.transfer("ann", "bob", 1, effective_on=day)["effective_on"]
