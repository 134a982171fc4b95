"""What is read of the log in one query is what the Merkle tree over all its leaves says."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books import tree
from ledger.books.database import Connection, Reader, connect
from ledger.core.merkle import (
    HASH_SIZE,
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    tree_root,
)
from ledger.core.tiles import TILE_WIDTH, Tile, tiles_of
from tests.harness import Database, Superuser

T = TypeVar("T")
LEDGER, SIZE = 7, 3000
BODIES = [f'{{"number":{number}}}'.encode() for number in range(1, SIZE + 1)]
LEAVES = [leaf_hash(body) for body in BODIES]
HUGE, HUGE_SIZE = 8, 10_000_000
BLOCKS_MAX = 200

ENTRIES = """
    INSERT INTO entries
    SELECT $1, number, 'epoch', '2026-01-01', 'transfer', substring(sha256(body::bytea) FOR 16), leaf, body, NULL
    FROM unnest($2::bigint[], $3::bytea[], $4::text[]) AS made(number, leaf, body)
"""
SUBTREES = "INSERT INTO subtrees SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])"
# A log in which every hash of a level is there where a proof of the last entries may ask for it; nobody has to hash ten
# million leaves for that. The leaves before the last tiles are missing, and nothing may miss them.
CLAIMED = f"""
    INSERT INTO ledgers VALUES ({HUGE}, 'huge', 'huge');
    INSERT INTO subtrees
    SELECT {HUGE}, level, index, sha256(format('%s/%s', level, index)::bytea)
    FROM (VALUES (1, {HUGE_SIZE} >> 8), (2, {HUGE_SIZE} >> 16)) levels(level, hashes),
         generate_series(0, hashes - 1) index;
    INSERT INTO entries
    SELECT {HUGE}, e, 'epoch', '2026-01-01', 'transfer', substring(sha256(e::text::bytea) FOR 16),
           sha256(format('0/%s', e - 1)::bytea), '{{}}', NULL
    FROM generate_series({HUGE_SIZE} - 9999, {HUGE_SIZE}) e;
"""


class Counting:
    """A connection that counts its queries, the hashes they answer and the blocks they touch."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.queries = 0
        self.hashes = 0
        self.blocks = 0

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        self.queries += 1
        plan = await self.connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *arguments)
        top = json.loads(plan)[0]["Plan"]
        self.blocks += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
        rows = await self.connection.fetch(query, *arguments)
        self.hashes += sum(map(_hashes_in, rows))
        return rows

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        return next(iter(await self.fetch(query, *arguments)), None)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        return (await self.fetchrow(query, *arguments))[0]


def _hashes_in(row: Any) -> int:
    stored = row["stored"]
    return sum(len(each or b"") for each in (stored if isinstance(stored, list) else [stored])) // HASH_SIZE


@pytest.fixture(scope="module")
def log(database: Database, superuser: Superuser) -> Database:
    """A log of 3,000 entries, written as the commit writes one."""
    superuser.run_script(f"INSERT INTO ledgers VALUES ({LEDGER}, 'tree', 'tree')")
    texts = [body.decode() for body in BODIES]
    superuser.rows(ENTRIES, LEDGER, list(range(1, SIZE + 1)), LEAVES, texts)
    levels, indices, roots = zip(*Frontier().extend(LEAVES), strict=True)
    superuser.rows(SUBTREES, LEDGER, levels, indices, roots)
    superuser.run_script(CLAIMED)
    return database


@asynccontextmanager
async def counting(database: Database) -> AsyncIterator[Counting]:
    connection = await connect(database.url)
    try:
        await connection.execute("SET default_transaction_read_only = on")
        yield Counting(connection)
    finally:
        await connection.close()


def asked(database: Database, question: Callable[[Reader], Awaitable[T]]) -> tuple[T, Counting]:
    """The answer, and what it cost."""

    async def answer() -> tuple[T, Counting]:
        async with counting(database) as connection:
            return await question(cast(Reader, connection)), connection

    return asyncio.run(answer())


sizes = st.integers(1, SIZE) | st.sampled_from([1, 2, 255, 256, 257, 511, 512, 513, 2047, 2048, 2049, SIZE])


