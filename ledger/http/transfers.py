"""Transfers over HTTP: one at a time and in batches."""

from operator import attrgetter
from typing import Annotated, Literal

import msgspec

from ledger.books import transfers as kept
from ledger.books.calls import Call
from ledger.books.recall import NotDone, Outcome, entry_by_number
from ledger.books.transfers import Since
from ledger.core.chats import Chat
from ledger.core.entries import Entry, canonical, key_digest, rows_of
from ledger.core.errors import FieldError, Invalid, Malformed, NotFound
from ledger.core.fields import ItemKey
from ledger.core.movements import TRANSFER
from ledger.core.payment_requests import PayPaymentRequest
from ledger.core.rows import Claim, shown_time
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp, is_idempotency_key
from ledger.core.transfers import Transfer
from ledger.http.problems import ProblemDetails, problem
from ledger.http.replies import Reply
from ledger.http.routes import BATCH_BYTES_MAX, Asked, Made, Route, WriteQuery, check_ahead, write

ITEMS_MAX = 5_000


class AvailableAfter(msgspec.Struct):
    """What a party can spend, in minor units, once the transfer is booked."""

    available: int


class BalancesAfter(msgspec.Struct):
    """Both parties' balances after the transfer; `to` is null where it waited to be claimed."""

    from_: AvailableAfter = msgspec.field(name="from")
    to: AvailableAfter | None


Status = Literal["posted", "pending_claim", "claimed", "returned"]


class TransferAnswer(Made, kw_only=True):
    """A transfer. `memo` and `metadata` are null where none was given, or once they were erased.

    One that waits to be claimed is `pending_claim` until `expires_at`; `to` is the alias it was sent to, null once that
    was erased, and the party that has claimed it since.
    """

    from_: str = msgspec.field(name="from")
    to: str | None
    amount: int
    currency: str
    memo: str | None
    chat: Chat | None
    metadata: dict[str, str] | None
    status: Status
    expires_at: str | None
    posted_at: str
    effective_on: str
    balances: BalancesAfter


class TransferNowAnswer(TransferAnswer, kw_only=True):
    """A transfer as it is now: so much of it was `refunded`, all of it where it was `reversed_by` an entry; and what it
    paid, if that was a payment request."""

    refunded: int
    reversed_by: int | None
    payment_request: str | None


_fields_of_transfer = attrgetter(*Transfer.__struct_fields__)


class KeyedTransfer(Transfer, kw_only=True):
    """A transfer in a batch, under its own key, of the same namespace as the Idempotency-Key of single ones."""

    key: ItemKey

    def fault(self) -> FieldError | None:
        """The key's rule, then the transfer's."""
        if not is_idempotency_key(self.key):
            return FieldError("/key", "field_invalid", "A key is 1 to 255 visible ASCII characters, without spaces.")
        return super().fault()

    def alone(self) -> Transfer:
        """The transfer as it would be sent by itself."""
        return Transfer(*_fields_of_transfer(self))


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Many transfers: each for itself, or (`atomic`) all or none."""

    transfers: Annotated[list[KeyedTransfer], msgspec.Meta(extra_json_schema={"maxItems": ITEMS_MAX})]
    atomic: bool = False


class BatchResult(msgspec.Struct, omit_defaults=True):
    """What became of one item: its transfer, or its problem."""

    index: int
    key: str
    status: int
    replayed: bool = msgspec.field(default_factory=bool)
    transfer: TransferAnswer | None = None
    problem: ProblemDetails | None = None


class BatchAnswer(msgspec.Struct):
    """The results, in the order of the items."""

    results: list[BatchResult]


def answer(entry: Entry) -> TransferAnswer:
    """A transfer's entry as it is shown; the same for its first answer and a replay."""
    posting = entry.postings[0]
    request = entry.request  # a transfer's, or of a payment request that was paid, which has fewer texts
    waiting = rows_of(entry, Claim)
    to = posting.credit.owner if not waiting else request.to if entry.private is not None else None
    return TransferAnswer(
        id=f"transfer_{entry.number}",
        entry=entry.number,
        from_=posting.debit.owner,
        to=to,
        amount=posting.amount,
        currency=posting.debit.currency,
        memo=getattr(request, "memo", None),
        chat=getattr(request, "chat", None),
        metadata=getattr(request, "metadata", None),
        status="pending_claim" if waiting else "posted",
        expires_at=shown_time(waiting[0].expires_at) if waiting else None,
        posted_at=format_timestamp(entry.posted_at),
        effective_on=entry.effective_on.isoformat(),
        balances=BalancesAfter(
            AvailableAfter(posting.debit_balance), AvailableAfter(posting.credit_balance) if not waiting else None
        ),
    )


