"""What a transfer leaves on disk."""

from typing import NamedTuple

from ledger.books.database import connect

_SIZES = """
    SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END
    FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'i')
"""


class Disk(NamedTuple):
    """The bytes of the ledger's tables and indexes, by name; its last entry; how much log the server has written."""

    relations: dict[str, int]
    head: int
    wal: int


async def measure(url: str, ledger_id: int) -> Disk:
    """Look, after a checkpoint."""
    connection = await connect(url)
    await connection.execute("CHECKPOINT")
    relations = {row[0]: row[1] for row in await connection.fetch(_SIZES)}
    head = await connection.fetchval("SELECT number FROM ledger.heads WHERE ledger_id = $1", ledger_id)
    wal = await connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    await connection.close()
    return Disk(relations, head, int(wal))


def bytes_per_entry(before: Disk, after: Disk) -> dict[str, float]:
    """By what each table and index grew for each entry made between, the largest first."""
    made = after.head - before.head
    grown = {name: (size - before.relations.get(name, 0)) / made for name, size in after.relations.items()}
    return dict(sorted(grown.items(), key=lambda item: -item[1]))


def wal_per_entry(before: Disk, after: Disk) -> float:
    """The bytes written to the server's log between, for each entry."""
    return (after.wal - before.wal) / (after.head - before.head)
