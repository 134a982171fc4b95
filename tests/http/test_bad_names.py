"""What bad names, texts, times and queries get: a clear problem, and nothing is written."""

from typing import Any

import pytest

from tests.harness import Client, Database, make_ledger
from tests.http.wire import head, pointers, problem_of, send_raw

TRANSFER = {"from": "ann", "to": "bob", "amount": 5, "currency": "EUR"}

pytestmark = pytest.mark.usefixtures("nothing_is_written")


def auth(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


def changed(**fields: Any) -> dict[str, Any]:
    return TRANSFER | fields


# Ids

NO_IDS = ("", "x" * 65, "a b", "../ann", "ann/bob", "ann\n", "ann\x00", "\u00e4nn", "platform", "clients", "rail:test")


@pytest.mark.parametrize("party_id", [*NO_IDS, "bank:test", "tax:de", "alias:phone:+4915112345678", 7, None, ["ann"]])
def test_a_party_is_not_registered_under_a_name_that_is_none(client: Client, party_id: Any) -> None:
    response = client.post("/v1/parties", {"id": party_id, "kind": "person"})
    assert (422, "field_invalid") == problem_of(response)
    assert ["/id"] == pointers(response)


@pytest.mark.parametrize("side", ["from", "to"])
@pytest.mark.parametrize("name", [*NO_IDS, "alias:phone", "alias:phone:0151", "alias:PHONE:1", "alias:app:", None, 7])
def test_a_payer_or_payee_is_named_by_id_or_alias(client: Client, side: str, name: Any) -> None:
    response = client.post("/v1/transfers", changed(**{side: name}))
    assert (422, "field_invalid") == problem_of(response)
    assert [f"/{side}"] == pointers(response)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/parties/ghost",
        "/v1/parties/" + "x" * 65,
        "/v1/parties/a%20b",
        "/v1/parties/%00",
        "/v1/parties/%2e%2e",
        "/v1/parties/..%2f..%2fetc",
        "/v1/parties/ann%2Fbob",
        "/v1/parties/%ff",
        "/v1/parties/%F0%9F%92%B8",
        "/v1/parties/platform",
        "/v1/parties/",
        "/v1/parties//",
        "/v1/parties/ann/",
        "/v1/transfers/transfer_999999",
        "/v1/transfers/transfer_0",
        "/v1/transfers/transfer_01",
        "/v1/transfers/transfer_99999999999999999999",
        "/v1/transfers/deposit_7",
        "/v1/transfers/ann",
        "/v1/deposits/deposit_1",
        "/v1/entries/0",
        "/v1/entries/999999",
        "/v1/entries/one",
        "/v1/requests/nobody-sent-this",
        "/v1/aliases/phone/+4900000000000",
        "/v1/aliases/phone/%00",
        "/v1/accounts/ghost/available/EUR",
        "/v1/accounts/ann/salary/EUR",
        "/v1/nothing",
        "/v2/parties/ann",
        "/v1",
        "/V1/parties/ann",
        "/etc/passwd",
    ],
)
def test_what_does_not_exist_is_not_found(client: Client, path: str) -> None:
    status, code = problem_of(send_raw(client.base, head("GET", path, {"Host": "x", **auth(client)})))
    assert (404, True) == (status, code in ("not_found", "party_unknown"))


def test_a_path_goes_nowhere_but_down(client: Client) -> None:
    raw = send_raw(client.base, head("GET", "/v1/parties/../ledger", {"Host": "x", **auth(client)}))
    assert (404, "not_found") == problem_of(raw)


def test_another_ledgers_things_look_exactly_as_if_they_did_not_exist(client: Client, database: Database) -> None:
    stranger = Client(client.base, make_ledger(database, "other")[1])
    try:
        for path, name, ghost in (
            ("/v1/parties/{}", "ann", "amy"),
            ("/v1/transfers/{}", "transfer_8", "transfer_9"),
            ("/v1/deposits/{}", "deposit_6", "deposit_7"),
            ("/v1/requests/{}", "a-key", "b-key"),
            ("/v1/accounts/{}/available/EUR", "ann", "amy"),
        ):
            there, nowhere = (stranger.get(path.format(each)).json() for each in (name, ghost))
            assert nowhere["detail"] == there["detail"].replace(name, ghost)
            assert nowhere | {"instance": "", "detail": ""} == there | {"instance": "", "detail": ""}
            assert 404 == there["status"]
    finally:
        stranger.close()


# Texts

