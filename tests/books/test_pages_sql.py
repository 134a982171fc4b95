"""A page of agreements costs the same however many there are, known to Postgres or not; what is counted is blocks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from ledger.books import agreements, load_invoices, transfers
from ledger.books.agreements import Filter, Lapse
from ledger.books.database import Connection, Reader
from ledger.core.rows import Hold
from ledger.http import deposits, holds, invoices, payment_requests, payouts, refunds, splits
from ledger.http.listing import Noun
from tests.books.test_reads_sql import LEDGER, LIMIT, PLANS, Reads
from tests.harness import Database, Superuser

ENTRIES, PARTIES = 40_000, 1_000
LAPSED = 4000
BUSY, PERSON, NOBODY = "p5", "p7", "nobody"
"""Whom half of all requests ask, beside the splits; somebody like all others; and who takes part in nothing."""

MANY = f"""
    SET session_replication_role = replica;
    ALTER TABLE payment_requests SET (autovacuum_enabled = off);
    ALTER TABLE splits SET (autovacuum_enabled = off);
    ALTER TABLE deposits SET (autovacuum_enabled = off);
    ALTER TABLE claims SET (autovacuum_enabled = off);
    ALTER TABLE invoices SET (autovacuum_enabled = off);
    ALTER TABLE payouts SET (autovacuum_enabled = off);
    ALTER TABLE refunds SET (autovacuum_enabled = off);
    ALTER TABLE holds SET (autovacuum_enabled = off);
    -- By lot some ask themselves.
    ALTER TABLE payment_requests DROP CONSTRAINT request_moves_between_two_parties;
    ALTER TABLE claims DROP CONSTRAINT claim_moves_between_two_parties;
    INSERT INTO payment_requests
    SELECT {LEDGER}, e, e, n, 'p' || e * 7 % {PARTIES}, 'p' || (e * 13 + n) % {PARTIES}, 5, 'EUR',
           CASE WHEN e % 3 = 0 THEN 'open' ELSE 'declined' END, NULL, NULL
    FROM generate_series(2, {ENTRIES}, 2) e, generate_series(1, 3) n;
    INSERT INTO payment_requests
    SELECT {LEDGER}, e, e, 0, 'p' || e * 7 % {PARTIES}, '{BUSY}', 5, 'EUR',
           CASE WHEN e % 3 = 0 THEN 'open' ELSE 'declined' END, NULL, NULL
    FROM generate_series(1, {ENTRIES}, 2) e;
    INSERT INTO splits
    SELECT {LEDGER}, e, e, 'p' || e * 7 % {PARTIES}, 'EUR', 15, 3, (e % 3 = 0)::int,
           CASE WHEN e % 3 = 0 THEN 'open' ELSE 'settled' END
    FROM generate_series(2, {ENTRIES}, 2) e;
    INSERT INTO deposits
    SELECT {LEDGER}, e, e, 'test', e, 'p' || e * 7 % {PARTIES}, 15, 'EUR', 'credited', NULL, 1,
           CASE WHEN e % 3 = 0 THEN 'p' || e * 11 % {PARTIES} END
    FROM generate_series(1, {ENTRIES}) e;
    INSERT INTO claims
    SELECT {LEDGER}, e, e, 'p' || e * 7 % {PARTIES}, 15, 'EUR',
           CASE WHEN e % 3 = 0 THEN 'pending_claim' ELSE 'claimed' END, now() + interval '1 day',
           CASE WHEN e % 3 > 0 THEN 'p' || e * 11 % {PARTIES} END, CASE WHEN e % 3 = 0 THEN 'alias:x:y' END
    FROM generate_series(1, {ENTRIES}) e;
    -- Every merchant has an invoice 1001 of its own; everything that a rail has paid, it has paid in one batch.
    INSERT INTO invoices
    SELECT (jsonb_populate_record(NULL::invoices, jsonb_build_object('ledger_id', {LEDGER}, 'entry', e, 'changed_by', e,
        'merchant', 'm' || e, 'customer', 'p' || e * 7 % {PARTIES}, 'currency', 'EUR', 'external_ref', '1001',
        'state', CASE WHEN e % 3 = 0 THEN 'draft' ELSE 'void' END, 'subtotal', 5, 'tax', 0, 'total', 5, 'lines_by', e,
        'tax_inclusive', false, 'paid', 0, 'credited', 0, 'refunded', 0))).*
    FROM generate_series(1, {ENTRIES}) e;
    INSERT INTO payments
    SELECT (jsonb_populate_record(NULL::payments, jsonb_build_object('ledger_id', {LEDGER}, 'entry', e, 'changed_by', e,
        'kind', 'transfer', 'payer', 'p' || e * 7 % {PARTIES}, 'payee', 'm' || e, 'amount', 5, 'currency', 'EUR',
        'fee', 0, 'fee_tax', 0, 'on_refund', 'keep', 'refunded', 5, 'fee_returned', 0, 'fee_tax_returned', 0))).*
    FROM generate_series(1, {ENTRIES}) e;
    INSERT INTO payouts
    SELECT {LEDGER}, e, e, 'p' || e * 7 % {PARTIES}, 5, 'EUR', 'test',
           CASE WHEN e % 3 = 0 THEN 'in_transit' ELSE 'paid' END, 0, 'batch', 0
    FROM generate_series(1, {ENTRIES}) e;
    INSERT INTO refunds
    SELECT {LEDGER}, e, e, e - 1, 'deposit', 'p' || e * 7 % {PARTIES}, NULL, 'test', 5, 'EUR', 0, 0,
           CASE WHEN e % 3 = 0 THEN 'failed' ELSE 'succeeded' END, NULL, NULL, 'batch'
    FROM generate_series(1, {ENTRIES}) e;
    -- Of all that is open little has just expired, which nobody has written yet.
    INSERT INTO holds
    SELECT (jsonb_populate_record(NULL::holds, jsonb_build_object('ledger_id', {LEDGER}, 'entry', e, 'changed_by', e,
        'payer', 'p' || e * 7 % {PARTIES}, 'payee', 'p' || (e * 7 + 1) % {PARTIES}, 'amount', 5, 'captured', 0,
        'released', 0, 'currency', 'EUR', 'state', 'open',
        'expires_at', now() + CASE WHEN e % {LAPSED} = 0 THEN -1 ELSE 1 END * interval '1 day'))).*
    FROM generate_series(1, {ENTRIES}) e;
    RESET session_replication_role
