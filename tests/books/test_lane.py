"""The lane's promises, each on the real Postgres: order, batches, replays, refusals, time, memory."""

import asyncio
import os
import random
from typing import Any

import pytest

from ledger.books import calls, lane, writer
from ledger.books.calls import Call, Waiting
from ledger.books.recall import Done, NotDone
from ledger.core.errors import TryLater
from ledger.core.parties import FreezeParty
from tests.books.lanes import (
    balance,
    do,
    done,
    entries,
    fund,
    held_head,
    lane_on,
    pay,
    refusal,
    run,
    value,
    waiting_for_lock,
)
from tests.harness import Database, Databases


def test_fifty_identical_commands_at_once_make_one_entry_and_all_get_it(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            before, key = await entries(database), os.urandom(16)
            outcomes = await asyncio.gather(*(done(one, pay(payer, payee, 5), key) for _ in range(50)))
            assert {outcome.entry.number for outcome in outcomes} == {before + 1}
            assert [outcome.replayed for outcome in outcomes].count(False) == 1
            assert await balance(database, payer) == 95

    run(story())


def test_a_batch_is_decided_while_the_one_before_it_commits(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            async with held_head(database):
                first = asyncio.create_task(done(one, pay(payer, payee, 60)))
                await waiting_for_lock(database)
                second = asyncio.create_task(do(one, pay(payer, payee, 60)))
                await asyncio.sleep(0.05)
                upcoming = one._next
                assert upcoming is not None
                assert [type(outcome) for _, outcome in upcoming.outcomes] == [NotDone]
                assert not second.done()
            await first
            outcome = await second
            assert isinstance(outcome, NotDone)
            assert outcome.error.code == "insufficient_funds"

    run(story())


def test_a_commit_is_one_statement_once_the_parties_are_known(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            connection = one._writer._connection
            assert connection is not None
            asked: list[str] = []
            connection.add_query_logger(lambda record: asked.append(record.query))
            await asyncio.gather(*(done(one, pay(payer, payee)) for _ in range(20)))
            assert {sql.partition("(")[0] for sql in asked} == {"SELECT * FROM ledger.commit"}
            assert len(asked) <= 2

    run(story())


def test_that_a_party_is_absent_counts_as_loaded(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            (payer,) = await fund(one, 1, 100)
            assert await refusal(one, pay(payer, "nobody")) == "party_unknown"
            connection = one._writer._connection
            assert connection is not None
            asked: list[str] = []
            connection.add_query_logger(lambda record: asked.append(record.query))
            assert await refusal(one, pay(payer, "nobody")) == "party_unknown"
            assert [sql.partition("(")[0] for sql in asked] == ["SELECT * FROM ledger.commit"]

    run(story())


def test_an_atomic_group_is_undone_as_a_whole_when_one_fails(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            rich, poor = await fund(one, 2, 100)
            before = await entries(database)
            group = [
                Call(command, os.urandom(16), "key_1", "req_1")
                for command in (pay(rich, poor, 40), pay(poor, rich, 500), pay(rich, poor, 10))
            ]
            outcomes = await one.submit_all(group, atomic=True)
            codes = [outcome.error.code for outcome in outcomes if isinstance(outcome, NotDone)]
            assert codes == ["linked_failed", "insufficient_funds", "linked_failed"]
            assert await entries(database) == before
            assert (await balance(database, rich), await balance(database, poor)) == (100, 100)
            assert (await done(one, pay(rich, poor, 100))).entry.number == before + 1

    run(story())


def test_a_retry_of_an_accepted_payment_by_a_now_poor_payer_is_a_replay(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            key = os.urandom(16)
            first = await done(one, pay(payer, payee, 100), key)
            await done(one, FreezeParty(party=payer, mode="all"))
            again = await done(one, pay(payer, payee, 100), key)
            assert (again.entry.number, again.replayed) == (first.entry.number, True)

    run(story())


def test_a_refusal_is_remembered_under_its_key(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            key = os.urandom(16)
            assert await refusal(one, pay(payer, payee, 101), key) == "insufficient_funds"
            await done(one, pay(payee, payer, 50))
            outcome = await do(one, pay(payer, payee, 101), key)
            assert isinstance(outcome, NotDone)
            assert (outcome.error.code, outcome.replayed) == ("insufficient_funds", True)

    run(story())


def test_a_dry_run_writes_nothing_and_remembers_no_key(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
            key, before = os.urandom(16), await value(database, "SELECT version FROM heads")
            outcome = await do(one, pay(payer, payee, 100), key, dry_run=True)
            assert isinstance(outcome, Done)
            assert outcome.entry.postings[0].debit_balance == 0
            assert await value(database, "SELECT version FROM heads") == before
            assert not (await done(one, pay(payer, payee, 70), key)).replayed

    run(story())


def test_of_parallel_debits_on_an_account_funded_for_k_exactly_k_succeed(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one, lane_on(database) as other:
            payer, payee = await fund(one, 2, 0)
            (source,) = await fund(one, 1, 7 * 30)
            await done(one, pay(source, payer, 7 * 30))
            outcomes = await asyncio.gather(*(do(each, pay(payer, payee, 7)) for each in (one, other) * 40))
            assert sum(isinstance(outcome, Done) for outcome in outcomes) == 30
            assert (await balance(database, payer), await balance(database, payee)) == (0, 210)

    run(story())


def test_two_processes_on_one_ledger_stay_correct(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one, lane_on(database) as other:
            parties = await fund(one, 6, 1_000)
            lanes, amounts = (one, other), [random.randint(1, 40) for _ in range(200)]
            pairs = [random.sample(parties, 2) for _ in amounts]
            moves = zip(pairs, amounts, strict=True)
            keys = [os.urandom(16) for _ in amounts]
            jobs = [
                do(random.choice(lanes), pay(*pair, amount), key)
                for (pair, amount), key in zip(moves, keys, strict=True)
                for _ in range(2)  # the same request to both, or twice to one
            ]
            outcomes = await asyncio.gather(*jobs)
            fresh = [o for o in outcomes if isinstance(o, Done) and not o.replayed]
            assert len({o.entry.number for o in outcomes if isinstance(o, Done)}) == len(fresh)
            expected = dict.fromkeys(parties, 1_000)
            for each in fresh:
                posting = each.entry.postings[0]
                expected[posting.debit.owner] -= posting.amount
                expected[posting.credit.owner] += posting.amount
            assert {party: await balance(database, party) for party in parties} == expected

    run(story())


def test_time_strictly_increases_along_the_entries(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one, lane_on(database) as other:
            payer, payee = await fund(one, 2, 1_000)
            await asyncio.gather(*(done(each, pay(payer, payee)) for each in (one, other) * 50))
        gaps = "SELECT posted_at - lag(posted_at) OVER (ORDER BY number) AS gap FROM entries"
        assert await value(database, f"SELECT min(gap) > interval '0' FROM ({gaps}) g") is True

    run(story())


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
                await asyncio.gather(*(done(one, pay(*random.sample(parties, 2))) for _ in range(40)))
            await done(one, pay(*parties[:2]))
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
