"""What the rows say of themselves."""

import pytest

from ledger.core.rows import Claim, Hold, PaymentRequest, moment

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
