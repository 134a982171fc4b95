"""The log's own entries: that it goes on after a loss, which a person has accepted."""

from typing import Annotated

import msgspec

from ledger.core.books import Books
from ledger.core.commands import Command, Result
from ledger.core.rows import Epoch

Number = Annotated[int, msgspec.Meta(ge=1)]


class AcceptLoss(Command):
    """Go on from a head that was restored, under a new origin: a log must not contradict its own checkpoints.

    `old_checkpoint` is the last signed note that is known of the log as it was; the entries from `lost_from` to
    `lost_to` are missing or, where `lost_from` is 1, some among them were changed.
    """

    kind = "log.accept_loss"
    epoch: Annotated[int, msgspec.Meta(ge=2)]
    origin: str
    old_checkpoint: str
    lost_from: Number
    lost_to: Number

    def decide(self, books: Books) -> Result:
        """Begin the epoch, with this entry as its first."""
        books.put(books.epochs, self.epoch, Epoch(self.epoch, self.origin, books.number))
        return None
