"""Accounts and statements: what the service tells, against a model that only adds up postings."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness import Client, Database, make_api_key, make_ledger
from tests.http.teller import RAIL, SUSPENSE, Account, Story, pages, path, read, tell


@pytest.fixture(scope="module")
def story(client: Client) -> Story:
    return tell(client)


def test_the_balance_as_of_every_entry_is_what_the_postings_up_to_it_add_up_to(client: Client, story: Story) -> None:
    for account in story.accounts:
        for entry in range(story.first - 1, story.last + 1):
            touched = [p for p in story.postings if account in (p.debit, p.credit) and p.entry <= entry]
            expected = {"balance": story.balance(account, entry), "version": len(touched), "as_of_entry": entry}
            owner = {"owner": account[0], "role": account[1], "currency": "EUR"}
            assert owner | expected == read(client, path(account), as_of_entry=entry)


def test_as_of_a_time_excludes_the_entry_of_that_very_time(client: Client, story: Story) -> None:
    for posting in story.postings:
        found = read(client, path(posting.debit), as_of=posting.posted_at)
        assert posting.entry - 1 == found["as_of_entry"]
        assert story.balance(posting.debit, posting.entry - 1) == found["balance"]


def test_without_as_of_a_balance_is_that_of_the_last_entry(client: Client, story: Story) -> None:
    entry = read(client, path(RAIL))["as_of_entry"]
    assert entry >= story.last
    assert read(client, path(RAIL)) == read(client, path(RAIL), as_of_entry=entry)


def test_one_instant_may_be_written_in_any_time_zone(client: Client, story: Story) -> None:
    at = story.postings[-1].posted_at
    in_india = datetime.fromisoformat(at).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    assert in_india.endswith("+05:30")
    assert read(client, path(RAIL), as_of=at) == read(client, path(RAIL), as_of=in_india)


@pytest.mark.parametrize(
    ("account", "currency", "status", "code"),
    [
        (("nobody", "available"), "EUR", 404, "party_unknown"),
        (("rail:none", "clearing"), "EUR", 404, "rail_unknown"),
        (("bank:none", "cash"), "EUR", 404, "not_found"),
        (("teller:0@x+y.z_-", "clearing"), "EUR", 404, "not_found"),
        (("teller:0@x+y.z_-", "pocket"), "EUR", 404, "not_found"),
        (("platform", "available"), "EUR", 404, "not_found"),
        (("teller:0@x+y.z_-", "available"), "XXX", 422, "currency_invalid"),
        (("teller:0@x+y.z_-", "available"), "eur", 422, "currency_invalid"),
    ],
)
@pytest.mark.parametrize("tail", ["", "/statement"])
def test_what_can_be_no_account_is_refused(
    client: Client, story: Story, account: Account, currency: str, status: int, code: str, tail: str
) -> None:
    response = client.get(path(account, currency) + tail)
    assert (status, code) == (response.status_code, response.json()["code"])


def test_an_account_never_used_is_zero_at_version_zero_and_has_an_empty_statement(client: Client) -> None:
    account = path((client.party(), "available"), "JPY")
    found = read(client, account)
    assert (0, 0) == (found["balance"], found["version"])
    assert (0, 0) == (read(client, account, as_of_entry=1)["balance"], read(client, account, as_of_entry=1)["version"])
    expected = {"opening": 0, "lines": [], "closing": 0, "next_cursor": None}
    assert expected == read(client, account + "/statement")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"as_of_entry": "1", "as_of": "2026-01-01T00:00:00Z"}, "field_invalid"),
        ({"as_of_entry": "1000000"}, "field_invalid"),
        ({"as_of_entry": "-1"}, "field_invalid"),
        ({"as_of_entry": str(2**63)}, "field_invalid"),
        ({"as_of_entry": "one"}, "field_invalid"),
        ({"as_of": "2026-01-01"}, "timestamp_invalid"),
        ({"as_of": "2026-01-01T00:00:00"}, "timestamp_invalid"),
        ({"as_of": ""}, "timestamp_invalid"),
        ({"at": "2026-01-01T00:00:00Z"}, "field_unknown"),
    ],
)
@pytest.mark.parametrize("where", [path(RAIL), "/v1/reports/trial-balance"])
def test_as_of_what_cannot_be_known_is_refused(client: Client, where: str, query: dict[str, str], code: str) -> None:
    response = client.get(where, **query)
    assert (422, code) == (response.status_code, response.json()["code"])


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_the_pages_of_a_statement_together_are_the_period_and_add_up(
    client: Client, story: Story, data: st.DataObject
) -> None:
    account = data.draw(st.sampled_from(story.accounts))
    since, until = sorted(data.draw(st.tuples(*[st.sampled_from(story.postings)] * 2)), key=lambda p: p.entry)
    bounds = {"since": since.posted_at, "until": until.posted_at, "limit": data.draw(st.integers(1, 30))}
    found = pages(client, path(account) + "/statement", **bounds)
    within = [p for p in story.postings if since.entry <= p.entry < until.entry and account in (p.debit, p.credit)]
    lines = [line for page in found for line in page["lines"]]
    assert [(p.entry, p.change(account)) for p in within] == [(line["entry"], line["amount"]) for line in lines]
    opening, closing = story.balance(account, since.entry - 1), story.balance(account, until.entry - 1)
    assert {(opening, closing)} == {(page["opening"], page["closing"]) for page in found}
    for line in lines:
        opening += line["amount"]
        assert opening == line["balance"]
    assert opening == closing


def test_a_statement_line_tells_who_and_what(client: Client) -> None:
    payee = client.party()
    payer = client.funded(1000)
    made = client.transfer(payer, payee, 250, memo="two coffees ☕", effective_on="2026-03-01")
    line = {
        "entry": made["entry"],
        "kind": "transfer",
        "posted_at": made["posted_at"],
        "effective_on": "2026-03-01",
        "amount": -250,
        "balance": 750,
        "counterparty": payee,
        "memo": "two coffees ☕",
    }
    assert line == read(client, path((payer, "available")) + "/statement")["lines"][-1]
    expected = [line | {"amount": 250, "balance": 250, "counterparty": payer}]
    assert expected == read(client, path((payee, "available")) + "/statement")["lines"]


def test_a_statement_ends_where_its_first_page_found_it_while_money_moves_on(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    client.transfer(payer, payee, 1)
    statement = path((payer, "available")) + "/statement"
    first = read(client, statement, limit=1)
    client.transfer(payer, payee, 1)
    second = read(client, statement, limit=1, cursor=first["next_cursor"])
    assert (999, [-1], None) == (second["closing"], [line["amount"] for line in second["lines"]], second["next_cursor"])


def test_a_period_that_ends_before_it_begins_is_refused(client: Client) -> None:
    period = {"since": "2026-02-01T00:00:00Z", "until": "2026-01-31T23:59:59Z"}
    for where in (path(RAIL) + "/statement", "/v1/reports/trial-balance"):
        assert "field_invalid" == client.get(where, **period).json()["code"]
    days = {"since": "2026-02-01", "until": "2026-01-31", "basis": "effective"}
    assert "field_invalid" == client.get("/v1/reports/trial-balance", **days).json()["code"]


def cursor_of(client: Client, **query: Any) -> str:
    page = read(client, path(RAIL) + "/statement", limit=1, **query)
    assert page["next_cursor"] is not None
    return str(page["next_cursor"])


def test_a_cursor_is_one_word_that_needs_no_encoding(client: Client, story: Story) -> None:
    cursor = cursor_of(client, until="2100-01-01T00:00:00+05:30")
    assert re.fullmatch("[A-Za-z0-9_-]+", cursor)


def test_a_cursor_goes_with_its_own_filters_and_no_others(client: Client, story: Story) -> None:
    statement, until = path(RAIL) + "/statement", story.postings[-1].posted_at
    cursor = cursor_of(client, until=until)
    alone = read(client, statement, cursor=cursor)
    assert alone == read(client, statement, cursor=cursor, until=until)
    for query in ({"until": story.postings[-2].posted_at}, {"since": until}):
        response = client.get(statement, cursor=cursor, **query)
        assert (422, "cursor_invalid") == (response.status_code, response.json()["code"])


def test_a_forged_or_foreign_cursor_is_refused(client: Client, story: Story) -> None:
    cursor = cursor_of(client)
    another_letter = "A" if cursor[5] != "A" else "B"
    forged = ["", "x", "null", "é", cursor[:-1], cursor + "A", cursor + "=", cursor[:5] + another_letter + cursor[6:]]
    elsewhere = [path(SUSPENSE) + "/statement", "/v1/suspense"]
    attempts = [(path(RAIL) + "/statement", each) for each in forged] + [(where, cursor) for where in elsewhere]
    for where, sent in attempts:
        response = client.get(where, cursor=sent)
        assert (422, "cursor_invalid") == (response.status_code, response.json()["code"]), sent


def test_a_cursor_is_of_no_use_in_another_ledger(client: Client, story: Story, database: Database) -> None:
    other = Client(client.base, make_ledger(database, "other")[1])
    response = other.get(path(RAIL) + "/statement", cursor=cursor_of(client))
    other.close()
    assert (422, "cursor_invalid") == (response.status_code, response.json()["code"])


@pytest.mark.parametrize("limit", ["0", "-1", "501", "1000000000", "1.5", "ten", ""])
@pytest.mark.parametrize("where", [path(RAIL) + "/statement", "/v1/suspense"])
def test_a_limit_is_1_to_500(client: Client, where: str, limit: str) -> None:
    response = client.get(where, limit=limit)
    assert (422, "field_invalid") == (response.status_code, response.json()["code"])


def test_another_ledgers_party_has_no_account_here(client: Client, story: Story, database: Database) -> None:
    other = Client(client.base, make_ledger(database, "third")[1])
    theirs, nobodys = (other.get(path((owner, "available"))) for owner in (story.accounts[-1][0], "nobody"))
    other.close()
    assert (404, "party_unknown") == (theirs.status_code, theirs.json()["code"])
    assert nobodys.json()["detail"].replace("nobody", story.accounts[-1][0]) == theirs.json()["detail"]


@pytest.mark.parametrize(
    ("where", "scope"),
    [
        (path(RAIL), "entries:read"),
        (path(RAIL) + "/statement", "entries:read"),
        ("/v1/entries", "entries:read"),
        ("/v1/entries/1", "entries:read"),
        ("/v1/requests/a-key", "entries:read"),
        ("/v1/suspense", "reports:read"),
        ("/v1/reports/trial-balance", "reports:read"),
    ],
)
def test_a_read_needs_its_scope(client: Client, database: Database, where: str, scope: str) -> None:
    others = {"entries:read", "reports:read", "transfers:write"} - {scope}
    limited = Client(client.base, make_api_key(database, *others))
    response = limited.get(where)
    limited.close()
    assert (403, "scope_missing") == (response.status_code, response.json()["code"])
