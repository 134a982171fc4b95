"""Splits on the real service: a bill is split, paid share by share, waived in parts, cancelled; shown and listed."""

# long: the walk of a split, its races and its lists are one noun's.

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, get_args

import pytest

from ledger.books.checks import run_checks
from ledger.core.entries import row_of, rows_of
from ledger.core.rows import PaymentRequest, Split, moment
from ledger.core.splits import Share
from ledger.http import splits
from ledger.http.listing import Read
from ledger.http.splits import SplitState
from tests.core.stories import do
from tests.core.test_splits import DEADLINE, OVER, group
from tests.core.test_splits import split as asked
from tests.harness import Client, Superuser, new_key
from tests.http.test_holds import soon
from tests.http.test_vocabulary import in_openapi, in_postgres
from tests.http.wire import pointers, problem_of

RACES = 10


def divide(client: Client, payee: str, total: int, shares: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    body = {"payee": payee, "currency": "EUR", "total": total, "shares": shares}
    answer = client.post("/v1/splits", body | fields)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def of(*payers: str) -> list[dict[str, Any]]:
    return [{"payer": payer} for payer in payers]


def shown(client: Client, split: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/v1/splits/{split['id']}").json()
    return answer


def states(split: dict[str, Any]) -> list[str]:
    return [*(share["state"] for share in split["shares"]), split["state"]]


def act(client: Client, share: dict[str, Any], action: str) -> Any:
    return client.post(f"/v1/payment-requests/{share['request']}/{action}", {})


def sound(superuser: Superuser) -> bool:
    return [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_bill_is_split_equally_and_settled_by_the_last_share(client: Client, superuser: Superuser) -> None:
    host, bob, cem = client.party(), client.funded(1000), client.funded(1000)
    chat = {"conversation": f"c-{host}", "message": None}
    split = divide(client, host, 1000, of(host, bob, cem), memo="Pizza", chat=chat)
    number = split["entry"]
    assert {
        "id": f"split_{number}",
        "payee": host,
        "currency": "EUR",
        "total": 1000,
        "state": "open",
        "shares": [
            {"payer": host, "amount": 334, "request": f"payment_request_{number}_1", "state": "paid"},
            {"payer": bob, "amount": 333, "request": f"payment_request_{number}_2", "state": "open"},
            {"payer": cem, "amount": 333, "request": f"payment_request_{number}_3", "state": "open"},
        ],
        "expires_at": None,
        "memo": "Pizza",
        "chat": chat,
    } == {name: value for name, value in split.items() if name not in ("entry", "posted_at")}
    assert split == shown(client, split)
    own, first, last = split["shares"]
    share = client.get(f"/v1/payment-requests/{first['request']}").json()
    assert (split["id"], "Pizza", chat, 333) == tuple(share[name] for name in ("split", "memo", "chat", "amount"))
    assert (409, "request_not_open") == problem_of(act(client, own, "pay"))
    assert 201 == act(client, first, "pay").status_code
    assert ["paid", "paid", "open", "open"] == states(shown(client, split))
    assert 201 == act(client, last, "pay").status_code
    assert ["paid", "paid", "paid", "settled"] == states(shown(client, split))
    assert (666, 667, 667) == tuple(map(client.available, (host, bob, cem)))
    assert sound(superuser)


def test_shares_go_by_weight_or_by_amount(client: Client) -> None:
    host, bob, cem = client.party(), client.party(), client.party()
    client.post(f"/v1/parties/{bob}/aliases", {"channel": "app", "value": bob})
    weighted = divide(client, host, 100, [{"payer": f"alias:app:{bob}", "weight": 1}, {"payer": cem, "weight": 2}])
    assert [(bob, 33), (cem, 67)] == [(share["payer"], share["amount"]) for share in weighted["shares"]]
    named = divide(client, host, 100, [{"payer": bob, "amount": 1}, {"payer": cem, "amount": 99}])
    assert [1, 99] == [share["amount"] for share in named["shares"]]


@pytest.mark.parametrize(
    ("total", "shares", "code", "pointer"),
    [
        (100, [{"payer": "bob", "amount": 1}, {"payer": "cem", "amount": 98}], "amount_invalid", "/total"),
        (100, [{"payer": "bob", "amount": 1}, {"payer": "cem", "weight": 1}], "field_invalid", "/shares"),
        (100, [{"payer": "bob", "weight": 0}], "field_invalid", "/shares/0/weight"),
        (100, [{"payer": "bob"}, {"payer": "bob"}], "field_invalid", "/shares/1/payer"),
        (1, [{"payer": "bob"}, {"payer": "cem"}], "amount_invalid", "/total"),
        (100, [], "field_invalid", "/shares"),
        (101, [{"payer": f"p{n}"} for n in range(101)], "field_invalid", "/shares"),
        (0, [{"payer": "bob"}], "amount_invalid", "/total"),
    ],
)
def test_shares_that_are_not_the_total_are_refused_and_the_field_is_named(
    client: Client, total: int, shares: list[dict[str, Any]], code: str, pointer: str
) -> None:
    body = {"payee": "host", "currency": "EUR", "total": total, "shares": shares}
    refused = client.post("/v1/splits", body)
    assert (422, code) == problem_of(refused)
    assert [pointer] == pointers(refused)


def test_whoever_is_not_there_and_a_split_with_oneself_are_refused(client: Client) -> None:
    host = client.party()
    body = {"payee": host, "currency": "EUR", "total": 10, "shares": of(host)}
    assert (422, "same_party") == problem_of(client.post("/v1/splits", body))
    assert (404, "party_unknown") == problem_of(client.post("/v1/splits", body | {"shares": of("nobody")}))


def test_a_share_is_waived_whether_it_is_open_or_declined(client: Client, superuser: Superuser) -> None:
    host, bob, cem, dag = client.party(), client.funded(100), client.party(), client.party()
    split = divide(client, host, 90, of(bob, cem, dag))
    act(client, split["shares"][1], "decline")
    assert ["open", "declined", "open", "open"] == states(shown(client, split))
    waived = client.post(f"/v1/splits/{split['id']}/shares/{cem}/waive", {})
    assert (200, ["open", "cancelled", "open", "open"]) == (waived.status_code, states(waived.json()))
    body = waived.json()
    after = {name: value for name, value in shown(client, split).items() if name in body} | {"entry": body["entry"]}
    assert after == body
    entry = client.get(f"/v1/entries/{body['entry']}").json()
    assert {"type": "split", "id": split["id"]} == entry["resource"]
    assert (409, "request_not_open") == problem_of(client.post(f"/v1/splits/{split['id']}/shares/{cem}/waive", {}))
    assert (404, "not_found") == problem_of(client.post(f"/v1/splits/{split['id']}/shares/{host}/waive", {}))
    assert 200 == act(client, split["shares"][2], "cancel").status_code
    assert 201 == act(client, split["shares"][0], "pay").status_code
    assert ["paid", "cancelled", "cancelled", "settled"] == states(shown(client, split))
    assert sound(superuser)


def test_a_cancelled_split_keeps_what_is_paid_and_asks_nobody_any_more(client: Client, superuser: Superuser) -> None:
    host, bob, cem, dag = client.party(), client.funded(100), client.party(), client.party()
    split = divide(client, host, 90, of(bob, cem, dag), expires_at=soon(3600))
    act(client, split["shares"][0], "pay")
    act(client, split["shares"][1], "decline")
    cancelled = client.post(f"/v1/splits/{split['id']}/cancel", {})
    assert 200 == cancelled.status_code, cancelled.text
    assert ["paid", "declined", "cancelled", "cancelled"] == states(cancelled.json()) == states(shown(client, split))
    assert split["expires_at"] == cancelled.json()["expires_at"]
    assert (409, "request_not_open") == problem_of(client.post(f"/v1/splits/{split['id']}/cancel", {}))
    assert (409, "request_not_open") == problem_of(act(client, split["shares"][2], "pay"))
    assert 30 == client.available(host)
    assert sound(superuser)


def test_a_split_can_be_cancelled_though_everyone_has_declined(client: Client, superuser: Superuser) -> None:
    host, bob, cem = client.party(), client.party(), client.party()
    split = divide(client, host, 60, of(bob, cem), expires_at=soon(3600))
    for share in split["shares"]:
        act(client, share, "decline")
    cancelled = client.post(f"/v1/splits/{split['id']}/cancel", {})
    assert (200, split["expires_at"]) == (cancelled.status_code, cancelled.json().get("expires_at"))
    assert ["declined", "declined", "cancelled"] == states(cancelled.json()) == states(shown(client, split))
    assert sound(superuser)


def test_shares_read_as_expired_from_their_deadline_on_though_their_rows_say_open() -> None:
    books = group()
    entry = do(books, asked(Share("ann"), Share("cem"), expires_at=DEADLINE))
    row, beside = row_of(entry, Split), {entry.number: rows_of(entry, PaymentRequest)}
    for now, state in ((moment(OVER - 1), "open"), (moment(OVER), "expired")):
        read = Read({entry.number: entry}, now, beside)
        assert ["paid", state] == [share.state for share in splits.show(row, read).shares]


def test_shares_read_as_expired_at_once_and_can_still_be_waived(client: Client, superuser: Superuser) -> None:
    host, bob, cem = client.party(), client.funded(100), client.party()
    split = divide(client, host, 60, of(bob, cem), expires_at=soon(2))
    while "open" in states(shown(client, split))[:-1]:
        time.sleep(0.02)
    over = time.monotonic()
    assert ["expired", "expired", "open"] == states(shown(client, split))
    assert (409, "request_not_open") == problem_of(act(client, split["shares"][0], "pay"))
    waived = client.post(f"/v1/splits/{split['id']}/shares/{bob}/waive", {})
    assert ["cancelled", "expired", "open"] == states(waived.json())
    query = "SELECT state FROM payment_requests WHERE entry = $1 AND n = 2"
    while superuser.value(query, split["entry"]) == "open" and time.monotonic() - over < 5:
        time.sleep(0.05)
    assert "expired" == superuser.value(query, split["entry"])
    client.post(f"/v1/splits/{split['id']}/shares/{cem}/waive", {})
    assert ["cancelled", "cancelled", "settled"] == states(shown(client, split))
    assert sound(superuser)


def test_the_same_key_again_answers_a_split_as_it_was_then(client: Client) -> None:
    host, bob, cem = client.party(), client.funded(100), client.funded(100)
    client.post(f"/v1/parties/{bob}/aliases", {"channel": "app", "value": bob})
    shares = [{"payer": f"alias:app:{bob}", "weight": 1}, {"payer": cem, "weight": 2}]
    body = {"payee": host, "currency": "EUR", "total": 60, "shares": shares, "memo": "Pizza"}
    keys = [new_key() for _ in range(3)]
    first = client.post("/v1/splits", body, keys[0])
    path = f"/v1/splits/{first.json()['id']}"
    waived = client.post(f"{path}/shares/{bob}/waive", {}, keys[1])
    cancelled = client.post(f"{path}/cancel", {}, keys[2])
    for answer, again in (
        (first, client.post("/v1/splits", body, keys[0])),
        (waived, client.post(f"{path}/shares/{bob}/waive", {}, keys[1])),
        (cancelled, client.post(f"{path}/cancel", {}, keys[2])),
    ):
        assert (answer.status_code, answer.content) == (again.status_code, again.content)
        assert "true" == again.headers["Idempotency-Replayed"]
    shares[1]["weight"] = 3
    other = client.post("/v1/splits", body, keys[0])
    assert (422, "idempotency_key_reused") == problem_of(other)
    assert ["/shares"] == pointers(other)


def test_a_dry_run_tells_the_shares_and_writes_nothing(client: Client, superuser: Superuser) -> None:
    host, bob, cem = client.party(), client.funded(100), client.party()
    split = divide(client, host, 60, of(bob, cem))
    before = superuser.head()
    body = {"payee": host, "currency": "EUR", "total": 61, "shares": of(bob, cem)}
    tried = client.post("/v1/splits", body, dry_run=True)
    assert (201, None, None) == (tried.status_code, tried.json()["id"], tried.json()["entry"])
    assert [(31, None), (30, None)] == [(share["amount"], share["request"]) for share in tried.json()["shares"]]
    for path in ("cancel", f"shares/{bob}/waive"):
        tried = client.post(f"/v1/splits/{split['id']}/{path}", {}, dry_run=True)
        assert (200, split["id"], None) == (tried.status_code, tried.json()["id"], tried.json()["entry"])
    assert before == superuser.head()
    assert split == shown(client, split)


def test_splits_are_listed_by_payee_state_and_conversation_with_all_their_shares(client: Client) -> None:
    host, bob, cem = client.party(), client.funded(100), client.party()
    made = [divide(client, host, 10 + n, of(bob, cem)) for n in range(3)]
    talk = divide(client, host, 50, of(bob, cem), chat={"conversation": f"c-{host}"})
    assert [talk, *reversed(made)] == client.get("/v1/splits", party=host).json()["data"]
    client.post(f"/v1/splits/{made[1]['id']}/cancel", {})
    (cancelled,) = client.get("/v1/splits", party=host, state="cancelled").json()["data"]
    assert shown(client, made[1]) == cancelled
    assert [talk] == client.get("/v1/splits", chat=f"c-{host}").json()["data"]
    page = client.get("/v1/splits", party=host, limit=3).json()
    rest = client.get("/v1/splits", cursor=page["next_cursor"]).json()
    assert [talk["id"], *(each["id"] for each in reversed(made))] == [s["id"] for s in page["data"] + rest["data"]]
    shares = client.get("/v1/payment-requests", party=cem).json()["data"]
    assert [f"payment_request_{each['entry']}_2" for each in (talk, *reversed(made))] == [s["id"] for s in shares]


def test_the_states_of_a_split_are_called_the_same_everywhere(superuser: Superuser) -> None:
    states = in_postgres(superuser, "split_state_is_known")
    assert {"open", "settled", "cancelled"} == states == set(get_args(SplitState))
    assert states == in_openapi("SplitAnswer", "state") == in_openapi("SplitAfterAnswer", "state")


def test_of_paying_the_last_share_and_cancelling_the_split_exactly_one_wins(
    client: Client, superuser: Superuser
) -> None:
    host, bob = client.party(), client.funded(1000)
    paid = 0
    for turn in range(RACES):
        split = divide(client, host, 10, of(host, bob))
        gate = Barrier(2)
        paths = (f"/v1/payment-requests/{split['shares'][1]['request']}/pay", f"/v1/splits/{split['id']}/cancel")

        def do(path: str, gate: Barrier = gate) -> int:
            gate.wait()
            return int(client.post(path, {}).status_code)

        with ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(do, paths if turn % 2 else paths[::-1]))
        codes = codes if turn % 2 else codes[::-1]
        assert codes in ([201, 409], [409, 200])
        state = ["paid", "paid", "settled"] if codes[0] == 201 else ["paid", "cancelled", "cancelled"]
        assert state == states(shown(client, split))
        paid += codes[0] == 201
    assert 5 * paid == client.available(host)
    assert sound(superuser)


def test_everyone_pays_at_once_and_the_split_is_settled(client: Client, superuser: Superuser) -> None:
    """Whoever reads it meanwhile finds it settled just when all shares are paid."""
    host = client.party()
    payers = [client.funded(100) for _ in range(12)]
    for _ in range(5):
        split = divide(client, host, 120, of(*payers))
        gate = Barrier(len(payers) + 1)

        def pay(share: dict[str, Any], gate: Barrier = gate) -> int:
            gate.wait()
            return int(act(client, share, "pay").status_code)

        with ThreadPoolExecutor(len(payers)) as pool:
            taps = [pool.submit(pay, share) for share in split["shares"]]
            gate.wait()
            seen = [shown(client, split)]
            while seen[-1]["state"] == "open":
                seen.append(shown(client, split))
        assert [201] * len(payers) == [tap.result() for tap in taps]
        for each in seen:
            is_settled = {share["state"] for share in each["shares"]} == {"paid"}
            assert is_settled == (each["state"] == "settled")
    assert 600 == client.available(host)
    assert sound(superuser)
