"""The pages that people read: all there, about every problem, and of nobody else's making."""

import re
from html.parser import HTMLParser

import pytest

from ledger.core.errors import FAMILIES, FAMILY_OF
from ledger.http import openapi
from ledger.http.advice import ADVICE
from ledger.http.advice import FAMILIES as ADVICE_OF_FAMILY
from ledger.http.app import ROUTES
from ledger.http.operations import OPERATIONS
from ledger.http.problems import TITLE_OF, status_of
from tests.http.asking import BASE, ask

# The closed list of api.md: the codes of every issue, by the statuses of their family.
CLOSED_LIST = {
    "malformed": "malformed_json duplicate_key idempotency_key_missing idempotency_key_invalid method_not_allowed "
    "body_too_large entry_too_large too_many_items unsupported_media_type headers_too_large",
    "unauthenticated": "credentials_missing credentials_invalid signature_missing signature_malformed "
    "signature_coverage signature_expired signature_not_yet_valid signature_invalid content_digest_mismatch "
    "key_unknown key_revoked",
    "forbidden": "scope_missing",
    "invalid": "field_unknown field_missing field_invalid amount_invalid currency_invalid text_invalid "
    "timestamp_invalid cursor_invalid key_invalid intent_required intent_invalid intent_mismatch "
    "idempotency_key_reused",
    "not_found": "not_found party_unknown rail_unknown",
    "refused": "insufficient_funds limit_exceeded currency_mismatch same_party balance_overflow "
    "amount_exceeds_remaining linked_failed",
    "conflict": "already_exists party_not_open party_not_empty hold_not_open request_not_open invoice_not_open "
    "refund_not_open payout_not_open suspense_not_open already_reversed period_closed alias_moved key_in_use "
    "intent_already_used",
    "try_later": "rate_limited overloaded unavailable outcome_unknown",
    "internal": "internal",
}
STATUSES = {
    "malformed": {400, 405, 413, 415, 431},
    "unauthenticated": {401},
    "forbidden": {403},
    "invalid": {422},
    "not_found": {404},
    "refused": {422},
    "conflict": {409},
    "try_later": {429, 503},
    "internal": {500},
}
PAGES = ["/docs", "/problems", *(f"/problems/{code}" for code in FAMILY_OF)]


class Reader(HTMLParser):
    """Reads a page: the tags that stand open, what is linked, what is named, what is said."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.names: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "wbr"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.links.append(value or "")
            elif name == "id":
                self.names.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def test_our_codes_are_of_the_closed_list_and_in_its_families() -> None:
    for family in FAMILIES:
        assert set(family.codes) <= set(CLOSED_LIST[family.family].split())
        assert {status_of(code) for code in family.codes} <= STATUSES[family.family]


def test_there_is_advice_on_every_code_and_family() -> None:
    assert set(FAMILY_OF) == set(ADVICE)
    assert {family.family for family in FAMILIES} == set(ADVICE_OF_FAMILY)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_and_needs_nothing_from_elsewhere(page: str) -> None:
    answered = ask("GET", page)
    assert (200, "text/html; charset=utf-8") == (answered.status, answered.headers["content-type"])
    assert answered.headers["content-security-policy"].startswith("default-src 'none'")
    read = Reader(answered.body)
    assert [] == read.open
    assert not read.tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"url\(|@import", answered.body.decode())
    assert len(read.names) == len(set(read.names))
    for link in read.links:
        path, _, name = link.partition("#")
        assert name in read.names if not path else ask("GET", path).status == 200, link


@pytest.mark.parametrize("code", FAMILY_OF)
def test_the_page_to_which_a_problem_leads_says_what_to_do(code: str) -> None:
    read = Reader(ask("GET", f"/problems/{code}").body)
    for said in (code, TITLE_OF[code], str(status_of(code)), ADVICE[code].replace("`", "")):
        assert said in read.text
    assert ("yes, under the same key" in read.text) is FAMILY_OF[code].retryable


def test_the_index_lists_every_problem() -> None:
    assert {f"/problems/{code}" for code in FAMILY_OF} <= set(Reader(ask("GET", "/problems").body).links)


def test_the_docs_show_every_operation_with_every_field_and_problem() -> None:
    read = Reader(ask("GET", "/docs").body)
    assert {operation.id for operation in OPERATIONS.values()} <= set(read.names)
    for route in ROUTES:
        assert route.path in read.text
        for kind in (route.query, route.body):
            for field in kind.__struct_encode_fields__ if kind is not None else ():
                assert field in read.text
    assert {f"/problems/{code}" for code in FAMILY_OF if code not in ("method_not_allowed", "linked_failed")} <= set(
        read.links
    )


def test_the_document_is_served_as_it_is_made() -> None:
    answered = ask("GET", "/openapi.json")
    assert (200, "application/json") == (answered.status, answered.headers["content-type"])
    assert openapi.document(ROUTES, BASE) == answered.json()


def test_whoever_opens_the_service_in_a_browser_is_led_to_the_docs() -> None:
    answered = ask("GET", "/")
    assert (307, "/docs") == (answered.status, answered.headers["location"])
