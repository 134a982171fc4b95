"""Claims on the real service: sent to someone without an account, taken once they register, or given back."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import NOTHING_SINCE, Client, Databases, Served, Superuser, serve
from tests.http.wire import pointers, problem_of

PHONES = (f"+4915770{number:06d}" for number in itertools.count(1))


@pytest.fixture
def phone() -> str:
    """A phone number that nobody has yet."""
    return next(PHONES)


@pytest.fixture(autouse=True, scope="module")
def whole_books_hold(superuser: Superuser) -> Iterator[None]:
    """After all of it every check finds nothing."""
    yield
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def soon(seconds: float) -> str:
    at = time.gmtime(time.time() + seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", at)


def body(giver: str, phone: str, amount: int = 100, **fields: Any) -> dict[str, Any]:
    made = {"from": giver, "to": f"alias:phone:{phone}", "amount": amount, "currency": "EUR"}
    return made | {"if_unknown": "hold_for_claim"} | fields


def send(client: Client, giver: str, phone: str, amount: int = 100, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/transfers", body(giver, phone, amount, **fields))
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def shown(client: Client, transfer: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/v1/transfers/{transfer['id']}").json()
    return answer


def settled(client: Client, transfer: dict[str, Any], seconds: float = 5) -> dict[str, Any]:
    """The transfer once its claim has ended, which may take no longer than this."""
    ends = time.monotonic() + seconds
    while (now := shown(client, transfer))["status"] == "pending_claim" and time.monotonic() < ends:
        time.sleep(0.05)
    return now


def escrow(client: Client, party: str) -> int:
    answer = client.get(f"/v1/accounts/{party}/escrow/EUR")
    return int(answer.json()["balance"])


def test_what_is_sent_to_nobody_waits_and_is_taken_by_who_registers_the_alias(client: Client, phone: str) -> None:
    giver = client.funded(1000)
    made = send(client, giver, phone, 300, memo="for you", chat={"conversation": f"c-{giver}"})
    assert ("pending_claim", f"alias:phone:{phone}", {"from": {"available": 700}, "to": None}) == (
        made["status"],
        made["to"],
        made["balances"],
    )
    assert made | NOTHING_SINCE == shown(client, made)
    assert (700, 300) == (client.available(giver), escrow(client, giver))
    claimer = client.party(aliases=[{"channel": "phone", "value": phone}])
    now = settled(client, made)
    assert made | NOTHING_SINCE | {"status": "claimed", "to": claimer} == now
    assert (700, 0, 300) == (client.available(giver), escrow(client, giver), client.available(claimer))
    take = client.get("/v1/entries", kind="claim.take", after=made["entry"]).json()["entries"][0]
    assert {"type": "transfer", "id": made["id"]} == take["resource"]
    assert [f"{giver}/escrow", f"{claimer}/available"] == [take["postings"][0][side] for side in ("debit", "credit")]
    assert [made["id"]] == [each["id"] for each in client.get("/v1/transfers", chat=f"c-{giver}").json()["data"]]
    for party in (giver, claimer):
        assert [now] == client.get("/v1/transfers", party=party).json()["data"]


def test_what_nobody_claims_reads_as_returned_at_once_and_is_back_within_five_seconds(
    client: Client, phone: str
) -> None:
    giver = client.funded(1000)
    made = send(client, giver, phone, 300, expires_at=soon(2))
    now = settled(client, made)
    assert made | NOTHING_SINCE | {"status": "returned"} == now
    over = time.monotonic()
    while client.available(giver) != 1000 and time.monotonic() - over < 5:
        time.sleep(0.05)
    assert (1000, 0) == (client.available(giver), escrow(client, giver))
    client.party(aliases=[{"channel": "phone", "value": phone}])
    assert now == shown(client, made)


def test_a_retry_gets_the_first_answer_again_whatever_became_of_it(client: Client, phone: str) -> None:
    giver = client.funded(1000)
    first = client.post("/v1/transfers", body(giver, phone), key=f"claim-{giver}")
    claimer = client.party(aliases=[{"channel": "phone", "value": phone}])
    assert claimer == settled(client, first.json())["to"]
    again = client.post("/v1/transfers", body(giver, phone), key=f"claim-{giver}")
    assert (201, "true", first.json()) == (again.status_code, again.headers["idempotency-replayed"], again.json())
    other = client.post("/v1/transfers", body(giver, phone, expires_at=soon(60)), key=f"claim-{giver}")
    assert (422, "idempotency_key_reused") == problem_of(other)
    assert ["/expires_at"] == pointers(other)


def test_a_dry_run_says_that_it_would_wait_and_writes_nothing(client: Client, phone: str) -> None:
    giver = client.funded(1000)
    tried = client.post("/v1/transfers", body(giver, phone), dry_run=True).json()
    assert (None, None, "pending_claim") == (tried["id"], tried["entry"], tried["status"])
    assert 1000 == client.available(giver)


def test_in_a_batch_it_waits_like_one_sent_alone(client: Client, phone: str) -> None:
    giver, other = client.funded(1000), client.party()
    items = [body(giver, phone, expires_at=soon(600)) | {"key": f"b-{giver}-1"}]
    items += [{"from": giver, "to": other, "amount": 5, "currency": "EUR", "key": f"b-{giver}-2"}]
    results = client.post("/v1/transfers/batch", {"transfers": items, "atomic": True}).json()["results"]
    assert ["pending_claim", "posted"] == [each["transfer"]["status"] for each in results]
    alone = client.post("/v1/transfers", {name: items[0][name] for name in items[0] if name != "key"}, items[0]["key"])
    assert (201, "true") == (alone.status_code, alone.headers["idempotency-replayed"])
    assert results[0]["transfer"] == alone.json()


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"if_unknown": "refuse"}, 404, "party_unknown"),
        ({"to": "nobody-at-all"}, 404, "party_unknown"),
        ({"to_expected": "bob"}, 409, "alias_moved"),
        ({"if_unknown": "refuse", "expires_at": soon(60)}, 422, "field_invalid"),
        ({"expires_at": soon(-60)}, 422, "timestamp_invalid"),
        ({"if_unknown": "perhaps"}, 422, "field_invalid"),
    ],
)
def test_what_cannot_wait_is_refused(
    client: Client, phone: str, fields: dict[str, str], status: int, code: str
) -> None:
    giver = client.funded(1000)
    assert (status, code) == problem_of(client.post("/v1/transfers", body(giver, phone) | fields))
    assert 1000 == client.available(giver)


def test_each_of_several_claims_of_an_alias_is_an_entry_after_the_aliass_own(client: Client, phone: str) -> None:
    givers = [client.funded(1000) for _ in range(3)]
    sent = [send(client, giver, phone, 10) for giver in givers]
    claimer = client.party()
    added = client.post(f"/v1/parties/{claimer}/aliases", {"channel": "phone", "value": phone}).json()["entry"]
    assert [claimer] * 3 == [settled(client, each)["to"] for each in sent]
    entries = client.get("/v1/entries", kind="claim.take", after=added).json()["entries"]
    assert {each["id"] for each in sent} == {each["resource"]["id"] for each in entries}
    assert 30 == client.available(claimer)


def test_a_frozen_claimer_takes_it_once_they_are_not(client: Client, phone: str) -> None:
    giver, claimer = client.funded(1000), client.party()
    made = send(client, giver, phone)
    client.post(f"/v1/parties/{claimer}/freeze", {"mode": "all"})
    client.post(f"/v1/parties/{claimer}/aliases", {"channel": "phone", "value": phone})
    assert "pending_claim" == settled(client, made, 2.5)["status"]
    client.post(f"/v1/parties/{claimer}/unfreeze")
    assert "claimed" == settled(client, made)["status"]


def test_an_alias_that_moves_before_it_is_taken_gives_it_to_the_new_holder(client: Client, phone: str) -> None:
    giver, first, second = client.funded(1000), client.party(), client.party()
    made = send(client, giver, phone)
    client.post(f"/v1/parties/{first}/freeze", {"mode": "all"})
    client.post(f"/v1/parties/{first}/aliases", {"channel": "phone", "value": phone})
    moved = {"channel": "phone", "value": phone, "take_over": True}
    client.post(f"/v1/parties/{second}/aliases", moved)
    assert second == settled(client, made)["to"]


def test_what_was_sent_while_nobody_swept_is_found_after_the_start(databases: Databases) -> None:
    database = databases.new()
    phone = next(PHONES)
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        served.service.sweeper.sweep = _rest  # type: ignore[method-assign]
        made = send(client, client.funded(1000), phone)
        claimer = client.party(aliases=[{"channel": "phone", "value": phone}])
        assert "pending_claim" == settled(client, made, 1.5)["status"]
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        assert claimer == settled(client, made)["to"]
    databases.drop(database)


def _rest(ledger_id: int) -> None:
    pass


def test_a_claim_and_its_deadline_that_race_in_two_processes_end_it_once(client: Client, service: Served) -> None:
    count = 24
    giver = client.funded(count * 10)
    due = time.time() + 3
    phones = [next(PHONES) for _ in range(count)]
    sent = [send(client, giver, phone, 10, expires_at=soon(due - time.time() + 1)) for phone in phones]
    with (
        serve(service.database) as other,
        contextlib.closing(Client(other.base, client.token)) as second,
        ThreadPoolExecutor(8) as threads,
    ):

        def register(number: int) -> str:
            time.sleep(max(0, due - 1 + 2 * number / count - time.time()))
            return (client, second)[number % 2].party(aliases=[{"channel": "phone", "value": phones[number]}])

        claimers = list(threads.map(register, range(count)))
        ended = [settled(client, each, 10)["status"] for each in sent]
        time.sleep(2.5)
        assert ended == [shown(second, each)["status"] for each in sent]
    taken = sum(client.available(claimer) for claimer in claimers)
    assert 10 * ended.count("claimed") == taken
    assert {"claimed", "returned"} >= set(ended)
    assert (count * 10 - taken, 0) == (client.available(giver), escrow(client, giver))
    ends = [
        each["resource"]["id"]
        for kind in ("claim.take", "claim.return")
        for each in client.get("/v1/entries", kind=kind, after=sent[0]["entry"], limit=1000).json()["entries"]
    ]
    assert sorted(each["id"] for each in sent) == sorted(set(ends) & {each["id"] for each in sent})
    assert len(ends) == len(set(ends))


def test_an_erased_alias_is_shown_no_more(client: Client, superuser: Superuser, phone: str) -> None:
    giver = client.funded(1000)
    made = send(client, giver, phone, expires_at=soon(1))
    ends = time.monotonic() + 5
    while escrow(client, giver) > 0 and time.monotonic() < ends:  # it is shown as returned before it is
        time.sleep(0.05)
    superuser.run_script(f"SET chatledger.ledger_id = 1; SELECT erase(1, {made['entry']})")
    assert made | NOTHING_SINCE | {"status": "returned", "to": None} == shown(client, made)


def test_what_was_claimed_is_refunded_like_any_transfer_also_after_a_restart(client: Client, service: Served) -> None:
    first, second = next(PHONES), next(PHONES)
    giver = client.funded(1000)
    sent = [send(client, giver, phone, 100) for phone in (first, second)]
    early = client.post("/v1/refunds", {"of": sent[0]["id"], "reason": "too soon"})
    assert early.status_code in (404, 409)
    names = [{"channel": "phone", "value": phone} for phone in (first, second)]
    claimer = client.party(aliases=names)
    assert [claimer] * 2 == [settled(client, each)["to"] for each in sent]
    refund = client.post("/v1/refunds", {"of": sent[0]["id"], "reason": "a mistake"})
    assert (201, giver, 100) == (refund.status_code, refund.json()["to"], refund.json()["amount"]), refund.text
    with serve(service.database) as other, contextlib.closing(Client(other.base, client.token)) as later:
        refund = later.post("/v1/refunds", {"of": sent[1]["id"], "reason": "a mistake"})
        assert (201, giver, 100) == (refund.status_code, refund.json()["to"], refund.json()["amount"]), refund.text
        again = later.post("/v1/refunds", {"of": sent[0]["id"], "reason": "again"})
        assert (422, "amount_exceeds_remaining") == problem_of(again)
    assert (1000, 0) == (client.available(giver), client.available(claimer))
