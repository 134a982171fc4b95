"""Alive, ready, and figures: what a load balancer, a pager and Prometheus ask, without credentials."""

import re
import time
from typing import Any

import httpx
import pytest

from ledger.core.text import parse_timestamp
from tests.harness import Client, Database, Databases, Superuser, serve


def get(base: str, path: str) -> httpx.Response:
    return httpx.get(base + path, trust_env=False)


def ready_after_a_round(base: str) -> dict[str, Any]:
    """What /readyz says once the checks have been round."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer: dict[str, Any] = get(base, "/readyz").json()
        if answer["checks"]["last_finished_at"] is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError("no round of checks ended in 30 s")


def figures(base: str) -> dict[str, float]:
    """The samples of /metrics; each metric must be announced by its HELP and TYPE."""
    announced: set[str] = set()
    samples: dict[str, float] = {}
    for line in get(base, "/metrics").text.splitlines():
        if kind := re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge)", line):
            announced.add(kind[1])
        elif not re.fullmatch(r"# HELP [a-z_]+ .+", line):
            sample = re.fullmatch(r'(([a-z_]+)(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})?) ([0-9.]+)', line)
            assert sample is not None, line
            assert sample[2] in announced
            samples[sample[1]] = float(sample[3])
    return samples


@pytest.fixture(scope="module")
def own(databases: Databases) -> Database:
    return databases.new()


def test_whoever_is_up_is_alive(client: Client) -> None:
    answer = get(client.base, "/healthz")
    assert (200, {"status": "alive"}) == (answer.status_code, answer.json())


def test_an_honest_ledger_is_ready_and_its_checks_find_nothing(client: Client) -> None:
    client.funded(100)
    answer = ready_after_a_round(client.base)
    finished_at = answer["checks"].pop("last_finished_at")
    through_entry = answer["checks"].pop("through_entry")
    assert {"status": "ready", "checks": {"findings": []}} == answer
    assert 60 > abs(time.time() - parse_timestamp(finished_at) / 1_000_000)
    assert ["test"] == list(through_entry)


def test_ready_comes_before_the_first_round_of_checks_has_ended(own: Database) -> None:
    with serve(own) as served:
        served.service.checks.results.clear()
        answer = get(served.base, "/readyz")
        assert 200 == answer.status_code
        assert {"last_finished_at", "through_entry", "findings"} == answer.json()["checks"].keys()


def test_what_the_checks_find_is_shown_without_names_and_payments_go_on(databases: Databases) -> None:
    spoilt = databases.new()
    with serve(spoilt) as served:
        client = Client(served.base, spoilt.token)
        alice, bob = client.funded(100), client.party()
        client.close()
    with Superuser(spoilt.url) as superuser:
        account = superuser.value("SELECT number FROM accounts WHERE owner = $1", alice)
        superuser.run_script(f"UPDATE accounts SET version = version + 1 WHERE number = {account}")
    with serve(spoilt) as served:
        answer = ready_after_a_round(served.base)
        assert "ready" == answer["status"]
        assert [{"ledger": "test", "check": "balances", "where": f"account {account}"}] == answer["checks"]["findings"]
        assert 1 == figures(served.base)['chatledger_check_findings{ledger="test"}']
        client = Client(served.base, spoilt.token)
        client.deposit(bob, 5)
        client.close()
    databases.drop(spoilt)


def test_without_the_database_it_is_alive_but_not_ready(databases: Databases) -> None:
    lost = databases.new()
    with serve(lost) as served:
        databases.drop(lost)
        answer = get(served.base, "/readyz")
        problem = answer.json()
        assert (503, "unavailable", True) == (answer.status_code, problem["code"], problem["retryable"])
        assert "application/problem+json" == answer.headers["content-type"]
        assert 200 == get(served.base, "/healthz").status_code
        assert 0 == figures(served.base)["chatledger_database_up"]


def test_the_figures_follow_what_happens(client: Client) -> None:
    ready_after_a_round(client.base)
    before = figures(client.base)
    payer, payee = client.funded(10), client.party()
    client.transfer(payer, payee, 10)
    client.get("/v1/parties/nobody")
    after = figures(client.base)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert 4 == grown('chatledger_requests_total{method="POST",status="201"}')
    assert 1 == grown('chatledger_requests_total{method="GET",status="404"}')
    assert 4 == grown('chatledger_entries{ledger="test"}')
    assert 4 == grown('chatledger_lane_batches_total{ledger="test"}')
    assert 0 == after['chatledger_lane_waiting{ledger="test"}']
    assert 0 == after['chatledger_check_findings{ledger="test"}']
    assert 1 == after["chatledger_database_up"]
    assert 60 > abs(time.time() - after['chatledger_checks_finished_timestamp_seconds{ledger="test"}'])


def test_prometheus_is_told_the_format(client: Client) -> None:
    answer = get(client.base, "/metrics")
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert answer.text.endswith("\n")
