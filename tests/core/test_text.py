"""What texts, names, times and dates may look like, row by row from what bad input gets."""

import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.text import (
    alias_fault,
    alias_key,
    format_timestamp,
    is_iban,
    is_idempotency_key,
    is_party_id,
    is_rail_or_bank_id,
    metadata_fault,
    parse_alias,
    parse_date,
    parse_timestamp,
    text_fault,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = 1_795_215_901_123_456
FORBIDDEN = [(0, 0x1F), (0x7F, 0x9F), (0x202A, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF), (0xE0000, 0xE007F)]


def each(cases: dict[str, list[str]]) -> pytest.MarkDecorator:
    """Try the test with each `text` of a table, whose keys say what they are cases of."""
    return pytest.mark.parametrize("text", [text for texts in cases.values() for text in texts])


@each(
    {
        "scripts": ["", "Lunch on Friday", "Grüße an Zoë", "спасибо", "ありがとう", "नमस्ते", "\u062a\u062d\u064a\u0629"],
        "combining marks": ["e\u0301", "\u05e0\u05b4", "a\u0300\u0316\u0489"],
        "joiners": ["क्\u200dष", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "no\u00a0break"],
        "emoji": ["👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🏳\ufe0f\u200d🌈", "🇮🇳"],
        "code": ["'; DROP TABLE entries; --", "<script>alert(1)</script>", "=1+1", "{{7*7}} $(id) `id` %00 ../"],
    }
)
def test_every_script_and_emoji_is_fine_and_code_is_only_text(text: str) -> None:
    assert text_fault(text, 280) is None


def test_exactly_the_forbidden_characters_are_refused() -> None:
    refused = [point for point in range(sys.maxunicode + 1) if text_fault(f"a{chr(point)}b", 3) is not None]
    assert [point for first, last in FORBIDDEN for point in range(first, last + 1)] == refused


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\nb", "U+000A as its character 2"),
        ("\x00", "U+0000 as its character 1"),
        ("👍ab\u202e", "U+202E as its character 4"),
        ("\U000e0067", "U+E0067 as its character 1"),
        ("\ud83d", "U+D83D as its character 1"),
    ],
)
def test_the_fault_names_the_character_and_its_place(text: str, name: str) -> None:
    fault = text_fault(text, 280)
    assert fault is not None
    assert name in fault
    assert fault.isprintable()


def test_lengths_count_code_points() -> None:
    assert text_fault("👍" * 280, 280) is None
    assert "The text is 281 characters long; at most 280 are allowed." == text_fault("👍" * 281, 280)


def test_twenty_keys_of_forty_characters_are_fine_and_one_more_is_not() -> None:
    metadata = {f"{i:040d}": "x" for i in range(20)}
    assert metadata_fault(metadata) is None
    assert ("", "Metadata has 21 keys; at most 20 are allowed.") == metadata_fault(metadata | {"one": "more"})


@pytest.mark.parametrize("key", ["", "a" * 41, "größe", "a\nb", "a\x7f", "\ud800", "a\n"])
def test_a_metadata_key_is_one_to_forty_printable_ascii_characters(key: str) -> None:
    sentence = "A metadata key is not 1 to 40 printable ASCII characters."
    assert ("", sentence) == metadata_fault({"fine": "x", key: "x"})


