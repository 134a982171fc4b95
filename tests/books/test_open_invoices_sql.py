"""To find the oldest invoices between two parties costs the same however many stand open, known to Postgres or not."""

import asyncio
from typing import cast

import pytest

from ledger.books.database import Connection
from ledger.books.fence import open_lane
from ledger.books.load_invoices import open_invoices
from ledger.core.open_invoices import KNOWN_MAX, OpenInvoices
from tests.books.test_reads_sql import LEDGER, Counting
from tests.harness import Database, Superuser

OPEN = 40_000

MANY = f"""
    SET session_replication_role = replica;
    ALTER TABLE invoices SET (autovacuum_enabled = off);
    INSERT INTO invoices
    SELECT (jsonb_populate_record(NULL::invoices, jsonb_build_object('ledger_id', {LEDGER}, 'entry', e, 'changed_by', e,
        'merchant', CASE WHEN e % 20 = 0 THEN 'shop' ELSE 'other' END, 'customer', 'eve',
        'currency', CASE WHEN e % 400 = 0 THEN 'JPY' ELSE 'EUR' END, 'number', e, 'finalized_on', '2026-01-01',
        'due_at', CASE WHEN e % 40 = 0 THEN now() - e * interval '1 minute' END,
        'state', CASE WHEN e % 3 = 0 THEN 'uncollectible' ELSE 'open' END, 'subtotal', 5, 'tax', 0, 'total', 5,
        'lines_by', e, 'tax_inclusive', false, 'paid', 0, 'credited', 0, 'refunded', 0))).*
    FROM generate_series(1, {OPEN}) e;
    RESET session_replication_role
"""


@pytest.mark.parametrize("known", ["fresh", "analysed"])
def test_the_oldest_invoices_between_two_cost_what_is_found_and_no_more(
    known: str, database: Database, superuser: Superuser
) -> None:
    superuser.run_script(MANY if known == "fresh" else "ANALYZE")

    async def found(merchant: str, currency: str) -> tuple[OpenInvoices, int]:
        connection = await open_lane(database.service_url, LEDGER)
        try:
            counting = Counting(connection)
            key = (merchant, "eve", currency)
            rows = await open_invoices(cast(Connection, counting), LEDGER, [key])
            return rows.get(key, OpenInvoices()), counting.blocks
        finally:
            connection.terminate()

    dated, blocks = asyncio.run(found("shop", "EUR"))
    assert blocks < 2 * KNOWN_MAX
    assert (KNOWN_MAX, False) == (len(dated.oldest), dated.is_all)
    assert [e for e in range(OPEN, 0, -40) if e % 400][:KNOWN_MAX] == [each.entry for each in dated.oldest]
    few, blocks = asyncio.run(found("shop", "JPY"))
    assert (OPEN // 400, True, True) == (len(few.oldest), few.is_all, blocks < 3 * OPEN // 400)
    none, blocks = asyncio.run(found("nobody", "EUR"))
    assert (OpenInvoices(), True) == (none, blocks < 10)
