"""What an entry is made of, to the byte: it is the log's leaf for ever, and can never be made again."""

import base64
import hashlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.api_keys import CreateApiKey
from ledger.core.books import Books
from ledger.core.chats import Chat
from ledger.core.commands import Command, write
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import Entry, base64url, canonical, commitment, from_base64url, key_digest, read_body
from ledger.core.errors import Malformed
from ledger.core.parties import AliasName, CreateParty
from ledger.core.transfers import Transfer
from tests.core.stories import START, Step, new_books, play, stories

SALT = bytes(range(32))
KEY = key_digest("the key")
JSON_TEXT = st.text(st.characters(codec="utf-8"))


def written(command: Command, books: Books | None = None) -> Entry:
    return write(books or new_books(), command, actor="key_1", key=KEY, salt=SALT, at=START + 1_000_001)


PARTY = CreateParty(
    id="cem",
    party_kind="person",
    name="Cem Özdemir",
    aliases=[AliasName("phone", "+4915112345678")],
    metadata={"tier": "gold"},
)
TRANSFER = Transfer(
    from_="ann",
    to="alias:phone:+4915112345678",
    amount=42,
    currency="EUR",
    memo='"Döner" 🥙',
    chat=Chat(conversation="c/1", message="m\\2"),
    effective_on="2025-12-31",
)
DEPOSIT = MakeDeposit(amount=9_007_199_254_740_000, currency="JPY", rail="sepa", rail_reference="E2E/1")


PARTY_BODY = (
    '{"actor":"key_1","effective_on":"2026-01-01","key":"OgqsRIMuVVKKg0_sc3eGyQ","kind":"party.create","ledger":"test",'
    '"number":8,"posted_at":"2026-01-01T00:00:01.000001Z","request":{'
    '"aliases":"JU9nYXkY5fddJlKAbvAgyDG3kdOKAI22Rq11WkAll0k","id":"cem","kind":"person",'
    '"metadata":"NL4cZj2R9TkcF0IPecB1wJDmp4YWwnZs69qWyX2wbCo","name":"k8-Dv5bQRguMFf7bjZkUqvcIR836DrWgffQ9Y_6tljk"},'
    '"result":{"rows":{"parties":[{"entry":8,"id":"cem","intents":"never","kind":"person","receivable_allowed":false,'
    '"state":"open"}]}},"salt":"AAECAwQFBgcICQoLDA0ODw"}'
)
PARTY_PRIVATE = (
    '{"aliases":[{"channel":"phone","value":"+4915112345678"}],"metadata":{"tier":"gold"},"name":"Cem Özdemir",'
    '"salt":"EBESExQVFhcYGRobHB0eHw"}'
)
TRANSFER_BODY = (
    '{"actor":"key_1","effective_on":"2025-12-31","key":"OgqsRIMuVVKKg0_sc3eGyQ","kind":"transfer","ledger":"test",'
    '"number":9,"posted_at":"2026-01-01T00:00:01.000002Z","postings":[{"amount":42,"credit":"cem/available",'
    '"currency":"EUR","debit":"ann/available"}],"request":{"amount":42,"chat":{"conversation":"c/1",'
    '"message":"m\\\\2"},"currency":"EUR","effective_on":"2025-12-31","from":"ann",'
    '"memo":"OulUbgkP6mbzLSrQt1RxB-gqY_SN2FgqLVp1LgOSX8Y",'
    '"to":"alias:phone:O1EJzpjAdUNFna01fmjFGQRVGp09SUf4FRfnnq9TSTA"},"salt":"AAECAwQFBgcICQoLDA0ODw"}'
)
TRANSFER_PRIVATE = '{"memo":"\\"Döner\\" 🥙","salt":"EBESExQVFhcYGRobHB0eHw","to":"alias:phone:+4915112345678"}'
DEPOSIT_BODY = (
    '{"actor":"key_1","effective_on":"2026-01-01","key":"OgqsRIMuVVKKg0_sc3eGyQ","kind":"deposit","ledger":"test",'
    '"number":8,"posted_at":"2026-01-01T00:00:01.000001Z","postings":[{"amount":9007199254740000,'
    '"credit":"platform/suspense","currency":"JPY","debit":"rail:sepa/clearing"}],"request":{'
    '"amount":9007199254740000,"currency":"JPY","rail":"sepa","rail_reference":"E2E/1"},'
    '"result":{"rows":{"deposits":[{"amount":9007199254740000,"currency":"JPY","entry":8,"rail":"sepa",'
    '"rail_reference":"E2E/1","reason":"unassigned","state":"suspense","surplus":0}],"suspense_items":[{'
    '"amount":9007199254740000,"arrived_on":"2026-01-01","currency":"JPY","entry":8,"rail":"sepa",'
    '"reason":"unassigned","remaining":9007199254740000,"state":"open"}]}},"salt":"AAECAwQFBgcICQoLDA0ODw"}'
)


