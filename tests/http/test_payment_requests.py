"""Payment requests on the real service: made, paid once however often it is tapped, declined, taken back, expired."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, get_args

import pytest

from ledger.books.checks import run_checks
from ledger.core.entries import row_of
from ledger.core.rows import PaymentRequest, moment
from ledger.http import payment_requests
from ledger.http.listing import Read
from ledger.http.payment_requests import RequestState
from tests.core.stories import do, new_books
from tests.core.test_payment_requests import AFTER, DEADLINE, OVER, request
from tests.harness import Client, Superuser, new_key
from tests.http.test_holds import soon
from tests.http.test_intents import Payer
from tests.http.test_vocabulary import in_openapi, in_postgres
from tests.http.wire import problem_of

TAPS = 20
RACES = 15


def ask(client: Client, payee: str, payer: str, amount: int, **fields: Any) -> dict[str, Any]:
    body = {"payee": payee, "payer": payer, "amount": amount, "currency": "EUR"}
    answer = client.post("/v1/payment-requests", body | fields)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def act(client: Client, request: dict[str, Any] | str, action: str, **options: Any) -> Any:
    name = request if isinstance(request, str) else request["id"]
    return client.post(f"/v1/payment-requests/{name}/{action}", {}, **options)


def shown(client: Client, request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/v1/payment-requests/{request['id']}").json()
    return answer


def sound(superuser: Superuser) -> bool:
    return [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_request_is_made_in_a_chat_and_paid_with_one_tap(client: Client, superuser: Superuser) -> None:
    payee, payer = client.party(), client.funded(1000)
    chat = {"conversation": f"c-{payee}", "message": "m-1"}
    request = ask(client, payee, payer, 300, memo="Lunch 🍜", chat=chat)
    assert {
        "id": f"payment_request_{request['entry']}",
        "payee": payee,
        "payer": payer,
        "amount": 300,
        "currency": "EUR",
        "state": "open",
        "expires_at": None,
        "split": None,
        "transfer": None,
        "memo": "Lunch 🍜",
        "chat": chat,
    } == {name: value for name, value in request.items() if name not in ("entry", "posted_at")}
    paid = act(client, request, "pay")
    assert 201 == paid.status_code, paid.text
    body = paid.json()
    assert (f"transfer_{body['entry']}", 300, "EUR") == (body["id"], body["amount"], body["currency"])
    assert (request["id"], "paid", body["id"], body["entry"]) == tuple(
        body["request"][name] for name in ("id", "state", "transfer", "entry")
    )
    assert (300, 700) == (client.available(payee), client.available(payer))
    assert request | {"state": "paid", "transfer": body["id"]} == shown(client, request)
    assert (409, "request_not_open") == problem_of(act(client, request, "pay"))
    assert 700 == client.available(payer)
    assert sound(superuser)


def test_the_transfer_of_a_paid_request_is_shown_by_its_id(client: Client) -> None:
    payee, payer = client.party(), client.funded(1000)
    paid = act(client, ask(client, payee, payer, 300, memo="Lunch"), "pay").json()
    transfer = client.get(f"/v1/transfers/{paid['id']}").json()
    assert (paid["id"], payer, payee, 300, "posted") == tuple(
        transfer[name] for name in ("id", "from", "to", "amount", "status")
    )
    entry = client.get(f"/v1/entries/{paid['entry']}").json()
    assert {"type": "transfer", "id": paid["id"]} == entry["resource"]


@pytest.mark.parametrize(("action", "state"), [("decline", "declined"), ("cancel", "cancelled")])
def test_a_request_that_is_declined_or_taken_back_cannot_be_paid(
    client: Client, superuser: Superuser, action: str, state: str
) -> None:
    request = ask(client, client.party(), client.funded(1000), 300)
    ended = act(client, request, action)
    assert (200, state, request["id"]) == (ended.status_code, ended.json()["state"], ended.json()["id"])
    for again in ("pay", "decline", "cancel"):
        assert (409, "request_not_open") == problem_of(act(client, request, again))
    assert state == shown(client, request)["state"]
    entry = client.get(f"/v1/entries/{ended.json()['entry']}").json()
    assert {"type": "payment_request", "id": request["id"]} == entry["resource"]
    assert sound(superuser)


def test_the_same_key_again_gets_the_same_answer_and_pays_nothing_more(client: Client) -> None:
    payee, payer = client.party(), client.funded(1000)
    key = new_key()
    body = {"payee": payee, "payer": payer, "amount": 300, "currency": "EUR", "memo": "Lunch"}
    first = client.post("/v1/payment-requests", body, key)
    second = client.post("/v1/payment-requests", body, key)
    for action in ("pay", "decline"):
        request = ask(client, payee, payer, 10)
        tap = new_key()
        done = act(client, request, action, key=tap)
        client.post(f"/v1/parties/{payer}/freeze", {"mode": "debits"})
        again = act(client, request, action, key=tap)
        client.post(f"/v1/parties/{payer}/unfreeze", {})
        assert (done.status_code, done.content, "true") == (
            again.status_code,
            again.content,
            again.headers["Idempotency-Replayed"],
        )
    assert (first.content, "true") == (second.content, second.headers["Idempotency-Replayed"])
    assert 990 == client.available(payer)


def test_a_dry_run_tells_what_would_be_and_leaves_all_as_it_was(client: Client, superuser: Superuser) -> None:
    payee, payer = client.party(), client.funded(1000)
    request = ask(client, payee, payer, 300)
    before = superuser.head()
    body = {"payee": payee, "payer": payer, "amount": 300, "currency": "EUR"}
    tried = client.post("/v1/payment-requests", body, dry_run=True)
    assert (201, None, None, "open") == (
        tried.status_code,
        tried.json()["id"],
        tried.json()["entry"],
        tried.json()["state"],
    )
    paid = act(client, request, "pay", dry_run=True)
    assert (201, None, None, 300) == (
        paid.status_code,
        paid.json()["id"],
        paid.json()["entry"],
        paid.json()["amount"],
    )
    assert (request["id"], None, None, "paid") == tuple(
        paid.json()["request"][name] for name in ("id", "entry", "transfer", "state")
    )
    for action in ("decline", "cancel"):
        assert (200, None) == ((tried := act(client, request, action, dry_run=True)).status_code, tried.json()["entry"])
    assert before == superuser.head()
    assert request == shown(client, request)
    assert 201 == act(client, request, "pay").status_code


def test_requests_are_listed_by_party_state_and_conversation_the_newest_first(client: Client) -> None:
    payee, payer = client.party(), client.funded(1000)
    requests = [ask(client, payee, payer, 10) for _ in range(5)]
    talk = ask(client, payer, payee, 1, chat={"conversation": f"c-{payee}"})
    act(client, requests[1], "decline")
    ids = [talk["id"], *(each["id"] for each in reversed(requests))]
    for party in (payee, payer):
        assert ids == [each["id"] for each in client.get("/v1/payment-requests", party=party).json()["data"]]
    declined = client.get("/v1/payment-requests", party=payer, state="declined").json()["data"]
    assert [requests[1] | {"state": "declined"}] == declined
    found = client.get("/v1/payment-requests", chat=f"c-{payee}").json()["data"]
    assert [talk] == found
    page = client.get("/v1/payment-requests", party=payer, limit=4).json()
    rest = client.get("/v1/payment-requests", cursor=page["next_cursor"], limit=4).json()
    assert ids == [each["id"] for each in page["data"] + rest["data"]]
    assert rest["next_cursor"] is None


def test_a_request_reads_as_expired_from_its_deadline_on_though_its_row_says_open() -> None:
    books = new_books()
    entry = do(books, request(expires_at=DEADLINE))
    row = row_of(entry, PaymentRequest)
    for now, state in ((moment(OVER - 1), "open"), (moment(OVER), "expired")):
        assert state == payment_requests.show(row, Read({entry.number: entry}, now)).state
    assert "open" == payment_requests.made(entry).state


def test_a_request_reads_as_expired_at_once_and_its_entry_comes_within_five_seconds(
    client: Client, superuser: Superuser
) -> None:
    request = ask(client, client.party(), client.funded(1000), 300, expires_at=soon(2))
    while shown(client, request)["state"] == "open":
        time.sleep(0.02)
    over = time.monotonic()
    for action in ("pay", "decline", "cancel"):
        assert (409, "request_not_open") == problem_of(act(client, request, action))
    for party in ({}, {"party": request["payer"]}):
        for state, found in (("open", []), ("expired", ["expired"])):
            listed = client.get("/v1/payment-requests", state=state, **party).json()["data"]
            assert found == [each["state"] for each in listed if each["id"] == request["id"]]
    query = "SELECT state FROM payment_requests WHERE entry = $1"
    while superuser.value(query, request["entry"]) == "open" and time.monotonic() - over < 5:
        time.sleep(0.05)
    assert "expired" == superuser.value(query, request["entry"]) == shown(client, request)["state"]
    assert sound(superuser)


def test_the_twenty_first_request_between_two_is_refused_until_one_ends(client: Client, superuser: Superuser) -> None:
    payee, payer = client.party(), client.funded(1000)
    requests = [ask(client, payee, payer, 1) for _ in range(20)]
    body = {"payee": payee, "payer": payer, "amount": 1, "currency": "EUR"}
    assert (422, "limit_exceeded") == problem_of(client.post("/v1/payment-requests", body))
    act(client, requests[7], "pay")
    assert 201 == client.post("/v1/payment-requests", body).status_code
    assert (422, "limit_exceeded") == problem_of(client.post("/v1/payment-requests", body))
    query = "SELECT count(*) FROM payment_requests WHERE payer = $1 AND payee = $2 AND state = 'open'"
    assert 20 == superuser.value(query, payer, payee)


def test_what_stands_open_is_counted_from_the_database_where_nobody_remembers(
    client: Client, superuser: Superuser
) -> None:
    """Another process's entry makes the lane forget its working set; so the count is loaded."""
    payee, payer = client.party(), client.funded(1000)
    requests = [ask(client, payee, payer, 1) for _ in range(20)]
    superuser.run_script("UPDATE ledger.heads SET version = version + 1 WHERE ledger_id = 1")
    body = {"payee": payee, "payer": payer, "amount": 1, "currency": "EUR"}
    assert (422, "limit_exceeded") == problem_of(client.post("/v1/payment-requests", body))
    superuser.run_script("UPDATE ledger.heads SET version = version + 1 WHERE ledger_id = 1")
    act(client, requests[0], "cancel")
    assert 201 == client.post("/v1/payment-requests", body).status_code
    assert (422, "limit_exceeded") == problem_of(client.post("/v1/payment-requests", body))


