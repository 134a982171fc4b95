"""The words of the interface: what a field of this name means, wherever it stands, and a value for examples.

One word has one meaning. Where a Struct means something more particular, it stands here as `Struct.field`.
"""

from typing import Any, NamedTuple

INSIDE = object()
"""The example of a field that is best shown by the examples of the fields inside it."""


class Word(NamedTuple):
    """What a field's name means, an example of its value, and the JSON Schema format of what we answer."""

    meaning: str
    example: Any
    format: str | None = None


GLOSSARY = {
    # who and what
    "id": Word("The id by which it is shown and named.", "transfer_42"),
    "CreateParty.id": Word("The messenger's own id for the party; it is kept for ever.", "alice"),
    "PartyAnswer.id": Word("The messenger's own id for the party.", "alice"),
    "PartyStateAnswer.id": Word("The messenger's own id for the party.", "alice"),
    "RegisterRail.id": Word("The name of the rail.", "sepa"),
    "RailAnswer.id": Word("The name of the rail.", "sepa"),
    "RegisterBank.id": Word("The name of the bank account.", "house-bank"),
    "BankAnswer.id": Word("The name of the bank account.", "house-bank"),
    "DepositAnswer.to": Word("Who was credited; null if it went to suspense.", "alice"),
    "DepositAnswer.id": Word("The deposit's id.", "deposit_41"),
    "SuspenseItemAnswer.id": Word("The item's id.", "suspense_41"),
    "Resource.id": Word("Its id.", "transfer_42"),
    "DepositReturnAnswer.id": Word("The return's id.", "deposit_return_43"),
    "Existing.id": Word("The id of what exists.", "alice"),
    "kind": Word("Whether the party is a person or a merchant.", "person"),
    "EntryAnswer.kind": Word("What happened.", "transfer"),
    "StatementLine.kind": Word("What happened.", "transfer"),
    "name": Word("What people call it.", "Alice Example"),
    "SetLedger.name": Word("What people call the ledger.", "demo"),
    "LedgerAnswer.name": Word("What people call the ledger.", "demo"),
    "state": Word("What state it is in.", "credited"),
    "PartyAnswer.state": Word("Whether it can pay and be paid: debits_frozen cannot pay, frozen neither.", "open"),
    "PartyStateAnswer.state": Word("Whether it can pay and be paid.", "open"),
    "SuspenseItemAnswer.state": Word("`open`: it waits to be allocated or returned.", "open"),
    "RequestAnswer.state": Word("Whether the request made an entry.", "accepted"),
    "mode": Word("`debits`: it cannot pay but be paid; `all`: neither.", "debits"),
    "party": Word("A party's id.", "alice"),
    "from": Word("Who pays.", "alice"),
    "TransferAnswer.balances": Word("What both can spend now.", INSIDE),
    "BalancesAfter.from": Word("The payer's balance.", {"available": 48750}),
    "to": Word("Who is paid.", "bob"),
    "BalancesAfter.to": Word("The payee's balance.", {"available": 1250}),
    "to_expected": Word("The party the sender saw behind the alias; if it has moved since: alias_moved.", "bob"),
    "if_unknown": Word("What to do if nobody goes by the name in `to`.", "refuse"),
    "taken_from": Word("The party that had the alias before.", None),
    "aliases": Word("Other names of the party.", [{"channel": "phone", "value": "+4915112345678"}]),
    "channel": Word("Where the alias is used, such as `phone`.", "phone"),
    "value": Word("What the party is called there.", "+4915112345678"),
    "replaces": Word("Another value of the party on the same channel that ends with this.", "+4915112345678"),
    "take_over": Word("Whether to move the alias from whoever has it.", False),
    "owner": Word("Who owns the account: a party, `platform`, `rail:<id>`, `bank:<id>`, `tax:<code>`.", "alice"),
    "TrialBalanceRow.owner": Word("Who owns the accounts; `clients` is all parties together.", "clients"),
    "role": Word("What the account is for.", "available"),
    "class": Word("On which side of the books the account stands.", "liability"),
    "counterparty": Word("Who owns the account on the other side.", "bob"),
    "actor": Word("The API key that asked.", "key_1"),
    # how much
    "amount": Word("How much, in minor units.", 1250),
    "currency": Word("The currency.", "EUR"),
    "remaining": Word("What is left of it, in minor units.", 1250),
    "debits": Word("What was debited in the period, in minor units, as digits.", "1250"),
    "credits": Word("What was credited in the period, in minor units, as digits.", "50000"),
    "opening": Word("The balance before the period, in minor units, in the natural sign of the class.", 0),
    "closing": Word("The balance after the period, in minor units, in the natural sign of the class.", 48750),
    "StatementLine.amount": Word("By how much the balance changed, in minor units.", -1250),
    "StatementLine.balance": Word("The balance after it, in minor units.", 48750),
    "TrialBalanceAnswer.currencies": Word("The currencies in which there are postings.", INSIDE),
    "currencies": Word("The currencies that are enabled.", ["EUR", "INR"]),
    "available": Word("What the party can spend, in minor units.", 48750),
    "balance": Word("The balance in minor units, in the natural sign of the account's class.", 48750),
    "balances": Word("What the party has, in minor units.", [{"currency": "EUR", "available": 48750}]),
    "receivable": Word("What the party now owes, in minor units, because its balance did not suffice.", 0),
    # when
    "posted_at": Word("When it was booked.", "2026-11-20T23:05:01.123456Z", "date-time"),
    "effective_on": Word("The day it counts for in the accounts.", "2026-11-20", "date"),
    "Transfer.effective_on": Word("The accounting day it counts for; today if left out, never in the future.", None),
    "KeyedTransfer.effective_on": Word("The accounting day it counts for; today if left out.", None),
    "occurred_at": Word("When the rail says it happened.", "2026-11-20T09:30:00+01:00", "date-time"),
    "at": Word("As of this time; now if left out.", "2026-11-20T12:00:00Z", "date-time"),
    "RequestAnswer.at": Word("When it was answered.", "2026-11-20T23:05:01.123456Z", "date-time"),
    "arrived_on": Word("The day on which it arrived.", "2026-11-03", "date"),
    "age_days": Word("How many days it has lain there.", 17),
    "time_zone": Word("The time zone of the accounting dates.", "Europe/Berlin"),
    # from where
    "rail": Word("The rail over which the money came.", "sepa"),
    "rail_reference": Word("The rail's own reference; it books once.", "2026-11-20-000042"),
    "settles_to": Word("The bank account to which the rail pays out.", "house-bank"),
    "iban": Word("The account's number.", "DE89370400440532013000"),
    "purpose": Word("`safeguarded` for clients' money, `own` for the platform's.", "safeguarded"),
    "deposit": Word("The deposit's id.", "deposit_41"),
    "reason": Word("Why.", "Recalled by the bank"),
    "SuspenseItemAnswer.reason": Word("Why it could not be credited.", "party_unknown"),
    "DepositAnswer.reason": Word("Why it waits in suspense; null if it was credited.", None),
    # texts of the caller's own
    "memo": Word("A text for people.", "Lunch 🍜"),
    "chat": Word("Where in the messenger the payment was made.", {"conversation": "c-8142", "message": "m-77"}),
    "conversation": Word("The conversation's id.", "c-8142"),
    "message": Word("The message's id.", "m-77"),
    "metadata": Word("The caller's own keys and values.", {"order": "A-17"}),
    "DepositAnswer.memo": Word("A text for people.", None),
    "PartyAnswer.metadata": Word("The caller's own keys and values.", None),
    "TransferAnswer.metadata": Word("The caller's own keys and values.", None),
    # entries
    "number": Word("The entry's number.", 42),
    "as_of_entry": Word("The last entry that counts.", 42),
    "version": Word("How many postings the account has had.", 2),
    "head": Word("The number of the last entry there is.", 42),
    "next_after": Word("What to ask for next as `after`.", 42),
    "after": Word("Show the entries after this one.", 0),
    "entries": Word("The entries, in order.", INSIDE),
    "lines": Word("The postings, in order.", INSIDE),
    "rows": Word("One for each owner and role.", INSIDE),
    "postings": Word("What was moved from which account to which.", INSIDE),
    "debit": Word("The account that is debited, `<owner>/<role>`.", "alice/available"),
    "credit": Word("The account that is credited, `<owner>/<role>`.", "bob/available"),
    "resource": Word("What the entry is about.", INSIDE),
    "Resource.type": Word("What kind of thing it is.", "transfer"),
    "request": Word("What was asked, private texts replaced by commitments.", {"from": "alice", "to": "bob"}),
    "result": Word("What was decided beyond the postings.", None),
    "request_key_digest": Word(
        "base64url of the first 16 bytes of the SHA-256 of the Idempotency-Key.", "n4bQgYhMfWWaL-qgxVrQFQ"
    ),
    # the request itself
    "entry": Word("The number of the entry that was made; null in a dry run.", 42),
    "LedgerAnswer.entry": Word("The number of the entry that was made; null in a dry run and when only read.", None),
    "Existing.entry": Word("The number of the entry that made it.", 7),
    "key": Word("The item's own Idempotency-Key.", "payroll-11-alice"),
    "path.key": Word("The Idempotency-Key to ask about.", "3f0c9a52-7d1e-4a66-9a0e-2f6a4d1c8b11"),
    "RequestAnswer.key": Word("The Idempotency-Key.", "3f0c9a52-7d1e-4a66-9a0e-2f6a4d1c8b11"),
    "RequestAnswer.entry": Word("The number of the entry that it made; null if it was refused.", 42),
    "body": Word("The body that was answered.", {"id": "transfer_42", "entry": 42}),
    "transfers": Word("The transfers, up to 5,000.", INSIDE),
    "atomic": Word("Whether all are made or none.", False),
    "dry_run": Word("Answer what the write would, remember no key and write nothing.", False),
    "index": Word("Its place in the batch, from 0.", 0),
    "replayed": Word("Whether the key was used for the same item before.", False),
    "results": Word("What became of each item, in the order of the items.", INSIDE),
    "transfer": Word("The transfer, if it was made.", INSIDE),
    "problem": Word("Why it was not made.", None),
    "status": Word("HTTP status.", 201),
    "TransferAnswer.status": Word("`posted`: it is booked, for good.", "posted"),
    "data": Word("The items.", INSIDE),
    "limit": Word("How many to show at most.", 50),
    "cursor": Word("`next_cursor` of the page before.", None),
    "as_of": Word("As of this time, itself excluded; now if left out.", "2026-11-20T12:00:00Z", "date-time"),
    "SuspenseQuery.as_of": Word("As of when; now if left out.", "2026-11-20"),
    "since": Word("From this time on; from the beginning if left out.", "2026-11-01T00:00:00Z", "date-time"),
    "TrialBalanceQuery.since": Word("From then on; from the beginning if left out.", "2026-11-01T00:00:00Z"),
    "until": Word("Before this time; up to now if left out.", "2026-12-01T00:00:00Z", "date-time"),
    "TrialBalanceQuery.until": Word("Before then; up to now if left out.", "2026-12-01T00:00:00Z"),
    "older_than": Word("Only what has lain there for more days than this.", 30),
    "basis": Word("`posted` goes by when it was booked, `effective` by the accounting date.", "posted"),
    "wait": Word("Seconds to wait for an entry.", 0),
    "FeedQuery.kind": Word("Only entries of this kind.", "transfer"),
    "next_cursor": Word("Where the next page goes on; null on the last one.", None),
    # the service
    "Alive.status": Word("The process answers.", "alive"),
    "Ready.status": Word("Payments can be written.", "ready"),
    "checks": Word("What the checks in the background say.", INSIDE),
    "last_finished_at": Word("When they last ended; null before.", "2026-11-20T23:04:00.000000Z", "date-time"),
    "through_entry": Word("The last entry they went through, by ledger.", {"demo": 42}),
    "findings": Word("What must be true and is not.", []),
    "ledger": Word("The ledger's name.", "demo"),
    "check": Word("The name of the check, for `chatledger check`.", "balances"),
    "where": Word("Where to look.", "alice/available in EUR"),
    # problems
    "type": Word("The page about this code.", "https://ledger.example/problems/insufficient_funds"),
    "title": Word("The same for every problem of the code.", "The account does not hold enough"),
    "detail": Word("What is wrong here, and what to do next.", "alice has 12.00 EUR: 0.50 EUR short."),
    "instance": Word("Request-Id of the request that first got this answer.", "req_8f14e45fceea167a5a36dedd4bea2543"),
    "code": Word("The problem's code, of a closed list.", "insufficient_funds"),
    "retryable": Word("Whether the same request under the same key may go through later.", False),
    "errors": Word("Each field that is wrong.", INSIDE),
    "pointer": Word("Where in the request, as a JSON pointer (RFC 6901).", "/amount"),
    "existing": Word("What exists already.", None),
}


def word(struct: str, field: str) -> Word:
    """What a field of a Struct, or a name in a path (`struct` is "path"), means. LookupError if nobody has said."""
    found = GLOSSARY.get(f"{struct}.{field}") or GLOSSARY.get(field)
    if found is None:
        raise LookupError(f"What does {struct}.{field} mean? Say so in ledger/http/glossary.py.")
    return found
