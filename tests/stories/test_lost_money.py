"""Lost money.

80.00 EUR arrive by bank transfer, and nothing says for whom. They are here, so they are booked, and
wait in suspense. Ben rings: half of it is his. The other half turns out to be a stranger's, and goes
back to where it came from.
"""

from typing import Any

from ledger.books.checks import run_checks
from tests.harness import Superuser
from tests.stories.story import Story, eur


def test_money_for_nobody_known_is_given_to_its_owner_or_sent_back(story: Story, superuser: Superuser) -> None:
    story.opens("Ben")

    unknown = {"amount": 80_00, "currency": "EUR", "rail": "sepa", "rail_reference": "E2E-4711", "memo": "for bn"}
    deposit = story.does("80.00 arrive, for nobody known.", "/v1/deposits", unknown)
    assert ("suspense", "unassigned") == (deposit["state"], deposit["reason"])
    (item,) = story.client.get("/v1/suspense").json()["data"]
    story.shows(left_of(item))

    path = f"/v1/suspense/{item['id']}"
    given = {"to": "ben", "amount": 40_00}
    after = story.does("Half of it is Ben's.", f"{path}/allocate", given)["suspense"]
    assert (40_00, "open") == (after["remaining"], after["state"])
    story.shows(left_of(after))
    story.is_refused("There is not as much left.", "amount_exceeds_remaining", f"{path}/return", {"amount": 40_01})
    back = story.does("The rest is sent back.", f"{path}/return", {"reason": "Sent to us by mistake"})
    assert (40_00, "cleared") == (back["amount"], back["suspense"]["state"])
    paid = {"rail_reference": "E2E-4711-R"}
    story.does("The rail has paid it.", f"/v1/refunds/{back['id']}/paid", paid)

    # Of the 80.00 that came, 40.00 are Ben's, and as much is still with the rail.
    assert 80_00 - 40_00 == story.balance("ben/available") == story.balance("rail:sepa/clearing") == 40_00
    assert (0, 0) == (story.balance("platform/suspense"), story.balance("rail:sepa/outbound"))
    assert [] == story.client.get("/v1/suspense").json()["data"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()


def left_of(item: dict[str, Any]) -> str:
    return f"{item['id']} ({item['reason']}) is {item['state']}: {eur(item['remaining'])} of {eur(item['amount'])} left"
