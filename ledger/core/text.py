"""The forms of texts: what people write, the names things go by, times and dates.

A `…_fault` answers with a sentence that says what is wrong, or None; an `is_…` with yes or no; a `parse_…` with the
value. Lengths count code points.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

PARTY_ID_PATTERN: Final = r"\A[A-Za-z0-9._:@+-]{1,64}\Z"
RAIL_OR_BANK_ID_PATTERN: Final = r"\A[a-z0-9_-]{1,32}\Z"
CHANNEL_PATTERN: Final = r"\A[a-z0-9_]{1,32}\Z"
PHONE_PATTERN: Final = r"\A\+[1-9][0-9]{6,14}\Z"
IDEMPOTENCY_KEY_PATTERN: Final = r"\A[\x21-\x7E]{1,255}\Z"

ALIAS_VALUE_LENGTH_MAX = 256
METADATA_KEYS_MAX = 20
METADATA_KEY_LENGTH_MAX = 40
METADATA_BYTES_MAX = 8 * 1024

_RESERVED_PARTY_IDS = frozenset({"platform", "clients"})
_RESERVED_PREFIXES = ("rail:", "bank:", "tax:", "alias:")

_party_id = re.compile(PARTY_ID_PATTERN)
_rail_or_bank_id = re.compile(RAIL_OR_BANK_ID_PATTERN)
_channel = re.compile(CHANNEL_PATTERN)
_phone = re.compile(PHONE_PATTERN)
_idempotency_key = re.compile(IDEMPOTENCY_KEY_PATTERN)
_metadata_key = re.compile(r"\A[\x20-\x7E]+\Z")
_iban = re.compile(r"\A[A-Z]{2}(?!00|01|99)[0-9]{2}[A-Z0-9]{11,30}\Z")

# C0, DEL and C1 controls; bidi embeddings, overrides and isolates; lone surrogates; tag characters. Joiners, variation
# selectors and combining marks are not here: emoji and most scripts need them.
_forbidden = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]")

_timestamp = re.compile(
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\Z"
)
_date = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_MICROS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_MICROS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def text_fault(text: str, max_length: int) -> str | None:
    """What is wrong with something that people wrote (a memo, a name, a metadata value), or None.

    Refused are control characters, new line and tab among them, what turns the direction of writing round, invisible
    tag characters (so the flags of Scotland and Wales, which are spelt with them) and lone surrogates. Every script
    and all other emoji are fine.
    """
    if len(text) > max_length:
        return f"The text is {len(text)} characters long; at most {max_length} are allowed."
    # Nothing that is forbidden is printable, and nearly every text is: this look is quicker than the pattern's.
    if text.isprintable():
        return None
    found = _forbidden.search(text)
    if found is None:
        return None
    return (
        f"The text has U+{ord(found[0]):04X} as its character {found.start() + 1}; control characters, "
        "direction overrides, tags and lone surrogates are not allowed."
    )


def metadata_fault(metadata: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with metadata: where (an RFC 6901 pointer into the metadata, "" for all of it) and a sentence."""
    if len(metadata) > METADATA_KEYS_MAX:
        return "", f"Metadata has {len(metadata)} keys; at most {METADATA_KEYS_MAX} are allowed."
    size = 0
    for key, value in metadata.items():
        # Not pointed at: what is wrong with the key would be wrong with the pointer, too.
        if len(key) > METADATA_KEY_LENGTH_MAX or not _metadata_key.match(key):
            return "", f"A metadata key is not 1 to {METADATA_KEY_LENGTH_MAX} printable ASCII characters."
        fault = text_fault(value, METADATA_BYTES_MAX)
        if fault is not None:
            return "/" + key.replace("~", "~0").replace("/", "~1"), fault
        size += len(key) + len(value.encode())
    if size > METADATA_BYTES_MAX:
        return "", f"Metadata has {size} bytes of keys and values; at most {METADATA_BYTES_MAX} are allowed."
    return None


