"""A rented bike.

Ben rents a bike. The shop reserves a deposit of 200.00 EUR, takes 45.00 for the rental and later
30.00 for a scratch, and the rest is his again.
"""

from ledger.books.checks import run_checks
from tests.harness import Superuser
from tests.stories.story import Story


def test_a_deposit_for_a_bike_is_captured_twice_and_the_rest_goes_back(story: Story, superuser: Superuser) -> None:
    story.opens("Ben", merchants=("bikeshop",))
    story.tops_up("Ben", 250_00)

    body = {"from": "ben", "to": "bikeshop", "amount": 200_00, "currency": "EUR", "memo": "Bike 12"}
    hold = story.does("Ben rents a bike: 200.00 are reserved.", "/v1/holds", body)
    assert (50_00, 200_00) == (story.balance("ben/available"), story.balance("ben/held"))
    spent = {"from": "ben", "to": "bikeshop", "amount": 50_01, "currency": "EUR"}
    story.is_refused("He cannot spend what is reserved.", "insufficient_funds", "/v1/transfers", spent)

    capture = f"/v1/holds/{hold['id']}/capture"
    rental = {"amount": 45_00, "final": False, "memo": "Three days"}
    after = story.does("He brings it back; the shop takes the rental.", capture, rental)["hold"]
    assert (45_00, 155_00, "open") == (after["captured"], after["remaining"], after["state"])
    story.is_refused("For a new frame too little is left.", "amount_exceeds_remaining", capture, {"amount": 155_01})
    scratch = {"amount": 30_00, "final": True, "memo": "A scratch"}
    after = story.does("It takes 30.00 for a scratch, and the rest goes back.", capture, scratch)["hold"]
    assert (75_00, 125_00, 0, "captured") == tuple(after[key] for key in ("captured", "released", "remaining", "state"))
    story.is_refused("Nothing more can be taken.", "hold_not_open", capture, {"amount": 1})

    # Ben had 250.00 and paid the rental and the scratch.
    assert 250_00 - 45_00 - 30_00 == story.balance("ben/available") == 175_00
    assert 0 == story.balance("ben/held")
    assert 45_00 + 30_00 == story.balance("bikeshop/available")
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()
