"""Signed notes and checkpoints against the examples of their specifications and of Go's note package."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.merkle import EMPTY_ROOT
from ledger.core.notes import (
    Checkpoint,
    VerifierKey,
    format_note,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    verify_note,
)

# The example of c2sp.org/signed-note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

# The example of golang.org/x/mod/sumdb/note, whose private key is published too, and a second signature of its tests.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # a type byte and the seed
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
).encode()

# The example of c2sp.org/tlog-checkpoint; no key is given for it.
SPEC_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()

OLD = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
NEW = Ed25519PrivateKey.from_private_bytes(bytes([2] * 32))
ORIGIN = "chat-ledger.localhost/log/demo"
OLD_KEY = VerifierKey(ORIGIN, OLD.public_key().public_bytes_raw())
NEW_KEY = VerifierKey(ORIGIN, NEW.public_key().public_bytes_raw())
HEAD = Checkpoint(ORIGIN, 0, EMPTY_ROOT)


def signed(text: bytes) -> bytes:
    return format_note(text, [(OLD_KEY, OLD.sign(text))])


def test_the_example_of_the_specification_verifies() -> None:
    key = parse_verifier_key(SPEC_KEY)
    note = parse_note(SPEC_NOTE)
    assert b"This is an example message.\n" == note.text
    assert [key] == verify_note(note, [key])


def test_the_published_private_key_signs_the_published_note_byte_for_byte() -> None:
    key = parse_verifier_key(PETER_KEY)
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETER_SECRET)[1:])
    assert GO_TEXT + b"\n" + PETER_LINE == format_note(GO_TEXT, [(key, private.sign(GO_TEXT))])


def test_a_note_may_have_several_signatures_and_each_known_one_counts() -> None:
    peter, enoch, stranger = (parse_verifier_key(line) for line in (PETER_KEY, ENOCH_KEY, SPEC_KEY))
    note = parse_note(GO_TEXT + b"\n" + PETER_LINE + ENOCH_LINE)
    assert [peter, enoch] == verify_note(note, [peter, stranger, enoch])
    assert [enoch] == verify_note(note, [enoch])
    with pytest.raises(ValueError, match=r"No key that is trusted here has signed this\."):
        verify_note(note, [stranger])


@pytest.mark.parametrize("line", [SPEC_KEY, PETER_KEY, ENOCH_KEY])
def test_a_verifier_key_line_comes_back_as_it_was(line: str) -> None:
    assert line == parse_verifier_key(line).line


@given(st.integers(0, len(PETER_KEY) - 1), st.integers(0, 6))
def test_a_verifier_key_line_with_any_bit_flipped_is_refused(at: int, bit: int) -> None:
    changed = PETER_KEY[:at] + chr(ord(PETER_KEY[at]) ^ 1 << bit) + PETER_KEY[at + 1 :]
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        parse_verifier_key(changed)
    assert ValueError is refused.type


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "is <name>"),
        ("PeterNeumann", "is <name>"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "is <name>"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "is <name>"),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "is <name>"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", "is not a key"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy", "type 1, 32 bytes"),
        ("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", "type 1, 32 bytes"),
        ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not fit"),
        (VerifierKey("a", bytes([1] + [0] * 31)).line, "small order"),
    ],
)
def test_what_is_not_a_verifier_key_line_is_refused_with_a_sentence(line: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_verifier_key(line)


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        (b"", "A note is text"),
        (b"\n", "A note is text"),
        (GO_TEXT, "A note is text"),
        (b"\n\n" + PETER_LINE, "A note is text"),
        (GO_TEXT + PETER_LINE, "A note is text"),
        (GO_TEXT + b"\n", "A note is text"),
        (GO_TEXT + b"\n" + PETER_LINE[:-1], "A note is text"),
        (GO_TEXT + b"\n" + PETER_LINE + b"\n", "A note is text"),
        (GO_TEXT + b"\n" + PETER_LINE.replace("—".encode(), b"-"), "is an em dash"),
        (GO_TEXT + b"\n" + PETER_LINE.replace(b"rN", b"r+N"), "is an em dash"),
        (GO_TEXT + b"\n" + PETER_LINE.replace(b"rN", "r\u2003N".encode()), "is an em dash"),
        (GO_TEXT + b"\n" + PETER_LINE.replace(b"PeterNeumann", b""), "is an em dash"),
        (GO_TEXT + b"\n" + PETER_LINE.replace(b"x08", b" x08"), "has no signature"),
        (GO_TEXT + b"\n" + "— PeterNeumann x08gow==\n".encode(), "has no signature"),
        (GO_TEXT + b"\n" + PETER_LINE + b"junk\n", "is an em dash"),
        (GO_TEXT.replace(b"\n", b"\r\n") + b"\n" + PETER_LINE, r"U\+000D"),
        (GO_TEXT + b"\0\n\n" + PETER_LINE, r"U\+0000"),
        (GO_TEXT + b"\xff\n\n" + PETER_LINE, "not UTF-8"),
        (GO_TEXT + b"\n" + PETER_LINE * 101, "101 signatures"),
    ],
    ids=lambda value: repr(value[-40:]),
)
def test_what_is_not_a_note_is_refused_with_a_sentence(note: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        parse_note(note)
    assert ValueError is refused.type


def test_a_hundred_signatures_are_read() -> None:
    assert 100 == len(parse_note(GO_TEXT + b"\n" + PETER_LINE * 100).signatures)


def test_a_known_key_whose_signature_does_not_hold_spoils_the_note() -> None:
    peter, enoch = parse_verifier_key(PETER_KEY), parse_verifier_key(ENOCH_KEY)
    note = parse_note(GO_TEXT.replace(b"cryptography", b"steganography") + b"\n" + PETER_LINE)
    with pytest.raises(ValueError, match="of PeterNeumann does not hold"):
        verify_note(note, [peter])
    forged = ENOCH_LINE.replace(b"5n2t", b"5n2u")
    with pytest.raises(ValueError, match="of EnochRoot does not hold"):
        verify_note(parse_note(GO_TEXT + b"\n" + PETER_LINE + forged), [peter, enoch])


def test_text_may_have_empty_lines_and_ends_at_the_last_one() -> None:
    text = b"first\n\n\nlast\n"
    assert text == parse_note(signed(text)).text
    assert [OLD_KEY] == verify_note(parse_note(signed(text)), [OLD_KEY])


def test_the_example_of_a_checkpoint_has_its_origin_size_and_root() -> None:
    note = parse_note(SPEC_CHECKPOINT)
    checkpoint = parse_checkpoint(note.text)
    assert "example.com/behind-the-sofa" == checkpoint.origin
    assert 20852163 == checkpoint.size
    assert "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62" == checkpoint.root.hex()
    assert note.text == checkpoint.text


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.lists(st.sampled_from(["a", "b c"]), max_size=3))
def test_a_checkpoint_comes_back_from_its_note(size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root, tuple(extensions))
    assert checkpoint == open_checkpoint(signed(checkpoint.text), [OLD_KEY])


def test_while_a_key_is_replaced_the_checkpoint_opens_with_either() -> None:
    text = HEAD.text
    note = format_note(text, [(OLD_KEY, OLD.sign(text)), (NEW_KEY, NEW.sign(text))])
    for keys in ([OLD_KEY], [NEW_KEY], [OLD_KEY, NEW_KEY]):
        assert HEAD == open_checkpoint(note, keys)


def test_a_checkpoint_of_another_log_is_refused_although_the_key_signed_it() -> None:
    text = HEAD._replace(origin=f"{ORIGIN}/2").text
    with pytest.raises(ValueError, match=f"of the log {ORIGIN}/2, and the key is that of another"):
        open_checkpoint(format_note(text, [(OLD_KEY, OLD.sign(text))]), [OLD_KEY])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\n", "is an origin, a size and a root"),
        (b"origin\n", "is an origin, a size and a root"),
        (b"origin\n5\n", "is an origin, a size and a root"),
        (b"\n5\nAAAA\n", "is an origin, a size and a root"),
        (HEAD.text + b"\n", "is an origin, a size and a root"),
        (HEAD.text.replace(b"\n0\n", b"\n-1\n"), "not a whole number"),
        (HEAD.text.replace(b"\n0\n", b"\n01\n"), "not a whole number"),
        (HEAD.text.replace(b"\n0\n", "\n٣\n".encode()), "not a whole number"),
        (HEAD.text.replace(b"\n0\n", b"\n" + b"9" * 5000 + b"\n"), "not a whole number"),
        (HEAD.text.replace(b"=", b""), "not a hash"),
        (b"origin\n5\n" + base64.b64encode(bytes(31)) + b"\n", "31 bytes; a hash is 32"),
        (b"origin\n5\n" + base64.b64encode(bytes(33)) + b"\n", "33 bytes; a hash is 32"),
    ],
    ids=lambda value: repr(value[-40:]),
)
def test_what_is_not_a_checkpoint_is_refused_with_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_checkpoint(text)


@given(st.data())
def test_a_checkpoint_with_any_bit_flipped_is_refused_with_a_sentence(data: st.DataObject) -> None:
    note = bytearray(signed(HEAD.text))
    note[data.draw(st.integers(0, len(note) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        open_checkpoint(bytes(note), [OLD_KEY])
    assert ValueError is refused.type
