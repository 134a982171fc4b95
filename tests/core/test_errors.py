"""The closed list of codes: the plan's, each in one family, each used."""

from pathlib import Path

import pytest

import ledger
from ledger.core.errors import FAMILIES, FAMILY_OF, FieldError, Invalid, LedgerError

# api.md's list, as far as it is due now.
CODES = {
    "malformed": "malformed_json duplicate_key idempotency_key_missing idempotency_key_invalid method_not_allowed "
    "body_too_large entry_too_large too_many_items unsupported_media_type headers_too_large",
    "unauthenticated": "credentials_missing credentials_invalid signature_missing signature_malformed "
    "signature_coverage "
    "signature_expired signature_not_yet_valid signature_invalid content_digest_mismatch key_unknown key_revoked",
    "forbidden": "scope_missing",
    "invalid": "field_unknown field_missing field_invalid amount_invalid currency_invalid text_invalid "
    "timestamp_invalid cursor_invalid key_invalid intent_required intent_invalid intent_mismatch "
    "idempotency_key_reused",
    "not_found": "not_found party_unknown rail_unknown",
    "refused": "insufficient_funds limit_exceeded currency_mismatch same_party balance_overflow "
    "amount_exceeds_remaining linked_failed",
    "conflict": "already_exists party_not_open party_not_empty hold_not_open request_not_open invoice_not_open "
    "refund_not_open payout_not_open suspense_not_open already_reversed alias_moved key_in_use intent_already_used",
    "try_later": "rate_limited overloaded unavailable outcome_unknown",
    "internal": "internal",
}
REMEMBERED = {"not_found", "refused", "conflict"}


def test_the_codes_are_the_plans() -> None:
    assert {family: set(codes.split()) for family, codes in CODES.items()} == {
        family.family: set(family.codes) for family in FAMILIES
    }


def test_a_code_belongs_to_one_family() -> None:
    assert len(FAMILY_OF) == sum(len(family.codes) for family in FAMILIES)


def test_a_refusal_by_the_books_is_remembered_and_nothing_else_is() -> None:
    assert {family.family for family in FAMILIES if family.remembered} == REMEMBERED


def test_only_what_may_go_through_later_is_worth_the_same_request_again() -> None:
    assert {family.family for family in FAMILIES if family.retryable} == {"try_later"}


@pytest.mark.parametrize("code", FAMILY_OF)
def test_a_code_is_used(code: str) -> None:
    sources = (path for path in Path(ledger.__file__).parent.rglob("*.py") if path.name != "errors.py")
    assert any(f'"{code}"' in path.read_text(encoding="utf-8") for path in sources)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
def test_a_family_takes_no_code_that_is_not_its_own(family: type[LedgerError]) -> None:
    with pytest.raises(LookupError, match=f"no_such_code is not a code of the family {family.family}"):
        family("no_such_code", "")


def test_an_error_about_one_field_says_the_same_of_the_field_as_of_the_request() -> None:
    error = Invalid.at("/amount", "amount_invalid", "Send more.")
    assert ("amount_invalid", "Send more.", (FieldError("/amount", "amount_invalid", "Send more."),)) == (
        error.code,
        error.detail,
        error.errors,
    )
