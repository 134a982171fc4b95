"""scripts/verify.py: alone in an empty folder it proves a receipt, or says in one sentence what is wrong with it."""

# long: like the script, of each part of which it says what is refused.

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.entries import canonical
from ledger.core.keys import thumbprint, to_base64
from ledger.core.merkle import leaf_hash, node_hash
from ledger.core.notes import Checkpoint, VerifierKey, format_note
from ledger.core.receipts import Receipt, format_receipt, parse_receipt, verify_receipt
from tests.core.little_log import (
    INTENT,
    LOG,
    LOG_KEY,
    ORIGIN,
    PAYER,
    PAYER_KEY,
    PAYER_KEY_ID,
    TERMS,
    receipt,
    receipt_of,
    signed_by_payer,
    transfer,
)

SCRIPT = Path(__file__).parent.parent / "scripts" / "verify.py"
LINE = LOG_KEY.line
ENTRY = canonical(transfer(1))
LEAF = leaf_hash(ENTRY)
RECEIPT = receipt_of(signed_by_payer(transfer(7)))
HOLD = {
    "kind": "hold.place",
    "postings": [{"debit": "alice/available", "credit": "alice/held", "amount": 1250, "currency": "EUR"}],
    "result": {"rows": {"holds": [{"entry": 7, "payer": "alice", "payee": "bob"}]}},
}
MORE_HELD = HOLD | {"kind": "hold.increase", "request": {"hold": "hold_5", "amount": 1250}}
BY_ALIAS = {"from": "alice", "to": "alias:phone:3q2-7w", "amount": 1250, "currency": "EUR"}


