"""Receipts: every entry of every log has one that proves it, and none that was changed proves anything."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.entries import canonical
from ledger.core.merkle import inclusion_ranges, leaf_hash, tree_root
from ledger.core.notes import Checkpoint, VerifierKey, format_note, parse_verifier_key
from ledger.core.receipts import Receipt, format_receipt, parse_receipt, verify_receipt
from tests.core.little_log import LOG_KEY, ORIGIN, PAYER, PAYER_KEY, checkpoint, receipt, receipt_of, transfer

BODIES = [canonical(transfer(number)) for number in range(1, 41)]
LEAVES = [leaf_hash(body) for body in BODIES]
RECEIPT = receipt_of(transfer(7))


def proven(data: bytes) -> Checkpoint:
    return verify_receipt(parse_receipt(data), [LOG_KEY])


def parts() -> Receipt:
    return parse_receipt(RECEIPT)


def test_a_receipt_is_a_transparency_log_proof_line_by_line() -> None:
    body = canonical(transfer(2))
    leaves = [LEAVES[0], leaf_hash(body), LEAVES[2]]
    path = [base64.b64encode(leaf).decode() for leaf in (LEAVES[0], LEAVES[2])]
    head = f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(body).decode()}\nindex 1\n{path[0]}\n{path[1]}\n\n"
    data = receipt([BODIES[0], body, BODIES[2]], 1)
    assert head.encode() + checkpoint(leaves) == data
    assert Checkpoint(ORIGIN, 3, tree_root(leaves)) == proven(data)


@given(st.integers(1, 40), st.data())
def test_any_entry_of_a_log_of_any_size_proves(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = receipt(BODIES[:size], index)
    assert BODIES[index] == parse_receipt(made).body
    assert Checkpoint(ORIGIN, size, tree_root(LEAVES[:size])) == proven(made)


@given(st.integers(1, 40), st.data())
def test_a_receipt_with_any_bit_flipped_is_refused_with_a_sentence(size: int, data: st.DataObject) -> None:
    made = bytearray(receipt(BODIES[:size], data.draw(st.integers(0, size - 1))))
    made[data.draw(st.integers(0, len(made) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        proven(bytes(made))
    assert ValueError is refused.type


@given(st.integers(0, len(RECEIPT) - 1))
def test_a_receipt_that_ends_too_early_is_refused_with_a_sentence(length: int) -> None:
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        proven(RECEIPT[:length])
    assert ValueError is refused.type


@given(st.binary(max_size=200))
def test_bytes_that_are_no_receipt_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        proven(data)
    assert ValueError is refused.type


def test_a_receipt_proves_no_other_entry_of_the_log() -> None:
    others = [replace(parts(), body=body) for body in BODIES if body != parts().body]
    for other in others:
        with pytest.raises(ValueError, match="not the one that the log has at this place"):
            verify_receipt(other, [LOG_KEY])


def test_a_receipt_proves_its_entry_at_no_other_place() -> None:
    for index in {*range(20)} - {parts().index}:
        with pytest.raises(ValueError, match="not the one that the log has at this place"):
            verify_receipt(replace(parts(), index=index), [LOG_KEY])


def test_another_key_than_the_logs_does_not_verify_a_receipt() -> None:
    with pytest.raises(ValueError, match="No key that is trusted here has signed this"):
        verify_receipt(parts(), [VerifierKey(ORIGIN, PAYER_KEY)])
    with pytest.raises(ValueError, match="No key that is trusted here has signed this"):
        verify_receipt(parts(), [VerifierKey(f"{ORIGIN}/2", LOG_KEY.public_key)])
    assert ORIGIN == verify_receipt(parts(), [parse_verifier_key(LOG_KEY.line)]).origin


def test_an_entry_that_stands_where_another_number_belongs_is_refused() -> None:
    bodies = [canonical(transfer(number)) for number in (1, 3, 2)]
    with pytest.raises(ValueError, match=r"calls itself number 3, and stands in the log as 2\."):
        proven(receipt(bodies, 1))


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"{}", b'{"number":1}', b"[" * 100_000, b'{"request":' + b"[" * 100_000],
    ids=lambda body: repr(body[:20]),
)
def test_a_leaf_that_is_no_entry_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="is not an entry of a ledger"):
        proven(receipt([body], 0))


def test_a_log_that_somebody_else_made_up_proves_nothing() -> None:
    text = Checkpoint(ORIGIN, 1, LEAVES[0]).text
    forged = format_note(text, [(LOG_KEY, PAYER.sign(text))])
    with pytest.raises(ValueError, match="does not hold"):
        proven(format_receipt(Receipt(0, (), forged, BODIES[0])))


def test_a_checkpoint_that_nobody_signed_proves_nothing() -> None:
    text = Checkpoint(ORIGIN, 1, LEAVES[0]).text
    unsigned = format_receipt(Receipt(0, (), text, BODIES[0]))
    with pytest.raises(ValueError, match="A note is text, an empty line, and signature lines"):
        proven(unsigned)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2", "its first line is not"),
        (b"extra ", b"extra", "carries no entry"),
        (b"extra ", b"Extra ", "carries no entry"),
        (b"extra ", b"extra  ", "entry cannot be read"),
        (b"index 6", b"index 06", "`index` and a whole number"),
        (b"index 6", b"index -6", "`index` and a whole number"),
        (b"index 6", b"index 6 ", "`index` and a whole number"),
        (b"index 6", b"index " + b"9" * 5000, "`index` and a whole number"),
        (b"index 6\n", b"", "`index` and a whole number"),
        (b"index 6\n", b"index 6\n\n", "does not hold"),
        (b"index 6\n", b"index 6\nAAAA\n", "audit path is not 32 bytes"),
        (b"index 6\n", b"index 6\n AA=\n", "audit path cannot be read"),
        (b"index 6\n", b"index 6\n" + base64.b64encode(bytes(32)) + b"\n", "not the one that the log has"),
        (b"\n", b"\r\n", "carriage returns"),
        (b"index", "índex".encode(), "characters that no receipt has"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_receipt_in_another_form_is_refused_with_a_sentence(old: bytes, new: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        proven(RECEIPT.replace(old, new))


def test_a_receipt_from_ten_million_entries_has_at_most_24_hashes() -> None:
    assert 24 == max(len(inclusion_ranges(index, 10_000_000)) for index in (0, 8_388_607, 8_388_608, 9_999_999))
