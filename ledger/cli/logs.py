"""The service's log: one line of JSON an event on stderr, for machines to collect and people to grep.

    {"at": "2026-11-20T23:05:01.123456Z", "level": "warning", "from": "ledger.books.lane", "event": "…", "error": "…",
     "where": ["lane.py:120 _work", …]}

No personal data: an exception may quote a row or an argument, so it is told by its class alone, unless it is of those
that never do; of Postgres' errors the first line (DETAIL quotes rows), and of a traceback the places in the code.
Requests are not logged; /metrics counts them.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from ledger.books.database import UnfitDatabase
from ledger.books.fence import LostConnection
from ledger.cli.embedded import EmbeddedError

QUOTES_NO_VALUES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    EmbeddedError,
    UnfitDatabase,
    LostConnection,
)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "from": record.name,
            "event": _message(record),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = _told(error)
            frames = traceback.extract_tb(error.__traceback__)
            line["where"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        return msgspec.json.encode(line).decode()


def log_to_stderr(level: int) -> None:
    """Send what the whole process logs from this level on to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _message(record: logging.LogRecord) -> str:
    message = str(record.msg)
    if isinstance(record.args, tuple) and record.args:
        message %= tuple(_told(each) if isinstance(each, BaseException) else each for each in record.args)
    return message.partition("\n")[0]


def _told(error: BaseException) -> str:
    kind = type(error).__name__
    quotes_values = isinstance(error, asyncpg.DataError) or not isinstance(error, QUOTES_NO_VALUES)
    return kind if quotes_values else f"{kind}: {error}".partition("\n")[0]