"""


@pytest.fixture(scope="module", params=["fresh", "analysed"])
def many(request: pytest.FixtureRequest, database: Database, superuser: Superuser) -> Iterator[Reads]:
    """Agreements of which Postgres knows nothing yet, and then all that it can find out."""
    superuser.run_script(MANY if request.param == "fresh" else "ANALYZE")
    reads = Reads(database)
    yield reads
    reads.close()


@PLANS
@pytest.mark.parametrize(
    "noun", [splits.NOUN, payment_requests.NOUN, deposits.NOUN, payouts.NOUN, holds.NOUN], ids=lambda noun: noun.plural
)
@pytest.mark.parametrize("party", [BUSY, PERSON, NOBODY])
def test_a_page_of_a_partys_agreements_costs_its_own_and_no_others(
    many: Reads, noun: Noun, party: str, plan: str
) -> None:
    async def cost(states: tuple[str, ...], before: tuple[int, int] | None) -> tuple[int, int]:
        wanted = Filter(sides=noun.sides, party=party, states=states, parts=noun.parts)
        connection = await many.counting(plan)
        reader = cast(Reader, connection)
        found: list[Any] = await agreements.page(reader, LEDGER, noun.kind, wanted, before, LIMIT)
        return connection.blocks, len(found)

    branches = len(noun.states) * len(noun.sides) + (len(noun.parts.states) if noun.parts is not None else 0)
    for states in (noun.states, noun.states[:1]):
        for before in (None, (ENTRIES // 2, 0)):
            blocks, found = many.run(cost(states, before))
            # Each branch may find a page of its own; one who has a share is asked by very much else, which is skipped.
            assert blocks < 8 * branches + 8 * LIMIT + 200 * (party == BUSY), (states, before, found)
    assert (0 if party == NOBODY else 20) <= many.run(cost(noun.states, None))[1]


@PLANS
@pytest.mark.parametrize("party", [PERSON, NOBODY, None])
@pytest.mark.parametrize("state", ["pending_claim", "claimed", "returned"])
def test_a_page_of_transfers_in_a_state_costs_its_own_claims_and_no_others(
    many: Reads, state: str, party: str | None, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "LOOKED_AT_MAX", 500)

    async def blocks(before: int) -> int:
        connection = await many.counting(plan)
        wanted = transfers.Filter(party, None, 0, state)
        await transfers.page(cast(Reader, connection), LEDGER, wanted, before, LIMIT)
        return connection.blocks

    for before in (ENTRIES + 1, ENTRIES // 2):
        assert many.run(blocks(before)) < 500 * 6


@PLANS
def test_what_became_of_a_page_of_transfers_is_two_probes_of_an_index_each(many: Reads, plan: str) -> None:
    async def blocks() -> int:
        connection = await many.counting(plan)
        numbers = list(range(1, ENTRIES, ENTRIES // LIMIT))[:LIMIT]
        found = await transfers.since(cast(Reader, connection), LEDGER, numbers)
        assert numbers == [*found]
        assert {5} == {each.refunded for each in found.values()}
        return connection.blocks

    assert many.run(blocks()) < 2 * 6 * LIMIT


REFERENCES = {"invoices": "1001", "payouts": "batch", "refunds": "batch"}
"""What all have."""


@PLANS
@pytest.mark.parametrize("noun", [invoices.NOUN, payouts.NOUN, refunds.NOUN], ids=lambda noun: noun.plural)
@pytest.mark.parametrize(("party", "found"), [(None, LIMIT), (PERSON, 40), ("m77", 1), (NOBODY, 0)])
def test_a_page_of_what_has_a_reference_that_all_have_costs_no_more_than_any_other(
    many: Reads, noun: Noun, party: str | None, found: int, plan: str
) -> None:
    shared = noun.shared
    assert shared is not None
    if party == "m77" and not shared.once:
        found = 0

    async def cost(states: tuple[str, ...], before: tuple[int, int] | None) -> tuple[int, int]:
        fixed = ((shared.name, REFERENCES[noun.plural]),)
        wanted = Filter(sides=shared.sides, party=party, states=states, fixed=fixed, once=shared.once)
        connection = await many.counting(plan)
        rows: list[Any] = await agreements.page(cast(Reader, connection), LEDGER, noun.kind, wanted, before, LIMIT)
        return connection.blocks, len(rows)

    branches = max(1, len(shared.sides) if party is not None else 1) * len(noun.states)
    for states in (noun.states, *((state,) for state in noun.states)):
        for before in (None, (ENTRIES // 2, 0)):
            assert many.run(cost(states, before))[0] < 8 * branches + 4 * LIMIT, (states, before)
    assert found == many.run(cost(noun.states, None))[1]


@PLANS
def test_what_merchants_number_alike_is_each_found_by_its_merchant_alone(many: Reads, plan: str) -> None:
    async def blocks() -> int:
        connection = await many.counting(plan)
        found = await load_invoices.invoice_refs(cast(Connection, connection), LEDGER, [("m77", "1001")])
        assert {("m77", "1001"): 77} == found
        return connection.blocks

    assert many.run(blocks()) < 16


@PLANS
@pytest.mark.parametrize("party", [PERSON, NOBODY, None])
def test_a_page_of_holds_in_the_state_that_is_read_costs_no_more_than_of_the_state_that_is_kept(
    many: Reads, party: str | None, plan: str
) -> None:
    async def cost(state: str) -> tuple[int, set[int]]:
        lapse = Lapse(datetime.now(UTC))
        wanted = Filter(sides=holds.NOUN.sides, party=party, states=(state,), lapse=lapse)
        connection = await many.counting(plan)
        rows: list[Any] = await agreements.page(cast(Reader, connection), LEDGER, Hold, wanted, None, LIMIT)
        return connection.blocks, {row.entry for row in rows}

    for state in ("open", "expired"):
        blocks, entries = many.run(cost(state))
        assert blocks < 8 * LIMIT, state
        assert all((entry % LAPSED == 0) == (state == "expired") for entry in entries)
        if party is None:
            assert (LIMIT if state == "open" else ENTRIES // LAPSED) == len(entries)
