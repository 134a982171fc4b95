"""The log over HTTP, in the published formats byte for byte: checkpoints, proofs and receipts for who has a key.

Checkpoints are signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), receipts c2sp.org/tlog-proof@v1, and
proofs those of RFC 9162. What anybody may read of the log stands in mirror.py.
"""

import re
from typing import Annotated

import msgspec

from ledger.books import tree
from ledger.books.checkpoints import SignedCheckpoint
from ledger.core.errors import Invalid, NotFound
from ledger.core.keys import to_base64
from ledger.core.merkle import consistency_ranges, inclusion_ranges, leaf_hash, verify_inclusion
from ledger.core.receipts import Receipt, format_receipt
from ledger.http.replies import Headers, Reply
from ledger.http.routes import Asked, Route

TEXT = "text/plain; charset=utf-8"
NOT_CACHED: Headers = ((b"cache-control", b"no-cache"),)
"""A checkpoint is soon followed by a newer one."""

_NUMBER = re.compile(r"\A[1-9][0-9]{0,15}\Z", re.ASCII)

_EXACT_MAX = 2**53 - 1
Size = Annotated[int, msgspec.Meta(ge=1, le=_EXACT_MAX, description="A number of entries.")]
Hash = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": r"\A[A-Za-z0-9+/]{43}=\Z"})]


class InclusionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Of which entry the inclusion is proven, in the log of which size: that of the newest checkpoint if left out."""

    entry: Annotated[int, msgspec.Meta(ge=1, le=_EXACT_MAX, description="The number of an entry.")]
    size: Size | None = None


class InclusionAnswer(msgspec.Struct):
    """That an entry is in the log: its leaf hash and these lead to the root of that size (RFC 9162, section
    2.1.3.2)."""

    index: int
    size: int
    hashes: list[Hash]


class ConsistencyQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From which size to which the log only grew: to that of the newest checkpoint if `to` is left out."""

    from_: Annotated[int, msgspec.Meta(ge=0, le=_EXACT_MAX, description="A number of entries.")] = msgspec.field(
        name="from"
    )
    to: Size | None = None


class ConsistencyAnswer(msgspec.Struct):
    """That nothing before a size was changed: these lead to the roots of both sizes (RFC 9162, section 2.1.4.2). None
    are needed where both are the same, and from the empty log, with which every log begins."""

    from_: int = msgspec.field(name="from")
    to: int
    hashes: list[Hash]


def covered(name: str, size: int | None, checkpoint: SignedCheckpoint) -> int:
    """A size that was asked for, or the checkpoint's. Raises field_invalid for one that no checkpoint covers."""
    if size is None:
        return checkpoint.size
    if size > checkpoint.size:
        detail = f"The log has {checkpoint.size} entries so far: {name} is {size}."
        raise Invalid.at(f"/{name}", "field_invalid", detail)
    return size


async def newest(asked: Asked, at_least: int = 0) -> SignedCheckpoint:
    """The newest checkpoint of the caller's ledger, of that many entries if there are so many. Raises unavailable."""
    checkpoints = await asked.service.checkpoints(asked.ledger_id)
    return await checkpoints.newest(at_least)


async def show_checkpoint(asked: Asked) -> Reply:
    """The log's newest signed root: a signed note with a checkpoint (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

    Whoever keeps one can prove later that nothing before it was changed.
    """
    return Reply(200, (await newest(asked)).note, TEXT.encode(), NOT_CACHED)


async def show_verifier_keys(asked: Asked) -> Reply:
    """The keys that sign checkpoints now, as verifier key lines (c2sp.org/signed-note). Receipts are verified with
    one of them; keep it, and compare it with what the ledger's operator has published."""
    checkpoints = await asked.service.checkpoints(asked.ledger_id)
    await checkpoints.newest()  # which finds out what the keys are
    return Reply(200, "".join(f"{key.line}\n" for key in checkpoints.verifier_keys).encode(), TEXT.encode(), NOT_CACHED)


async def prove_inclusion(asked: Asked) -> Reply:
    """The audit path of an entry (RFC 9162, section 2.1.3), from the leaf's sibling up."""
    query: InclusionQuery = asked.query
    checkpoint = await newest(asked, max(query.entry, query.size or 0))
    size = covered("size", query.size, checkpoint)
    if query.entry > size:
        detail = f"The log of {size} entries has no entry {query.entry}."
        raise Invalid.at("/entry", "field_invalid", detail)
    ranges = inclusion_ranges(query.entry - 1, size)
    hashes = await tree.hashes(asked.pool, asked.ledger_id, ranges)
    return Reply(200, InclusionAnswer(query.entry - 1, size, list(map(to_base64, hashes))))


async def prove_consistency(asked: Asked) -> Reply:
    """The proof that the log of one size begins with all of the log of another (RFC 9162, section 2.1.4)."""
    query: ConsistencyQuery = asked.query
    checkpoint = await newest(asked, max(query.from_, query.to or 0))
    to = covered("to", query.to, checkpoint)
    if query.from_ > to:
        raise Invalid.at("/from", "field_invalid", f"A log of {query.from_} entries cannot have grown to {to}.")
    hashes = await tree.hashes(asked.pool, asked.ledger_id, consistency_ranges(query.from_, to))
    return Reply(200, ConsistencyAnswer(query.from_, to, list(map(to_base64, hashes))))


async def show_receipt(asked: Asked) -> Reply:
    """The receipt of an entry, ready as soon as the write is answered: one text file (c2sp.org/tlog-proof@v1) with the
    entry, its audit path and a signed checkpoint. `scripts/verify.py` verifies it offline, with the log's verifier key
    and nothing else."""
    name = asked.path["number"]
    number = int(name) if _NUMBER.match(name) else 0
    checkpoint = await newest(asked, number)
    if not 0 < number <= checkpoint.size:
        raise NotFound("not_found", f"There is no entry {name:.100}.")
    body, path = await tree.proof(asked.pool, asked.ledger_id, number, checkpoint.size)
    if not verify_inclusion(leaf_hash(body), number - 1, checkpoint.size, path, checkpoint.root):
        # Better none than one that proves nothing, and that somebody files away unverified.
        raise tree.BrokenLog(f"The entry {number} is not the one that was signed.")
    receipt = Receipt(number - 1, tuple(path), checkpoint.note, body)
    return Reply(200, format_receipt(receipt), TEXT.encode())


ROUTES = (
    Route(
        "GET",
        "/v1/log/checkpoint",
        "entries:read",
        show_checkpoint,
        summary="Show the newest signed checkpoint",
        answers=str,
        media_type=TEXT,
    ),
    Route(
        "GET",
        "/v1/log/vkey",
        "entries:read",
        show_verifier_keys,
        summary="Show the keys to verify checkpoints with",
        answers=str,
        media_type=TEXT,
    ),
    Route(
        "GET",
        "/v1/log/proofs/inclusion",
        "entries:read",
        prove_inclusion,
        summary="Prove that an entry is in the log",
        query=InclusionQuery,
        answers=InclusionAnswer,
    ),
    Route(
        "GET",
        "/v1/log/proofs/consistency",
        "entries:read",
        prove_consistency,
        summary="Prove that the log only grew",
        query=ConsistencyQuery,
        answers=ConsistencyAnswer,
    ),
    Route(
        "GET",
        "/v1/entries/{number}/receipt",
        "entries:read",
        show_receipt,
        summary="Get a receipt that proves an entry offline",
        answers=str,
        media_type=TEXT,
    ),
)
