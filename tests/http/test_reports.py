"""The trial balance: what the service reports, against a model that only adds up postings."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books import reports
from tests.harness import Client
from tests.http.teller import ASSETS, RAIL, SUSPENSE, Account, Posting, Story, read, tell

REPORT = "/v1/reports/trial-balance"

Row = tuple[int, int, int, int]
"""Opening balance, debits, credits, closing balance."""


@pytest.fixture(scope="module")
def story(client: Client) -> Story:
    return tell(client)


def row_of(account: Account) -> Account:
    return account if account in (RAIL, SUSPENSE) else ("clients", account[1])


def expected(before: Iterable[Posting], within: Iterable[Posting]) -> dict[Account, Row]:
    """The rows of a period, from what was posted before it and in it."""
    rows: dict[Account, Row] = {}
    for is_within, postings in ((False, before), (True, within)):
        for posting in postings:
            for account, side in ((posting.debit, 1), (posting.credit, 2)):
                row = row_of(account)
                sign = (-1 if row[1] in ASSETS else 1) * (1 if side == 2 else -1)
                opening, debits, credited, closing = rows.get(row, (0, 0, 0, 0))
                rows[row] = (
                    opening + (0 if is_within else sign * posting.amount),
                    debits + (posting.amount if is_within and side == 1 else 0),
                    credited + (posting.amount if is_within and side == 2 else 0),
                    closing + sign * posting.amount,
                )
    return rows


def reported(answer: dict[str, Any]) -> dict[Account, Row]:
    """The rows of an answer about EUR alone; its debits equal its credits, or there is nothing at all."""
    if answer["currencies"] == []:
        return {}
    (euros,) = answer["currencies"]
    assert "EUR" == euros["currency"]
    rows = {
        (row["owner"], row["role"]): (row["opening"], int(row["debits"]), int(row["credits"]), row["closing"])
        for row in euros["rows"]
    }
    assert len(rows) == len(euros["rows"])
    assert euros["debits"] == euros["credits"] == str(sum(row[1] for row in rows.values()))
    return rows


def test_all_there_is_opens_with_zero_and_closes_with_the_balances(client: Client, story: Story) -> None:
    answer = read(client, REPORT, as_of_entry=story.last)
    assert story.last == answer["as_of_entry"]
    assert expected([], story.postings) == reported(answer)
    assert {"asset", "liability"} == {row["class"] for row in answer["currencies"][0]["rows"]}


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_period_is_what_was_posted_from_its_beginning_to_before_its_end(
    client: Client, story: Story, data: st.DataObject
) -> None:
    since, until = sorted(data.draw(st.tuples(*[st.sampled_from(story.postings)] * 2)))
    answer = read(client, REPORT, since=since.posted_at, until=until.posted_at)
    before = [posting for posting in story.postings if posting.entry < since.entry]
    within = [posting for posting in story.postings if since.entry <= posting.entry < until.entry]
    assert (until.entry - 1, expected(before, within)) == (answer["as_of_entry"], reported(answer))
    assert answer == read(client, REPORT, since=since.posted_at, as_of_entry=answer["as_of_entry"])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_by_accounting_date_a_period_is_what_took_effect_on_its_days(
    client: Client, story: Story, data: st.DataObject
) -> None:
    days = st.sampled_from(["2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2999-12-31"])
    since, until = sorted(data.draw(st.tuples(days, days)))
    last = data.draw(st.integers(story.first, story.last))
    answer = read(client, REPORT, since=since, until=until, as_of_entry=last, basis="effective")
    known = [posting for posting in story.postings if posting.entry <= last and posting.effective_on < until]
    before = [posting for posting in known if posting.effective_on < since]
    within = [posting for posting in known if posting.effective_on >= since]
    assert (last, expected(before, within)) == (answer["as_of_entry"], reported(answer))


def test_both_bases_agree_on_all_there_is(client: Client, story: Story) -> None:
    posted, effective = (read(client, REPORT, as_of_entry=story.last, basis=each) for each in ("posted", "effective"))
    assert posted == effective


def test_as_of_a_time_counts_nothing_posted_then_or_later(client: Client, story: Story) -> None:
    posting = story.postings[len(story.postings) // 2]
    by_time, by_entry = read(client, REPORT, as_of=posting.posted_at), read(client, REPORT, until=posting.posted_at)
    assert posting.entry - 1 == by_time["as_of_entry"]
    assert by_time == by_entry


def test_it_comes_out_the_same_however_few_entries_and_accounts_are_taken_at_once(
    client: Client, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [read(client, REPORT, as_of_entry=story.last, basis=basis) for basis in ("posted", "effective")]
    monkeypatch.setattr(reports, "ENTRIES_AT_ONCE", 7)
    monkeypatch.setattr(reports, "ACCOUNTS_AT_ONCE", 3)
    assert whole == [read(client, REPORT, as_of_entry=story.last, basis=basis) for basis in ("posted", "effective")]


def test_each_currency_stands_for_itself(client: Client, story: Story) -> None:
    payer = client.funded(500, "JPY")
    client.transfer(payer, client.party(), 200, "JPY")
    currencies = {each["currency"]: each for each in read(client, REPORT)["currencies"]}
    assert ["EUR", "JPY"] == sorted(currencies)
    expected_rows = [
        {"owner": "rail:test", "role": "clearing", "class": "asset"}
        | {"opening": 0, "debits": "500", "credits": "0", "closing": 500},
        {"owner": "clients", "role": "available", "class": "liability"}
        | {"opening": 0, "debits": "200", "credits": "700", "closing": 500},
    ]
    assert {"currency": "JPY", "debits": "700", "credits": "700", "rows": expected_rows} == currencies["JPY"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"since": "2026-01-01"}, "timestamp_invalid"),
        ({"until": "2026-02-30T00:00:00Z"}, "timestamp_invalid"),
        ({"since": "2026-01-01T00:00:00Z", "basis": "effective"}, "timestamp_invalid"),
        ({"until": "2026-02-30", "basis": "effective"}, "timestamp_invalid"),
        ({"basis": "cash"}, "field_invalid"),
        ({"currency": "EUR"}, "field_unknown"),
    ],
)
def test_a_period_that_cannot_be_read_is_refused(client: Client, query: dict[str, str], code: str) -> None:
    response = client.get(REPORT, **query)
    assert (422, code) == (response.status_code, response.json()["code"])
