"""The log as public files: whoever downloads them has the log, and nobody needs a key to check its shape."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from ledger.books.signing import Signing
from ledger.core.keys import jwk
from ledger.core.merkle import leaf_hash, tree_root
from ledger.core.notes import Checkpoint, VerifierKey, open_checkpoint
from ledger.core.receipts import parse_receipt, verify_receipt
from ledger.core.tiles import tiles_of
from tests import documented
from tests.harness import Client, Databases, Served, Superuser, make_api_key, make_ledger, make_log_key, serve
from tests.http.logs import Mirror, checkpoint, fill, root_of, text, verifier_keys

TRANSFERS = 580


class Log(NamedTuple):
    """A log's key and checkpoint, and who may read what of it: anybody, and who has a key."""

    key: VerifierKey
    checkpoint: Checkpoint
    public: Mirror
    private: Mirror


@pytest.fixture(scope="module")
def service(signing_service: Served) -> Served:
    """Receipts are signed."""
    return signing_service


@pytest.fixture(scope="module")
def log(service: Served, client: Client) -> Iterator[Log]:
    fill(client, client.funded(1000), client.party(), TRANSFERS)
    hooks = {"response": [documented.check]}
    with httpx.Client(base_url=service.base, trust_env=False, event_hooks=hooks) as anybody:
        public = Mirror(anybody, "/log/test")
        keys = verifier_keys(client)
        newest = open_checkpoint(public.file("checkpoint"), keys)
        yield Log(keys[0], newest, public, Mirror(client.http, "/log/test"))


def test_a_mirror_of_all_tiles_has_the_root_that_was_signed(log: Log) -> None:
    assert TRANSFERS < log.checkpoint.size
    assert log.checkpoint.root == root_of(log.public.tiles(log.checkpoint.size))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_the_tiles_of_an_older_log_are_there_as_well(log: Log, size: int) -> None:
    leaves = [leaf_hash(body) for body in log.private.bodies(size)]
    assert tree_root(leaves) == root_of(log.public.tiles(size))


def test_the_entries_in_the_bundles_are_the_leaves_of_the_tiles(log: Log, client: Client) -> None:
    size = log.checkpoint.size
    bodies = log.private.bodies(size)
    tiles = log.public.tiles(size)
    hashes = [each for tile in tiles if tile.level == 0 for each in tiles[tile]]
    assert [leaf_hash(body) for body in bodies] == hashes
    assert bodies[299] == parse_receipt(text(client, "/v1/entries/300/receipt")).body


def test_tiles_may_be_kept_for_ever_and_checkpoints_may_not(log: Log) -> None:
    expected = {
        "checkpoint": ("text/plain; charset=utf-8", "no-cache"),
        "tile/0/000": ("application/octet-stream", "public, max-age=31536000, immutable"),
        "tile/0/000.p/7": ("application/octet-stream", "public, max-age=31536000, immutable"),
        "tile/entries/001": ("application/octet-stream", "private, max-age=31536000, immutable"),
        "tile/entries/000.p/7": ("application/octet-stream", "private, max-age=31536000, immutable"),
    }
    for path, headers in expected.items():
        response = log.private.http.get(f"/log/test/{path}")
        assert headers == (response.headers["content-type"], response.headers["cache-control"]), path
        head = log.private.http.head(f"/log/test/{path}")
        assert (200, b"", response.headers["content-type"]) == (
            head.status_code,
            head.content,
            head.headers["content-type"],
        )


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/003", "tile/0/002.p/255", "tile/0/x001/000", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1"),
        *("tile/63/000.p/1", "tile/62/" + "x999/" * 5 + "999", "tile/0/" + "x999/" * 5 + "999", "tile/64/000"),
        *("tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/00/000", "tile/0/000/", "tile/0/"),
        *("tile/0/x000/001", "tile/-1/000", "tile/0/000.p", "tile", "tile/", "tile/0", "", "checkpoint/"),
        *(
            "tile/0/..%2F..%2Fheads",
            "tile/0/../000",
            "tile/8/0/000",
            "entries/000",
            "tile/0/%D9%A0%D9%A0%D9%A0",
            "tile/0/000%0A",
        ),
        *("checkpoint%00", "tile/0/000%00", "tile/0/000%C3%28", "issuer/00", "x/checkpoint", "2/checkpoint"),
    ],
)
def test_what_the_log_does_not_have_is_not_found(log: Log, path: str) -> None:
    target = log.public.http.base_url.copy_with(raw_path=f"/log/test/{path}".encode())
    response = log.public.http.get(target)
    assert (404, "not_found") == (response.status_code, response.json()["code"])
    assert "cache-control" not in response.headers


