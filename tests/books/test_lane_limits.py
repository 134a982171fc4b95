"""What the lane does at its limits: of time, of memory, of patience, of the queue."""

import asyncio
import os
from typing import Any

import pytest

from ledger.books import calls, lane, writer
from ledger.books.calls import Call, Waiting
from ledger.books.recall import NotDone
from ledger.core.errors import TryLater
from tests.books.lanes import (
    balance,
    do,
    done,
    fund,
    held_head,
    lane_on,
    pay,
    pay_between,
    refusal,
    run,
    value,
)
from tests.harness import Database, Databases


def test_a_head_ahead_of_the_clock_stops_all_writing_and_says_so(databases: Databases) -> None:
    database = databases.new()

    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
        await value(database, "UPDATE heads SET posted_at = now() + interval '8 s'")
        async with lane_on(database) as one:
            outcome = await do(one, pay(payer, payee))
            assert isinstance(outcome, NotDone)
            assert outcome.error.code == "unavailable"
            assert "ahead of the database's clock" in outcome.error.detail
        await value(database, "UPDATE heads SET posted_at = now() + interval '2 s'")
        async with lane_on(database) as one:
            await done(one, pay(payer, payee))

    run(story())
    databases.drop(database)


def test_memory_stays_bounded_and_what_is_evicted_is_loaded_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHELF_ROWS_MAX", 20)

    async def story() -> None:
        async with lane_on(database) as one:
            parties = await fund(one, 60, 1_000)
            for _ in range(6):
                await asyncio.gather(*(done(one, pay_between(parties)) for _ in range(40)))
            await done(one, pay_between(parties))
            assert len(one._writer.books.parties) <= 20 + 4
        total = "SELECT sum(balance)::bigint FROM accounts WHERE owner = ANY ($1)"
        assert await value(database, total, parties) == 60_000

    run(story())


def test_an_idle_lane_gives_its_connection_back_and_works_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS_MAX", 0.1)

    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            while one.is_connected:
                await asyncio.sleep(0.05)
            await done(one, pay(payer, payee))
            assert await balance(database, payer) == 99

    run(story())


def test_what_was_taken_is_outcome_unknown_after_the_wait_and_its_key_resolves_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (calls, lane):
        monkeypatch.setattr(module, "WAIT_SECONDS_MAX", 0.3)

    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            key = os.urandom(16)
            async with held_head(database):
                assert await refusal(one, pay(payer, payee, 30), key) == "outcome_unknown"
            again = await done(one, pay(payer, payee, 30), key)
            assert again.replayed
            assert await balance(database, payer) == 70

    run(story())


def test_what_was_not_taken_is_withdrawn_after_the_wait_and_never_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (calls, lane):
        monkeypatch.setattr(module, "WAIT_SECONDS_MAX", 0.3)

    async def story() -> None:
        nowhere = lane.Lane("postgresql://nobody@/nothing?host=/nonexistent&port=5432", 1, "test")
        nowhere.start()
        assert await refusal(nowhere, pay("alice", "bob")) == "unavailable"
        assert nowhere.waiting in (0, 1)
        await nowhere.stop()

    run(story())


def test_a_stopping_lane_finishes_what_it_has_and_takes_nothing_new(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            jobs = [asyncio.create_task(done(one, pay(payer, payee))) for _ in range(30)]
            await asyncio.sleep(0)
            await one.stop()
            assert len({outcome.entry.number for outcome in await asyncio.gather(*jobs)}) == 30
            with pytest.raises(TryLater):
                await done(one, pay(payer, payee))
            assert await balance(database, payer) == 70
            one.start()

    run(story())


def test_keys_that_ask_take_turns_whoever_sends_most() -> None:
    async def story() -> list[str]:
        waiting = Waiting()
        for actor in ("busy",) * 4 + ("calm",) * 2:
            waiting.put([Call(pay("a", "b"), os.urandom(16), actor, "req_1")])
        return [waiting.take()[0].actor for _ in range(6)]

    assert run(story()) == ["busy", "calm", "busy", "calm", "busy", "busy"]


def test_too_many_waiting_commands_are_refused_as_overloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WAITING_MAX", 2)

    async def story() -> Any:
        waiting = Waiting()
        units = [[Call(pay("a", "b"), os.urandom(16), "key_1", "req_1")] for _ in range(3)]
        waiting.put(units[0])
        waiting.put(units[1])
        with pytest.raises(TryLater) as refused:
            waiting.put(units[2])
        return refused.value.code

    assert run(story()) == "overloaded"