@pytest.mark.parametrize(
    ("key", "pointer"), [("order", "/order"), ("a b", "/a b"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("~1", "/~01")]
)
def test_a_faulty_metadata_value_is_pointed_at(key: str, pointer: str) -> None:
    fault = metadata_fault({"fine": "x", key: "a\tb"})
    assert fault is not None
    assert pointer == fault[0]
    assert "U+0009" in fault[1]


def test_metadata_may_have_8_kib_of_utf_8_in_all() -> None:
    assert metadata_fault({"k": "é" * 4095, "l": ""}) is None
    sentence = "Metadata has 8193 bytes of keys and values; at most 8192 are allowed."
    assert ("", sentence) == metadata_fault({"k": "é" * 4095, "l": "x"})


@each(
    {
        "any length": ["a", "A" * 64],
        "any of the characters": ["alice", "user:42", "+4915112345678", "a.b_c@d-e"],
        "only like a reserved name": ["Platform", "clientele", "railway", "rail", "my-rail:upi"],
    }
)
def test_a_party_id_is_the_messengers_own(text: str) -> None:
    assert is_party_id(text)


@each(
    {
        "length": ["", "a" * 65],
        "another character": ["a b", " a", "a\n", "../", "a/b", "%00", "a\x00", "zoë", "\u0430", "a,b"],
        "reserved": ["platform", "clients", "rail:upi", "bank:main", "tax:vat", "alias:phone:+1", "rail:", "bank:"],
    }
)
def test_a_party_id_that_is_malformed_or_reserved_is_refused(text: str) -> None:
    assert not is_party_id(text)


def test_a_rail_or_bank_id_is_short_and_in_lower_case() -> None:
    for value in ("upi", "sepa-inst", "card_2", "a" * 32):
        assert is_rail_or_bank_id(value)
    for value in ("", "a" * 33, "UPI", "a:b", "a.b", "upi\n", "a b", "ä"):
        assert not is_rail_or_bank_id(value)


def test_an_idempotency_key_is_1_to_255_visible_ascii_characters() -> None:
    for value in ("a", "!", "~", "x" * 255, "0b5c7a52-7f4e-4f8a-b7de-19d0f6f0f2cd", 'a"b,c/d'):
        assert is_idempotency_key(value)
    for value in ("", "x" * 256, "a b", " ", "a\t", "a\n", "\x7f", "é", "a\x00"):
        assert not is_idempotency_key(value)


@each(
    {
        "shortest": ["NO9386011117947"],
        "usual": ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"],
        "long": ["MT84MALT011000012345MTLCAST001S", "LC55HEMM000100010012001200023015"],
    }
)
def test_the_published_example_ibans_are_right(text: str) -> None:
    assert is_iban(text)


@each(
    {
        "another number": ["DE89370400440532013001", "DE98370400440532013000"],
        "as people write it": ["de89370400440532013000", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000\n"],
        "length": ["", "DE8937040044", "DE89" + "0" * 31],
        "form": ["8937DE0400440532013000", "DE8937040044053201300\u0660"],
    }
)
def test_an_iban_with_a_fault_is_refused(text: str) -> None:
    assert not is_iban(text)


def test_check_digits_that_only_seem_to_fit_are_not_an_iban() -> None:
    """00, 01 and 99 leave the same remainder as 97, 98 and 02, but ISO 7064 never gives them."""
    for digits, twin in (("97", "00"), ("98", "01"), ("02", "99")):
        account = next(f"{n:018d}" for n in range(200) if is_iban(f"DE{digits}{n:018d}"))
        assert not is_iban(f"DE{twin}{account}")


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("alias:phone:+4915112345678", ("phone", "+4915112345678")),
        ("alias:telegram:@zoë", ("telegram", "@zoë")),
        ("alias:url:https://a.example/b:c", ("url", "https://a.example/b:c")),
        ("alias:nick:two words", ("nick", "two words")),
        ("alias:wa_2::", ("wa_2", ":")),
        ("alias:emoji:" + "👍" * 256, ("emoji", "👍" * 256)),
    ],
)
def test_an_alias_is_split_at_its_first_two_colons(text: str, alias: tuple[str, str]) -> None:
    assert alias == alias_key(text) == parse_alias(text)


@each(
    {
        "form": ["", "alias", "alias:", "alias:phone", "alias::x", "alice", "Alias:nick:x", "rail:nick:x"],
        "channel": ["alias:Nick:x", "alias:a-b:x", "alias:nick\n:x", f"alias:{'a' * 33}:x"],
        "value": ["alias:nick:", f"alias:nick:{'x' * 257}", "alias:nick:a\nb", "alias:nick:a\u202eb"],
        "space around": ["alias:nick: x", "alias:nick:x ", "alias:nick:x\u3000"],
        "no E.164": ["alias:phone:4915112345678", "alias:phone:+0915112345678", "alias:phone:+49 151 12345678"],
        "E.164 length": ["alias:phone:+123456", "alias:phone:+1234567890123456"],
        "E.164 characters": ["alias:phone:+4915112345678\n", "alias:phone:+491511234567\u0668"],
    }
)
def test_what_is_no_alias_is_not_taken_for_one(text: str) -> None:
    assert parse_alias(text) is None


