"""Keys and intents over HTTP: registered, signed, used once, and provable from the receipt alone."""

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.client import registration, sign_intent
from ledger.core.entries import key_digest
from tests.core.devices import Device
from tests.harness import Client, Served, new_key
from tests.http.wire import pointers, problem_of

VERIFY = Path(__file__).parents[2] / "scripts" / "verify.py"


@pytest.fixture(scope="module")
def client(signing_service: Served) -> Iterator[Client]:
    with contextlib.closing(Client(signing_service.base, signing_service.database.token)) as made:
        yield made


class Payer:
    """A party with money, whose device signs; its policy asks for every payment."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.id = client.funded(1000)
        self.private_key = Ed25519PrivateKey.generate()
        body = registration(self.private_key, "test", "payer", self.id)
        registered = client.post(f"/v1/parties/{self.id}/keys", body)
        assert 201 == registered.status_code, registered.text
        self.key_id = registered.json()["key_id"]
        assert 200 == client.put(f"/v1/parties/{self.id}/policy", {"intents": "always"}).status_code

    def transfer(self, payee: str, amount: int, key: str, **changes: Any) -> dict[str, Any]:
        """A transfer's body, with its intent."""
        asked = {"from": self.id, "to": payee, "amount": amount, "currency": "EUR"}
        terms = {"ledger": "test", "operation": "transfer", "of": None, "key": key} | asked
        terms |= {"expires_at": "2099-01-01T00:00:00Z"} | changes
        return asked | {"intent": sign_intent(self.private_key, terms)}


def verified(client: Client, entry: int, folder: Path) -> str:
    """What the script says of an entry's receipt, which it must find good."""
    receipt = folder / "receipt"
    receipt.write_bytes(client.get(f"/v1/entries/{entry}/receipt").content)
    command = [sys.executable, str(VERIFY), str(receipt), "--key", client.get("/v1/log/vkey").text.strip()]
    said = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert 0 == said.returncode, said.stdout + said.stderr
    return said.stdout


@pytest.fixture
def payer(client: Client) -> Payer:
    return Payer(client)


def test_a_payment_that_its_payer_signed_is_proven_by_its_receipt_alone(
    client: Client, payer: Payer, tmp_path: Path
) -> None:
    key = new_key()
    paid = client.post("/v1/transfers", payer.transfer(client.party(), 250, key), key)
    assert 201 == paid.status_code, paid.text
    assert f"by {payer.id}, with the key {payer.key_id}" in verified(client, paid.json()["entry"], tmp_path)


def test_a_payout_goes_where_its_party_signed_and_nowhere_else_and_the_log_does_not_say_where(
    client: Client, payer: Payer, tmp_path: Path
) -> None:
    destination, key = "DE89370400440532013000", new_key()
    terms = {"operation": "payout.request", "of": destination, "to": "rail:test"}
    intent = payer.transfer("rail:test", 250, key, **terms)["intent"]
    body = {"party": payer.id, "amount": 250, "currency": "EUR", "rail": "test", "intent": intent}
    elsewhere = client.post("/v1/payouts", body | {"destination": "GB33BUKB20201555555555"}, key)
    assert (422, "intent_mismatch", ["/intent/of"]) == (*problem_of(elsewhere), pointers(elsewhere))
    key = new_key()
    body["intent"] = payer.transfer("rail:test", 250, key, **terms)["intent"]
    made = client.post("/v1/payouts", body | {"destination": destination}, key)
    assert 201 == made.status_code, made.text
    assert "by a commitment: " in verified(client, made.json()["entry"], tmp_path)
    entered = client.get(f"/v1/entries/{made.json()['entry']}").text
    assert intent["payload"][:40] not in entered
    assert destination not in entered
    again = client.post("/v1/payouts", body | {"destination": destination}, key)
    assert made.json() == again.json()
    other = body["intent"] | {"signature": intent["signature"]}
    assert (422, "idempotency_key_reused") == problem_of(
        client.post("/v1/payouts", body | {"destination": destination, "intent": other}, key)
    )


