"""Lists: what a page of invoices costs where there are a thousand of them, and where there are a million.

The invoices are copies of one, made by SQL: on a ledger of their own, whose log therefore does not hold.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from ledger.bench import figures
from ledger.bench.figures import Cell, Figure
from ledger.bench.limit import columns_of
from ledger.bench.load import Requests
from ledger.bench.prepare import CURRENCY, HOT, Prepared, do, prepare
from ledger.bench.server import UNLOGGED_SERVICE, Server
from ledger.bench.stage import taken
from ledger.books.database import Connection, connect
from ledger.books.lane import Lane
from ledger.cli.embedded import EmbeddedPostgres
from ledger.core.chats import Chat
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.http.cursors import cursor_at
from ledger.http.listing import Spot

CUSTOMERS = 10
"""Each of them has a share of the invoices, in a conversation of its own."""
NUMBERS = {"entries": "number", "invoices": "entry", "chats": "entry"}
"""The tables that an invoice has a row in, and which of their columns has the entry's number."""
CHANGED = {
    "entries": {"key": "substring(sha256(int8send(n)) FOR 16)", "posted_at": "m.posted_at + n * interval '1 ms'"},
    "invoices": {
        "changed_by": "m.entry + n",
        "customer": f"'user' || 1 + n % {CUSTOMERS}",
        "state": "CASE WHEN n % 3 = 0 THEN 'open' ELSE 'paid' END",
        "paid": "CASE WHEN n % 3 = 0 THEN 0 ELSE m.total END",
        "lines_by": "m.lines_by + n",
        "memo_by": "m.memo_by + n",
        "number": "m.number + n",
        "external_ref": "'order-' || n",
    },
    "chats": {"conversation": f"'chat-' || 1 + n % {CUSTOMERS}"},
}
"""In what else than its entry's number the n-th copy differs."""


class Listed(NamedTuple):
    """A ledger with so many invoices, made by the entries from `first` on, and a service that shows them."""

    invoices: int
    first: int
    prepared: Prepared
    server: Server

    def measured(self, seconds: float, problems: list[str]) -> Iterator[tuple[Cell, Figure]]:
        """What a page costs, of each kind."""
        for label, path in self._pages():
            requests = Requests("get", CUSTOMERS, path=path, entries=self.invoices)
            figure = taken(self.prepared, self.server, requests, 1, seconds, problems)
            yield figures.listed(label, self.invoices), figure

    def _pages(self) -> Iterator[tuple[str, str]]:
        of_merchant = {"party": HOT, "state": "open"}
        yield "of all", "/v1/invoices?limit=50"
        yield "of all, in their middle", f"/v1/invoices?limit=50&cursor={self._middle({})}"
        yield "of a merchant's open ones", f"/v1/invoices?limit=50&party={HOT}&state=open"
        yield "of those, in their middle", f"/v1/invoices?limit=50&cursor={self._middle(of_merchant)}"
        yield "of a customer's", "/v1/invoices?limit=50&party={party}"
        yield "of a conversation's", "/v1/invoices?limit=50&chat=chat-1"
        yield "by the merchant's own reference", "/v1/invoices?external_ref=order-{entry}"

    def _middle(self, filters: dict[str, str]) -> str:
        """Where the list goes on from the invoice in its middle."""
        spot = Spot(filters, self.first + self.invoices, self.first + self.invoices // 2, 0)
        return cursor_at(f"invoices {self.prepared.ledger_id}", spot)


def set_up(stack: ExitStack, postgres: EmbeddedPostgres, invoices: int) -> Listed:
    """Make a ledger with so many invoices, and start a service that believes what it finds there."""
    prepared = asyncio.run(prepare(postgres, f"invoices_{invoices}", CUSTOMERS))
    first = asyncio.run(_fill(prepared, invoices))
    return Listed(invoices, first, prepared, stack.enter_context(Server(UNLOGGED_SERVICE, prepared.service_url)))


async def _fill(prepared: Prepared, invoices: int) -> int:
    """Make one invoice, and of it all others; the number of its entry."""
    lane = Lane(prepared.service_url, prepared.ledger_id, "bench")
    lane.start()
    lines = [Line("Bread", 2, 350, tax_bps=700), Line("Butter", 1, 219, tax_bps=700)]
    made = CreateInvoice(
        merchant=HOT, currency=CURRENCY, lines=lines, external_ref="order-0", memo="Breakfast", chat=Chat("chat-1")
    )
    first = await do(lane, [made])
    await lane.stop()
    connection = await connect(prepared.admin_url)
    for table in NUMBERS:
        await connection.execute(await _copies(connection, table), prepared.ledger_id, first, invoices - 1)
    await connection.execute(
        "UPDATE heads SET number = number + $2 WHERE ledger_id = $1", prepared.ledger_id, invoices - 1
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return first


async def _copies(connection: Connection, table: str) -> str:
    """A statement that copies the row of the ledger $1 and the entry $2 as often as $3 says."""
    number = NUMBERS[table]
    changed = CHANGED[table] | {number: f"m.{number} + n"}
    columns = [changed.get(name, f'm."{name}"') for name in await columns_of(connection, f"ledger.{table}")]
    return f"""
        INSERT INTO {table} SELECT {", ".join(columns)} FROM {table} m, generate_series(1, $3::bigint) n
        WHERE m.ledger_id = $1 AND m.{number} = $2
    """