@pytest.mark.parametrize("path", ["tile/entries/003", "tile/entries/002.p/255", "tile/entries/0", "tile/entries/x"])
def test_a_bundle_that_the_log_does_not_have_is_not_found(log: Log, path: str) -> None:
    assert 404 == log.private.http.get(f"/log/test/{path}").status_code


@pytest.mark.parametrize("name", ["nobody", "TEST", "test%20", "t", "'", "test%2Ftest", "test/02", "a" * 5000])
def test_a_log_that_does_not_exist_is_not_found(log: Log, name: str) -> None:
    for path in ("checkpoint", "tile/0/000"):
        assert 404 == log.public.http.get(f"/log/{name}/{path}").status_code


def test_only_who_may_read_the_entries_of_this_ledger_gets_bundles(log: Log, service: Served, signing: Signing) -> None:
    path = "/log/test/tile/entries/000"
    assert 401 == log.public.http.get(path).status_code
    unable = make_api_key(service.database, "reports:read")
    assert 403 == log.public.http.get(path, headers={"Authorization": f"Bearer {unable}"}).status_code
    ledger_id, token = make_ledger(service.database, "stranger")
    make_log_key(service.database, signing, ledger_id, "stranger")
    stranger = {"Authorization": f"Bearer {token}"}
    known = log.public.http.get(path, headers=stranger)
    unknown = log.public.http.get(path.replace("test", "none"), headers=stranger)
    assert 404 == known.status_code == unknown.status_code
    differing = {"instance": ""}
    assert unknown.json() | differing == known.json() | differing | {
        "detail": known.json()["detail"].replace("test", "none")
    }
    # And each has the hashes of the other's, as everybody has.
    assert 200 == log.public.http.get("/log/stranger/tile/0/000.p/4", headers=stranger).status_code


def test_the_log_keys_of_all_ledgers_are_published(log: Log) -> None:
    response = log.public.http.get("/.well-known/jwks.json")
    assert 200 == response.status_code
    assert jwk(log.key.public_key) in response.json()["keys"]


def test_after_a_loss_the_log_goes_on_below_another_prefix(databases: Databases, tmp_path: Path) -> None:
    """Else what caches have kept for ever of the log that ended would be taken for tiles of this one."""
    database = databases.new()
    signing = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(database, signing)
    with Superuser(database.url) as superuser:
        superuser.run_script("INSERT INTO epochs VALUES (1, 2, 'test.invalid/log/test/2', 5)")
    with serve(database, signing) as served:
        client = Client(served.base, database.token)
        payer = client.funded(100)
        assert ["test.invalid/log/test/2"] == [key.name for key in verifier_keys(client)]
        newest = checkpoint(client)
        mirror = Mirror(client.http, "/log/test/2")
        assert newest == open_checkpoint(mirror.file("checkpoint"), verifier_keys(client))
        assert newest.root == root_of(mirror.tiles(newest.size))
        assert newest.root == tree_root(leaf_hash(body) for body in mirror.bodies(newest.size))
        for path in ("checkpoint", *(tile.path for tile in tiles_of(newest.size)), "tile/entries/000.p/1"):
            assert 404 == client.get(f"/log/test/{path}").status_code
        for number in range(1, client.transfer(payer, client.party(), 1)["entry"] + 1):
            receipt = parse_receipt(text(client, f"/v1/entries/{number}/receipt"))
            assert "test.invalid/log/test/2" == verify_receipt(receipt, verifier_keys(client)).origin
        client.close()
    databases.drop(database)
