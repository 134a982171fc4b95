"""Money in suspense on the real service: given to whom it belongs, to an invoice, or back over its rail."""

from typing import Any

from ledger.books.checks import run_checks
from tests.harness import Client, Superuser, new_key
from tests.http.wire import problem_of


def arrive(client: Client, amount: int) -> str:
    deposit: dict[str, Any] = client.deposit(None, amount)
    assert "suspense" == deposit["state"]
    return f"suspense_{deposit['entry']}"


def left(client: Client, item: str, **query: Any) -> int:
    found = [each for each in client.get("/v1/suspense", limit=500, **query).json()["data"] if each["id"] == item]
    return sum(each["remaining"] for each in found)


def test_an_item_is_given_out_in_parts_and_the_rest_goes_back(client: Client, superuser: Superuser) -> None:
    item, alice = arrive(client, 1_000), client.party()
    key = new_key()
    given = client.post(f"/v1/suspense/{item}/allocate", {"to": alice, "amount": 400}, key)
    assert (201, alice, 600, "open") == (
        given.status_code,
        given.json()["to"],
        given.json()["suspense"]["remaining"],
        given.json()["suspense"]["state"],
    )
    before = given.json()["entry"]
    again = client.post(f"/v1/suspense/{item}/allocate", {"to": alice, "amount": 400}, key)
    assert (given.content, "true") == (again.content, again.headers["idempotency-replayed"])
    assert 400 == client.available(alice)
    tried = client.post(f"/v1/suspense/{item}/return", {"reason": "unknown"}, dry_run=True).json()
    assert (None, None, 600) == (tried["id"], tried["entry"], tried["amount"])
    back = client.post(f"/v1/suspense/{item}/return", {"reason": "unknown"}).json()
    assert (600, "requested", "cleared") == (back["amount"], back["state"], back["suspense"]["state"])
    assert (0, 600) == (left(client, item), left(client, item, as_of=given.json()["posted_at"]) - 400)
    assert (0, "cleared") == tuple(client.get(f"/v1/suspense/{item}").json()[name] for name in ("remaining", "state"))
    assert (409, "suspense_not_open") == problem_of(client.post(f"/v1/suspense/{item}/allocate", {"to": alice}))
    assert before < back["entry"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_an_item_pays_the_invoice_that_it_was_meant_for_with_its_fee(client: Client, superuser: Superuser) -> None:
    item, shop = arrive(client, 1_000), client.party(kind="merchant")
    client.put(f"/v1/parties/{shop}/fees", {"bps": 1_000})
    lines = [{"description": "Tile", "quantity": 1, "unit_amount": 700}]
    invoice = client.post("/v1/invoices", {"merchant": shop, "currency": "EUR", "lines": lines}).json()
    paid = client.post(f"/v1/suspense/{item}/allocate", {"invoice": invoice["id"]}).json()
    assert (700, shop, 300) == (paid["amount"], paid["to"], paid["suspense"]["remaining"])
    settlement = client.get(f"/v1/settlements/{paid['settlement']}").json()
    assert ("test", 70, 630) == (settlement["rail"], settlement["fee"], settlement["net"])
    assert "paid" == client.get(f"/v1/invoices/{invoice['id']}").json()["state"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_return_that_the_rail_cannot_pay_is_in_suspense_again(client: Client, superuser: Superuser) -> None:
    item = arrive(client, 500)
    refund = client.post(f"/v1/suspense/{item}/return", {}).json()["id"]
    assert 0 == left(client, item)
    assert 200 == client.post(f"/v1/refunds/{refund}/failed", {"reason": "account closed"}).status_code
    assert 500 == left(client, item)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
