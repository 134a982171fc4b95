"""The log: one line of JSON an event, in which nobody is named."""

import json
import logging

import asyncpg

from ledger.cli.logs import JsonLines


def test_an_error_is_logged_without_the_values_it_quotes() -> None:
    formatter = JsonLines()
    errors = [
        asyncpg.DataError("invalid input for query argument $9: ['Zebedee']"),
        asyncpg.PostgresError("a check failed\nDETAIL:  Failing row contains (Zebedee)."),
        ValueError("Zebedee is not a number"),
    ]
    logged = []
    for error in errors:
        record = logging.LogRecord(
            "a", logging.ERROR, "", 0, "it is done again: %s", (error,), (ValueError, error, None)
        )
        line = json.loads(formatter.format(record))
        logged.append([line["event"].removeprefix("it is done again: "), line["error"]])
    shown = ["DataError", "PostgresError: a check failed", "ValueError"]
    assert [[each, each] for each in shown] == logged
