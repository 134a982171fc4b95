"""A ledger's own settings, set as entries like everything else."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from ledger.core import charges, shape
from ledger.core.books import Books
from ledger.core.commands import Command, Result
from ledger.core.errors import FieldError, Unauthenticated
from ledger.core.fees import FeeSchedule
from ledger.core.fields import Currency, LedgerName, TimeZone
from ledger.core.limits import PartyLimit, limits_fault, written

CURRENCIES_MAX = 200
CURRENCY_LIST = msgspec.Meta(extra_json_schema={"maxItems": CURRENCIES_MAX, "uniqueItems": True})
LIMIT_LIST = msgspec.Meta(extra_json_schema={"maxItems": CURRENCIES_MAX})


class SetLedger(Command):
    """Change the ledger's settings; what is left out stays as it is. `time_zone` is an IANA name. `limits` are those of
    every party that has none of its own in a currency, `fees` those of every merchant that has none; either is replaced
    as a whole, and null or an empty one is none.

    Once `request_signatures` are required, a bearer key only reads; to require them takes a signed request, so that
    nobody is locked out.
    """

    kind = "ledger.set"
    name: LedgerName | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    currencies: Annotated[list[Currency], CURRENCY_LIST] | UnsetType = UNSET
    request_signatures: Literal["optional", "required"] | UnsetType = UNSET
    limits: Annotated[list[PartyLimit], LIMIT_LIST] | UnsetType | None = UNSET
    fees: FeeSchedule | UnsetType | None = UNSET

    def fault(self) -> FieldError | None:
        """A name, a time zone that exists, and currencies each once, of the limits too."""
        codes = self.currencies if self.currencies is not UNSET else []
        if len(set(codes)) < len(codes) or len(codes) > CURRENCIES_MAX:
            return FieldError("/currencies", "field_invalid", f"Name each currency once, and at most {CURRENCIES_MAX}.")
        faults = [shape.currency(code, f"/currencies/{index}") for index, code in enumerate(codes)]
        if self.name is not UNSET:
            faults.append(shape.required_text("/name", self.name, shape.NAME_LENGTH_MAX))
        return shape.first(*faults, _time_zone_fault(self.time_zone), limits_fault(self.limits or None))

    def decide(self, books: Books) -> Result:
        """Replace the settings; the entry keeps them all as they are now."""
        for index, code in enumerate(self.currencies if self.currencies is not UNSET else ()):
            books.check_is_not_withdrawn(code, f"/currencies/{index}")
        own = books.api_keys.get(books.actor)
        if self.request_signatures == "required" and own is not None and own.digest is not None:
            detail = "Who requires signatures has to be able to sign: sign this request, with a key of POST /v1/keys."
            raise Unauthenticated("signature_missing", detail)
        now = books.settings
        given = {
            "name": self.name,
            "time_zone": self.time_zone,
            "currencies": self.currencies,
            "request_signatures": self.request_signatures,
            "limits": written(self.limits or ()) if self.limits is not UNSET else UNSET,
            "fees": _fees(self.fees) if self.fees is not UNSET else UNSET,
        }
        settings = msgspec.structs.replace(now, **{name: value for name, value in given.items() if value is not UNSET})
        books.set_settings(settings)
        return {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}


def _fees(fees: FeeSchedule | None) -> str | None:
    """A schedule as the settings keep it; one of nothing is none."""
    return charges.written(fees) if fees is not None and fees != FeeSchedule() else None


def _time_zone_fault(name: str | UnsetType) -> FieldError | None:
    try:
        if name is not UNSET:
            ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return FieldError(
            "/time_zone", "field_invalid", "Name a time zone of the IANA database, such as Europe/Berlin."
        )
    return None