NO_TEXTS = (
    *("\x00", "a\x00b", "a\x07b", "a\tb", "a\r\nb", "\x7f", "\x85", "\x9f"),
    *(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    *("\U000e0001", "\U000e0061", "x" * 281, "\U0001f4b8" * 281),
)


@pytest.mark.parametrize("text", NO_TEXTS, ids=ascii)
def test_a_memo_has_no_control_override_or_tag_characters_and_is_not_too_long(client: Client, text: str) -> None:
    response = client.post("/v1/transfers", changed(memo=text))
    assert (422, "text_invalid") == problem_of(response)
    assert ["/memo"] == pointers(response)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/parties", {"id": "x", "kind": "person", "name": "a\u202eb"}, "/name"),
        ("/v1/parties", {"id": "x", "kind": "person", "name": "x" * 201}, "/name"),
        ("/v1/parties", {"id": "x", "kind": "person", "metadata": {"k": "a\u2066b"}}, "/metadata/k"),
        ("/v1/parties/ann/freeze", {"mode": "all", "reason": "a\x00b"}, "/reason"),
        ("/v1/transfers", changed(chat={"conversation": "a\x00b"}), "/chat/conversation"),
        ("/v1/transfers", changed(metadata={"k": "v" * 8_200}), "/metadata/k"),
        ("/v1/transfers", changed(metadata={"a": "v" * 4_096, "b": "v" * 4_096}), "/metadata"),
        ("/v1/transfers", changed(metadata={str(n): "" for n in range(21)}), "/metadata"),
        ("/v1/transfers", changed(metadata={"k" * 41: ""}), "/metadata"),
        ("/v1/transfers", changed(metadata={"\u00e4": ""}), "/metadata"),
    ],
)
def test_every_other_text_keeps_to_the_same_rules(client: Client, path: str, body: Any, pointer: str) -> None:
    response = client.post(path, body)
    assert (422, "text_invalid") == problem_of(response)
    assert [pointer] == pointers(response)


# Times and dates

NO_TIMES = (
    *("2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00"),
    *("2026-01-01T00:00:00+99:00", "0000-01-01T00:00:00Z", "2026-01-01", "2026-01-01 00:00:00Z", "20260101T000000Z"),
    *("2026-01-01T00:00:00Z\n", "2026-1-1T0:0:0Z", "1767225600", "now", "", "2026-13-01T00:00:00Z", 1767225600, True),
)


@pytest.mark.parametrize("time", NO_TIMES)
def test_a_time_is_rfc_3339_with_its_zone(client: Client, time: Any) -> None:
    body = {"amount": 5, "currency": "EUR", "rail": "test", "rail_reference": "r", "occurred_at": time}
    response = client.post("/v1/deposits", body)
    assert (422, "timestamp_invalid") == problem_of(response)
    assert ["/occurred_at"] == pointers(response)


@pytest.mark.parametrize("time", [each for each in NO_TIMES if isinstance(each, str)])
def test_a_time_in_a_query_too(client: Client, time: str) -> None:
    response = client.get("/v1/aliases/phone/+4915112345678", at=time)
    assert (422, "timestamp_invalid") == problem_of(response)
    assert ["/at"] == pointers(response)


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-1-1", "0000-01-01", "2026-01-01T00:00:00Z", "", 20260101, "9999-12-31"]
)
def test_an_accounting_date_is_a_day_of_the_calendar_and_never_in_the_future(client: Client, day: Any) -> None:
    response = client.post("/v1/transfers", changed(effective_on=day))
    assert (422, "timestamp_invalid") == problem_of(response)
    assert ["/effective_on"] == pointers(response)


# Lists and queries


@pytest.mark.parametrize("path", ["/v1/entries", "/v1/suspense", "/v1/accounts/ann/available/EUR/statement"])
@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "1.5", "ten", "", "%00"])
def test_a_limit_is_a_whole_number_in_its_range(client: Client, path: str, limit: str) -> None:
    response = client.http.get(f"{path}?limit={limit}")
    assert (422, "field_invalid") == problem_of(response)
    assert ["/limit"] == pointers(response)


@pytest.mark.parametrize("path", ["/v1/suspense", "/v1/accounts/ann/available/EUR/statement"])
@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "\u00e4", "A" * 5_000, "==", "../..", "' OR 1=1"])
def test_a_forged_cursor_is_refused(client: Client, path: str, cursor: str) -> None:
    response = client.get(path, cursor=cursor)
    assert (422, "cursor_invalid") == problem_of(response)
    assert ["/cursor"] == pointers(response)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("dryrun=true", "field_unknown"),
        ("dry_run=perhaps", "field_invalid"),
        ("dry_run=true&dry_run=true", "field_invalid"),
        ("dry_run", "field_invalid"),
        ("dry_run=%ff", "field_invalid"),
        ("=&=", "field_unknown"),
        ("__proto__=1", "field_unknown"),
    ],
)
def test_a_query_parameter_that_is_not_known_is_never_ignored(client: Client, query: str, code: str) -> None:
    response = client.post(f"/v1/transfers?{query}", TRANSFER)
    assert (422, code) == problem_of(response)
