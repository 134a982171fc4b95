"""The witness keeps the newest checkpoint, grows only, and survives whoever writes it."""

import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.signing import FileSigner, KeyFileError, load_keys, make_key
from ledger.books.witness import Witness, WitnessError, checkpoint_of
from ledger.core.keys import verify
from ledger.core.merkle import leaf_hash
from ledger.core.notes import Checkpoint, VerifierKey, format_note

ORIGIN = "test.invalid/log/test"
KEY = VerifierKey(ORIGIN, bytes(31) + b"\x05")


def note(size: int, origin: str = ORIGIN, root: bytes | None = None) -> bytes:
    text = Checkpoint(origin, size, root or leaf_hash(str(size).encode())).text
    return format_note(text, [(KEY, bytes(64))])


def test_a_witness_that_has_nothing_says_so(tmp_path: Path) -> None:
    assert Witness(tmp_path / "none", ORIGIN).read() is None


@given(st.lists(st.integers(0, 50), min_size=1))
def test_it_keeps_the_largest_that_it_was_ever_shown(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness = Witness(Path(folder), ORIGIN)
        for size in sizes:
            witness.advance(note(size))
        assert note(max(sizes)) == witness.read()


def test_another_root_for_as_many_entries_is_no_checkpoint_to_keep(tmp_path: Path) -> None:
    witness = Witness(tmp_path, ORIGIN)
    witness.advance(note(7))
    with pytest.raises(WitnessError, match="another root for the same 7 entries"):
        witness.advance(note(7, root=leaf_hash(b"forged")))
    assert note(7) == witness.read()


def test_the_log_of_another_origin_is_not_mixed_in(tmp_path: Path) -> None:
    witness = Witness(tmp_path, ORIGIN)
    witness.advance(note(7))
    with pytest.raises(WitnessError, match=f"is of the log {ORIGIN}, not of {ORIGIN}/2"):
        witness.advance(note(9, f"{ORIGIN}/2"))


def test_a_new_epoch_puts_the_old_checkpoint_aside_as_evidence(tmp_path: Path) -> None:
    witness = Witness(tmp_path, ORIGIN)
    witness.advance(note(7))
    aside = witness.begin_anew(note(5, f"{ORIGIN}/2"), 2)
    assert [note(7), note(5, f"{ORIGIN}/2")] == [aside.read_bytes(), witness.read()]


def test_what_is_no_checkpoint_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WitnessError, match="cannot be read"):
        Witness(tmp_path, ORIGIN).advance(b"nonsense")


def _grow(folder: Path, sizes: range) -> None:
    witness = Witness(folder, ORIGIN)
    for size in sizes:
        witness.advance(note(size))
        seen = witness.read()
        if seen is None or checkpoint_of(seen).size < size:
            raise AssertionError("it shrank")


def test_processes_that_write_at_once_never_make_it_smaller(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_grow, args=(tmp_path, range(first, 120, 3))) for first in (1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [0, 0, 0] == [writer.exitcode for writer in writers]
    kept = Witness(tmp_path, ORIGIN).read()
    assert kept is not None
    assert 119 == checkpoint_of(kept).size
    assert [] == list(tmp_path.glob("*.new"))


def test_a_key_file_is_its_owners_alone_and_signs(tmp_path: Path) -> None:
    made = make_key(tmp_path / "keys" / "test")
    (path,) = (tmp_path / "keys" / "test").iterdir()
    assert (f"{made.key_id}.pem", 0o600) == (path.name, path.stat().st_mode & 0o777)
    assert 0o700 == (tmp_path / "keys" / "test").stat().st_mode & 0o777
    signer = load_keys(path.parent)[made.key_id]
    assert isinstance(signer, FileSigner)
    assert verify(signer.public_key, signer.sign_now(b"text"), b"text")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    made = make_key(tmp_path)
    os.chmod(tmp_path / f"{made.key_id}.pem", mode)
    with pytest.raises(KeyFileError, match="Others may read the key"):
        load_keys(tmp_path)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_key_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_keys(tmp_path)
