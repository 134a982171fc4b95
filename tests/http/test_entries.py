"""The feed of entries: every one once, in order, and worth waiting for."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ledger.books import feed
from tests.harness import PREPARED_ENTRIES, Client, Database, new_key, serve
from tests.http.teller import read

FEED = "/v1/entries"


@pytest.fixture(scope="module")
def payer(client: Client) -> str:
    """Who pays in these tests; with a few entries behind it."""
    return client.funded(1_000_000)


def head(client: Client) -> int:
    return int(read(client, FEED, after=0, limit=1)["head"])


def later(seconds: float, do: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(seconds, do)
    timer.start()
    return timer


@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_the_feed_has_every_entry_once_and_in_order(client: Client, payer: str, limit: int) -> None:
    numbers: list[int] = []
    after, last = 0, head(client)
    while after < last:
        page = read(client, FEED, after=after, limit=limit)
        numbers += [entry["number"] for entry in page["entries"]]
        assert limit >= len(page["entries"])
        after = page["next_after"]
    assert list(range(1, last + 1)) == numbers


def test_an_entry_tells_what_was_asked_and_where_the_money_went(client: Client, payer: str) -> None:
    payee, key = client.party(), "the-key"
    body = {
        "from": payer,
        "to": payee,
        "amount": 300,
        "currency": "EUR",
        "chat": {"conversation": "c1", "message": "m1"},
    }
    made = client.post("/v1/transfers", body, key=key).json()
    entry = read(client, f"{FEED}/{made['entry']}")
    expected = {
        "number": made["entry"],
        "kind": "transfer",
        "posted_at": made["posted_at"],
        "effective_on": made["effective_on"],
        "resource": {"type": "transfer", "id": made["id"]},
        "actor": "key_1",
        "request_key_digest": "rUTcjlHPv6Vegd27YmtGYg",  # SHA-256 of the-key, its first 16 bytes
        "postings": [{"debit": f"{payer}/available", "credit": f"{payee}/available", "amount": 300, "currency": "EUR"}],
        "request": body,
        "result": None,
    }
    assert expected == entry
    assert [entry] == read(client, FEED, after=made["entry"] - 1, limit=1)["entries"]


def test_an_entrys_resource_is_the_thing_that_its_answer_names(client: Client, payer: str) -> None:
    party = client.party()
    deposit = client.deposit(payer, 5)
    answers = [
        ("deposit", deposit),
        ("deposit_return", client.post(f"/v1/deposits/{deposit['id']}/return", {"reason": "recalled"}).json()),
        ("transfer", client.transfer(payer, party, 1)),
        ("party", client.post(f"/v1/parties/{party}/freeze", {"mode": "all"}).json()),
        ("party", client.post(f"/v1/parties/{party}/unfreeze").json()),
        ("bank", client.post("/v1/banks", {"id": "b2", "currency": "EUR", "purpose": "own"}).json()),
        ("rail", client.post("/v1/rails", {"id": "r2", "settles_to": "b2"}).json()),
    ]
    for noun, answer in answers:
        assert {"type": noun, "id": answer["id"]} == read(client, f"{FEED}/{answer['entry']}")["resource"]


def test_an_entry_that_makes_nothing_is_about_the_noun_it_changes(client: Client) -> None:
    party = client.party()
    added = client.post(f"/v1/parties/{party}/aliases", {"channel": "tg", "value": "tim"}).json()
    removed = client.delete(f"/v1/parties/{party}/aliases/tg/tim").json()
    closed = client.post(f"/v1/parties/{party}/close").json()
    for answer in (added, removed, closed):
        assert {"type": "party", "id": party} == read(client, f"{FEED}/{answer['entry']}")["resource"]
    prepared = [entry["resource"] for entry in read(client, FEED, limit=PREPARED_ENTRIES)["entries"]]
    assert {"type": "api_key", "id": "key_1"} == prepared[0]
    assert {"type": "ledger", "id": "test"} == prepared[1]


def test_private_texts_stand_in_the_feed_as_commitments_only(client: Client, payer: str) -> None:
    phone = f"+49151{time.monotonic_ns() % 10**8:08}"
    payee = client.party(
        name="Ms Private", aliases=[{"channel": "phone", "value": phone}], metadata={"note": "Private"}
    )
    made = client.transfer(payer, f"alias:phone:{phone}", 1, memo="Private memo", metadata={"note": "Private"})
    text = client.get(FEED, after=made["entry"] - 2).text
    assert payee in text
    assert "Private" not in text
    assert phone not in text


def test_a_filter_shows_one_kind_and_moves_past_the_others(client: Client, payer: str) -> None:
    made = client.transfer(payer, client.party(), 1)
    client.party()
    page = read(client, FEED, kind="transfer", after=made["entry"] - 2)
    assert [made["entry"]] == [entry["number"] for entry in page["entries"]]
    assert page["next_after"] == page["head"] == made["entry"] + 1


def test_a_page_looks_at_so_many_entries_however_few_it_finds(
    client: Client, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SCANNED_MAX", 2)
    _, _, _, payee = (client.party() for _ in range(4))
    made = client.transfer(payer, payee, 1)
    pages = [read(client, FEED, kind="transfer", after=made["entry"] - 1 - back, wait=5) for back in (3, 2, 1)]
    assert [0, 0, 1] == [len(page["entries"]) for page in pages]
    assert [made["entry"] - 2, made["entry"] - 1, made["entry"]] == [page["next_after"] for page in pages]


def test_a_page_of_large_entries_ends_early_but_never_empty(
    client: Client, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE_BYTES_MAX", 1)
    page = read(client, FEED, after=0, limit=100)
    assert ([1], 1) == ([entry["number"] for entry in page["entries"]], page["next_after"])


def test_whoever_waits_is_answered_as_soon_as_an_entry_is_there(client: Client, payer: str) -> None:
    payee, after = client.party(), head(client)
    started = time.monotonic()
    timer = later(0.3, lambda: client.transfer(payer, payee, 7))
    page = read(client, FEED, after=after, wait=20)
    timer.join()
    assert [7] == [entry["postings"][0]["amount"] for entry in page["entries"]]
    assert 0.25 < time.monotonic() - started < 5


def test_whoever_waits_hears_of_another_processs_entries_too(client: Client, payer: str, database: Database) -> None:
    payee, after, started = client.party(), head(client), time.monotonic()
    with serve(database) as another:
        elsewhere = Client(another.base, database.token)
        timer = later(0.3, lambda: elsewhere.transfer(payer, payee, 8))
        page = read(client, FEED, after=after, wait=20)
        timer.join()
        elsewhere.close()
    assert time.monotonic() - started < 10
    assert [8] == [entry["postings"][0]["amount"] for entry in page["entries"]]


def test_whoever_waits_for_one_kind_is_not_answered_for_another(client: Client, payer: str) -> None:
    payee, after = client.party(), head(client)
    others = later(0.2, client.party)
    wanted = later(0.6, lambda: client.transfer(payer, payee, 9))
    page = read(client, FEED, after=after, wait=20, kind="transfer")
    for timer in (others, wanted):
        timer.join()
    assert [9] == [entry["postings"][0]["amount"] for entry in page["entries"]]


def test_waiting_in_vain_ends_with_an_empty_page(client: Client, payer: str) -> None:
    after, started = head(client), time.monotonic()
    assert {"entries": [], "next_after": after, "head": after} == read(client, FEED, after=after, wait=1)
    assert 0.9 < time.monotonic() - started < 10


def test_a_feed_never_sends_its_reader_back(client: Client, payer: str) -> None:
    page = read(client, FEED, after=2**53 - 1)
    assert ([], 2**53 - 1) == (page["entries"], page["next_after"])


@pytest.mark.parametrize(
    "query",
    [
        {"after": "-1"},
        {"after": str(2**63)},
        {"after": "x"},
        {"limit": "0"},
        {"limit": "10001"},
        {"wait": "31"},
        {"wait": "-1"},
        {"kind": "gift"},
        {"kind": ""},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client: Client, query: dict[str, str]) -> None:
    response = client.get(FEED, **query)
    assert (422, "field_invalid") == (response.status_code, response.json()["code"])
    assert f"/{next(iter(query))}" == response.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("number", ["0", "-1", "01", "1000000", str(2**63), "9" * 40, "one", "1.0", "%D9%A1"])
def test_an_entry_that_is_none_is_not_found(client: Client, number: str) -> None:
    response = client.get(f"{FEED}/{number}")
    assert (404, "not_found") == (response.status_code, response.json()["code"])


def test_a_replay_makes_no_second_entry(client: Client, payer: str) -> None:
    key, body = new_key(), {"from": payer, "to": client.party(), "amount": 1, "currency": "EUR"}
    made = [client.post("/v1/transfers", body, key=key).json()["entry"] for _ in range(2)]
    page = read(client, FEED, after=made[0] - 1)
    assert ([made[0]], made[0]) == ([entry["number"] for entry in page["entries"]], made[1])


@pytest.mark.parametrize("limit", ["1.0", "1e1", "+1", "0x1", "%D9%A1", "true", ""])
def test_a_limit_that_is_no_whole_number_is_refused(client: Client, limit: str) -> None:
    answer = client.http.get(f"/v1/entries?limit={limit}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "field_invalid"
