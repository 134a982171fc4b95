"""Reversals on the real service: of a transfer, of a rail's payment, once; also by a service that knows nothing yet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ledger.books.checks import run_checks
from tests.harness import Client, Served, Superuser, new_key, serve
from tests.http.wire import pointers, problem_of


def reverse(client: Client, entry: int | str, key: str | None = None, dry_run: bool = False) -> httpx.Response:
    return client.post(f"/v1/entries/{entry}/reverse", {"reason": "a slip"}, key, dry_run)


def test_a_transfer_is_turned_round_once_and_can_no_longer_be_refunded(client: Client, superuser: Superuser) -> None:
    payer, payee = client.funded(100), client.party()
    paid, key = client.transfer(payer, payee, 60), new_key()
    tried = reverse(client, paid["entry"], key, dry_run=True).json()
    assert (None, None, paid["entry"]) == (tried["id"], tried["entry"], tried["reverses"])
    done = reverse(client, paid["entry"], key)
    assert 201 == done.status_code, done.text
    body = done.json()
    assert f"reversal_{body['entry']}" == body["id"]
    assert {"reverses": paid["entry"], "reason": "a slip"}.items() <= body.items()
    moved = {"debit": f"{payee}/available", "credit": f"{payer}/available", "amount": 60, "currency": "EUR"}
    assert [moved] == body["postings"]
    assert body == reverse(client, paid["entry"], key).json()
    assert (409, "already_reversed") == problem_of(reverse(client, paid["entry"]))
    again = client.post("/v1/refunds", {"of": paid["id"], "reason": "faulty"})
    assert (409, "already_reversed") == problem_of(again)
    shown = client.get(f"/v1/entries/{body['entry']}").json()
    assert ("reversal", {"type": "reversal", "id": body["id"]}) == (shown["kind"], shown["resource"])
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def settle(client: Client, **fields: Any) -> int:
    bank = settling_bank(client)
    body = {"bank": bank, "amount": 70, "fee": 3, "currency": "EUR", "reference": new_key()} | fields
    answer = client.post("/v1/rails/test/settle", body)
    assert 201 == answer.status_code, answer.text
    return int(answer.json()["entry"])


def settling_bank(client: Client) -> str:
    """The bank account in EUR that the rail `test` settles to."""
    return str(client.get("/v1/rails").json()["data"][0]["settles_to"])


def test_a_service_that_has_just_started_knows_what_can_be_reversed(
    client: Client, service: Served, superuser: Superuser
) -> None:
    payer, payee = client.funded(100), client.party()
    paid, moved, deposit = client.transfer(payer, payee, 60)["entry"], settle(client), client.deposit(payer, 1)["entry"]
    with serve(service.database) as started:
        other = Client(started.base, client.token)
        answers = [reverse(other, entry) for entry in (paid, moved, moved, deposit, 999_999)]
        other.close()
    assert [201, 201, 409, 422, 404] == [answer.status_code for answer in answers]
    assert ["/number"] == pointers(answers[3])
    assert [3, 70] == sorted(posting["amount"] for posting in answers[1].json()["postings"])
    assert (409, "already_reversed") == problem_of(reverse(client, paid))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_of_a_reversal_and_a_refund_at_one_instant_one_goes_through(client: Client, superuser: Superuser) -> None:
    payer, payee = client.funded(100), client.funded(1_000)
    for _ in range(10):
        paid = client.transfer(payer, payee, 100)
        with ThreadPoolExecutor(2) as pool:
            refunded = pool.submit(client.post, "/v1/refunds", {"of": paid["id"], "reason": "faulty"})
            turned = pool.submit(reverse, client, paid["entry"])
            codes = [answer.result().status_code for answer in (refunded, turned)]
        assert codes in ([201, 409], [409, 201])
        assert 100 == client.available(payer)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
