"""What came of a run: figures, and what they say of the targets."""

from statistics import median
from typing import NamedTuple

MEGABYTE = 1_000_000
RANDOM, HOT = "random accounts", "one hot account"
OURS, TEXTBOOK = "transfers over HTTP", "the same over a textbook transaction a request"
UNLOGGED = "without the log and its signatures"
BATCHES, ENGINE, LIMIT, READS = "batches over HTTP", "the engine without HTTP", "the limit: COPY", "reads"
AGREEMENTS, LISTS = "agreements over HTTP, at 128 connections", "a page of 50 invoices"
GROUPS = (OURS, TEXTBOOK, BATCHES, AGREEMENTS, UNLOGGED, ENGINE, LIMIT, READS, LISTS)
PLAIN, CAPTURES, SETTLEMENTS, TAXED = (
    "transfers between random accounts",
    "captures of holds",
    "settlements of invoices",
    "settlements with a fee and its tax",
)
ENGINE_CALLERS = 512
"""The engine's figure that is held against COPY in transactions of the same size."""


class Cell(NamedTuple):
    """One thing that is measured: its group in the table, and its label there."""

    group: str
    label: str


def single(group: str, accounts: str, connections: int) -> Cell:
    """Single transfers over HTTP, ours or the textbook's."""
    return Cell(group, f"{accounts}, {connections} connection{'s' if connections > 1 else ''}")


def batch(items: int) -> Cell:
    """Transfers in batches."""
    return Cell(BATCHES, f"batches of {items:,}")


def unlogged(cell: Cell) -> Cell:
    """The same as another figure, without the log."""
    return Cell(UNLOGGED, cell.label)


def agreement(what: str) -> Cell:
    """What is done with agreements, or the transfers beside it."""
    return Cell(AGREEMENTS, what)


def listed(what: str, invoices: int) -> Cell:
    """A page of a list, where there are so many invoices."""
    return Cell(LISTS, f"{what}, of {invoices:,}")


def engine(callers: int, items: int = 1) -> Cell:
    """The engine under so many callers."""
    return Cell(ENGINE, f"{callers} callers" + (f", {items} transfers at a time" if items > 1 else ""))


def limit(callers: int) -> Cell:
    """COPY in transactions as large as the lane's batches were under so many callers."""
    return Cell(LIMIT, f"transactions as large as under {callers} callers")


class Figure(NamedTuple):
    """A rate a second, of transfers or of reads, and the latency of one request or submission.

    `was_limit`: the load generator was at its own limit. `transaction`: how many transfers it was of.
    `service_us`, `database_us`: processor time of one transfer or read, in microseconds.
    """

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    was_limit: bool = False
    transaction: int | None = None
    service_us: float | None = None
    database_us: float | None = None


class Size(NamedTuple):
    """The figures of a ledger of one size, and how many entries it had before and after the measuring."""

    title: str
    parties: int
    first_entry: int
    last_entry: int
    figures: dict[Cell, Figure]


class Measured(NamedTuple):
    """A whole run. Bytes are those of one transfer; `problems` make the run fail."""

    machine: list[str]
    sizes: list[Size]
    bytes_on_disk: dict[str, float]
    bytes_of_wal: float | None
    memory_peak: int
    problems: list[str]


class Ratio(NamedTuple):
    """A figure that has a target."""

    sentence: str
    value: float
    target: float
    at_least: bool
    digits: int = 2

    @property
    def is_reached(self) -> bool:
        """Whether it is."""
        return self.value >= self.target if self.at_least else self.value <= self.target


