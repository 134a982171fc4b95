"""API keys: what opens the HTTP interface, made as entries so that the log says which key was valid when."""

from typing import Final

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Command, Result
from ledger.core.entries import from_base64url
from ledger.core.errors import FieldError
from ledger.core.rows import ApiKey

SCOPES: Final = (
    "parties:write",
    "transfers:write",
    "deposits:write",
    "invoices:write",
    "invoices:settle",
    "orders:write",
    "refunds:write",
    "payouts:write",
    "entries:read",
    "reports:read",
    "settings:manage",
    "keys:manage",
    "journal:adjust",
)


class CreateApiKey(Command):
    """Enter a key by the SHA-256 of its text (base64url); the text itself is shown once and kept nowhere."""

    kind = "api_key.create"
    name: str
    digest: str
    scopes: list[str]

    def fault(self) -> FieldError | None:
        """Scopes that exist."""
        unknown = sorted(set(self.scopes) - set(SCOPES))
        if unknown:
            return FieldError("/scopes", "field_invalid", f"No such scope: {', '.join(unknown)}.")
        return shape.required_text("/name", self.name, shape.NAME_LENGTH_MAX)

    def decide(self, books: Books) -> Result:
        """Enter the key."""
        key_id = f"key_{books.number}"
        row = ApiKey(key_id, from_base64url(self.digest), self.name, self.scopes, books.number)
        books.put(books.api_keys, key_id, row)
        return {"id": key_id}
