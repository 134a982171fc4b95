"""A shared dinner.

Ada, Ben and Cleo eat for 100.00 EUR. Ada pays at the table and splits the bill three ways in the
chat; a cent is left over, and it is hers. Ben pays his share. Cleo says no, for she has paid the
taxi, and Ada lets her off.
"""

from ledger.books.checks import run_checks
from tests.harness import Superuser
from tests.stories.story import Story, eur


def test_a_dinner_is_split_three_ways_to_the_cent(story: Story, superuser: Superuser) -> None:
    story.opens("Ada", "Ben", "Cleo", merchants=("trattoria",))
    story.tops_up("Ada", 150_00)
    story.tops_up("Ben", 50_00)

    bill = {"from": "ada", "to": "trattoria", "amount": 100_00, "currency": "EUR", "memo": "Table 4"}
    story.does("Ada pays the bill from her wallet.", "/v1/transfers", bill)
    shares = [{"payer": "ada"}, {"payer": "ben"}, {"payer": "cleo"}]
    asked = {"payee": "ada", "currency": "EUR", "total": 100_00, "shares": shares, "memo": "Dinner"}
    split = story.does("She splits it three ways. 100.00 is 3 times 33.33, and a cent.", "/v1/splits", asked)
    # The odd cent is the first one's.
    assert [33_34, 33_33, 33_33] == [share["amount"] for share in split["shares"]]
    story.shows(*shares_of(story, split["id"]))

    _, ben, cleo = (f"/v1/payment-requests/{share['request']}" for share in split["shares"])
    story.does("Ben pays his share.", f"{ben}/pay")
    story.is_refused("He taps a second time.", "request_not_open", f"{ben}/pay")
    story.does("Cleo declines hers: she has paid the taxi.", f"{cleo}/decline")
    story.does("Ada lets her off.", f"/v1/splits/{split['id']}/shares/cleo/waive")
    story.shows(*shares_of(story, split["id"]))

    # Ada had 150.00, paid 100.00, and got one share of 33.33 back.
    assert 150_00 - 100_00 + 33_33 == story.balance("ada/available") == 83_33
    # Ben had 50.00 and paid his share.
    assert 50_00 - 33_33 == story.balance("ben/available") == 16_67
    assert 0 == story.balance("cleo/available")
    assert 100_00 == story.balance("trattoria/available")
    assert "settled" == story.client.get(f"/v1/splits/{split['id']}").json()["state"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()


def shares_of(story: Story, split: str) -> list[str]:
    shown = story.client.get(f"/v1/splits/{split}").json()
    return [f"{each['payer']:<10}{eur(each['amount']):>12}  {each['state']}" for each in shown["shares"]]
