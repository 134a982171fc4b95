"""What each problem means and what to do next: the text of the pages to which a problem's `type` leads."""

FAMILIES = {
    "malformed": "The request could not be read, so nothing was done and its Idempotency-Key is still unused. Correct "
    "the form and send it again; the same key is fine.",
    "unauthenticated": "Nobody known is asking, so nothing was done and the Idempotency-Key is still unused.",
    "forbidden": "The API key is known, but may not do this. Nothing was done and the Idempotency-Key is still unused.",
    "invalid": "A value can never be right as it is. Nothing was done and the Idempotency-Key is still unused; correct "
    "the fields that `errors` lists and send it again.",
    "not_found": "Something that the request names does not exist. The answer is remembered: the same request under "
    "the same key is answered so again, also if the thing exists by then. Send a corrected request under a new key.",
    "refused": "The books say no: nothing was moved. The answer is remembered under its key, so ask again under a new "
    "key once the reason is gone.",
    "conflict": "The state of the thing says no: nothing was changed. The answer is remembered under its key, so ask "
    "again under a new key once the state has changed.",
    "try_later": "Not now. Send the very same request under the same Idempotency-Key again, a little later and with "
    "growing pauses: however often you ask, it is done at most once.",
    "internal": "Something went wrong on our side. Nothing was remembered under the key.",
}
"""What holds for all codes of a family."""

