"""The limit: the ledger's own rows by COPY into equal tables, in transactions as large as the lane's.

Nothing that keeps the same rows in the same tables with the same indexes, durably, can be faster. The bytes are made
beforehand, so that the sender costs nothing; accounts' balances and the head are not even touched.
"""

import io
import time
from typing import NamedTuple

from ledger.books.database import Connection, connect

TABLES = {"entries": "number", "postings": "entry"}
"""The tables that a transfer adds rows to, and which of their columns has the entry's number."""
_COLUMNS = """
    SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'ledger' AND tablename = $1"
_FRESH_KEY = "substring(sha256(key || int8send($3::bigint)) FOR 16)"


class Copied(NamedTuple):
    """Transfers written by COPY."""

    transfers: int
    seconds: float

    @property
    def rate(self) -> float:
        """Transfers a second."""
        return self.transfers / self.seconds


async def make_equal_tables(url: str) -> None:
    """Tables like the ledger's, with all their constraints and indexes, and filled with all that is there now."""
    connection = await connect(url)
    await connection.execute("DROP SCHEMA IF EXISTS copied CASCADE; CREATE SCHEMA copied")
    # One snapshot for both: what the load generator left half done may still come in.
    async with connection.transaction(isolation="repeatable_read"):
        for table in TABLES:
            await connection.execute(f"CREATE TABLE copied.{table} (LIKE ledger.{table} INCLUDING CONSTRAINTS)")
            await connection.execute(f"INSERT INTO copied.{table} SELECT * FROM ledger.{table}")
            for row in await connection.fetch(_INDEXES, table):
                await connection.execute(row["indexdef"].replace(" ON ledger.", " ON copied."))
    await connection.execute("CHECKPOINT")
    await connection.close()


async def copy(url: str, ledger_id: int, first: int, size: int, transfers: int) -> Copied:
    """Write transfers in transactions of a size. `first` is the number of an entry; all after it are transfers."""
    connection = await connect(url)
    try:
        chunks = await _chunks(connection, ledger_id, first, size, max(1, transfers // size))
        started = time.perf_counter()
        for chunk in chunks:
            async with connection.transaction():
                for table, data in zip(TABLES, chunk, strict=True):
                    data.seek(0)
                    await connection.copy_to_table(table, schema_name="copied", source=data, format="binary")
        return Copied(len(chunks) * size, time.perf_counter() - started)
    finally:
        await connection.close()


async def _chunks(
    connection: Connection, ledger_id: int, first: int, size: int, count: int
) -> list[tuple[io.BytesIO, io.BytesIO]]:
    """The ledger's rows again, under new numbers and keys, as COPY's binary format has them."""
    head = await connection.fetchval("SELECT number FROM ledger.heads WHERE ledger_id = $1", ledger_id)
    begin = await connection.fetchval("SELECT max(number) FROM copied.entries WHERE ledger_id = $1", ledger_id)
    if head - first < size:
        raise ValueError(f"there are only {head - first} transfers to copy; {size} are needed")
    queries = [await _query(connection, table) for table in TABLES]
    chunks: list[tuple[io.BytesIO, io.BytesIO]] = []
    for index in range(count):
        source = first + index * size % (head - first - size + 1)
        shift = begin + index * size - source
        chunk = (io.BytesIO(), io.BytesIO())
        for query, data in zip(queries, chunk, strict=True):
            await connection.copy_from_query(query, ledger_id, source, shift, size, output=data, format="binary")
        chunks.append(chunk)
    return chunks


async def columns_of(connection: Connection, table: str) -> list[str]:
    """A table's columns in their order."""
    return [row["attname"] for row in await connection.fetch(_COLUMNS, table)]


async def _query(connection: Connection, table: str) -> str:
    """A table's rows of the ledger $1, of so many ($4) entries after $2, with $3 added to their entries' numbers."""
    number = TABLES[table]
    changed = {number: f"{number} + $3::bigint", "key": _FRESH_KEY}
    columns = [changed.get(name, name) for name in await columns_of(connection, f"ledger.{table}")]
    return f"""
        SELECT {", ".join(columns)} FROM ledger.{table}
        WHERE ledger_id = $1 AND {number} > $2::bigint AND {number} <= $2::bigint + $4::bigint
    """
