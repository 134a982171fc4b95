"""What the tests of the command line share."""

import logging
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from ledger.cli.logs import JsonLines
from ledger.cli.main import main
from tests.harness import Superuser


class Said(NamedTuple):
    """What a command left: its status, its output, and what it said beside that."""

    status: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def chatledger(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process; `url` is DATABASE_URL."""

    def run(*arguments: str, url: str | None = None) -> Said:
        monkeypatch.setattr(sys, "argv", ["chatledger", *arguments])
        if url is None:
            monkeypatch.delenv("DATABASE_URL", raising=False)
        else:
            monkeypatch.setenv("DATABASE_URL", url)
        level = logging.root.level
        with pytest.raises(SystemExit) as ended:
            main()
        logging.root.setLevel(level)
        for handler in logging.root.handlers[:]:
            if isinstance(handler.formatter, JsonLines):  # its stream ends with this test
                logging.root.removeHandler(handler)
        return Said(int(str(ended.value.code)), *capfd.readouterr())

    return run


def ask(url: str, query: str) -> object:
    with Superuser(url) as superuser:
        return superuser.value(query)