def test_a_payer_whose_policy_asks_for_it_signs_for_the_request_by_its_id(client: Client) -> None:
    payer = Payer(client)
    payee, key = client.party(), new_key()
    request = ask(client, payee, payer.id, 250)
    assert (422, "intent_required") == problem_of(act(client, request, "pay"))
    signed = payer.transfer(payee, 250, key, operation="payment_request.pay", of=request["id"])
    path = f"/v1/payment-requests/{request['id']}/pay"
    other = ask(client, payee, payer.id, 250)
    mismatch = client.post(f"/v1/payment-requests/{other['id']}/pay", {"intent": signed["intent"]}, key)
    assert (422, "intent_mismatch") == problem_of(mismatch)
    paid = client.post(path, {"intent": signed["intent"]}, key)
    assert 201 == paid.status_code, paid.text
    assert 250 == client.available(payee)


def test_the_states_of_a_request_are_called_the_same_everywhere(superuser: Superuser) -> None:
    states = in_postgres(superuser, "request_state_is_known")
    assert {"open", *(after for after in AFTER.values())} == states == set(get_args(RequestState))
    for schema in ("PaymentRequestAnswer", "PaymentRequestAfterAnswer", "SplitShareAnswer"):
        assert states == in_openapi(schema, "state")


def test_of_twenty_taps_at_one_instant_one_pays(client: Client, superuser: Superuser) -> None:
    payee, payer = client.party(), client.funded(100_000)
    request = ask(client, payee, payer, 300)
    gate = Barrier(TAPS)

    def tap(_: int) -> int:
        gate.wait()
        return int(act(client, request, "pay").status_code)

    with ThreadPoolExecutor(TAPS) as pool:
        codes = list(pool.map(tap, range(TAPS)))
    assert [201] + [409] * (TAPS - 1) == sorted(codes)
    assert (300, 99_700) == (client.available(payee), client.available(payer))
    assert sound(superuser)


def test_of_paying_and_cancelling_at_one_instant_exactly_one_wins(client: Client, superuser: Superuser) -> None:
    payee, payer = client.party(), client.funded(100_000)
    paid = 0
    for turn in range(RACES):
        request = ask(client, payee, payer, 10)
        gate = Barrier(2)
        actions = ("pay", "cancel") if turn % 2 else ("cancel", "pay")

        def do(action: str, request: dict[str, Any] = request, gate: Barrier = gate) -> tuple[str, int]:
            gate.wait()
            return action, int(act(client, request, action).status_code)

        with ThreadPoolExecutor(2) as pool:
            codes = dict(pool.map(do, actions))
        assert codes in ({"pay": 201, "cancel": 409}, {"pay": 409, "cancel": 200})
        paid += codes["pay"] == 201
        state = "paid" if codes["pay"] == 201 else "cancelled"
        assert state == shown(client, request)["state"]
    assert (10 * paid, 100_000 - 10 * paid) == (client.available(payee), client.available(payer))
    assert sound(superuser)
