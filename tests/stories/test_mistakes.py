"""Mistakes put right.

Nothing in the books is ever changed: what should not have been is turned round by an entry of its
own. A backend pays Cleo what was meant for Ben. And finance books that the rail has settled 180.00
and kept 0.50, where the bank's statement says 80.00.
"""

from ledger.books.checks import run_checks
from tests.harness import Superuser
from tests.stories.story import Story


def test_finance_turns_round_what_should_not_have_been(story: Story, superuser: Superuser) -> None:
    story.opens("Ada", "Ben", "Cleo")
    story.tops_up("Ada", 100_00)

    meant = {"from": "ada", "to": "cleo", "amount": 60_00, "currency": "EUR", "memo": "Rent"}
    wrong = story.does("The rent goes to Cleo, not to Ben.", "/v1/transfers", meant)
    reverse = f"/v1/entries/{wrong['entry']}/reverse"
    story.does("Finance turns it round.", reverse, {"reason": "Wrong payee: support case 88"})
    story.is_refused("It can be turned round once.", "already_reversed", reverse, {"reason": "Again"})
    story.does("The rent goes to Ben.", "/v1/transfers", meant | {"to": "ben"})

    settled = {"bank": "house", "amount": 180_00, "fee": 50, "currency": "EUR", "reference": "STMT-1"}
    mistyped = story.does("The rail settles; finance types 180.00.", "/v1/rails/sepa/settle", settled)
    # The rail would owe us 100.00 less 180.50.
    assert 100_00 - 180_50 == story.balance("rail:sepa/clearing") == -80_50
    reverse = f"/v1/entries/{mistyped['entry']}/reverse"
    story.does("That is turned round, and what was kept, too.", reverse, {"reason": "Mistyped"})
    assert (0, 100_00) == (story.balance("bank:house/cash"), story.balance("rail:sepa/clearing"))
    # A reference books once; of what was reversed it is free again.
    right = settled | {"amount": 80_00, "reference": "STMT-1"}
    story.does("The statement says 80.00.", "/v1/rails/sepa/settle", right)

    # Ada had 100.00 and paid the rent once.
    assert 100_00 - 60_00 == story.balance("ada/available") == 40_00
    assert (60_00, 0) == (story.balance("ben/available"), story.balance("cleo/available"))
    # Of 100.00 the rail has paid out 80.00 and kept 0.50.
    assert (80_00, 50) == (story.balance("bank:house/cash"), story.balance("platform/fee_costs"))
    assert 100_00 - 80_00 - 50 == story.balance("rail:sepa/clearing") == 19_50
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
    assert story.kept() == story.told()
