"""The one table: ratios against their targets first, then the figures behind them."""

import json
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from ledger.bench.figures import GROUPS, Figure, Measured, Size, ratios

PIPE_WIDTH = 160
LABEL_WIDTH = 61
RELATIONS_SHOWN = 9


def show(measured: Measured) -> None:
    """Print it: coloured on a terminal, plain and aligned in a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    for table in (_ratios(measured), _rates(measured.sizes), _processor(measured.sizes), _disk(measured)):
        console.print(table)
        console.print()
    for size in measured.sizes:
        growth = f"measured while it grew from {size.first_entry:,} to {size.last_entry:,} entries"
        console.print(f"{size.title}: {size.parties:,} parties; {growth}", markup=False)
    for line in measured.machine:
        console.print(line, markup=False)
    if any(figure.was_limit for size in measured.sizes for figure in size.figures.values()):
        console.print("* the load generator was at its own limit: the figure is a lower bound")
    for problem in measured.problems:
        console.print(f"✗ {problem}", style="bold red", markup=False)
    if not measured.problems:
        console.print("✓ every answer is in the books, and the checks found nothing", style="green")


def as_json(measured: Measured) -> str:
    """The same for programs."""
    found = [ratio._asdict() | {"is_reached": ratio.is_reached} for ratio in ratios(measured)]
    sizes = [
        size._asdict() | {"figures": [cell._asdict() | figure._asdict() for cell, figure in size.figures.items()]}
        for size in measured.sizes
    ]
    return json.dumps({"ratios": found} | measured._asdict() | {"sizes": sizes}, indent=2)


def _ratios(measured: Measured) -> Table:
    table = _table("", "", "target", "")
    for ratio in ratios(measured):
        sign, colour = ("✓", "green") if ratio.is_reached else ("✗", "red")
        target = f"{'≥' if ratio.at_least else '≤'} {ratio.target:,}"
        table.add_row(ratio.sentence, f"{ratio.value:,.{ratio.digits}f}", target, sign, style=colour)
    return table


def _rates(sizes: list[Size]) -> Table:
    headers = [header for size in sizes for header in (size.title, "p50", "p99")]
    table = _table("transfers or reads a second, and the latency of a request in ms", *headers)
    _add_groups(table, sizes, _rate, lambda _: True)
    return table


def _rate(figure: Figure) -> list[str]:
    rate = f"{figure.rate:,.0f}{'*' if figure.was_limit else ''}"
    if figure.transaction is not None:
        return [rate, f"({figure.transaction} each)", ""]
    return [rate, *("" if ms is None else f"{ms:,.2f}" for ms in (figure.p50_ms, figure.p99_ms))]


def _processor(sizes: list[Size]) -> Table:
    """What a transfer costs where. Other work on the machine raises this too, since cores share caches."""
    headers = [header for size in sizes for header in (f"{size.title}: service", "database")]
    table = _table("processor time of a transfer or read, in µs", *headers)
    _add_groups(table, sizes, _microseconds, lambda figure: bool(figure.service_us))
    return table


def _microseconds(figure: Figure) -> list[str]:
    return [f"{us or 0:,.0f}" for us in (figure.service_us, figure.database_us)]


def _disk(measured: Measured) -> Table:
    table = _table("bytes on disk for each transfer", "")
    for name, size in list(measured.bytes_on_disk.items())[:RELATIONS_SHOWN]:
        table.add_row(f"  {name}", f"{size:,.0f}")
    table.add_row("  all together", f"{sum(measured.bytes_on_disk.values()):,.0f}")
    if measured.bytes_of_wal is not None:
        table.add_row("  written to the log (WAL) on the way", f"{measured.bytes_of_wal:,.0f}")
    return table


def _add_groups(
    table: Table, sizes: list[Size], shown: Callable[[Figure], list[str]], counts: Callable[[Figure], bool]
) -> None:
    for group in GROUPS:
        cells = [cell for cell, figure in sizes[0].figures.items() if cell.group == group and counts(figure)]
        if cells:
            table.add_row(group, style="bold")
        for cell in cells:
            blank = [""] * len(shown(sizes[0].figures[cell]))
            columns = (shown(size.figures[cell]) if cell in size.figures else blank for size in sizes)
            table.add_row(f"  {cell.label}", *(text for column in columns for text in column))


def _table(title: str, *headers: str) -> Table:
    table = Table(title, box=None, pad_edge=False)
    table.columns[0].min_width = LABEL_WIDTH
    for header in headers:
        table.add_column(header, justify="right")
    return table
