"""Rate limits: off unless set, per key and per address, and true about when there is room again."""

import contextlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import TryLater
from ledger.http.rates import BUCKETS_MAX, Buckets, Rates
from tests.harness import Client, Databases, Served, serve


@given(
    st.sampled_from([0.5, 1.0, 3.0, 10.0]),
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
    st.integers(0, 100),
)
def test_in_no_stretch_of_time_are_more_taken_than_a_burst_and_what_comes_in(
    rate: float, pauses: list[float], first: int
) -> None:
    buckets, now, taken = Buckets(rate), 1000.0, list[float]()
    for pause in pauses:
        now += pause
        if buckets.take("a", now) == 0:
            taken.append(now)
    since = taken[first:]
    if since:
        assert len(since) <= buckets.burst + rate * (now - since[0]) + 1e-6


@given(st.sampled_from([0.5, 1.0, 7.0]), st.integers(1, 50))
def test_after_the_time_that_was_said_there_is_room(rate: float, asked: int) -> None:
    buckets = Buckets(rate)
    for _ in range(asked):
        wait = buckets.take("a", 5.0)
    wait = buckets.take("a", 5.0)
    if wait:
        assert 0 < buckets.take("a", 5.0 + wait - 0.01)
        assert 0 == buckets.take("a", 5.0 + wait + 1e-6)


def test_each_name_has_a_bucket_of_its_own_and_not_all_are_kept_for_ever() -> None:
    buckets = Buckets(1.0)
    assert [0, 0] == [buckets.take("a", 0), buckets.take("b", 0)]
    for number in range(BUCKETS_MAX + 10):
        buckets.take(f"n{number}", 100.0 + number)
    assert len(buckets._full_at) <= BUCKETS_MAX


def test_nothing_is_limited_unless_it_is_asked_for() -> None:
    rates = Rates()
    for _ in range(1000):
        rates.check_key("key_1", 0.0)
        rates.check_address("127.0.0.1", 0.0)


def test_a_refusal_says_how_long_to_wait() -> None:
    rates = Rates(per_key=0.1)
    rates.check_key("key_1", 0.0)
    with pytest.raises(TryLater, match="the key key_1: wait for 10 s") as refused:
        rates.check_key("key_1", 0.0)
    assert ("rate_limited", 10) == (refused.value.code, refused.value.retry_after)


@pytest.fixture(params=["per_key", "per_address"])
def limited(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Served]:
    database = databases.new()
    with serve(database) as served:
        served.service.rates = Rates(**{request.param: 3.0})
        yield served
    databases.drop(database)


def test_who_asks_too_often_waits_and_is_then_answered(limited: Served) -> None:
    with contextlib.closing(Client(limited.base, limited.database.token)) as client:
        answers = [client.get("/v1/ledger") for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert {"rate_limited"} == {answer.json()["code"] for answer in refused}
        assert {"1"} == {answer.headers["retry-after"] for answer in refused}


def test_what_watches_the_service_is_never_kept_waiting(limited: Served) -> None:
    with httpx.Client(base_url=limited.base, trust_env=False) as bare:
        assert {200} == {bare.get("/healthz").status_code for _ in range(20)}


def test_an_address_is_counted_before_its_credentials_are_looked_at(limited: Served) -> None:
    with httpx.Client(base_url=limited.base, trust_env=False) as bare:
        headers = {"X-Forwarded-For": "10.0.0.1"}
        seen = [bare.get("/v1/ledger", headers=headers).status_code for _ in range(8)]
    assert {401} <= set(seen) <= {401, 429}
    assert (429 in seen) == (limited.service.rates._addresses is not None)