def load() -> ModuleType:
    """The script, to call its functions without starting it anew each time."""
    spec = importlib.util.spec_from_file_location("verify_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify = load()


def wrong(data: bytes, line: str = LINE) -> str:
    """The sentence with which a receipt is refused."""
    with pytest.raises(verify.Wrong) as refused:
        verify.verified(data, line)
    return str(refused.value)


def run(folder: Path, data: bytes, line: str = LINE) -> subprocess.CompletedProcess[str]:
    """The script as a stranger runs it: copied to a folder that has nothing else but the receipt."""
    shutil.copy(SCRIPT, folder)
    (folder / "receipt").write_bytes(data)
    command = [sys.executable, "-I", "verify.py", "receipt", "--key", line]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def shown(table: str) -> list[str]:
    """The lines of a table, with one colon for the space between its columns."""
    return [re.sub(r"(?<=\S) {2,}(?=\S)", ": ", line, count=1) for line in table.splitlines()]


def intent(**changes: Any) -> bytes:
    return canonical(json.loads(INTENT) | changes)


def held(
    entry: dict[str, Any] = HOLD, request: dict[str, Any] | None = None, of: str | None = None, to: str = "bob"
) -> dict[str, Any]:
    """The body of a hold of alice's for bob, or of more under it; she has signed that it is for `to`."""
    body = transfer(7, **entry | ({"request": request} if request is not None else {}))
    return signed_by_payer(body, intent(operation=entry["kind"], of=of, to=to))


def test_a_stranger_with_the_receipt_and_the_key_sees_the_proven_entry(tmp_path: Path) -> None:
    done = run(tmp_path, RECEIPT)
    assert (0, "") == (done.returncode, done.stderr)
    lines = shown(done.stdout)
    assert [
        "ledger: demo",
        "number: 7",
        "kind: transfer",
        "posted_at: 2026-11-20T23:00:07.000000Z",
        "effective_on: 2026-11-20",
        "posting: alice/available -> bob/available: 1250 minor units of EUR",
    ] == lines[:6]
    assert f"signed by payer: by alice, with the key {PAYER_KEY_ID}" == lines[-3]
    assert f"signed by log: {ORIGIN}, as one of 12 entries" == lines[-2]


def test_one_changed_byte_is_refused_with_one_sentence_and_exit_status_1(tmp_path: Path) -> None:
    changed = bytearray(RECEIPT)
    at = RECEIPT.index(b"extra ") + 100
    changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
    done = run(tmp_path, bytes(changed))
    sentence = "The entry is not the one that the log has at this place: it or its audit path was changed.\n"
    assert (1, "", sentence) == (done.returncode, done.stdout, done.stderr)


def test_a_receipt_that_is_not_there_is_a_sentence_too(tmp_path: Path) -> None:
    shutil.copy(SCRIPT, tmp_path)
    command = [sys.executable, "-I", "verify.py", "nothing", "--key", LINE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (1, "", "The receipt cannot be read: No such file or directory.\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_the_script_needs_only_python_and_cryptography() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules = plain | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {"cryptography"} == {name.split(".")[0] for name in modules} - sys.stdlib_module_names


def test_the_script_and_the_ledger_agree_on_what_a_receipt_proves() -> None:
    bodies = [canonical(transfer(number)) for number in range(1, 21)]
    for size in range(1, 21):
        for index in range(size):
            made = receipt(bodies[:size], index)
            verify_receipt(parse_receipt(made), [LOG_KEY])
            assert f"number: {index + 1}" in shown(verify.verified(made, LINE))


@given(st.integers(0, len(RECEIPT) - 1), st.integers(0, 7))
def test_a_receipt_with_any_bit_flipped_is_refused(at: int, bit: int) -> None:
    changed = bytearray(RECEIPT)
    changed[at] ^= 1 << bit
    assert wrong(bytes(changed)).endswith(".")


@given(st.integers(0, len(RECEIPT) - 1))
def test_a_receipt_that_ends_too_early_is_refused(length: int) -> None:
    assert wrong(RECEIPT[:length]).endswith(".")


@given(st.binary(max_size=300), st.text(max_size=80))
def test_whatever_it_is_given_the_script_answers_with_a_sentence(data: bytes, line: str) -> None:
    assert wrong(data).endswith(".")
    assert wrong(RECEIPT, line).endswith(".")


@given(st.integers(0, len(LINE) - 1), st.integers(0, 6))
def test_a_key_line_with_any_bit_flipped_is_refused(at: int, bit: int) -> None:
    assert wrong(RECEIPT, LINE[:at] + chr(ord(LINE[at]) ^ 1 << bit) + LINE[at + 1 :]).endswith(".")


@pytest.mark.parametrize(
    ("name", "public_key", "sentence"),
    [
        (ORIGIN, PAYER_KEY, f"The key of {ORIGIN} has not signed the receipt's checkpoint."),
        (f"{ORIGIN}/2", LOG_KEY.public_key, f"The key of {ORIGIN}/2 has not signed the receipt's checkpoint."),
        (ORIGIN, bytes([1] + [0] * 31), "The key line has no good Ed25519 key."),
    ],
)
def test_another_key_than_the_logs_proves_nothing(name: str, public_key: bytes, sentence: str) -> None:
    assert sentence == wrong(RECEIPT, VerifierKey(name, public_key).line)


def test_an_entry_without_an_intent_says_that_the_payer_has_not_signed() -> None:
    assert "signed by payer: no" in shown(verify.verified(receipt_of(transfer(3)), LINE))


def test_an_intent_that_is_only_committed_to_is_said_to_be() -> None:
    hidden = transfer(3, request={"intent": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"})
    said = shown(verify.verified(receipt_of(hidden), LINE))
    assert any(line.startswith("signed by payer: by a commitment") for line in said)


def test_an_entry_that_stands_where_another_number_belongs_is_refused() -> None:
    bodies = [canonical(transfer(number)) for number in (1, 3, 2)]
    assert "The entry calls itself number 3; in the log it is 2." == wrong(receipt(bodies, 1))


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"a":1,"a":1}', b"[" * 100_000], ids=len)
def test_a_leaf_that_is_no_entry_is_refused(body: bytes) -> None:
    assert wrong(receipt([body], 0)).startswith("What the log has at this place is not ")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (signed_by_payer(transfer(7), signature=to_base64(bytes(64))), "The payer's signature does not hold: "),
        (signed_by_payer(transfer(7), payload=to_base64(INTENT + b" ")), "The payer's signature does not hold: "),
        (signed_by_payer(transfer(7), payload="no base64"), "The payer's intent is not base64."),
        (signed_by_payer(transfer(7), key_id="x"), "The payer's key is not the one whose id the intent gives."),
        (signed_by_payer(transfer(7)) | {"result": {}}, "The entry has a payer's intent without all "),
        (signed_by_payer(transfer(7)) | {"result": None}, "The entry has a payer's intent without all "),
        (transfer(7, request={"intent": "x"}), "The entry has a payer's intent without all "),
        (signed_by_payer(transfer(7), b"{}"), "What the payer signed is not an intent."),
        (signed_by_payer(transfer(7), intent(memo="x")), "What the payer signed is not an intent."),
        (signed_by_payer(transfer(7), intent(amount=1250.0)), "What the payer signed is not an intent."),
        (signed_by_payer(transfer(7), INTENT[:-1] + b',"to":"eve"}'), "The payer's intent is not a JSON object."),
        (signed_by_payer(transfer(7), intent(ledger="x")), "The payer signed the ledger 'x', which is not the "),
        (signed_by_payer(transfer(7), intent(operation="x")), "The payer signed the operation 'x', which is not "),
        (signed_by_payer(transfer(7), intent(key="lunch-2")), "The payer signed the key 'lunch-2', which is not "),
        (signed_by_payer(transfer(7), intent(of="invoice_1")), "The payer signed the of 'invoice_1', which is not "),
        (signed_by_payer(transfer(7), intent(amount=1249)), "The payer signed 1249 EUR; the entry takes 1250 "),
        (signed_by_payer(transfer(7), intent(currency="INR")), "The payer signed 1250 INR; the entry takes 0 "),
        (signed_by_payer(transfer(7), intent(**{"from": "eve"})), "The payer signed 1250 EUR; the entry takes 0 "),
        (signed_by_payer(transfer(7), intent(to="eve")), "The payer signed a payment to eve; the entry pays bob."),
        (held(to="eve"), "The payer signed a payment to eve; the entry pays bob."),
        (held(to="eve", request=BY_ALIAS), "The payer signed a payment to eve; the entry pays bob."),
        (held(MORE_HELD, of="hold_5", to="eve"), "The payer signed a payment to eve; the entry pays bob."),
        (held(HOLD | {"result": {"rows": {"holds": [{}]}}}), "The entry does not say whom it pays."),
        (held(HOLD | {"result": {"rows": {"holds": None}}}), "The entry does not say whom it pays."),
        (held(HOLD | {"result": {"rows": []}}), "The entry does not say whom it pays."),
    ],
)
def test_what_the_payer_did_not_sign_is_refused(body: dict[str, Any], sentence: str) -> None:
    assert wrong(receipt_of(body)).startswith(sentence)


@pytest.mark.parametrize("size", [31, 33, 64])
def test_a_hash_that_is_not_32_bytes_proves_nothing(size: int) -> None:
    text = Checkpoint(ORIGIN, 1, bytes(size)).text
    made = format_receipt(Receipt(0, (), format_note(text, [(LOG_KEY, LOG.sign(text))]), canonical(transfer(1))))
    assert f"The checkpoint's root is {size} bytes, not 32." == wrong(made)
    step = b"index 6\n" + to_base64(bytes(size)).encode() + b"\n"
    assert f"A hash of the receipt's audit path is {size} bytes, not 32." == wrong(RECEIPT.replace(b"index 6\n", step))


def test_a_log_that_somebody_else_made_up_proves_nothing() -> None:
    text = Checkpoint(ORIGIN, 1, leaf_hash(ENTRY)).text
    forged = format_note(text, [(LOG_KEY, PAYER.sign(text))])
    assert "The signature of the checkpoint does not hold: the checkpoint or the signature was changed." == wrong(
        format_receipt(Receipt(0, (), forged, ENTRY))
    )


@pytest.mark.parametrize(
    ("origin", "size", "index", "path", "root", "sentence"),
    [
        (f"{ORIGIN}/2", 1, 0, (), LEAF, f"The checkpoint is of the log {ORIGIN}/2, and the key that of {ORIGIN}."),
        (ORIGIN, 1, 1, (), LEAF, "The entry is not the one that the log has at this place: "),
        (ORIGIN, 0, 0, (), LEAF, "The entry is not the one that the log has at this place: "),
        (ORIGIN, 2, 0, (), LEAF, "The entry is not the one that the log has at this place: "),
        (ORIGIN, 1, 0, (LEAF,), node_hash(LEAF, LEAF), "The receipt's audit path is too long."),
    ],
)
def test_what_the_log_itself_signed_wrongly_is_refused(
    origin: str, size: int, index: int, path: tuple[bytes, ...], root: bytes, sentence: str
) -> None:
    text = Checkpoint(origin, size, root).text
    note = format_note(text, [(LOG_KEY, LOG.sign(text))])
    assert wrong(format_receipt(Receipt(index, path, note, ENTRY))).startswith(sentence)


def test_a_payers_key_under_which_every_message_verifies_is_refused() -> None:
    neutral = bytes([1]) + bytes(31)
    body = signed_by_payer(transfer(7), key_id=thumbprint(neutral), signature=to_base64(neutral + bytes(32)))
    body["result"] = {"intent_public_key": to_base64(neutral)}
    assert wrong(receipt_of(body)).startswith("The payer's signature does not hold: ")


def test_while_the_logs_key_is_replaced_either_key_line_will_do() -> None:
    text = Checkpoint(ORIGIN, 1, LEAF).text
    new_key = VerifierKey(ORIGIN, PAYER_KEY)
    note = format_note(text, [(LOG_KEY, LOG.sign(text)), (new_key, PAYER.sign(text))])
    made = format_receipt(Receipt(0, (), note, ENTRY))
    assert verify.verified(made, LINE) == verify.verified(made, new_key.line)


def test_changed_line_ends_are_called_by_their_name() -> None:
    assert wrong(RECEIPT.replace(b"\n", b"\r\n")).startswith("The receipt has carriage returns: ")


def test_a_hold_and_a_payee_by_alias_are_what_the_payer_signed() -> None:
    for body in (
        held(),
        held(request=BY_ALIAS),
        held(MORE_HELD, of="hold_5"),
        signed_by_payer(transfer(7, request=BY_ALIAS)),
    ):
        table = verify.verified(receipt_of(body), LINE)
        assert f"signed by payer: by alice, with the key {PAYER_KEY_ID}" in shown(table)


def test_the_terms_of_this_file_are_those_that_the_script_reads() -> None:
    assert {*TERMS, "expires_at"} == {*verify.INTENT_KINDS, "of"}


def test_nothing_in_an_entry_can_play_tricks_on_the_screen() -> None:
    table = verify.verified(receipt_of(transfer(7, actor="\x1b[2J\u202egnihton\n")), LINE)
    assert "actor: ?[2J?gnihton?" in shown(table)


def test_without_its_one_package_it_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-S", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert (1, "", True) == (done.returncode, done.stdout, "pip install cryptography" in done.stderr)
