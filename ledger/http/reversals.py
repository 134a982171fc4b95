"""Reversals over HTTP: an entry turned round by finance."""

from ledger.core.entries import Entry, PostingBody
from ledger.core.reversals import ReverseEntry
from ledger.core.text import format_timestamp
from ledger.http.routes import Made, write


class ReversalAnswer(Made, kw_only=True):
    """A reversal: the `postings` of the entry that it `reverses`, turned round."""

    reverses: int
    postings: list[PostingBody]
    reason: str | None
    posted_at: str


def reversed_(entry: Entry) -> ReversalAnswer:
    """The reversal as it was booked."""
    request: ReverseEntry = entry.request
    return ReversalAnswer(
        id=f"reversal_{entry.number}",
        entry=entry.number,
        reverses=int(request.number),
        postings=[
            PostingBody(posting.debit.path, posting.credit.path, posting.amount, posting.debit.currency)
            for posting in entry.postings
        ],
        reason=request.reason,
        posted_at=format_timestamp(entry.posted_at),
    )


ROUTES = (
    write(
        "POST",
        "/v1/entries/{number}/reverse",
        "journal:adjust",
        ReverseEntry,
        reversed_,
        summary="Turn an entry round that should not have been",
        answers=ReversalAnswer,
        status=201,
    ),
)
