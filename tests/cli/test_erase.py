"""`chatledger erase`: what people may ask to have erased is gone, and nothing else."""

import io
import sys
import time

import pytest

from tests.cli.conftest import Run, ask
from tests.harness import NOTHING_SINCE, Client, Database, Superuser, new_key


def privates(url: str) -> list[int]:
    with Superuser(url) as superuser:
        return [row["number"] for row in superuser.rows("SELECT number FROM entries WHERE private IS NOT NULL")]


def test_erasing_an_entry_empties_its_private_part_and_nothing_else(
    chatledger: Run, client: Client, database: Database
) -> None:
    transfer = client.transfer(client.funded(100), client.party(), 40, memo="between us")
    before = ask(database.url, f"SELECT body FROM entries WHERE number = {transfer['entry']}")
    said = chatledger("erase", "--ledger", "test", "--yes", str(transfer["entry"]), url=database.url)
    assert ["Emptied: 1 entry, 0 refused requests.", "Backups made before still have what was there."] == (
        said.out.splitlines()
    )
    assert transfer | NOTHING_SINCE | {"memo": None} == client.get(f"/v1/transfers/{transfer['id']}").json()
    assert before == ask(database.url, f"SELECT body FROM entries WHERE number = {transfer['entry']}")
    assert "Emptied: 0 entries" in chatledger("erase", "--ledger", "test", "--yes", "1", url=database.url).out


