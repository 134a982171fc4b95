"""The service goes on when its Postgres has moved."""

import logging
import os
import signal
import threading
import time

import httpx
import pytest

from ledger.cli import serving
from tests.harness import Database


def test_a_postgres_that_comes_back_elsewhere_is_served_on_the_same_port(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "WATCH_SECONDS", 0.05)
    urls = [database.service_url, database.service_url.replace("postgresql://", "postgres://")]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    statuses: list[int] = []

    def move() -> bool:
        del urls[:-1]
        return False

    def look() -> None:
        with httpx.Client(trust_env=False) as http:
            while "serving again" not in caplog.text:
                time.sleep(0.01)
            statuses.append(http.get(address + "/v1/ledger").status_code)
        os.kill(os.getpid(), signal.SIGTERM)

    with serving.listen("127.0.0.1", 0) as listener, caplog.at_level(logging.INFO):
        address = serving.url_of(listener)
        looking = threading.Thread(target=look)
        serving.serve(lambda: urls[0], listener, "http://pay.example.com", looking.start, move)
        looking.join()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert [401] == statuses
