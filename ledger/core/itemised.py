"""What has lines: invoices and credit notes. Their descriptions may be erased, their amounts stay."""

from typing import Annotated, Any, Self

import msgspec
from msgspec import UnsetType

from ledger.core.commands import Command
from ledger.core.entries import commitment
from ledger.core.errors import FieldError
from ledger.core.invoice_lines import Line, totals

LINES_MAX = 100
LINE_LIST = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": LINES_MAX})
Lines = Annotated[list[Line], LINE_LIST]


class WithLines(Command, kw_only=True):
    """A command with an invoice's lines, whose descriptions people may ask to have erased; the amounts stay."""

    lines: Lines | UnsetType | None = None

    def is_tax_inclusive(self) -> bool | None:
        """Whether the tax is within the amounts; None where the invoice says so that is in the books."""
        return None

    def fault(self) -> FieldError | None:
        """Lines that add up to something."""
        if not isinstance(self.lines, list):
            return None
        if not 1 <= len(self.lines) <= LINES_MAX:
            return FieldError("/lines", "field_invalid", f"An invoice has 1 to {LINES_MAX} lines.")
        for index, line in enumerate(self.lines):
            fault = line.fault()
            if fault is not None:
                return FieldError(f"/lines/{index}{fault.pointer}", fault.code, fault.detail)
        try:
            # With the tax within them they come to the least: what is too much then is too much in any case.
            totals(self.lines, self.is_tax_inclusive() is not False)
        except ValueError as wrong:
            return FieldError("/lines", "amount_invalid", str(wrong))
        return None

    def clear_texts(self) -> dict[str, Any]:
        """The private fields that are set; of the lines the descriptions."""
        found = super().clear_texts()
        if isinstance(self.lines, list):
            found["lines"] = [line.description for line in self.lines]
        return found

    def facts(self, clear: dict[str, Any], salt: bytes) -> Any:
        """The request as the entry keeps it: of the lines only the descriptions give way to commitments."""
        facts = super().facts(clear, salt)
        if isinstance(self.lines, list):
            facts["lines"] = [
                msgspec.to_builtins(line) | {"description": commitment(salt, text)}
                for line, text in zip(self.lines, clear["lines"], strict=True)
            ]
        return facts

    @classmethod
    def recalled(cls, facts: dict[str, Any], clear: dict[str, Any]) -> Self:
        """The command again, from what its entry keeps: erased descriptions are None."""
        rest = {name: value for name, value in facts.items() if name != "lines"}
        command = super().recalled(rest, {name: value for name, value in clear.items() if name != "lines"})
        if "lines" in facts:
            texts = clear.get("lines", [None] * len(facts["lines"]))
            command.lines = [
                Line(**(line | {"description": text})) for line, text in zip(facts["lines"], texts, strict=True)
            ]
        return command
