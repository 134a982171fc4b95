"""What people see: colours, tables and moving things on a terminal; plain lines, whole and at once, into a pipe."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import msgspec
from rich.console import Console
from rich.json import JSON
from rich.progress import Progress
from rich.text import Text


def line(text: str) -> None:
    """A line that is to be copied or read by a program: as it is, never wrapped, sent at once."""
    print(text, flush=True)


def say(text: str, style: str = "") -> None:
    """A sentence."""
    console = _console()
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


def show_json(text: str) -> None:
    """JSON, indented."""
    console = _console()
    if console.is_terminal:
        console.print(JSON(text, indent=2), soft_wrap=True)
    else:
        print(msgspec.json.format(text, indent=2))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their headers, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    to_right = [all(isinstance(cell, int) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, to_right, strict=True)
        )
        for row in cells
    ]
    say(lines[0], "cyan")
    for text in lines[1:]:
        line(text)


@contextlib.contextmanager
def working(sentence: str) -> Iterator[None]:
    """Something moves on a terminal while this takes."""
    console = Console(stderr=True)
    with console.status(sentence) if console.is_terminal else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def progress(sentence: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, moved by calls with how much of how much is done."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(sentence, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console() -> Console:
    return Console(highlight=False)
