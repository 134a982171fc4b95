"""Receipts and proofs over HTTP: whoever keeps a checkpoint and the log's key needs to believe nobody."""

import json
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from ledger.books.signing import Signing
from ledger.core.merkle import leaf_hash, tree_root, verify_consistency, verify_inclusion
from ledger.core.notes import Checkpoint
from ledger.core.receipts import parse_receipt, verify_receipt
from tests.harness import (
    PREPARED_ENTRIES,
    Client,
    Databases,
    Served,
    Superuser,
    make_api_key,
    make_ledger,
    make_log_key,
    serve,
)
from tests.http.logs import Mirror, checkpoint, fill, text, verifier_keys

SIZES = (255, 256, 257, 456, 512, 513)
SCRIPT = Path(__file__).parents[2] / "scripts" / "verify.py"


class Log(NamedTuple):
    """A log of some 600 entries: its leaves, and the checkpoints that somebody kept while it grew."""

    leaves: list[bytes]
    kept: list[Checkpoint]

    @property
    def newest(self) -> Checkpoint:
        return self.kept[-1]


@pytest.fixture(scope="module")
def service(signing_service: Served) -> Served:
    """Receipts are signed."""
    return signing_service


@pytest.fixture(scope="module")
def log(client: Client) -> Log:
    payer, payee = client.funded(1000), client.party()
    kept = [checkpoint(client)]
    for size in (9, 62, *SIZES, 598):
        fill(client, payer, payee, size - kept[-1].size)
        kept.append(checkpoint(client))
    bodies = Mirror(client.http, "/log/test").bodies(kept[-1].size)
    return Log([leaf_hash(body) for body in bodies], kept)


def run_script(folder: Path, receipt: bytes, line: str) -> subprocess.CompletedProcess[str]:
    """scripts/verify.py as a stranger runs it: copied to a folder that has nothing else but the receipt."""
    shutil.copy(SCRIPT, folder)
    (folder / "receipt.tlog-proof").write_bytes(receipt)
    command = [sys.executable, "-I", "verify.py", "receipt.tlog-proof", "--key", line]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def proof(client: Client, kind: str, **query: int) -> dict[str, Any]:
    response = client.get(f"/v1/log/proofs/{kind}", **query)
    assert 200 == response.status_code, response.text
    answered: dict[str, Any] = response.json()
    return answered | {"hashes": list(map(b64decode, answered["hashes"]))}


def test_a_payment_has_its_receipt_as_soon_as_it_is_answered(log: Log, client: Client, tmp_path: Path) -> None:
    made = client.transfer(client.funded(1250), client.party("payee-of-the-receipt"), 1250)
    receipt = text(client, f"/v1/entries/{made['entry']}/receipt")
    keys = verifier_keys(client)
    vouched = verify_receipt(parse_receipt(receipt), keys)
    assert ("test.invalid/log/test", made["entry"]) == (vouched.origin, vouched.size)
    entry = json.loads(parse_receipt(receipt).body)
    assert (made["entry"], 1250, "payee-of-the-receipt/available") == (
        entry["number"],
        entry["postings"][0]["amount"],
        entry["postings"][0]["credit"],
    )
    verified = run_script(tmp_path, receipt, keys[0].line)
    assert (0, "") == (verified.returncode, verified.stderr)
    assert "1250 minor units of EUR" in verified.stdout
    assert "payee-of-the-receipt/available" in verified.stdout


def test_a_receipt_with_any_byte_flipped_is_refused_with_a_sentence(log: Log, client: Client, tmp_path: Path) -> None:
    line = verifier_keys(client)[0].line
    receipt = text(client, "/v1/entries/300/receipt")
    for at in range(7, len(receipt), len(receipt) // 12):
        forged = receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]
        refused = run_script(tmp_path, forged, line)
        assert (1, "") == (refused.returncode, refused.stdout), at
        assert refused.stderr.strip().endswith("."), at
    assert 0 == run_script(tmp_path, receipt, line).returncode


