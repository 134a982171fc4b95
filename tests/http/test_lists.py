"""Lists of transfers, deposits and parties on the real service: filtered, paged, the newest first."""

import time

import pytest

from ledger.books import transfers as kept
from tests.harness import NOTHING_SINCE, Client, new_key
from tests.http.teller import all_pages, ids
from tests.http.wire import pointers, problem_of


def test_a_partys_transfers_are_those_on_either_side_the_newest_first(client: Client) -> None:
    ann, bob, cem = client.funded(1000), client.funded(1000), client.party()
    made = [
        client.transfer(*pair)["id"]
        for pair in ((ann, bob, 10), (bob, ann, 10), (ann, cem, 10), (bob, cem, 10), (ann, bob, 10))
    ]
    assert [made[4], made[2], made[1], made[0]] == ids(client.get("/v1/transfers", party=ann))
    assert [made[3], made[2]] == ids(client.get("/v1/transfers", party=cem))
    assert [] == ids(client.get("/v1/transfers", party=client.party()))
    assert [] == ids(client.get("/v1/transfers", party="nobody-at-all"))
    newest = client.get("/v1/transfers", limit=3)
    assert [made[4], made[3], made[2]] == ids(newest)
    assert newest.json()["next_cursor"] is not None


def test_a_list_shows_a_transfer_as_it_shows_it_alone(client: Client) -> None:
    ann, bob = client.funded(1000), client.party()
    made = client.transfer(ann, bob, 10, memo="lunch", metadata={"a": "b"}, chat={"conversation": f"c-{ann}"})
    assert [made | NOTHING_SINCE] == client.get("/v1/transfers", party=bob).json()["data"]
    assert made | NOTHING_SINCE == client.get(f"/v1/transfers/{made['id']}").json()


def test_pages_of_transfers_come_to_all_of_them_in_every_currency(client: Client) -> None:
    ann, bob = client.funded(1000), client.party()
    client.deposit(ann, 1000, "JPY")
    made = [client.transfer(ann, bob, 1, ("EUR", "JPY")[number % 2])["id"] for number in range(9)]
    for limit in (1, 2, 4, 9, 50):
        assert made[::-1] == all_pages(client, "/v1/transfers", party=ann, limit=limit)
        assert made[::-1] == all_pages(client, "/v1/transfers", party=bob, limit=limit)


def test_transfers_that_come_while_pages_are_read_do_not_shift_them(client: Client) -> None:
    ann, bob = client.funded(1000), client.party()
    made = [client.transfer(ann, bob, 1)["id"] for _ in range(4)]
    page = client.get("/v1/transfers", party=ann, limit=2)
    client.transfer(ann, bob, 1)
    assert made[1::-1] == ids(client.get("/v1/transfers", cursor=page.json()["next_cursor"]))


def test_a_conversations_transfers_are_found_and_nothing_else_of_it(client: Client) -> None:
    ann, bob, cem = client.funded(1000), client.party(), client.party()
    chat = {"conversation": f"c-{ann}"}
    made = [client.transfer(ann, payee, 1, chat=chat)["id"] for payee in (bob, cem, bob)]
    client.transfer(ann, bob, 1, chat={"conversation": f"d-{ann}"})
    hold = {"from": ann, "to": bob, "amount": 1, "currency": "EUR", "chat": chat}
    assert 201 == client.post("/v1/holds", hold).status_code
    assert made[::-1] == all_pages(client, "/v1/transfers", chat=chat["conversation"], limit=2)
    assert [made[1]] == ids(client.get("/v1/transfers", chat=chat["conversation"], party=cem))
    assert made[::-1] == ids(client.get("/v1/transfers", chat=chat["conversation"], party=ann))


def test_transfers_of_a_period_are_those_posted_in_it(client: Client) -> None:
    ann, bob = client.funded(1000), client.party()
    made = [client.transfer(ann, bob, 1) for _ in range(4)]
    since, until = made[1]["posted_at"], made[3]["posted_at"]
    inside = [made[2]["id"], made[1]["id"]]
    assert inside == ids(client.get("/v1/transfers", party=ann, since=since, until=until))
    assert inside == all_pages(client, "/v1/transfers", since=since, until=until, limit=1)
    assert [made[3]["id"]] == ids(client.get("/v1/transfers", party=bob, since=until))


def test_what_else_moves_a_partys_money_is_no_transfer(client: Client) -> None:
    ann, shop = client.funded(1000), client.party(kind="merchant")
    hold = client.post("/v1/holds", {"from": ann, "to": shop, "amount": 5, "currency": "EUR"}).json()
    client.post(f"/v1/holds/{hold['id']}/capture", {})
    assert [] == ids(client.get("/v1/transfers", party=ann))
    entry = hold["entry"]
    assert (404, "not_found") == problem_of(client.get(f"/v1/transfers/transfer_{entry}"))


