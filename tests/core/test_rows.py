"""What the rows say of themselves."""

import pytest

from ledger.core.rows import Claim, Hold, PaymentRequest, day_of, moment
from ledger.core.text import parse_timestamp

DEADLINE = 1_800_000_000_000_000


def hold(state: str) -> Hold:
    return Hold(1, 1, "ann", "bob", 1, "EUR", 0, 0, state, moment(DEADLINE))


def request(state: str) -> PaymentRequest:
    return PaymentRequest(1, 1, 0, "ann", "bob", 1, "EUR", state, moment(DEADLINE))


def claim(state: str) -> Claim:
    return Claim(1, 1, "ann", 1, "EUR", state, moment(DEADLINE))


@pytest.mark.parametrize(
    ("row", "over"),
    [
        *((hold("open"), "expired"), (hold("captured"), "captured"), (hold("voided"), "voided")),
        *((request("open"), "expired"), (request("paid"), "paid"), (request("declined"), "declined")),
        *((claim("pending_claim"), "returned"), (claim("claimed"), "claimed")),
    ],
)
def test_what_waits_is_over_from_its_deadline_on_and_what_has_ended_stays_as_it_is(
    row: Hold | PaymentRequest | Claim, over: str
) -> None:
    assert (row.state, over) == (row.state_at(moment(DEADLINE - 1)), row.state_at(moment(DEADLINE)))


def test_a_request_without_a_deadline_stays_open() -> None:
    row = PaymentRequest(1, 1, 0, "ann", "bob", 1, "EUR", "open", None)
    assert "open" == row.state_at(moment(DEADLINE))


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2026-11-20T23:30:00Z", "UTC", "2026-11-20"),
        ("2026-11-20T23:30:00Z", "Europe/Berlin", "2026-11-21"),
        ("2026-11-20T00:30:00Z", "America/New_York", "2026-11-19"),
        ("9999-12-31T23:30:00Z", "Pacific/Kiritimati", "9999-12-31"),
        ("0001-01-01T00:30:00Z", "Pacific/Pago_Pago", "0001-01-01"),
    ],
)
def test_a_day_is_one_of_the_ledgers_zone_as_far_as_the_calendar_reaches(at: str, zone: str, day: str) -> None:
    assert day == day_of(moment(parse_timestamp(at)), zone).isoformat()