@settings(max_examples=60, deadline=None)
@given(sizes, st.data())
def test_an_audit_path_is_that_of_the_tree_for_any_entry_and_any_size(
    log: Database, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    ranges = inclusion_ranges(index, size)
    found, cost = asked(log, lambda connection: tree.hashes(connection, LEDGER, ranges))
    assert inclusion_proof(LEAVES, index, size) == found
    assert 1 == cost.queries
    proof, cost = asked(log, lambda connection: tree.proof(connection, LEDGER, index + 1, size))
    assert tree.Proof(BODIES[index], found) == proof
    assert 1 == cost.queries


@settings(max_examples=60, deadline=None)
@given(sizes, st.data())
def test_a_consistency_proof_is_that_of_the_tree_for_any_two_sizes(
    log: Database, size: int, data: st.DataObject
) -> None:
    old_size = data.draw(st.integers(0, size))
    ranges = consistency_ranges(old_size, size)
    found, cost = asked(log, lambda connection: tree.hashes(connection, LEDGER, ranges))
    assert consistency_proof(LEAVES, old_size, size) == found
    assert 1 == cost.queries


@settings(max_examples=40, deadline=None)
@given(st.integers(0, SIZE))
def test_the_frontier_of_any_size_is_what_appending_the_leaves_leads_to(log: Database, size: int) -> None:
    found, cost = asked(log, lambda connection: tree.frontier(connection, LEDGER, size))
    expected = Frontier()
    expected.extend(LEAVES[:size])
    assert (expected.size, expected.roots, tree_root(LEAVES[:size])) == (found.size, found.roots, found.root())
    assert 1 == cost.queries


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, SIZE])
def test_a_tile_holds_the_roots_of_its_leaves_in_order(log: Database, size: int) -> None:
    for tile in tiles_of(size):
        found, cost = asked(log, lambda connection, which=tile: tree.tile(connection, LEDGER, which))  # type: ignore[misc]
        width = 1 << 8 * (tile.level or 0)
        start, end = tile.leaves
        assert b"".join(tree_root(LEAVES[at : at + width]) for at in range(start, end, width)) == found
        assert 1 == cost.queries


def test_leaves_and_bodies_are_those_of_the_entries_in_order(log: Database) -> None:
    found, cost = asked(log, lambda connection: tree.leaves(connection, LEDGER, 250, 1300))
    assert (LEAVES[250:1300], 1) == (found, cost.queries)
    assert [] == asked(log, lambda connection: tree.leaves(connection, LEDGER, 250, 250))[0]
    bodies, _ = asked(log, lambda connection: tree.bodies(connection.connection, LEDGER, 250, 1300))  # type: ignore[union-attr]
    assert BODIES[250:1300] == bodies


def test_what_the_log_does_not_have_is_never_made_up(log: Database) -> None:
    for question in (
        lambda connection: tree.hashes(connection, LEDGER, [(0, 2), (SIZE, SIZE + 1)]),
        lambda connection: tree.hashes(connection, LEDGER, [(0, 65_536)]),
        lambda connection: tree.hashes(connection, LEDGER, [(2816, 3072)]),
        lambda connection: tree.frontier(connection, LEDGER, SIZE + 1),
        lambda connection: tree.proof(connection, LEDGER, SIZE + 1, SIZE + 1),
        lambda connection: tree.proof(connection, LEDGER, 1, SIZE + 1),
        lambda connection: tree.leaves(connection, LEDGER, SIZE - 1, SIZE + 1),
        lambda connection: tree.tile(connection, LEDGER, Tile(0, SIZE // 256)),
        lambda connection: tree.bodies(connection.connection, LEDGER, SIZE - 1, SIZE + 1),
    ):
        with pytest.raises(tree.BrokenLog):
            asked(log, question)


@pytest.mark.parametrize("size", [HUGE_SIZE, HUGE_SIZE - 1, HUGE_SIZE - 4999])
def test_a_proof_from_ten_million_entries_reads_two_tiles_a_level_at_most(log: Database, size: int) -> None:
    dice = random.Random(size)
    levels = 3
    for number in (size, size - 1, *(dice.randint(HUGE_SIZE - 9000, size) for _ in range(20))):
        proof, cost = asked(log, lambda connection, asked_for=number: tree.proof(connection, HUGE, asked_for, size))  # type: ignore[misc]
        assert len(proof.path) <= 24
        assert 1 == cost.queries
        assert cost.hashes <= 2 * (TILE_WIDTH - 1) * levels
        assert cost.blocks <= BLOCKS_MAX


@pytest.mark.parametrize("old_size", [HUGE_SIZE - 5000, HUGE_SIZE - 257, HUGE_SIZE - 1, HUGE_SIZE])
def test_ten_million_entries_are_proven_consistent_from_two_tiles_a_level(log: Database, old_size: int) -> None:
    ranges = consistency_ranges(old_size, HUGE_SIZE)
    found, cost = asked(log, lambda connection: tree.hashes(connection, HUGE, ranges))
    assert len(ranges) == len(found) <= 25
    assert 1 == cost.queries
    assert cost.hashes <= 2 * TILE_WIDTH * 3
    assert cost.blocks <= BLOCKS_MAX


def test_a_path_in_a_huge_log_is_folded_from_the_hashes_that_stand_there(log: Database) -> None:
    """Ten million is 152 times 65,536, 150 times 256, and 128: the last entry's path begins and ends in these."""

    def stored(level: int, index: int) -> bytes:
        return hashlib.sha256(f"{level}/{index}".encode()).digest()

    proof, _ = asked(log, lambda connection: tree.proof(connection, HUGE, HUGE_SIZE, HUGE_SIZE))
    assert stored(0, HUGE_SIZE - 2) == proof.path[0]
    assert tree_root(stored(2, index) for index in range(128)) == proof.path[-1]
