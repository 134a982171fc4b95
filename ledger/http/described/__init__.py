"""What the OpenAPI document says of agreements, a file a noun; operations.py and glossary.py take it up."""

from typing import Any

from ledger.http.described import (
    claims,
    holds,
    invoices,
    outside_moves,
    payment_requests,
    payouts,
    refunds,
    settlements,
    splits,
    suspense,
    terms,
)
from ledger.http.words import Operation, Rule, Word

FILES: tuple[Any, ...] = (
    claims,
    terms,
    holds,
    invoices,
    settlements,
    payment_requests,
    splits,
    payouts,
    outside_moves,
    refunds,
    suspense,
)

SECTIONS: dict[str, str] = {name: text for noun in FILES for name, text in noun.SECTIONS.items()}
OPERATIONS: dict[str, Operation] = {name: operation for noun in FILES for name, operation in noun.OPERATIONS.items()}
RULES: dict[str, Rule] = {name: rule for noun in FILES for name, rule in getattr(noun, "RULES", {}).items()}
"""By the name of a body's component."""
WORDS: dict[str, Word] = {name: word for noun in FILES for name, word in noun.WORDS.items()}