@pytest.mark.parametrize(
    ("command", "body", "private"),
    [
        pytest.param(PARTY, PARTY_BODY, PARTY_PRIVATE, id="a party with a name, an alias and metadata"),
        pytest.param(TRANSFER, TRANSFER_BODY, TRANSFER_PRIVATE, id="a transfer to an alias, with a memo"),
        pytest.param(DEPOSIT, DEPOSIT_BODY, None, id="a deposit that goes to suspense"),
    ],
)
def test_the_same_facts_make_the_same_bytes_for_ever(command: Command, body: str, private: str | None) -> None:
    books = new_books()
    if command is TRANSFER:
        written(PARTY, books)
    entry = written(command, books)
    assert body == entry.body.decode()
    assert private == entry.private


def test_a_leaf_is_the_sha256_of_a_zero_byte_and_the_body() -> None:
    entry = written(DEPOSIT)
    assert hashlib.sha256(b"\x00" + DEPOSIT_BODY.encode()).digest() == entry.leaf
    assert "38a1c82e37b9d1550a5f2a6191693b136a69ee8eec6c3c835030eca04f2d6e57" == entry.leaf.hex()


@given(stories)
def test_a_body_is_canonical_json_with_sorted_keys_and_no_spaces(story: list[Step]) -> None:
    for entry in play(new_books(), story):
        plain = json.dumps(json.loads(entry.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert plain.encode() == entry.body


@given(JSON_TEXT, st.integers(-(2**53) + 1, 2**53 - 1))
def test_canonical_json_writes_text_and_numbers_as_rfc_8785_does(text: str, number: int) -> None:
    escaped = json.dumps(text, ensure_ascii=False)
    assert f'{{"a":{number},"b":{escaped},"c":[true,null]}}'.encode() == canonical(
        {"c": [True, None], "b": text, "a": number}
    )


@given(stories)
def test_a_body_read_back_says_what_the_entry_is(story: list[Step]) -> None:
    for entry in play(new_books(), story):
        body = read_body(entry.body)
        assert (entry.number, entry.kind, entry.effective_on) == (
            body.number,
            body.kind,
            date.fromisoformat(body.effective_on),
        )
        assert [(p.debit.path, p.credit.path, p.amount, p.debit.currency) for p in entry.postings] == [
            (p.debit, p.credit, p.amount, p.currency) for p in body.postings
        ]
        assert entry.result == body.result


@given(stories)
def test_balances_are_never_in_a_body(story: list[Step]) -> None:
    for entry in play(new_books(), story):
        for posting in json.loads(entry.body).get("postings", []):
            assert {"debit", "credit", "amount", "currency"} == posting.keys()


def commitments(entry: Entry) -> dict[str, tuple[str, Any]]:
    """By field: the commitment in the body, and the clear text in the private part."""
    request = json.loads(entry.body)["request"]
    private = json.loads(entry.private or "{}")
    private.pop("salt", None)
    return {name: (request[name], text) for name, text in private.items()}


@given(stories)
def test_whoever_has_the_private_part_can_verify_each_commitment(story: list[Step]) -> None:
    for entry in play(new_books(), story):
        salt = from_base64url(json.loads(entry.private)["salt"]) if entry.private else b""
        for committed, clear in commitments(entry).values():
            text = clear if isinstance(clear, str) else canonical(clear).decode()
            prefix = ""
            if text.startswith("alias:"):
                _, channel, text = text.split(":", 2)
                prefix = f"alias:{channel}:"
            digest = hashlib.sha256(salt + text.encode()).digest()
            assert prefix + base64.urlsafe_b64encode(digest).decode().rstrip("=") == committed


def test_no_private_text_stands_in_the_body() -> None:
    books = new_books()
    bodies = written(PARTY, books).body + written(TRANSFER, books).body
    for text in ("Özdemir", "15112345678", "gold", "tier", "Döner"):
        assert text.encode() not in bodies


def test_an_entry_without_private_texts_has_no_private_part() -> None:
    assert written(DEPOSIT).private is None


def test_the_leafs_salt_is_another_one_than_the_commitments() -> None:
    entry = written(PARTY)
    assert base64url(SALT[:16]) == json.loads(entry.body)["salt"]
    assert base64url(SALT[16:]) == json.loads(entry.private or "")["salt"]


def test_the_same_text_is_committed_to_differently_under_another_salt() -> None:
    assert commitment(SALT[:16], "hello") != commitment(SALT[16:], "hello")


def test_an_entry_of_more_than_65535_bytes_is_refused_and_leaves_nothing() -> None:
    books = new_books()
    before = books.savepoint()
    with pytest.raises(Malformed, match="65535 are the most") as refused:
        written(CreateApiKey(name="k", digest=base64url(SALT), scopes=["entries:read"] * 5_000), books)
    assert "entry_too_large" == refused.value.code
    assert before == books.savepoint()
    assert not books.api_keys


@given(st.binary(max_size=40))
def test_base64url_is_unpadded_and_reads_back(data: bytes) -> None:
    assert base64.urlsafe_b64encode(data).decode().rstrip("=") == base64url(data)
    assert data == from_base64url(base64url(data))


def test_a_key_is_kept_as_the_first_half_of_its_sha256() -> None:
    assert hashlib.sha256(b"the key").digest()[:16] == key_digest("the key")