def test_among_many_other_entries_pages_are_short_and_still_come_to_all(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = client.funded(1000), client.party()
    made = []
    for number in range(24):
        if number % 8 == 3:
            made.append(client.transfer(ann, bob, 1)["id"])
        client.deposit(ann, 1)
    monkeypatch.setattr(kept, "LOOKED_AT_MAX", 5)
    first = client.get("/v1/transfers", party=ann, limit=3)
    assert [] == ids(first)
    assert first.json()["next_cursor"] is not None
    for limit in (1, 2, 50):
        assert made[::-1] == all_pages(client, "/v1/transfers", party=ann, limit=limit)
        assert made[::-1] == all_pages(client, "/v1/transfers", party=bob, limit=limit)
    everything = all_pages(client, "/v1/transfers", limit=4)
    assert made[::-1] == everything[:3]
    assert len(everything) == len(set(everything))


def test_deposits_are_listed_by_party_state_and_reference(client: Client) -> None:
    ann, reference = client.party(), new_key()
    first = client.deposit(ann, 10)
    second = client.deposit(ann, 20, rail_reference=reference)
    lost = client.deposit(f"{ann}-unknown", 30)
    client.post(f"/v1/deposits/{first['id']}/return", {"reason": "recalled"})
    assert [second["id"], first["id"]] == ids(client.get("/v1/deposits", party=ann))
    assert [first["id"]] == ids(client.get("/v1/deposits", party=ann, state="returned"))
    assert [second] == client.get("/v1/deposits", rail_reference=reference).json()["data"]
    assert [lost["id"]] == ids(client.get("/v1/deposits", state="suspense", limit=1))
    assert [lost["id"], second["id"], first["id"]] == ids(client.get("/v1/deposits", since=first["posted_at"]))
    assert [first["id"]] == ids(
        client.get("/v1/deposits", since=first["posted_at"], until=second["posted_at"], party=ann)
    )
    shown = client.get(f"/v1/deposits/{first['id']}").json()
    assert first | {"state": "returned"} == shown


def test_parties_are_listed_with_their_aliases_and_balances(client: Client) -> None:
    phone = f"+49{int(time.time() * 1000) % 10**12:012d}"
    ann = client.funded(1000, name="Ann", metadata={"a": "b"}, aliases=[{"channel": "phone", "value": phone}])
    client.deposit(ann, 7, "JPY")
    bob = client.party(kind="merchant")
    page = client.get("/v1/parties", limit=2)
    assert [client.get(f"/v1/parties/{each}").json() for each in (bob, ann)] == page.json()["data"]
    shown = page.json()["data"][1]
    assert ("Ann", [{"channel": "phone", "value": phone}]) == (shown["name"], shown["aliases"])
    assert {"EUR": 1000, "JPY": 7} == {each["currency"]: each["available"] for each in shown["balances"]}


def test_parties_are_listed_by_state_and_by_when_they_were_registered(client: Client) -> None:
    made = [client.party() for _ in range(5)]
    client.post(f"/v1/parties/{made[1]}/freeze", {"mode": "all"})
    client.post(f"/v1/parties/{made[3]}/freeze", {"mode": "all"})
    assert [made[3], made[1]] == ids(client.get("/v1/parties", state="frozen"))
    entries = [client.get(f"/v1/parties/{each}").json()["entry"] for each in made]
    times = [client.get(f"/v1/entries/{entry}").json()["posted_at"] for entry in entries]
    assert made[3:0:-1] == ids(client.get("/v1/parties", since=times[1], until=times[4]))
    assert [made[4], made[2]] == all_pages(client, "/v1/parties", state="open", since=times[1], limit=1)
    everybody = all_pages(client, "/v1/parties", limit=3)
    assert made[::-1] == everybody[:5]
    assert len(everybody) == len(set(everybody))


@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/deposits", "/v1/parties"])
def test_what_a_list_cannot_be_asked_is_named(client: Client, path: str) -> None:
    for query, code, pointer in (
        ({"since": "yesterday"}, "timestamp_invalid", "/since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "field_invalid", "/until"),
        ({"limit": 501}, "field_invalid", "/limit"),
        ({"cursor": "AAAA"}, "cursor_invalid", "/cursor"),
        ({"colour": "red"}, "field_unknown", "/colour"),
    ):
        refused = client.get(path, **query)
        assert (422, code) == problem_of(refused)
        assert [pointer] == pointers(refused)


def test_a_cursor_is_for_the_filters_it_was_made_for(client: Client) -> None:
    ann, bob = client.funded(1000), client.party()
    for _ in range(3):
        client.transfer(ann, bob, 1)
    cursor = client.get("/v1/transfers", party=ann, limit=1).json()["next_cursor"]
    assert 200 == client.get("/v1/transfers", party=ann, cursor=cursor).status_code
    assert (422, "cursor_invalid") == problem_of(client.get("/v1/transfers", party=bob, cursor=cursor))
    assert (422, "cursor_invalid") == problem_of(client.get("/v1/parties", cursor=cursor))
