"""Checkpoints: one signature a batch, soon after it, and never at a payment's cost."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books.signing import FileSigner, Signing
from ledger.books.witness import checkpoint_of
from ledger.cli.log_key import _rotate
from ledger.core.notes import open_checkpoint, parse_verifier_key
from tests.harness import Client, Database, Databases, Served, make_log_key, serve


@pytest.fixture
def signed(databases: Databases, tmp_path: Path) -> Iterator[Served]:
    database = databases.new()
    signing = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(database, signing)
    with serve(database, signing) as served:
        yield served
    databases.drop(database)


@pytest.fixture
def client(signed: Served) -> Iterator[Client]:
    with contextlib.closing(Client(signed.base, signed.database.token)) as made:
        yield made


def size_of(client: Client) -> int:
    lines = client.get("/v1/log/vkey").text.splitlines()
    return open_checkpoint(client.get("/v1/log/checkpoint").content, map(parse_verifier_key, lines)).size


def witnessed(served: Served) -> int:
    signing = served.service.signing
    assert signing is not None
    return max((checkpoint_of(path.read_bytes()).size for path in signing.witness.glob("*.checkpoint")), default=0)


def test_every_entry_is_covered_as_soon_as_it_is_answered(client: Client) -> None:
    for _ in range(5):
        party = client.post("/v1/parties", {"id": f"p{time.monotonic_ns()}", "kind": "person"}).json()
        assert party["entry"] <= size_of(client)
        assert 200 == client.get(f"/v1/entries/{party['entry']}/receipt").status_code


def test_the_witness_knows_of_it_within_a_fifth_of_a_second_and_at_every_stop(
    databases: Databases, tmp_path: Path
) -> None:
    database = databases.new()
    signing = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(database, signing)
    with serve(database, signing) as served:
        client = Client(served.base, database.token)
        client.party("first")
        written, entry = time.monotonic(), client.get("/v1/entries?after=0").json()["head"]
        while witnessed(served) < entry and time.monotonic() - written < 5:
            time.sleep(0.01)
        assert time.monotonic() - written < 0.5  # 0.2 s, and what a busy machine adds
        client.party("last")
        client.close()
    assert entry + 1 == witnessed(served)
    databases.drop(database)


def test_a_signer_that_fails_fails_no_payment_and_is_asked_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: FileSigner, message: bytes) -> bytes:
        raise OSError("the HSM is away")

    assert 200 == client.get("/v1/log/checkpoint").status_code
    with monkeypatch.context() as patched:
        patched.setattr(FileSigner, "sign", broken)
        made = client.post("/v1/parties", {"id": "while-away", "kind": "person"})
        assert 201 == made.status_code
        refused = client.get(f"/v1/entries/{made.json()['entry']}/receipt")
        assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
    assert 200 == client.get(f"/v1/entries/{made.json()['entry']}/receipt").status_code


def test_a_slow_signer_signs_the_newest_head_and_skips_those_between(
    signed: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    signatures = []
    sign = FileSigner.sign_now

    async def slow(self: FileSigner, message: bytes) -> bytes:
        await asyncio.sleep(0.2)
        signatures.append(message)
        return sign(self, message)

    monkeypatch.setattr(FileSigner, "sign", slow)
    entries = [client.post("/v1/parties", {"id": f"s{n}", "kind": "person"}).json()["entry"] for n in range(30)]
    assert 200 == client.get(f"/v1/entries/{entries[-1]}/receipt").status_code
    assert len(signatures) < 15


def test_during_a_rotation_a_checkpoint_carries_both_signatures(
    databases: Databases, signed: Served, client: Client
) -> None:
    signing = signed.service.signing
    assert signing is not None
    before = parse_verifier_key(client.get("/v1/log/vkey").text.strip())
    after = parse_verifier_key(asyncio.run(_rotate(signed.database.service_url, "test", signing)))
    with serve(signed.database, signing) as again:
        newer = Client(again.base, again.database.token)
        note = newer.get("/v1/log/checkpoint").content
        assert open_checkpoint(note, [before]) == open_checkpoint(note, [after])
        assert {before, after} == {parse_verifier_key(line) for line in newer.get("/v1/log/vkey").text.splitlines()}
        newer.close()


def test_without_a_key_nothing_is_signed_and_everything_else_goes_on(databases: Databases) -> None:
    database: Database = databases.new()
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        assert 201 == client.post("/v1/parties", {"id": "ann", "kind": "person"}).status_code
        refused = client.get("/v1/log/checkpoint")
        assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
    databases.drop(database)
