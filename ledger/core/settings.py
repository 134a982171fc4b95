"""A ledger's own settings, set as entries like everything else."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from ledger.core import charges, shape
from ledger.core.actors import unsigned
from ledger.core.books import Books
from ledger.core.commands import Command, Result
from ledger.core.currencies import is_postable
from ledger.core.errors import FieldError, Invalid
from ledger.core.fees import FeeSchedule
from ledger.core.fields import Currency, LedgerName, TimeZone
from ledger.core.limits import PartyLimit, limits_fault, written
from ledger.core.rows import Settings

CURRENCIES_MAX = 200
CURRENCY_LIST = msgspec.Meta(extra_json_schema={"maxItems": CURRENCIES_MAX, "uniqueItems": True})
LIMIT_LIST = msgspec.Meta(extra_json_schema={"maxItems": CURRENCIES_MAX})


class SetLedger(Command):
    """Change the ledger's settings; what is left out stays as it is. `time_zone` is an IANA name. `limits` are those of
    every party that has none of its own in a currency, `fees` those of every merchant that has none; either is replaced
    as a whole, and an empty one is none.

    Once `request_signatures` are required, a bearer key only reads; to require them takes a signed request, so that
    nobody is locked out.
    """

    kind = "ledger.set"
    name: LedgerName | None = None
    time_zone: TimeZone | None = None
    currencies: Annotated[list[Currency], CURRENCY_LIST] | None = None
    request_signatures: Literal["optional", "required"] | None = None
    limits: Annotated[list[PartyLimit], LIMIT_LIST] | None = None
    fees: FeeSchedule | None = None

    def fault(self) -> FieldError | None:
        """A name, a time zone that exists, and currencies each once, of the limits too."""
        codes = self.currencies or []
        if len(set(codes)) < len(codes) or len(codes) > CURRENCIES_MAX:
            return FieldError("/currencies", "field_invalid", f"Name each currency once, and at most {CURRENCIES_MAX}.")
        faults = [shape.currency(code, f"/currencies/{index}") for index, code in enumerate(codes)]
        if self.name is not None:
            faults.append(shape.required_text("/name", self.name, shape.NAME_LENGTH_MAX))
        return shape.first(*faults, _time_zone_fault(self.time_zone), limits_fault(self.limits))

    def decide(self, books: Books) -> Result:
        """Replace the settings; the entry keeps them all as they are now."""
        for index, code in enumerate(self.currencies or []):
            if not is_postable(code, books.today):
                detail = f"{code} has been withdrawn; it is read for ever and not newly posted."
                raise Invalid.at(f"/currencies/{index}", "currency_invalid", detail)
        own = books.api_keys.get(books.actor)
        if self.request_signatures == "required" and own is not None and own.digest is not None:
            raise unsigned()
        now = books.settings
        settings = Settings(
            name=self.name if self.name is not None else now.name,
            time_zone=self.time_zone if self.time_zone is not None else now.time_zone,
            currencies=self.currencies if self.currencies is not None else now.currencies,
            request_signatures=self.request_signatures or now.request_signatures,
            limits=written(self.limits) if self.limits is not None else now.limits,
            fees=_fees(self.fees) if self.fees is not None else now.fees,
        )
        books.set_settings(settings)
        return {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}


def _fees(fees: FeeSchedule) -> str | None:
    """A schedule as the settings keep it; one of nothing is none."""
    return charges.written(fees) if fees != FeeSchedule() else None


def _time_zone_fault(name: str | None) -> FieldError | None:
    try:
        if name is not None:
            ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return FieldError(
            "/time_zone", "field_invalid", "Name a time zone of the IANA database, such as Europe/Berlin."
        )
    return None
