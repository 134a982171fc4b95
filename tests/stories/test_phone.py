"""Money to a phone number.

Ada sends money to two numbers that nobody has registered. It waits, neither hers nor anybody's.
Behind one of them is Dora, who joins and has it at once. The other stays silent, and what was sent
there comes back when its time is over.
"""

from ledger.books.checks import run_checks
from tests.harness import Superuser
from tests.http.test_holds import soon
from tests.stories.story import Story

DORA = "+35699000001"
NOBODY = "+35699000002"
WAITS_SECONDS = 3


def test_what_is_sent_to_a_phone_number_is_claimed_or_comes_back(story: Story, superuser: Superuser) -> None:
    story.opens("Ada")
    story.tops_up("Ada", 100_00)

    to_dora = to(DORA, 25_00)
    story.is_refused("Ada sends 25.00 to a number nobody has.", "party_unknown", "/v1/transfers", to_dora)
    to_dora["if_unknown"] = "hold_for_claim"
    gift = story.does("She says that it should wait.", "/v1/transfers", to_dora)
    assert "pending_claim" == gift["status"]
    assert (75_00, 25_00) == (story.balance("ada/available"), story.balance("ada/escrow"))
    dora = {"id": "dora", "kind": "person", "name": "Dora", "aliases": [{"channel": "phone", "value": DORA}]}
    story.does("Dora joins with that number.", "/v1/parties", dora)
    story.happens("What waited is hers.", "claim.take")

    to_nobody = to(NOBODY, 40_00) | {"if_unknown": "hold_for_claim", "expires_at": soon(WAITS_SECONDS)}
    lost = story.does("Ada sends 40.00 to another number, for a short time.", "/v1/transfers", to_nobody)
    story.happens("The time is over, and nobody came.", "claim.return")

    states = [story.client.get(f"/v1/transfers/{each['id']}").json()["status"] for each in (gift, lost)]
    assert ["claimed", "returned"] == states
    # Ada had 100.00 and gave 25.00; the 40.00 are hers again.
    assert 100_00 - 25_00 == story.balance("ada/available") == 75_00
    assert 0 == story.balance("ada/escrow")
    assert 25_00 == story.balance("dora/available")
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()


def to(phone: str, amount: int) -> dict[str, object]:
    return {"from": "ada", "to": f"alias:phone:{phone}", "amount": amount, "currency": "EUR"}
