"""Transfers over HTTP: one at a time and in batches."""

from typing import Annotated, Literal

import msgspec

from ledger.books.calls import Call
from ledger.books.recall import NotDone, Outcome, entry_by_number
from ledger.core.entries import Entry, canonical, key_digest
from ledger.core.errors import FieldError, Invalid, Malformed, NotFound
from ledger.core.fields import ItemKey
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp, is_idempotency_key
from ledger.core.transfers import Chat, Transfer
from ledger.http.problems import ProblemDetails, problem
from ledger.http.replies import Reply
from ledger.http.routes import BATCH_BYTES_MAX, Asked, Made, Route, WriteQuery, check_ahead, write

ITEMS_MAX = 5_000


class AvailableAfter(msgspec.Struct):
    """What a party can spend, in minor units, once the transfer is booked."""

    available: int


class BalancesAfter(msgspec.Struct):
    """Both parties' balances after the transfer."""

    from_: AvailableAfter = msgspec.field(name="from")
    to: AvailableAfter


class TransferAnswer(Made, kw_only=True):
    """A transfer. `memo` and `metadata` are null where none was given, or once they were erased."""

    from_: str = msgspec.field(name="from")
    to: str
    amount: int
    currency: str
    memo: str | None
    chat: Chat | None
    metadata: dict[str, str] | None
    status: Literal["posted"]
    posted_at: str
    effective_on: str
    balances: BalancesAfter


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
        return Transfer(
            from_=self.from_,
            to=self.to,
            amount=self.amount,
            currency=self.currency,
            memo=self.memo,
            chat=self.chat,
            metadata=self.metadata,
            effective_on=self.effective_on,
            if_unknown=self.if_unknown,
            to_expected=self.to_expected,
            intent=self.intent,
        )


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
    """A transfer's entry as it is shown; the same for its first answer, a replay and a later read."""
    posting = entry.postings[0]
    request: Transfer = entry.request
    return TransferAnswer(
        id=f"transfer_{entry.number}",
        entry=entry.number,
        from_=posting.debit.owner,
        to=posting.credit.owner,
        amount=posting.amount,
        currency=posting.debit.currency,
        memo=request.memo,
        chat=request.chat,
        metadata=request.metadata,
        status="posted",
        posted_at=format_timestamp(entry.posted_at),
        effective_on=entry.effective_on.isoformat(),
        balances=BalancesAfter(AvailableAfter(posting.debit_balance), AvailableAfter(posting.credit_balance)),
    )


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
    """One transfer."""
    number = numbered("transfer", asked.path["transfer"])
    entry = await entry_by_number(asked.pool, asked.ledger_id, number) if number is not None else None
    if entry is None or entry.kind != Transfer.kind:
        raise NotFound("not_found", f"There is no transfer {asked.path['transfer']}.")
    return Reply(200, answer(entry))


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
        answers=TransferAnswer,
    ),
)