ADVICE = {
    "malformed_json": "The body is not one JSON object in UTF-8 (RFC 8259), or the connection ended before it did. "
    "Build it with a JSON library, not by joining strings; `detail` says where reading stopped.",
    "duplicate_key": "A key stands twice in one JSON object, and readers disagree on which of the values counts. Send "
    "it once.",
    "idempotency_key_missing": "Make a new random key (a UUID) for each new request, keep it with your own record of "
    "the payment, and send it as the Idempotency-Key header. Use the same key whenever you repeat that request.",
    "idempotency_key_invalid": "Send one Idempotency-Key of 1 to 255 visible ASCII characters, without spaces. A UUID "
    "is a good one.",
    "method_not_allowed": "The `Allow` header lists the methods that the path knows. Correct the method or the path.",
    "body_too_large": "A body holds at most 64 KiB, a batch 8 MiB. Send less, or several batches.",
    "entry_too_large": "What the entry would keep is more than 65,535 bytes. Shorten the metadata or the texts.",
    "too_many_items": "A batch holds at most 5,000 items. Send several batches; each item's own key keeps it from "
    "being done twice.",
    "unsupported_media_type": "Send the body with `Content-Type: application/json`, in UTF-8 and without a "
    "Content-Encoding.",
    "headers_too_large": "Send at most 100 headers of 32 KiB in all. A cookie or a proxy's header is often the cause.",
    "credentials_missing": "Send your API key with each request, as `Authorization: Bearer clk_…`. The command "
    "`chatledger key create` makes one.",
    "credentials_invalid": "The API key is mistyped, was never made, has expired or was revoked; which of these is not "
    "told. Check that the whole key is sent, or make a new one with `chatledger key create`.",
    "signature_missing": "Either one of the headers Signature and Signature-Input came without the other, or this "
    "ledger takes signed writes only: sign the request with a key that is registered at `POST /v1/keys`; a bearer key "
    "may still read.",
    "signature_malformed": "`Signature-Input` and `Signature` each hold one label, as RFC 9421 section 4 writes it, "
    "without spaces that need not be there. `detail` says what could not be read.",
    "signature_coverage": "A write covers the method, the target URI, Content-Type, Content-Digest and the "
    "Idempotency-Key, in this order, a read the first two; with created, expires, keyid and the tag chat-ledger.",
    "signature_expired": "The signature's time is over, or longer than 300 seconds. Sign the request anew.",
    "signature_not_yet_valid": "The signature was made in our future. Set the clock of the machine that signs.",
    "content_digest_mismatch": "The body is not the one whose SHA-256 the Content-Digest names. Take the digest of the "
    "very bytes that are sent.",
    "key_unknown": "No such key signs requests. `keyid` is the key's RFC 7638 thumbprint, as `POST /v1/keys` answered.",
    "key_revoked": "The key was revoked or has expired. Register another one with `POST /v1/keys`.",
    "signature_invalid": "The signature does not hold. Most often another URL was signed than the public one of this "
    "service, or a header was changed on the way; `detail` says what is signed.",
    "key_invalid": "The key is not an Ed25519 public key under which only its holder can sign, or the proof that goes "
    "with it is not its signature of the message that names ledger, purpose and owner. `errors` says which.",
    "key_in_use": "A public key is registered once, for one purpose. Make a new key pair; or, if you meant to revoke "
    "the log's only key, register its successor first.",
    "intent_required": "The payer's own signature is wanted: let the payer's device sign the intent, and send it. "
    "A party that has a key also signs changes of its keys, and of its policy for less.",
    "intent_invalid": "`detail` says why the signature does not count: another key, other bytes, too late. Let the "
    "payer's device sign a new intent.",
    "intent_mismatch": "The payer has signed something else than is asked for; `errors` lists what differs. Ask for "
    "what was signed, or let the payer sign what is asked.",
    "intent_already_used": "An intent is good for one payment, and this one was used. Let the payer sign a new one, "
    "under the new Idempotency-Key.",
    "limit_exceeded": "`detail` names the limit, and when there is room again. Ask for less, or wait.",
    "rate_limited": "Wait for `Retry-After` seconds. Batches of 100 cost one request.",
    "scope_missing": "`detail` names the scope that is needed. Use another API key, or make one that has the scope "
    "with `chatledger key create`.",
    "field_unknown": "A field or query parameter is not known here. It is often a typing error; `errors` names it and "
    "`detail` lists what is known. Nothing is ever ignored silently.",
    "field_missing": "Add the fields that `errors` lists.",
    "field_invalid": "`errors` says which field and what it takes.",
    "amount_invalid": "Send a whole number of minor units from 1 to 9007199254740991 (2^53-1): 12.50 EUR is 1250, 1250 "
    "JPY is 1250. No quotes, no decimal point, no exponent, no sign.",
    "currency_invalid": "Send a code of ISO 4217 in capitals that is not withdrawn and that the ledger has enabled. "
    "`GET /v1/ledger` lists them, `PUT /v1/ledger` changes them.",
    "text_invalid": "Take out control characters (line breaks and tabs too), direction overrides and invisible tags, "
    "and keep to the length: a memo has up to 280 characters, metadata up to 8 KiB in all.",
    "timestamp_invalid": "Write a time with its zone, as in `2026-01-31T12:00:00Z` or `2026-01-31T17:30:00+05:30`, and "
    "a date as `2026-01-31`. In a query, write the `+` as `%2B`.",
    "cursor_invalid": "Send `next_cursor` as it came, to the same list and with the same filters, or leave it out to "
    "begin with the first page.",
    "idempotency_key_reused": "This key was used for another request; `detail` names the fields that differ. If this "
    "is a new request, give it a new key. If you meant to repeat the old one, send it as it was. "
    "`GET /v1/requests/{key}` shows what became of it.",
    "not_found": "Check the path and the ids: something of that name does not exist, or belongs to another ledger than "
    "your API key. The paths are listed at /docs.",
    "party_unknown": "Register the party with `POST /v1/parties`, or correct its id or alias. An alias may have been "
    "taken away.",
    "rail_unknown": "Register the rail with `POST /v1/rails`, or correct its name. A deposit over a rail that nobody "
    "registered is not booked, so that a mistyped name never becomes an account.",
    "insufficient_funds": "`detail` says what the account has and how much is short. Ask the payer for less, or wait "
    "for money to come in; then send it under a new key.",
    "amount_exceeds_remaining": "`detail` says what is left. Ask for at most that.",
    "hold_not_open": "The hold was captured, voided, or has expired; `detail` says which. Place a new one.",
    "request_not_open": "The payment request was paid, declined, cancelled, or has expired: nothing is to be paid on "
    "it.",
    "invoice_not_open": "The invoice is not in a state for this: a draft is finalised first, and of a paid or void one "
    "nothing can be settled. `detail` says what it is.",
    "refund_not_open": "The refund has succeeded or failed already. Or a deposit is to be returned while a refund of "
    "it is on its way: `detail` names it. Book first what became of that, then the return under a new key.",
    "payout_not_open": "The payout is not in a state for this; `detail` says in which it is.",
    "currency_mismatch": "Money moves within one currency, and `detail` names the account that is kept in another one. "
    "Book an exchange as what left the one account and what came to the other, each in its own currency.",
    "same_party": "Payer and payee are the same party, perhaps through an alias. Name two parties.",
    "balance_overflow": "A balance would pass 2^53-1 minor units, beyond which JSON readers lose digits. Move money "
    "out first, or pay less.",
    "linked_failed": "Another item of the same atomic batch could not be done, so none was. Look for the item whose "
    "problem is another code, correct it, and send the batch again with new keys.",
    "already_exists": "`existing` names what is there and the entry that made it. If that is what you wanted, go on "
    "with it; if not, choose another id. A deposit's rail_reference books once, whatever the key and "
    "even if the deposit was returned since.",
    "party_not_open": "The party is frozen or closed. A frozen one is freed with `POST /v1/parties/{party}/unfreeze`; "
    "a closed one stays closed.",
    "party_not_empty": "Before a party can be closed its balances must be zero and nothing of it may be open. "
    "`detail` names what is left.",
    "suspense_not_open": "Nothing of the suspense item is left: it was allocated, sent back, or recalled by its rail.",
    "already_reversed": "It was returned, given back or reversed before, which can happen once. Nothing more needs to "
    "be done.",
    "alias_moved": "The alias names another party than `to_expected`, the one that the sender saw. Show the sender "
    "whom they would pay now, and ask again under a new key.",
    "overloaded": "More requests are waiting than can be done in time. Wait for `Retry-After` seconds, and send "
    "fewer at once: batches of 100 cost far less than single requests.",
    "unavailable": "The books cannot be written or read just now, because the database is being restarted, is full "
    "or cannot be reached. Nothing was done.",
    "outcome_unknown": "The connection to the database was lost, or it took too long, while the request was being "
    "written, so it may or may not have been done. Send it again under the same key, or ask `GET /v1/requests/{key}`: "
    "either tells you.",
    "internal": "Report it together with the Request-Id. You may send the same request under the same key again: if it "
    "was done after all, you get its answer.",
}
"""What a code means and what to do next. A test holds it together with core.errors."""