def middle(figures: list[Figure]) -> Figure:
    """The medians of several rounds."""

    def of(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return Figure(
        rate=median(figure.rate for figure in figures),
        p50_ms=of([figure.p50_ms for figure in figures]),
        p99_ms=of([figure.p99_ms for figure in figures]),
        was_limit=any(figure.was_limit for figure in figures),
        transaction=figures[-1].transaction,
        service_us=of([figure.service_us for figure in figures]),
        database_us=of([figure.database_us for figure in figures]),
    )


def ratios(measured: Measured) -> list[Ratio]:
    """What is held against a target, in the order of the targets."""
    empty, *grown = measured.sizes
    found = _within(empty.figures) + _of_agreements(empty.figures) + _of_lists(empty.figures)
    for size in grown:
        found += _over_time(empty, size)
    found.append(Ratio("bytes on disk a transfer, with indexes", sum(measured.bytes_on_disk.values()), 1_200, False, 0))
    found.append(Ratio("most memory of the service, MB", measured.memory_peak / MEGABYTE, 300, False, 0))
    return found


def _within(figures: dict[Cell, Figure]) -> list[Ratio]:
    ours, textbook = figures[single(OURS, RANDOM, 128)], figures[single(TEXTBOOK, RANDOM, 128)]
    hot = figures[single(OURS, HOT, 128)]
    alone, textbook_alone = figures[single(OURS, RANDOM, 1)], figures[single(TEXTBOOK, RANDOM, 1)]
    ceiling = figures[limit(ENGINE_CALLERS)].rate
    single_bare, batch_bare = (figures[unlogged(cell)] for cell in (single(OURS, RANDOM, 128), batch(100)))
    return [
        Ratio("transfers at 128 connections / the textbook service's", ours.rate / textbook.rate, 4, True),
        Ratio("latency at 1 connection / the textbook service's", _p50(alone) / _p50(textbook_alone), 1.3, False),
        Ratio("one hot account / random accounts, at 128 connections", hot.rate / ours.rate, 0.9, True),
        Ratio("batches of 100 / single requests at 128 connections", figures[batch(100)].rate / ours.rate, 2.5, True),
        Ratio("transfers with the log and its signatures / without", ours.rate / single_bare.rate, 0.9, True),
        Ratio("batches of 100 with them / without", figures[batch(100)].rate / batch_bare.rate, 0.85, True),
        Ratio("the engine alone / COPY into equal tables", figures[engine(ENGINE_CALLERS)].rate / ceiling, 0.35, True),
    ]


def _of_agreements(figures: dict[Cell, Figure]) -> list[Ratio]:
    plain = figures[agreement(PLAIN)].rate
    done = [(what, figures[agreement(what)].rate / plain) for what in (CAPTURES, SETTLEMENTS, TAXED)]
    return [Ratio(f"{what} / {PLAIN}", value, 0.6, True) for what, value in done]


def _of_lists(figures: dict[Cell, Figure]) -> list[Ratio]:
    """Each kind of page, where there are most invoices, against where there are fewest."""
    kinds: dict[str, list[Figure]] = {}
    for cell, figure in figures.items():
        if cell.group == LISTS:
            kinds.setdefault(cell.label.rpartition(", of ")[0], []).append(figure)
    return [
        Ratio(f"latency of a page of invoices {kind}, among most / fewest", _p50(each[-1]) / _p50(each[0]), 2, False)
        for kind, each in kinds.items()
    ]


def _over_time(empty: Size, grown: Size) -> list[Ratio]:
    # With more parties than the service keeps in memory it loads some for nearly every batch: another promise.
    cells = [(single(OURS, RANDOM, 128), "transfers at 128 connections"), (batch(100), "batches of 100")]
    rates = [
        Ratio(f"{what}, {grown.title} / {empty.title}", grown.figures[cell].rate / empty.figures[cell].rate, 0.8, True)
        for cell, what in cells
        if grown.parties == empty.parties
    ]
    reads = [
        Ratio(
            f"latency of {cell.label}, {grown.title} / {empty.title}",
            _p50(figure) / _p50(empty.figures[cell]),
            1.5,
            False,
        )
        for cell, figure in grown.figures.items()
        if cell.group == READS
    ]
    return rates + reads


def _p50(figure: Figure) -> float:
    if figure.p50_ms is None:
        raise ValueError("a figure without latencies was asked for its median")
    return figure.p50_ms