def test_a_hold_that_its_payer_signed_is_proven_by_its_receipts_to_be_for_whom_the_payer_meant(
    client: Client, payer: Payer, tmp_path: Path
) -> None:
    key, name = new_key(), new_key()
    payee = client.party(aliases=[{"channel": "app", "value": name}])
    body = payer.transfer(payee, 250, key, operation="hold.place") | {"to": f"alias:app:{name}"}
    hold = client.post("/v1/holds", body, key)
    assert 201 == hold.status_code, hold.text
    assert f"by {payer.id}" in verified(client, hold.json()["entry"], tmp_path)
    key, of = new_key(), hold.json()["id"]
    signed = payer.transfer(payee, 50, key, operation="hold.increase", of=of)
    more = client.post(f"/v1/holds/{of}/increase", {"amount": 50, "intent": signed["intent"]}, key)
    assert 200 == more.status_code, more.text
    assert f"by {payer.id}" in verified(client, more.json()["entry"], tmp_path)


def test_a_payload_far_longer_than_an_intent_is_refused(client: Client, payer: Payer) -> None:
    key = new_key()
    body = payer.transfer(client.party(), 250, key)
    body["intent"] |= {"payload": "eyJs" * 1025}
    refused = client.post("/v1/transfers", body, key)
    assert (422, "intent_invalid") == (refused.status_code, refused.json()["code"])
    assert "/intent/payload" == refused.json()["errors"][0]["pointer"]


def test_without_the_payers_signature_nothing_is_paid_and_nothing_remembered(client: Client, payer: Payer) -> None:
    payee, key = client.party(), new_key()
    bare = {"from": payer.id, "to": payee, "amount": 5, "currency": "EUR"}
    refused = client.post("/v1/transfers", bare, key)
    assert (422, "intent_required") == (refused.status_code, refused.json()["code"])
    assert 404 == client.get(f"/v1/requests/{key}").status_code
    assert 201 == client.post("/v1/transfers", payer.transfer(payee, 5, key), key).status_code


def test_what_was_accepted_is_answered_again_whatever_became_of_the_key(client: Client, payer: Payer) -> None:
    key = new_key()
    body = payer.transfer(client.party(), 5, key)
    first = client.post("/v1/transfers", body, key)
    request_key = new_key()
    device = Device(1, "test")
    device.private, device.key_id = payer.private_key, payer.key_id
    word = device.authorise("party_key.revoke", payer.id, key_digest(request_key), payer.key_id)
    revoked = client.write(
        "DELETE",
        f"/v1/parties/{payer.id}/keys/{payer.key_id}",
        {"authorization": {"key_id": word.key_id, "signature": word.signature}},
        request_key,
    )
    assert 200 == revoked.status_code, revoked.text
    again = client.post("/v1/transfers", body, key)
    assert (first.json(), "true") == (again.json(), again.headers["Idempotency-Replayed"])
    key = new_key()
    refused = client.post("/v1/transfers", payer.transfer(client.party(), 5, key), key)
    assert "intent_invalid" == refused.json()["code"]


def test_in_a_batch_the_item_whose_intent_is_bad_is_refused_and_the_others_stand(client: Client, payer: Payer) -> None:
    payee = client.party()
    keys = [uuid.uuid4().hex for _ in range(4)]
    items = [payer.transfer(payee, 10, key) | {"key": key} for key in keys]
    items[1]["amount"] = 11
    items[2]["intent"] = items[2]["intent"] | {"signature": items[3]["intent"]["signature"]}
    results = client.post("/v1/transfers/batch", {"transfers": items}).json()["results"]
    codes = [result.get("problem", {}).get("code", "done") for result in results]
    assert ["done", "intent_mismatch", "intent_invalid", "done"] == codes
    assert 20 == client.available(payee)


def test_keys_are_listed_with_their_states(client: Client, payer: Payer) -> None:
    lost = registration(Ed25519PrivateKey.generate(), "test", "payer", payer.id)
    recovered = client.post(f"/v1/parties/{payer.id}/keys/recover", lost).json()
    listed = client.get(f"/v1/parties/{payer.id}/keys").json()["data"]
    assert [(payer.key_id, "live"), (recovered["key_id"], "pending")] == [
        (each["key_id"], each["state"]) for each in listed
    ]
    assert {"intents": "always", "above": None, "receivable_allowed": False} == client.get(
        f"/v1/parties/{payer.id}"
    ).json()["policy"]


def test_a_key_is_registered_in_a_dry_run_without_being_there(client: Client) -> None:
    party, private_key = client.party(), Ed25519PrivateKey.generate()
    body = registration(private_key, "test", "payer", party)
    answer = client.post(f"/v1/parties/{party}/keys", body, dry_run=True)
    assert (201, None) == (answer.status_code, answer.json()["entry"])
    assert [] == client.get(f"/v1/parties/{party}/keys").json()["data"]
    assert 201 == client.post(f"/v1/parties/{party}/keys", body).status_code