def test_every_entry_has_a_receipt_that_holds(log: Log, client: Client) -> None:
    keys = verifier_keys(client)
    for number, leaf in enumerate(log.leaves, 1):
        receipt = parse_receipt(text(client, f"/v1/entries/{number}/receipt"))
        assert (number - 1, leaf) == (receipt.index, leaf_hash(receipt.body))
        assert log.newest.size <= verify_receipt(receipt, keys).size


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_is_proven_to_be_in_the_log_at_several_sizes(log: Log, client: Client, size: int) -> None:
    kept = {each.size: each for each in log.kept}[size]
    for index in range(size):
        answered = proof(client, "inclusion", entry=index + 1, size=size)
        assert (index, size) == (answered["index"], answered["size"])
        assert verify_inclusion(log.leaves[index], index, size, answered["hashes"], kept.root)


def test_without_a_size_an_entry_is_proven_against_the_newest_checkpoint(log: Log, client: Client) -> None:
    newest = checkpoint(client)
    answered = proof(client, "inclusion", entry=5)
    assert newest.size == answered["size"]
    assert verify_inclusion(log.leaves[4], 4, newest.size, answered["hashes"], newest.root)


def test_the_log_is_consistent_with_every_older_one(log: Log, client: Client) -> None:
    newest = log.newest
    for size in range(newest.size + 1):
        answered = proof(client, "consistency", **{"from": size, "to": newest.size})
        assert (size, newest.size) == (answered["from"], answered["to"])
        assert verify_consistency(size, tree_root(log.leaves[:size]), newest.size, newest.root, answered["hashes"])


def test_every_checkpoint_that_was_kept_is_consistent_with_every_later_one(log: Log, client: Client) -> None:
    for at, old in enumerate(log.kept):
        for new in log.kept[at:]:
            answered = proof(client, "consistency", **{"from": old.size, "to": new.size})
            assert verify_consistency(old.size, old.root, new.size, new.root, answered["hashes"])


def test_without_a_newer_size_the_log_is_consistent_with_the_newest_checkpoint(log: Log, client: Client) -> None:
    newest = checkpoint(client)
    answered = proof(client, "consistency", **{"from": 300})
    assert newest.size == answered["to"]
    assert verify_consistency(300, tree_root(log.leaves[:300]), newest.size, newest.root, answered["hashes"])


def test_a_checkpoint_may_not_be_cached_and_is_signed_by_the_key_that_is_published(log: Log, client: Client) -> None:
    response = client.get("/v1/log/checkpoint")
    assert "no-cache" == response.headers["cache-control"]
    assert response.text.startswith(f"test.invalid/log/test\n{checkpoint(client).size}\n")
    assert ["test.invalid/log/test"] == [key.name for key in verifier_keys(client)]


HUGE = 2**53 - 1


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("inclusion", "/entry", "field_missing"),
        ("inclusion?size=5", "/entry", "field_missing"),
        *((f"inclusion?entry={odd}", "/entry", "field_invalid") for odd in ("0", "-1", "", "x", "1.0", "1e3", "٣")),
        *((f"inclusion?entry={odd}", "/entry", "field_invalid") for odd in (HUGE, HUGE + 1, 2**63, 2**64, "9" * 5000)),
        *((f"inclusion?entry=1&size={odd}", "/size", "field_invalid") for odd in ("0", "-1", "x", HUGE, 2**64)),
        ("inclusion?entry=6&size=5", "/entry", "field_invalid"),
        ("inclusion?entry=1&other=1", "/other", "field_unknown"),
        ("inclusion?index=1", "/index", "field_unknown"),
        ("consistency", "/from", "field_missing"),
        ("consistency?to=5", "/from", "field_missing"),
        *((f"consistency?from={odd}&to=5", "/from", "field_invalid") for odd in ("-1", "x", "", "6", HUGE, 2**64)),
        *((f"consistency?from=1&to={odd}", "/to", "field_invalid") for odd in ("0", "-1", "x", HUGE, 2**64)),
        ("consistency?from=1&from_=1", "/from_", "field_unknown"),
    ],
)
def test_a_proof_that_cannot_be_asked_for_is_refused_with_the_field(
    log: Log, client: Client, query: str, pointer: str, code: str
) -> None:
    response = client.get(f"/v1/log/proofs/{query}")
    problem = response.json()
    assert (422, code) == (response.status_code, problem["code"]), problem
    assert [(pointer, code)] == [(each["pointer"], each["code"]) for each in problem["errors"]]
    assert problem["detail"].endswith(".")


