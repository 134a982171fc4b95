"""Holds captured and invoices settled, beside plain transfers on the same ledger, round after round.

They take a ledger of their own, so that the other one's has nothing but transfers. Each request takes a small part of
one of many open holds or invoices, which therefore never end.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ledger.bench import figures, load
from ledger.bench.figures import Cell, Figure
from ledger.bench.load import Requests
from ledger.bench.prepare import CURRENCY, FUNDS, HOT, TOKEN, Prepared, do, prepare
from ledger.bench.server import OUR_SERVICE, Server
from ledger.bench.stage import GROW_ITEMS, WARM_SECONDS, taken
from ledger.books.lane import Lane
from ledger.cli.embedded import EmbeddedPostgres
from ledger.core.charges import SetFees
from ledger.core.commands import Command
from ledger.core.holds import PlaceHold
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import CreateParty

CONNECTIONS = 128
OPEN = 2_000
"""So many holds, and so many invoices of either merchant, if there are as many parties."""
HELD = FUNDS // 100
TAXED = "taxed-shop"
"""A merchant that is charged a fee, with a tax on it; the other one is not."""


class Agreements(NamedTuple):
    """A ledger with its service and open agreements: each stretch is the entries above its first and up to its last."""

    prepared: Prepared
    ours: Server
    holds: tuple[int, int]
    invoices: tuple[int, int]
    taxed: tuple[int, int]

    def requests(self) -> Iterator[tuple[Cell, Requests]]:
        """What is sent of each kind."""
        parties = self.prepared.parties
        yield figures.agreement(figures.PLAIN), Requests("transfer", parties)
        capture = Requests("post", parties, path="/v1/holds/hold_{entry}/capture", body='{"amount":100,"final":false}')
        yield figures.agreement(figures.CAPTURES), _of(capture, self.holds)
        settle = Requests(
            "post", parties, path="/v1/invoices/invoice_{entry}/settle", body='{"payer":"{party}","amount":100}'
        )
        yield figures.agreement(figures.SETTLEMENTS), _of(settle, self.invoices)
        yield figures.agreement(figures.TAXED), _of(settle, self.taxed)

    def measured(self, seconds: float, problems: list[str]) -> Iterator[tuple[Cell, Figure]]:
        """Each of them once."""
        for cell, requests in self.requests():
            yield cell, taken(self.prepared, self.ours, requests, CONNECTIONS, seconds, problems)


def set_up(stack: ExitStack, postgres: EmbeddedPostgres, parties: int) -> Agreements:
    """Make the ledger with so many parties, open the agreements, start the service and warm it up."""
    prepared = asyncio.run(prepare(postgres, "agreements", parties))
    stretches = asyncio.run(_open(prepared))
    ours = stack.enter_context(Server(OUR_SERVICE, prepared.service_url))
    made = Agreements(prepared, ours, *stretches)
    load.run(ours.base, TOKEN, Requests("batch", parties, "-", GROW_ITEMS), 8, 2 * WARM_SECONDS)
    for _, requests in made.requests():
        load.run(ours.base, TOKEN, requests, CONNECTIONS, 2 * WARM_SECONDS)
    return made


async def _open(prepared: Prepared) -> list[tuple[int, int]]:
    """Open the holds, the invoices without a fee and those with one."""
    numbers = range(1, min(prepared.parties, OPEN) + 1)
    lane = Lane(prepared.service_url, prepared.ledger_id, "bench")
    lane.start()
    try:
        begin = await do(
            lane,
            [
                CreateParty(id=TAXED, party_kind="merchant"),
                SetFees(party=TAXED, bps=290, fixed=30, tax_code="vat", tax_bps=1_800),
            ],
        )
        kinds: Sequence[list[Command]] = (
            [PlaceHold(from_=f"user{n}", to=HOT, amount=HELD, currency=CURRENCY) for n in numbers],
            [_invoice(HOT) for _ in numbers],
            [_invoice(TAXED) for _ in numbers],
        )
        stretches = []
        for commands in kinds:
            end = await do(lane, commands)
            stretches.append((begin, end))
            begin = end
        return stretches
    finally:
        await lane.stop()


def _invoice(merchant: str) -> CreateInvoice:
    return CreateInvoice(merchant=merchant, currency=CURRENCY, lines=[Line("All of it", 1, FUNDS)])


def _of(requests: Requests, stretch: tuple[int, int]) -> Requests:
    return requests._replace(after=stretch[0], entries=stretch[1])
