"""Payment requests, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, INTENT_PROBLEMS, Operation, Word

SECTIONS = {"Payment requests": "Somebody is asked for money, and pays with one tap, declines, or lets the time pass."}

_ID = Word("The request's id.", "payment_request_42")

OPERATIONS = {
    "POST /v1/payment-requests": Operation(
        "createPaymentRequest",
        "Payment requests",
        ("party_unknown", "same_party", "party_not_open", "limit_exceeded"),
        {
            "payee": "alice",
            "payer": "bob",
            "amount": 1250,
            "currency": "EUR",
            "memo": "Lunch 🍜",
            "chat": {"conversation": "c-8142", "message": "m-77"},
        },
    ),
    "GET /v1/payment-requests": Operation("listPaymentRequests", "Payment requests"),
    "GET /v1/payment-requests/{payment_request}": Operation("showPaymentRequest", "Payment requests"),
    "POST /v1/payment-requests/{payment_request}/pay": Operation(
        "payPaymentRequest",
        "Payment requests",
        (
            "currency_invalid",
            "party_not_open",
            "request_not_open",
            "limit_exceeded",
            "insufficient_funds",
            "balance_overflow",
            *INTENT_PROBLEMS,
        ),
        {},
        {"id": "transfer_43", "entry": 43},
    ),
    "POST /v1/payment-requests/{payment_request}/decline": Operation(
        "declinePaymentRequest", "Payment requests", ("request_not_open",), {}, {"entry": 43, "state": "declined"}
    ),
    "POST /v1/payment-requests/{payment_request}/cancel": Operation(
        "cancelPaymentRequest", "Payment requests", ("request_not_open",), {}, {"entry": 43, "state": "cancelled"}
    ),
}

WORDS = {
    "payee": Word("Who is paid.", "alice"),
    "payer": Word("Who pays.", "bob"),
    "PaymentRequestAfterAnswer.id": _ID,
    "path.payment_request": _ID,
    "PaymentRequestAfterAnswer.state": Word("Whether it can be paid.", "open"),
    "PaymentRequestAfterAnswer.transfer": Word(
        "The transfer that paid it; null while nothing has, and for the payee's own share of a split.", None
    ),
    "PaymentRequestAfterAnswer.split": Word("The split of which it is a share; null for one by itself.", None),
    "PaymentRequestAfterAnswer.expires_at": Word("Until when it can be paid; null if for ever.", None, "date-time"),
    "CreatePaymentRequest.expires_at": Word(
        "Until when it can be paid, at most 366 days ahead; for ever, if left out.", "2026-11-27T23:05:01.000000Z"
    ),
    "RequestPaymentAnswer.id": Word("The transfer's id, by which it can be refunded.", "transfer_43"),
    "RequestPaymentAnswer.request": Word("The request, as it is now.", INSIDE),
}
