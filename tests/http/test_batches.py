"""Batches of transfers: each for itself or all or none, and every item the same as if it had been sent alone."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.money import AMOUNT_MAX
from ledger.core.transfers import Transfer
from ledger.http.transfers import KeyedTransfer
from tests.harness import Client, Database, Superuser, make_ledger, new_key
from tests.http.wire import pointers, problem_of

pytestmark = pytest.mark.usefixtures("ann_and_bob")


def item(
    payer: str = "ann", payee: str = "bob", amount: int = 1, key: str | None = None, **fields: Any
) -> dict[str, Any]:
    return {"key": key or new_key(), "from": payer, "to": payee, "amount": amount, "currency": "EUR"} | fields


def send(client: Client, items: list[dict[str, Any]], atomic: bool = False, dry_run: bool = False) -> list[Any]:
    body = {"transfers": items} | ({"atomic": True} if atomic else {})
    response = client.post("/v1/transfers/batch", body, dry_run=dry_run)
    assert 200 == response.status_code, response.text
    results: list[Any] = response.json()["results"]
    assert [(index, each["key"]) for index, each in enumerate(items)] == [(r["index"], r["key"]) for r in results]
    for result in results:
        assert ("transfer" in result) == (result["status"] == 201)
        assert ("problem" in result) == (result["status"] != 201)
    return results


def codes(results: list[Any]) -> list[str]:
    return [result["problem"]["code"] if "problem" in result else "done" for result in results]


def alone(client: Client, sent: dict[str, Any], **options: Any) -> Any:
    fields = {name: value for name, value in sent.items() if name != "key"}
    return client.post("/v1/transfers", fields, sent["key"], **options)


@pytest.fixture(scope="module")
def twin(client: Client, database: Database) -> Any:
    """A second ledger, for doing one by one what the first does in a batch."""
    made = Client(client.base, make_ledger(database, "twin")[1])
    for party in ("ann", "bob"):
        made.party(party)
    yield made
    made.close()


sides = st.sampled_from(("ann", "bob", "ghost"))
items = st.builds(
    lambda payer, payee, amount, memo, key: {
        "payer": payer,
        "payee": payee,
        "amount": amount,
        "memo": memo,
        "key": key,
    },
    payer=sides,
    payee=sides,
    amount=st.integers(1, 60),
    memo=st.sampled_from((None, "hello")),
    key=st.sampled_from("abcdefgh"),
)


@settings(max_examples=25)
@given(drawn=st.lists(items, max_size=8))
def test_a_batch_comes_to_the_same_as_its_items_one_by_one(
    client: Client, twin: Client, drawn: list[dict[str, Any]]
) -> None:
    run = new_key()
    sent = [item(each["payer"], each["payee"], each["amount"], run + each["key"], memo=each["memo"]) for each in drawn]
    for side in (client, twin):  # both begin with the same money
        for party in ("ann", "bob"):
            if (short := 100 - side.available(party)) > 0:
                side.deposit(party, short)
            elif short < 0:
                side.transfer(party, side.party(), -short)
    together = send(client, sent)
    for result, each in zip(together, sent, strict=True):
        single = alone(twin, each)
        assert (single.status_code, "idempotency-replayed" in single.headers) == (result["status"], result["replayed"])
        if single.status_code == 201:
            assert single.json()["balances"] == result["transfer"]["balances"]
        else:
            assert single.json()["code"] == result["problem"]["code"]
            assert single.json()["detail"] == result["problem"]["detail"]
    assert [twin.available(party) for party in ("ann", "bob")] == [client.available(party) for party in ("ann", "bob")]


def test_an_item_carries_every_field_of_a_transfer() -> None:
    fields: dict[str, Any] = {name: object() for name in Transfer.__struct_fields__}
    assert Transfer(**fields) == KeyedTransfer(key=new_key(), **fields).alone()


def test_items_follow_one_another(client: Client) -> None:
    first, second, third = client.funded(10), client.party(), client.party()
    results = send(client, [item(second, third, 10), item(first, second, 10), item(second, third, 10)])
    assert ["insufficient_funds", "done", "done"] == codes(results)


def test_a_refused_item_does_not_hold_up_the_others(client: Client) -> None:
    results = send(client, [item(), item(payee="ghost"), item(payee="ann"), item(amount=10**6), item()])
    assert ["done", "party_unknown", "same_party", "insufficient_funds", "done"] == codes(results)
    assert [201, 404, 422, 422, 201] == [result["status"] for result in results]


def test_of_an_atomic_batch_all_are_done(client: Client, superuser: Superuser) -> None:
    number = superuser.head()[1]
    results = send(client, [item() for _ in range(10)], atomic=True)
    assert ["done"] * 10 == codes(results)
    assert list(range(number + 1, number + 11)) == [result["transfer"]["entry"] for result in results]


def test_of_an_atomic_batch_none_is_done_if_one_fails_and_that_one_says_why(
    client: Client, superuser: Superuser
) -> None:
    number, before = superuser.head()[1], client.available("bob")
    results = send(client, [item(), item(payee="ghost"), item(), item(amount=10**6)], atomic=True)
    assert ["linked_failed", "party_unknown", "linked_failed", "linked_failed"] == codes(results)
    assert [422, 404, 422, 422] == [result["status"] for result in results]
    assert "Another item of the atomic batch failed: There is no party ghost." in results[0]["problem"]["detail"]
    assert (number, before) == (superuser.head()[1], client.available("bob"))


@pytest.mark.parametrize("failing", [{}, {"payee": "ghost"}])
def test_an_atomic_batch_that_is_sent_again_is_answered_again(
    client: Client, superuser: Superuser, failing: dict[str, Any]
) -> None:
    sent = [item(), item(**failing), item()]
    first = send(client, sent, atomic=True)
    head = superuser.head()
    again = send(client, sent, atomic=True)
    assert [result | {"replayed": True} for result in first] == again
    assert head == superuser.head()


def test_an_atomic_batch_whose_item_was_refused_before_is_refused_as_a_whole(
    client: Client, superuser: Superuser
) -> None:
    late = client.party()
    refused = item(payer=late)
    alone(client, refused)
    client.deposit(late, 10)
    number = superuser.head()[1]
    results = send(client, [item(), refused, item()], atomic=True)
    assert ["linked_failed", "insufficient_funds", "linked_failed"] == codes(results)
    assert [False, True, False] == [result["replayed"] for result in results]
    assert number == superuser.head()[1]


def test_an_atomic_batch_whose_item_was_done_before_does_the_rest(client: Client, superuser: Superuser) -> None:
    done = item()
    alone(client, done)
    number = superuser.head()[1]
    results = send(client, [item(), done, item()], atomic=True)
    assert ["done"] * 3 == codes(results)
    assert [False, True, False] == [result["replayed"] for result in results]
    assert number + 2 == superuser.head()[1]


def test_an_atomic_batch_with_one_key_for_two_things_does_nothing(client: Client, superuser: Superuser) -> None:
    key, head = new_key(), superuser.head()
    sent = [item(), item(key=key), item(key=key, amount=2)]
    response = client.post("/v1/transfers/batch", {"atomic": True, "transfers": sent})
    assert (422, "idempotency_key_reused") == problem_of(response)
    assert ["/transfers/2/key"] == pointers(response)
    assert head == superuser.head()


@pytest.mark.parametrize("atomic", [False, True])
def test_of_two_equal_items_the_second_is_a_replay(client: Client, superuser: Superuser, atomic: bool) -> None:
    number, sent = superuser.head()[1], item()
    first, second = send(client, [sent, sent], atomic)
    assert (False, True) == (first["replayed"], second["replayed"])
    assert first["transfer"] == second["transfer"]
    assert number + 1 == superuser.head()[1]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("atomic", [False, True])
def test_the_same_item_five_thousand_times_is_done_once_and_at_once(
    client: Client, superuser: Superuser, atomic: bool, dry_run: bool
) -> None:
    number, sent = superuser.head()[1], item()
    results = send(client, [sent] * 5_000, atomic, dry_run)
    assert {"done"} == set(codes(results))
    assert [False] + [True] * 4_999 == [result["replayed"] for result in results]
    assert number + (0 if dry_run else 1) == superuser.head()[1]


def test_two_items_with_one_key_are_one_request_and_a_mistake(client: Client) -> None:
    key = new_key()
    results = send(client, [item(key=key), item(key=key, amount=2)])
    assert ["done", "idempotency_key_reused"] == codes(results)
    assert "/amount" == results[1]["problem"]["errors"][0]["pointer"]


@pytest.mark.parametrize("fields", [{}, {"payee": "ghost"}, {"memo": "hello", "metadata": {"a": "b"}}])
def test_an_item_sent_alone_is_the_same_request_and_the_other_way_round(client: Client, fields: dict[str, Any]) -> None:
    batched, single = item(**fields), item(**fields)
    result = send(client, [batched])[0]
    answer = alone(client, batched)
    assert "true" == answer.headers["idempotency-replayed"]
    assert result.get("transfer", result.get("problem")) == answer.json()
    answer = alone(client, single)
    result = send(client, [single])[0]
    assert result["replayed"]
    assert result.get("transfer", result.get("problem")) == answer.json()


def test_a_batch_needs_no_key_of_its_own_and_remembers_none(client: Client) -> None:
    key = new_key()
    response = client.http.post("/v1/transfers/batch", json={"transfers": [item()]}, headers={"Idempotency-Key": key})
    assert 200 == response.status_code
    assert 404 == client.get(f"/v1/requests/{key}").status_code
    assert 200 == client.http.post("/v1/transfers/batch", json={"transfers": [item()]}).status_code


@pytest.mark.parametrize("atomic", [False, True])
def test_a_dry_run_of_a_batch_leaves_nothing(client: Client, superuser: Superuser, atomic: bool) -> None:
    head, sent = superuser.head(), [item(), item()]
    dry = send(client, sent, atomic, dry_run=True)
    assert head == superuser.head()
    assert [None, None] == [result["transfer"]["entry"] for result in dry]
    assert [False, False] == [result["replayed"] for result in send(client, sent, atomic)]


@pytest.mark.parametrize("atomic", [False, True])
def test_an_empty_batch_does_nothing(client: Client, superuser: Superuser, atomic: bool) -> None:
    head = superuser.head()
    assert [] == send(client, [], atomic)
    assert head == superuser.head()


@pytest.mark.parametrize("atomic", [False, True])
def test_five_thousand_items_are_done_and_one_more_is_too_many(
    client: Client, superuser: Superuser, atomic: bool
) -> None:
    payer, payee, number = client.funded(5_000), client.party(), superuser.head()[1]
    results = send(client, [item(payer, payee) for _ in range(5_000)], atomic)
    assert {"done"} == set(codes(results))
    assert (0, 5_000) == (client.available(payer), client.available(payee))
    head = superuser.head()
    assert number + 5_003 >= head[1]
    too_many = client.post("/v1/transfers/batch", {"transfers": [item(payer, payee) for _ in range(5_001)]})
    assert (400, "too_many_items") == problem_of(too_many)
    assert head == superuser.head()


def test_the_item_that_would_overflow_a_balance_is_refused_and_the_others_stand(client: Client) -> None:
    client.post("/v1/rails", {"id": "second", "settles_to": "test"})
    rich, payer = client.party(), client.party()
    client.deposit(rich, AMOUNT_MAX - 5, "JPY")
    client.deposit(payer, 10, "JPY", rail="second")
    results = send(client, [item(payer, rich, amount, currency="JPY") for amount in (3, 3, 2, 1)])
    assert ["done", "balance_overflow", "done", "balance_overflow"] == codes(results)
    assert (AMOUNT_MAX, 5) == (client.available(rich, "JPY"), client.available(payer, "JPY"))


@pytest.mark.parametrize(
    ("transfers", "code", "pointer"),
    [
        ([item(), item(amount=0)], "amount_invalid", "/transfers/1/amount"),
        ([item(currency="eur")], "currency_invalid", "/transfers/0/currency"),
        ([item(memo="a\x00b")], "text_invalid", "/transfers/0/memo"),
        ([item(chat={"conversation": ""})], "field_invalid", "/transfers/0/chat/conversation"),
        ([item(x=1)], "field_unknown", "/transfers/0/x"),
        ([{k: v for k, v in item().items() if k != "key"}], "field_missing", "/transfers/0/key"),
        ([7], "field_invalid", "/transfers/0"),
        ({}, "field_invalid", "/transfers"),
    ],
)
def test_a_batch_with_an_item_that_can_never_be_right_is_refused_as_a_whole(
    client: Client, superuser: Superuser, transfers: Any, code: str, pointer: str
) -> None:
    head = superuser.head()
    response = client.post("/v1/transfers/batch", {"transfers": transfers})
    assert (422, code) == problem_of(response)
    assert [pointer] == pointers(response)
    assert head == superuser.head()


def test_an_item_in_a_currency_that_is_not_enabled_is_refused_and_its_key_stays_free(client: Client) -> None:
    sent = item(currency="USD")
    assert ["currency_invalid", "done"] == codes(send(client, [sent, item()]))
    assert ["done"] == codes(send(client, [sent | {"currency": "EUR"}]))
