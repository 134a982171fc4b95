"""Batches before they reach the lane: who may send a large one, and what trying one out shows."""

from tests.harness import Client, Superuser, new_key


def test_a_large_body_is_not_even_read_for_nobody(client: Client) -> None:
    content = b'{"transfers": [' + b" " * 70_000 + b"oops"
    answer = client.http.post(
        "/v1/transfers/batch",
        content=content,
        headers={"Authorization": "Bearer clk_nobody", "Content-Type": "application/json"},
    )
    assert answer.status_code == 401


def test_the_dry_run_of_a_batch_tries_each_item_upon_those_before_it(client: Client, superuser: Superuser) -> None:
    first, second, third = client.funded(10), client.party(), client.party()
    moves = [(first, second), (second, third), (third, first), (second, first)]
    transfers = [
        {"key": new_key(), "from": payer, "to": payee, "amount": 10, "currency": "EUR"} for payer, payee in moves
    ]
    head = superuser.head()
    tried = client.post("/v1/transfers/batch", {"transfers": transfers}, dry_run=True).json()["results"]
    assert superuser.head() == head
    done = client.post("/v1/transfers/batch", {"transfers": transfers}).json()["results"]
    assert [result["status"] for result in tried] == [result["status"] for result in done] == [201, 201, 201, 422]
    again = client.post("/v1/transfers/batch", {"transfers": transfers}, dry_run=True).json()["results"]
    assert [result["replayed"] for result in again] == [True] * 4
