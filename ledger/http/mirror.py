"""The log as files that anybody can mirror with ordinary tools: c2sp.org/tlog-tiles, below a prefix for each log.

The prefix is the end of the log's origin: `/log/demo`, and after a loss that was accepted `/log/demo/2`. So what a
cache has kept for ever of the log that ended never mixes with the one that goes on.
"""

from typing import NamedTuple

import msgspec

from ledger.books import tree
from ledger.books.checkpoints import SignedCheckpoint
from ledger.core.errors import NotFound
from ledger.core.keys import jwks
from ledger.core.tiles import Tile, format_bundle, parse_tile_path
from ledger.http.log import NOT_CACHED, TEXT
from ledger.http.replies import Headers, Reply
from ledger.http.routes import Asked, Route

OCTETS = "application/octet-stream"
KEPT: Headers = ((b"cache-control", b"public, max-age=31536000, immutable"),)
"""No tile ever changes, a partial one neither: the next one is called otherwise (RFC 8246)."""
KEPT_BY_ITS_READER: Headers = ((b"cache-control", b"private, max-age=31536000, immutable"),)

_SIZE_MAX = 2**53 - 1


class Log(NamedTuple):
    """A ledger's log, and a checkpoint of it."""

    ledger_id: int
    checkpoint: SignedCheckpoint


class Jwk(msgspec.Struct):
    """An Ed25519 public key as a JWK (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class Jwks(msgspec.Struct):
    """Every key that ever signed a log's checkpoints here, revoked ones too: receipts outlive keys (RFC 7517)."""

    keys: list[Jwk]


async def find_log(asked: Asked, at_least: int = 0, ledger_id: int | None = None) -> Log:
    """The log that the path names, with a checkpoint of that many entries if there are so many.

    Raises not_found, also for the log of another ledger than `ledger_id`, if that is given, and for one that ended.
    """
    prefix = asked.path["ledger"]
    name = prefix.partition("/")[0]
    found = await asked.service.pool.fetchval("SELECT ledger_id FROM ledgers WHERE name = $1", name)
    if found is not None and ledger_id in (None, found):
        checkpoint = await (await asked.service.checkpoints(found)).newest(at_least)
        if checkpoint.origin.endswith(f"/log/{prefix}"):
            return Log(found, checkpoint)
    raise NotFound("not_found", f"There is no log at /log/{prefix:.100}, or it goes on under another origin.")


async def show_checkpoint(asked: Asked) -> Reply:
    """The log's newest signed root, for mirrors, monitors and auditors (c2sp.org/tlog-tiles)."""
    log = await find_log(asked)
    return Reply(200, log.checkpoint.note, TEXT.encode(), NOT_CACHED)


async def show_tile(asked: Asked) -> Reply:
    """A tile of hashes, `<level>/<index>` or `<level>/<index>.p/<width>`, of the tree of height 8 over the entries'
    hashes (c2sp.org/tlog-tiles): those of the level, 32 bytes each. It says nothing of what the entries are."""
    which = _tile(f"tile/{asked.path['tile']}")
    log = await find_log(asked, which.leaves[1])
    _check_is_covered(which, log)
    return Reply(200, await tree.tile(asked.service.reads(log.ledger_id), log.ledger_id, which), OCTETS.encode(), KEPT)


async def show_bundle(asked: Asked) -> Reply:
    """A bundle of entries, `<index>` or `<index>.p/<width>`: those under the tile of level 0 of that index, each
    behind its length in two bytes, big-endian (c2sp.org/tlog-tiles). The key has to be one of the log's ledger."""
    which = _tile(f"tile/entries/{asked.path['bundle']}")
    log = await find_log(asked, which.leaves[1], asked.ledger_id)
    _check_is_covered(which, log)
    bodies = await tree.bodies(asked.pool, log.ledger_id, *which.leaves)
    return Reply(200, format_bundle(bodies), OCTETS.encode(), KEPT_BY_ITS_READER)


async def show_keys(asked: Asked) -> Reply:
    """The log keys of all ledgers, as a JSON Web Key Set."""
    rows = await asked.service.pool.fetch("SELECT public_key FROM log_keys()")
    return Reply(200, jwks(row["public_key"] for row in rows))


def _tile(path: str) -> Tile:
    try:
        which = parse_tile_path(path)
    except ValueError as wrong:
        raise NotFound("not_found", f"{wrong}"[:300]) from None
    if which.leaves[1] > _SIZE_MAX:
        raise NotFound("not_found", "No log is as large as that.")
    return which


def _check_is_covered(which: Tile, log: Log) -> None:
    size = log.checkpoint.size
    if which.leaves[1] > size:
        raise NotFound("not_found", f"The log has {size} entries so far; this tile needs {which.leaves[1]}.")


ROUTES = (
    Route(
        "GET",
        "/log/{ledger}/checkpoint",
        None,
        show_checkpoint,
        summary="Show a log's newest signed checkpoint to anybody",
        answers=str,
        media_type=TEXT,
        deep=("ledger",),
    ),
    Route(
        "GET",
        "/log/{ledger}/tile/entries/{bundle}",
        "entries:read",
        show_bundle,
        summary="Get a bundle of a log's entries",
        answers=msgspec.Raw,
        media_type=OCTETS,
        deep=("ledger", "bundle"),
    ),
    Route(
        "GET",
        "/log/{ledger}/tile/{tile}",
        None,
        show_tile,
        summary="Get a tile of a log's hashes",
        answers=msgspec.Raw,
        media_type=OCTETS,
        deep=("ledger", "tile"),
    ),
    Route(
        "GET",
        "/.well-known/jwks.json",
        None,
        show_keys,
        summary="Show the logs' public keys",
        answers=Jwks,
    ),
)