def as_now(entry: Entry, since: Since) -> TransferNowAnswer:
    """A transfer as it is now: one whose time to be claimed is over reads as returned, though its money goes back a
    little later."""
    request = entry.request
    shown = TransferNowAnswer(
        **msgspec.structs.asdict(answer(entry)),
        refunded=since.refunded,
        reversed_by=since.reversed_by,
        payment_request=request.payment_request if isinstance(request, PayPaymentRequest) else None,
    )
    if since.claim is not None:
        shown.status = msgspec.convert(since.claim.state_at(since.now), Status)
        shown.to = since.claim.claimer or shown.to
    return shown


async def batch(asked: Asked) -> Reply:
    """Do a batch, and say of each item what became of it."""
    body: Batch = asked.body
    if len(body.transfers) > ITEMS_MAX:
        raise Malformed("too_many_items", f"A batch holds at most {ITEMS_MAX} transfers. Send several.")
    firsts = _firsts(body.transfers, body.atomic)
    await check_ahead(asked, (item.intent for item in body.transfers))
    lane = await asked.service.lane(asked.ledger_id)
    dry_run = asked.query.dry_run
    calls = {
        index: Call(item.alone(), key_digest(item.key), asked.actor, asked.request_id, dry_run, by_key=True)
        for index, item in enumerate(body.transfers)
        if firsts[index] == index
    }
    outcomes = dict(zip(calls, await lane.submit_all(list(calls.values()), body.atomic), strict=True))
    results = [
        _result(index, item.key, outcomes[first], asked.service.base, dry_run, again=first != index)
        for index, (item, first) in enumerate(zip(body.transfers, firsts, strict=True))
    ]
    return Reply(200, BatchAnswer(results))


def _firsts(transfers: list[KeyedTransfer], atomic: bool) -> list[int]:
    """Of each item, the index of the first one that asks for the same under the same key: mostly its own.

    Raises idempotency_key_reused for an atomic batch with one key for two things, which never could both be done.
    """
    if len({item.key for item in transfers}) == len(transfers):
        return list(range(len(transfers)))
    seen: dict[bytes, int] = {}
    firsts = [seen.setdefault(canonical(item), index) for index, item in enumerate(transfers)]
    keys: dict[str, int] = {}
    for index, item in enumerate(transfers):
        if atomic and keys.setdefault(item.key, firsts[index]) != firsts[index]:
            detail = "An item before it in the batch has the same key and asks for something else. Give each its own."
            raise Invalid.at(f"/transfers/{index}/key", "idempotency_key_reused", detail)
    return firsts


def _result(index: int, key: str, outcome: Outcome, base: str, dry_run: bool, again: bool) -> BatchResult:
    if isinstance(outcome, NotDone):
        details = problem(outcome.error, outcome.instance, base)
        replayed = outcome.replayed or (again and outcome.error.remembered)
        return BatchResult(index, key, details.status, replayed, problem=details)
    transfer = answer(outcome.entry)
    if dry_run and not outcome.replayed:
        transfer.as_dry_run()
    return BatchResult(index, key, 201, outcome.replayed or again, transfer=transfer)


async def show(asked: Asked) -> Reply:
    """One transfer, as it is now."""
    number = numbered("transfer", asked.path["transfer"])
    async with asked.pool.acquire() as connection:
        entry = await entry_by_number(connection, asked.ledger_id, number) if number is not None else None
        if entry is None or entry.kind not in TRANSFER.entries:
            raise NotFound("not_found", f"There is no transfer {asked.path['transfer']}.")
        since = await kept.since(connection, asked.ledger_id, [entry.number])
    return Reply(200, as_now(entry, since[entry.number]))


ROUTES = (
    write(
        "POST",
        "/v1/transfers",
        "transfers:write",
        Transfer,
        answer,
        summary="Pay an amount from one party to another",
        answers=TransferAnswer,
        status=201,
    ),
    Route(
        "POST",
        "/v1/transfers/batch",
        "transfers:write",
        batch,
        summary="Pay many transfers: each for itself, or all or none",
        body=Batch,
        query=WriteQuery,
        answers=BatchAnswer,
        body_bytes_max=BATCH_BYTES_MAX,
    ),
    Route(
        "GET",
        "/v1/transfers/{transfer}",
        "entries:read",
        show,
        summary="Show a transfer",
        answers=TransferNowAnswer,
    ),
)