def test_an_alias_fault_points_at_what_is_wrong() -> None:
    assert alias_fault("phone", "+4915112345678") is None
    assert [("/channel", False), ("/value", True), ("/value", False)] == [
        (fault[0], "E.164" in fault[1])
        for fault in (alias_fault("Phone", "x"), alias_fault("phone", "x"), alias_fault("nick", ""))
        if fault is not None
    ]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-20T23:05:01.123456Z", MOMENT),
        ("2026-11-20t23:05:01.123456z", MOMENT),
        ("2026-11-20T23:05:01.123456789Z", MOMENT),
        ("2026-11-20T23:05:01.1Z", MOMENT - 23_456),
        ("2026-11-20T23:05:01Z", MOMENT - 123_456),
        ("2026-11-21T04:35:01.123456+05:30", MOMENT),
        ("2026-11-20T15:05:01.123456-08:00", MOMENT),
        ("2026-11-20T23:05:01.123456-00:00", MOMENT),
        ("2026-11-21T23:04:01.123456+23:59", MOMENT),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ],
)
def test_a_time_is_read_in_any_zone(text: str, micros: int) -> None:
    assert micros == parse_timestamp(text)


@each(
    {
        "another form": ["", "now", "1795215901", "2026-11-20", "20261120T230501Z", "2026-11-20 23:05:01Z"],
        "incomplete": ["2026-11-20T23:05Z", "2026-11-20T23Z", "26-11-20T23:05:01Z"],
        "no zone": ["2026-11-20T23:05:01", "2026-11-20T23:05:01.5"],
        "no such zone": ["2026-11-20T23:05:01+99:00", "2026-11-20T23:05:01-99:00", "2026-11-20T23:05:01+24:00"],
        "zone's form": ["2026-11-20T23:05:01+05:60", "2026-11-20T23:05:01+0530", "2026-11-20T23:05:01+05:30:00"],
        "no such time": ["2026-11-20T24:00:00Z", "2026-11-20T23:60:00Z", "2026-11-20T23:59:61Z"],
        "leap second": ["2016-12-31T23:59:60Z"],
        "no such day": ["2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-00T00:00:00Z"],
        "no such year": ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2026-11-20T00:00:00Z"],
        "no such year in UTC": ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01"],
        "infinity to the database's driver": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"],
        "weeks and days of the year": ["2026-W47-5T00:00:00Z", "2026-324T00:00:00Z"],
        "fraction": ["2026-11-20T23:05:01.Z", "2026-11-20T23:05:01.1234567890Z", "2026-11-20T23:05:01,5Z"],
        "around it": [" 2026-11-20T23:05:01Z", "2026-11-20T23:05:01Z\n", "2026-11-20T23:05:01 Z"],
        "other digits": ["202\u0666-11-20T23:05:01Z"],
    }
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(A time is written|The calendar|In UTC) .*\.$"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (MOMENT, "2026-11-20T23:05:01.123456Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62_135_596_799_999_999, "0001-01-01T00:00:00.000001Z"),
        (253_402_300_799_999_998, "9999-12-31T23:59:59.999998Z"),
    ],
)
def test_a_time_is_written_in_utc_with_its_microseconds(micros: int, text: str) -> None:
    assert text == format_timestamp(micros)
    assert micros == parse_timestamp(text)


def test_a_time_outside_of_the_calendar_cannot_be_written() -> None:
    for micros in (-62_135_596_800_000_001, 253_402_300_800_000_000):
        with pytest.raises(OverflowError):
            format_timestamp(micros)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_that_is_written_is_read_back(moment: datetime) -> None:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    text = format_timestamp(micros)
    assert moment == datetime.fromisoformat(text)
    assert micros == parse_timestamp(text)


def test_a_date_is_read() -> None:
    assert date(2026, 11, 20) == parse_date("2026-11-20")
    assert date(2024, 2, 29) == parse_date("2024-02-29")


@each(
    {
        "another form": ["", "2026-11-2", "26-11-20", "20261120", "2026/11/20", "2026-W47-5"],
        "around it": ["2026-11-20\n", " 2026-11-20", "2026-11-20Z", "2026-11-20T00:00:00Z"],
        "no such day": ["2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01"],
        "other digits": ["202\u0666-11-20"],
    }
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(A date is written|The calendar) .*\.$"):
        parse_date(text)
