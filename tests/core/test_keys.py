"""Ed25519 keys against RFC 8032, RFC 8037 and the points that a key must not be."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.keys import (
    from_base64,
    jwk,
    jwks,
    possession_message,
    public_key_fault,
    thumbprint,
    to_base64,
    verify,
)

# RFC 8032 section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
            "24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
            "eeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
            "8dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac1"
            "7ad9bef1177331a704"
        ),
    ),
]
PUBLIC_KEY = bytes.fromhex(VECTORS[0][1])
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 A.3

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER_KEY = SIGNER.public_key().public_bytes_raw()
MESSAGE = b"1250 EUR from alice to bob"
SIGNATURE = SIGNER.sign(MESSAGE)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]

# The number that SIGNER_KEY is times the base point: RFC 8032 section 5.1.5.
SECRET = int.from_bytes(hashlib.sha512(SIGNER.private_bytes_raw()).digest()[:32], "little") & (2**254 - 8) | 2**254


def point(encoded: bytes) -> Point:
    """RFC 8032 section 5.1.3, but for its check that y is canonical and that no x is -0."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x_squared, (P + 3) // 8, P)
    if x * x % P != x_squared:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == x_squared
    return (x if x & 1 == encoded[31] >> 7 else P - x), y % P


def plus(one: Point, other: Point) -> Point:
    product = D * one[0] * other[0] * one[1] * other[1]
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, -1, P)
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, -1, P)
    return x % P, y % P


def written(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


NEUTRAL = written(1, 0)
ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = [written(y, sign) for y in (0, 1, P - 1, ORDER_8_Y, P - ORDER_8_Y, P, P + 1) for sign in (0, 1)]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_signatures_of_rfc_8032_hold(secret: str, public: str, message: str, signature: str) -> None:
    made = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).sign(bytes.fromhex(message))
    assert signature == made.hex()
    assert verify(bytes.fromhex(public), made, bytes.fromhex(message))
    assert not verify(bytes.fromhex(public), made, bytes.fromhex(message) + b"!")
    assert public_key_fault(bytes.fromhex(public)) is None


def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    assert THUMBPRINT == thumbprint(PUBLIC_KEY)


def test_the_jwks_document_has_each_key_with_its_id() -> None:
    expected = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": THUMBPRINT,
        "alg": "EdDSA",
        "use": "sig",
    }
    assert {"keys": [expected, jwk(SIGNER_KEY)]} == jwks([PUBLIC_KEY, SIGNER_KEY])
    members = {name: jwk(SIGNER_KEY)[name] for name in ("crv", "kty", "x")}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert digest == jwk(SIGNER_KEY)["kid"]


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_that_is_not_32_bytes_is_refused(length: int) -> None:
    assert f"An Ed25519 public key is 32 bytes, not {length}." == public_key_fault(bytes(length))
    assert not verify(bytes(length), SIGNATURE, MESSAGE)


def test_there_are_14_ways_to_write_a_point_of_small_order() -> None:
    assert 14 == len(set(SMALL_ORDER))
    for encoded in SMALL_ORDER:
        eightfold = point(encoded)
        for _ in range(3):
            eightfold = plus(eightfold, eightfold)
        assert (0, 1) == eightfold


@pytest.mark.parametrize("encoded", SMALL_ORDER, ids=bytes.hex)
def test_a_point_of_small_order_is_refused_as_a_key_and_as_r(encoded: bytes) -> None:
    assert public_key_fault(encoded) is not None
    # For one message in eight at the latest, a key of order 8 adds nothing to R.
    assert not any(verify(encoded, NEUTRAL + bytes(32), bytes([each])) for each in range(64))
    assert not any(verify(encoded, encoded + bytes(32), bytes([each])) for each in range(64))
    assert not verify(SIGNER_KEY, encoded + SIGNATURE[32:], MESSAGE)


def test_the_key_under_which_every_message_verifies_is_refused() -> None:
    for forged in (NEUTRAL + bytes(32), SIGNER_KEY + (SECRET % L).to_bytes(32, "little")):
        Ed25519PublicKey.from_public_bytes(NEUTRAL).verify(forged, b"any message at all")
        assert not verify(NEUTRAL, forged, b"any message at all")
    assert "The public key is a point of small order, under which anybody can sign." == public_key_fault(NEUTRAL)