def test_a_query_parameter_that_comes_twice_is_refused(log: Log, client: Client) -> None:
    response = client.get("/v1/log/proofs/inclusion?entry=1&entry=1")
    assert (422, "field_invalid") == (response.status_code, response.json()["code"])


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.0", "01", "+1", "100000", "9" * 18, "9" * 5000, "٣", "1%2F2"])
def test_an_entry_that_does_not_exist_has_no_receipt(log: Log, client: Client, number: str) -> None:
    response = client.get(f"/v1/entries/{number}/receipt")
    assert (404, "not_found") == (response.status_code, response.json()["code"])


def test_the_log_is_for_keys_that_may_read_entries(log: Log, service: Served) -> None:
    token = make_api_key(service.database, "transfers:write", "reports:read")
    paths = ("log/checkpoint", "log/vkey", "log/proofs/inclusion?entry=1", "log/proofs/consistency?from=1")
    for path in (*paths, "entries/1/receipt"):
        stranger = httpx.get(f"{service.base}/v1/{path}", trust_env=False)
        assert (401, "credentials_missing") == (stranger.status_code, stranger.json()["code"])
        other = httpx.get(f"{service.base}/v1/{path}", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert (403, "scope_missing") == (other.status_code, other.json()["code"])


def test_each_ledger_has_a_log_of_its_own(log: Log, service: Served, signing: Signing) -> None:
    ledger_id, token = make_ledger(service.database, "apart")
    make_log_key(service.database, signing, ledger_id, "apart")
    other = Client(service.base, token)
    assert ("test.invalid/log/apart", PREPARED_ENTRIES + 1) == checkpoint(other)[:2]
    assert 404 == other.get("/v1/entries/300/receipt").status_code
    verify_receipt(parse_receipt(text(other, "/v1/entries/1/receipt")), verifier_keys(other))
    other.close()


def test_no_receipt_is_given_of_an_entry_that_was_changed_after_it_was_signed(
    databases: Databases, tmp_path: Path
) -> None:
    database = databases.new()
    signing = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(database, signing)
    with serve(database, signing) as served, Superuser(database.url) as superuser:
        client = Client(served.base, database.token)
        for column, change in (("body", "replace(body, 'rail', 'liar')"), ("leaf", "sha256(leaf)")):
            superuser.run_script(f"UPDATE entries SET {column} = {change} WHERE number = 4")
            response = client.get("/v1/entries/4/receipt")
            assert (500, "internal") == (response.status_code, response.json()["code"])
        client.close()
    databases.drop(database)


def test_a_service_that_cannot_sign_says_so(databases: Databases) -> None:
    database = databases.new()
    with serve(database) as served:
        client = Client(served.base, database.token)
        for path in ("log/checkpoint", "log/vkey", "log/proofs/inclusion?entry=1", "entries/1/receipt"):
            response = client.get(f"/v1/{path}")
            assert (503, "unavailable") == (response.status_code, response.json()["code"])
            assert response.json()["detail"].endswith(".")
        assert 503 == client.get("/log/test/checkpoint").status_code
        assert 503 == client.get("/log/test/tile/0/000.p/1").status_code
        client.close()
    databases.drop(database)