def test_erasing_asks_whether_it_should(
    chatledger: Run, client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = client.transfer(client.funded(100), client.party(), 40, memo="between us")["entry"]
    for answer, is_kept in (("n\n", True), ("y\n", False)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        said = chatledger("erase", "--ledger", "test", str(entry), url=database.url)
        assert [int(is_kept), is_kept] == [said.status, "Nothing was erased." in said.err]
        assert "This empties the private part of 1 entry for good. Go on? [y/N]" in said.err
        assert is_kept == (entry in privates(database.url))


def test_erasing_a_party_empties_all_that_is_about_it_and_nothing_of_others(
    chatledger: Run, client: Client, database: Database
) -> None:
    others = client.funded(1000, name="Somebody", aliases=[{"channel": "phone", "value": "+4915100000001"}])
    kept = set(privates(database.url))
    phone = {"channel": "phone", "value": "+4915100000002"}
    # Before she has the number, money comes for it, and somebody asks to pay it.
    client.deposit("alias:phone:+4915100000002", 5, memo="for whom?")
    early = new_key()
    client.post(
        "/v1/transfers", {"from": others, "to": "alias:phone:+4915100000002", "amount": 1, "currency": "EUR"}, early
    )
    carol = client.party("carol", name="Carol", aliases=[phone], metadata={"card": "gold one"})
    client.deposit(carol, 100, memo="salary")
    client.transfer(others, "alias:phone:+4915100000002", 7, memo="for you")
    client.transfer(carol, others, 7, memo="thanks")
    client.post(f"/v1/parties/{carol}/freeze", {"mode": "debits", "reason": "lost her phone"})
    refused = new_key()
    body = {"from": carol, "to": others, "amount": 1, "currency": "EUR", "memo": "secret"}
    answer = client.post("/v1/transfers", body, refused).json()

    said = chatledger("erase", "--ledger", "test", "--party", carol, "--yes", url=database.url)
    assert "carol still has 1 alias (phone)" in said.err
    assert "Emptied: 6 entries, 2 refused requests." == said.out.splitlines()[0]
    client.delete(f"/v1/parties/{carol}/aliases/phone/+4915100000002")
    again = chatledger("erase", "--ledger", "test", "--party", carol, "--yes", url=database.url)
    assert ["", "Emptied: 1 entry, 0 refused requests."] == [again.err, again.out.splitlines()[0]]

    assert kept == set(privates(database.url))
    tables = ("entries", "refusals", "aliases", "deposits", "suspense_items", "parties")
    everything = "".join(f" || (SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t)" for table in tables)
    remains = str(ask(database.url, f"SELECT ''{everything}"))
    assert [] == [
        text for text in ("Carol", "gold one", "salary", "0000002", "secret", "phone)") if text in str(remains)
    ]
    # Under its key the refusal is still a refusal, though what was wrong is no longer told.
    replayed = client.post("/v1/transfers", body, refused)
    assert ["true", answer["code"], answer["instance"]] == [
        replayed.headers["idempotency-replayed"],
        replayed.json()["code"],
        replayed.json()["instance"],
    ]


def test_erasing_a_party_empties_refused_splits_that_name_it_among_their_shares(
    chatledger: Run, client: Client, database: Database
) -> None:
    alice = client.party(name="Alice")
    bob = client.party(name="Bob", aliases=[{"channel": "phone", "value": "+4915100000003"}])
    for payers in ([bob, "nobody-here"], ["alias:phone:+4915100000003", "nobody-here"], ["nobody-here"]):
        shares = [{"payer": payer} for payer in payers]
        body = {"payee": alice, "currency": "EUR", "total": 9, "memo": "SECRET", "shares": shares}
        assert 404 == client.post("/v1/splits", body).status_code
    said = chatledger("erase", "--ledger", "test", "--party", bob, "--yes", url=database.url)
    assert "Emptied: 1 entry, 2 refused requests." == said.out.splitlines()[0]
    kept = ask(database.url, "SELECT string_agg(private, '') FROM refusals WHERE kind = 'split.create'")
    assert [1, 0, False, False] == [
        ask(database.url, "SELECT count(*) FROM refusals WHERE kind = 'split.create' AND private IS NOT NULL"),
        str(kept).count("SECRET"),
        bob in str(kept),
        "+4915100000003" in str(kept),
    ]


def test_erasing_a_party_empties_what_was_refused_for_its_aliases(
    chatledger: Run, client: Client, database: Database
) -> None:
    phone = {"channel": "phone", "value": "+4915100000009"}
    alice, bob = client.party(aliases=[phone]), client.party()
    for path, body in ((f"/v1/parties/{bob}/aliases", phone), ("/v1/parties", {"kind": "person", "aliases": [phone]})):
        answer = client.post(path, body | ({} if "channel" in body else {"id": "carl"}))
        assert (409, "already_exists") == (answer.status_code, answer.json()["code"])
    said = chatledger("erase", "--ledger", "test", "--party", alice, "--yes", url=database.url)
    assert "Emptied: 1 entry, 2 refused requests." == said.out.splitlines()[0]
    assert not ask(database.url, "SELECT count(*) FROM refusals r WHERE r::text LIKE '%4915100000009%'")


def test_what_a_transfer_waits_for_is_kept_until_it_was_claimed_or_went_back(
    chatledger: Run, client: Client, database: Database
) -> None:
    alias = {"channel": "phone", "value": "+4915100000004"}
    giver = client.funded(100, name="Dora")
    made = client.transfer(giver, "alias:phone:+4915100000004", 40, memo="for your cat", if_unknown="hold_for_claim")
    said = chatledger("erase", "--ledger", "test", "--party", giver, "--yes", url=database.url)
    assert f"{made['id']} waits to be claimed until {made['expires_at']}" in said.err
    assert made | NOTHING_SINCE == client.get(f"/v1/transfers/{made['id']}").json()
    by_number = chatledger("erase", "--ledger", "test", "--yes", str(made["entry"]), url=database.url)
    assert [f"{made['id']} waits" in by_number.err, "Emptied: 0 entries"] == [True, by_number.out[:18]]

    claimer = client.party(aliases=[alias])
    ends = time.monotonic() + 5
    while (now := client.get(f"/v1/transfers/{made['id']}").json())["to"] != claimer and time.monotonic() < ends:
        time.sleep(0.05)
    assert claimer == now["to"]
    again = chatledger("erase", "--ledger", "test", "--party", giver, "--yes", url=database.url)
    assert ["", "Emptied: 1 entry, 0 refused requests."] == [again.err, again.out.splitlines()[0]]
    assert None is client.get(f"/v1/transfers/{made['id']}").json()["memo"]
