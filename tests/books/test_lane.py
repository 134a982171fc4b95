"""The lane's promises, each on the real Postgres: order, batches, replays, refusals."""

import asyncio
import os
import random

from ledger.books.calls import Call
from ledger.books.recall import Done, NotDone
from ledger.core.parties import AliasName, CreateParty, FreezeParty
from tests.books.lanes import (
    balance,
    do,
    done,
    entries,
    fund,
    held_head,
    lane_on,
    pay,
    pay_between,
    refusal,
    run,
    value,
    waiting_for_lock,
)
from tests.harness import Database


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
            requests = [(pay_between(parties, amount), os.urandom(16)) for amount in amounts]
            jobs = [
                do(random.choice(lanes), request, key)
                for request, key in requests
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


def test_what_must_be_loaded_first_does_not_let_later_commands_go_before(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as other:
            giver, middle, taker = await fund(other, 3, 0)
            (source,) = await fund(other, 1, 100)
            await done(other, pay(source, giver, 100))
        async with lane_on(database) as one:
            assert await refusal(one, pay(middle, taker, 1)) == "insufficient_funds"
            commands = (pay(giver, middle, 9), pay(middle, taker, 9))
            calls = [Call(command, os.urandom(16), "key_1", "req_1") for command in commands]
            outcomes = await one.submit_all(calls, atomic=False)
            assert [type(outcome) for outcome in outcomes] == [Done, Done]

    run(story())


def test_a_party_and_a_payment_to_its_alias_may_come_at_once(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            (payer,) = await fund(one, 1, 10)
        async with lane_on(database) as one:
            name = f"n{os.urandom(4).hex()}"
            party = CreateParty(id=name, party_kind="person", aliases=[AliasName("app", name)])
            await asyncio.gather(done(one, party), done(one, pay(payer, f"alias:app:{name}", 10)))
            assert await balance(database, name) == 10

    run(story())


def test_a_refusal_has_the_time_at_which_it_was_refused(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as one:
            assert await refusal(one, pay("nobody", "no one")) == "party_unknown"
        assert await value(database, "SELECT max(refused_at) > now() - interval '10 s' FROM refusals") is True

    run(story())