def is_party_id(value: str) -> bool:
    """Whether a party may have this id: 1 to 64 of `[A-Za-z0-9._:@+-]`, and no name that the chart keeps for itself."""
    return (
        _party_id.match(value) is not None
        and value not in _RESERVED_PARTY_IDS
        and not value.startswith(_RESERVED_PREFIXES)
    )


def is_rail_or_bank_id(value: str) -> bool:
    """Whether a rail or a bank may be registered under this id: 1 to 32 of `[a-z0-9_-]`."""
    return _rail_or_bank_id.match(value) is not None


def is_idempotency_key(value: str) -> bool:
    """Whether this is 1 to 255 visible ASCII characters, U+0021 to U+007E."""
    return _idempotency_key.match(value) is not None


def is_iban(value: str) -> bool:
    """Whether this is an IBAN as machines write it (ISO 13616-1: upper case, no spaces) with the right check digits.

    The check is ISO 7064 MOD 97-10 over the number with its first four characters put last and A…Z read as 10…35. How
    long an IBAN of each country is, and of what, is not looked at.
    """
    if not _iban.match(value):
        return False
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1


def alias_fault(channel: str, value: str) -> tuple[str, str] | None:
    """What is wrong with an alias: the RFC 6901 pointer `/channel` or `/value`, and a sentence. A phone is E.164."""
    if not _channel.match(channel):
        return "/channel", "A channel is 1 to 32 of the characters a-z, 0-9 and _."
    if channel == "phone" and not _phone.match(value):
        return "/value", "A phone number is written in E.164, with its + and country code, as in +4915112345678."
    if not value:
        return "/value", "The alias is empty."
    if value != value.strip():
        return "/value", "An alias does not begin or end with a space."
    fault = text_fault(value, ALIAS_VALUE_LENGTH_MAX)
    return None if fault is None else ("/value", fault)


def alias_reference(channel: str, value: str) -> str:
    """How a party is named by an alias of its."""
    return f"alias:{channel}:{value}"


def alias_key(reference: str) -> tuple[str, str] | None:
    """The channel and value of `alias:<channel>:<value>`, split at the first two colons; None for a party's id."""
    if reference[:6] != "alias:":
        return None
    channel, _, value = reference[6:].partition(":")
    return channel, value


def parse_alias(text: str) -> tuple[str, str] | None:
    """The channel and value of a reference to an alias; None if it is none, or one that nobody could have."""
    key = alias_key(text)
    return key if key is not None and alias_fault(*key) is None else None


def parse_timestamp(text: str) -> int:
    """The microseconds since 1970-01-01T00:00:00Z of an RFC 3339 date-time (section 5.6) within the years 1 to 9999.

    Any zone offset up to ±23:59 is read; a fraction of up to nine digits is cut off after the sixth. ValueError for
    anything else: no zone, a space in place of the T, hour 24, a leap second, a day that the calendar does not have;
    and for the calendar's first and last microsecond, which asyncpg writes as -infinity and infinity.
    """
    if not _timestamp.match(text):
        raise ValueError("A time is written with its zone, as in 2026-11-20T23:05:01Z or 2026-11-21T04:35:01.25+05:30.")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("The calendar does not have this day.") from None
    micros = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST_MICROS < micros < _LAST_MICROS:
        raise ValueError("In UTC this time is not within the years 1 to 9999.")
    return micros


def format_timestamp(micros: int) -> str:
    """A time in microseconds since 1970-01-01T00:00:00Z as `2026-11-20T23:05:01.123456Z`.

    OverflowError outside of the years 1 to 9999.
    """
    seconds, micro = divmod(micros, 1_000_000)
    return f"{_format_second(seconds)}.{micro:06d}Z"


# Times come in runs: entries of one batch, and pages of them, share their second.
@lru_cache(maxsize=1024)
def _format_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def parse_date(text: str) -> date:
    """The day of a date `YYYY-MM-DD`. ValueError if it has another form or the calendar does not have it."""
    if not _date.match(text):
        raise ValueError("A date is written YYYY-MM-DD, as in 2026-11-20.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("The calendar does not have this day.") from None
