"""The one table: ratios against their targets first, then the figures behind them."""

import json

from rich.console import Console
from rich.table import Table

from ledger.bench.figures import GROUPS, Figure, Measured, Phase, ratios

PIPE_WIDTH = 160
RELATIONS_SHOWN = 10


def show(measured: Measured) -> None:
    """Print it: coloured on a terminal, plain and aligned in a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    console.print(_ratios(measured))
    console.print()
    console.print(_figures(measured.phases))
    console.print()
    console.print(_processor(measured.phases))
    console.print()
    console.print(_disk(measured))
    console.print()
    for line in measured.machine:
        console.print(line, highlight=False)
    if any(figure.was_limit for phase in measured.phases for figure in phase.figures.values()):
        console.print("* the load generator was at its own limit: the figure is a lower bound", highlight=False)
    for problem in measured.problems:
        console.print(f"✗ {problem}", style="bold red", highlight=False, markup=False)
    if not measured.problems:
        console.print("✓ every answer is in the books, and the checks found nothing", style="green", highlight=False)


def as_json(measured: Measured) -> str:
    """The same for programs."""
    phases = [
        {
            "title": phase.title,
            "first_entry": phase.first_entry,
            "last_entry": phase.last_entry,
            "figures": [cell._asdict() | figure._asdict() for cell, figure in phase.figures.items()],
        }
        for phase in measured.phases
    ]
    found = [ratio._asdict() | {"is_reached": ratio.is_reached} for ratio in ratios(measured)]
    return json.dumps({"ratios": found} | measured._asdict() | {"phases": phases}, indent=2)


def _ratios(measured: Measured) -> Table:
    table = _table("")
    for header in ("", "target"):
        table.add_column(header, justify="right")
    table.add_column()
    for ratio in ratios(measured):
        sign, colour = ("✓", "green") if ratio.is_reached else ("✗", "red")
        target = f"{'≥' if ratio.at_least else '≤'} {ratio.target:,}"
        table.add_row(ratio.sentence, f"{ratio.value:,.{ratio.digits}f}", target, sign, style=colour)
    return table


def _figures(phases: list[Phase]) -> Table:
    table = _table("a second, and latency in ms")
    for phase in phases:
        table.add_column(phase.title, justify="right")
        table.add_column("p50", justify="right")
        table.add_column("p99", justify="right")
    spans = [f"entries {phase.first_entry:,} to {phase.last_entry:,}" for phase in phases]
    table.caption = "; ".join(f"{phase.title}: {span}" for phase, span in zip(phases, spans, strict=True))
    table.caption_justify = "left"
    for group in GROUPS:
        table.add_row(group, style="bold")
        for cell in (cell for cell in phases[0].figures if cell.group == group):
            columns = [column for phase in phases for column in _columns(phase.figures[cell])]
            table.add_row(f"  {cell.label}", *columns)
    return table


def _processor(phases: list[Phase]) -> Table:
    """What a transfer costs where: unlike a rate, it hardly depends on what else the machine does."""
    table = _table("processor time a transfer or read, in µs")
    for phase in phases:
        table.add_column(f"{phase.title}: service", justify="right")
        table.add_column("database", justify="right")
    for group in GROUPS:
        cells = [cell for cell, figure in phases[0].figures.items() if cell.group == group and figure.service_us]
        if cells:
            table.add_row(group, style="bold")
        for cell in cells:
            found = [phase.figures[cell] for phase in phases]
            columns = [f"{us or 0:,.0f}" for figure in found for us in (figure.service_us, figure.database_us)]
            table.add_row(f"  {cell.label}", *columns)
    return table


def _columns(figure: Figure) -> list[str]:
    rate = f"{figure.rate:,.0f}{'*' if figure.was_limit else ''}"
    if figure.size is not None:
        return [rate, f"({figure.size} each)", ""]
    return [rate, *("" if ms is None else f"{ms:,.2f}" for ms in (figure.p50_ms, figure.p99_ms))]


def _disk(measured: Measured) -> Table:
    table = _table("bytes on disk a transfer")
    table.add_column("", justify="right")
    for name, size in list(measured.bytes_on_disk.items())[:RELATIONS_SHOWN]:
        table.add_row(f"  {name}", f"{size:,.0f}")
    table.add_row("  all together", f"{sum(measured.bytes_on_disk.values()):,.0f}")
    if measured.bytes_of_wal is not None:
        table.add_row("  written to the log (WAL) for it", f"{measured.bytes_of_wal:,.0f}")
    return table


def _table(title: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column(title, min_width=58)
    return table