def test_a_signature_with_the_neutral_point_as_r_is_refused() -> None:
    """Its S is the key's secret times a public number: whoever signs so has given the key away."""
    challenge = int.from_bytes(hashlib.sha512(NEUTRAL + SIGNER_KEY + MESSAGE).digest(), "little")
    signature = NEUTRAL + (challenge * SECRET % L).to_bytes(32, "little")
    SIGNER.public_key().verify(signature, MESSAGE)
    assert not verify(SIGNER_KEY, signature, MESSAGE)


@pytest.mark.parametrize("sign", [0, 1])
def test_a_y_that_is_not_below_p_is_refused(sign: int) -> None:
    for y in range(P, 2**255):
        assert "The public key is not canonical: its y is 2^255-19 or more." == public_key_fault(written(y, sign))
        assert not verify(SIGNER_KEY, written(y, sign) + SIGNATURE[32:], MESSAGE)


def test_the_largest_canonical_y_is_not_called_non_canonical() -> None:
    assert public_key_fault(written(P - 2, 0)) is None
    assert "small order" in str(public_key_fault(written(P - 1, 0)))


def test_an_s_at_or_above_the_order_of_the_group_is_refused() -> None:
    s = int.from_bytes(SIGNATURE[32:], "little")
    assert verify(SIGNER_KEY, SIGNATURE, MESSAGE)
    for multiple in range(1, 9):
        assert not verify(SIGNER_KEY, SIGNATURE[:32] + (s + multiple * L).to_bytes(32, "little"), MESSAGE)


@given(st.integers(0, 511))
def test_a_signature_with_any_bit_flipped_does_not_hold(bit: int) -> None:
    flipped = (int.from_bytes(SIGNATURE, "little") ^ 1 << bit).to_bytes(64, "little")
    assert not verify(SIGNER_KEY, flipped, MESSAGE)


@given(st.integers(0, 255))
def test_a_key_with_any_bit_flipped_verifies_nothing(bit: int) -> None:
    flipped = (int.from_bytes(SIGNER_KEY, "little") ^ 1 << bit).to_bytes(32, "little")
    assert not verify(flipped, SIGNATURE, MESSAGE)


@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_whatever_the_bytes_are_verifying_answers_no_and_never_raises(key: bytes, signature: bytes) -> None:
    assert not verify(key, signature, MESSAGE)


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_that_is_not_64_bytes_does_not_hold(length: int) -> None:
    assert not verify(SIGNER_KEY, (SIGNATURE * 2)[:length], MESSAGE)


def test_a_proof_of_possession_is_five_lines_that_name_ledger_purpose_owner_and_key() -> None:
    expected = f"chat-ledger proof of possession v1\ndemo\npayer\nalice\n{THUMBPRINT}\n"
    assert expected.encode() == possession_message("demo", "payer", "alice", PUBLIC_KEY)
    without_owner = f"chat-ledger proof of possession v1\ndemo\nlog\n\n{THUMBPRINT}\n"
    assert without_owner.encode() == possession_message("demo", "log", "", PUBLIC_KEY)


@pytest.mark.parametrize(
    ("ledger", "purpose", "owner"), [("de\nmo", "payer", "alice"), ("demo", "payer", "alice\n"), ("demo", "root", "")]
)
def test_a_proof_of_possession_cannot_be_read_in_two_ways(ledger: str, purpose: str, owner: str) -> None:
    with pytest.raises(ValueError, match="known purpose, and no newline"):
        possession_message(ledger, purpose, owner, PUBLIC_KEY)


@given(st.binary(max_size=100))
def test_base64_comes_back_as_the_bytes_it_was_made_of(data: bytes) -> None:
    assert data == from_base64(to_base64(data))


@pytest.mark.parametrize(
    "text", ["QQ", "QQ=", "QQ===", "=QQ=", "QR==", "Q Q=", "QQ==\n", "QUJD\n", "-_==", "Ä===", "QQ==QQ=="]
)
def test_base64_that_is_not_the_canonical_text_of_its_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        from_base64(text)
