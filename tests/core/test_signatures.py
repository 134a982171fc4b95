"""Signed requests against the examples of RFC 9421 and RFC 9530, and all that the profile refuses."""

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.keys import from_base64, thumbprint, to_base64, verify
from ledger.core.signatures import (
    Claim,
    Request,
    SignatureRefused,
    Unsigned,
    content_digest,
    prepare,
    read_claim,
    signature_base,
)

# RFC 9421 appendix B.1.4, test-key-ed25519.
RFC_KEY = from_base64("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
RFC_PRIVATE = Ed25519PrivateKey.from_private_bytes(from_base64("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU="))

BACKEND = Ed25519PrivateKey.from_private_bytes(bytes([3] * 32))
BACKEND_KEY = BACKEND.public_key().public_bytes_raw()
KEY_ID = thumbprint(BACKEND_KEY)
URI = "https://pay.example/v1/transfers?dry_run=true"
BODY = b'{"from":"alice","to":"bob","amount":1250,"currency":"EUR"}'
CREATED, EXPIRES, NOW = 1_795_215_900, 1_795_215_960, 1_795_215_930
COVERED = '("@method" "@target-uri" "content-type" "content-digest" "idempotency-key")'
PARAMETERS = f';created={CREATED};expires={EXPIRES};keyid="{KEY_ID}";tag="chat-ledger"'


def sent(method: str, unsigned: Unsigned, body: bytes = b"") -> Request:
    """The request as the service sees it."""
    headers = unsigned.headers(BACKEND.sign(unsigned.base))
    return Request(
        method,
        URI,
        headers["Signature-Input"],
        headers["Signature"],
        headers.get("Content-Type"),
        headers.get("Content-Digest"),
        headers.get("Idempotency-Key"),
        body,
    )


def write(created: int = CREATED, expires: int = EXPIRES) -> Request:
    unsigned = prepare(
        "POST", URI, key_id=KEY_ID, created=created, expires=expires, idempotency_key="lunch-1", body=BODY
    )
    return sent("POST", unsigned, BODY)


def read() -> Request:
    return sent("GET", prepare("GET", URI, key_id=KEY_ID, created=CREATED, expires=EXPIRES))


def changed(request: Request, **changes: Any) -> Request:
    return request._replace(**changes)


def signing(parameters: str) -> Request:
    """A write whose Signature-Input is this and whose signature holds over it."""
    values = (("@method", "POST"), ("@target-uri", URI), ("content-type", "application/json"))
    components = [*values, ("content-digest", content_digest(BODY)), ("idempotency-key", "lunch-1")]
    signature = to_base64(BACKEND.sign(signature_base(components, parameters)))
    return write()._replace(signature_input=f"sig={parameters}", signature=f"sig=:{signature}:")


def refusal(request: Request, now: int = NOW) -> str:
    """The code with which a request is refused."""
    with pytest.raises(SignatureRefused) as refused:
        read_claim(request, now).verify(BACKEND_KEY)
    assert refused.value.detail.endswith(".")
    return refused.value.code


def test_the_signature_base_and_signature_are_those_of_rfc_9421_b_2_6() -> None:
    names = ["date", "@method", "@path", "@authority", "content-type", "content-length"]
    values = ["Tue, 20 Apr 2021 02:07:55 GMT", "POST", "/foo", "example.com", "application/json", "18"]
    parameters = """\
("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519\""""
    base = signature_base(list(zip(names, values, strict=True)), parameters)
    expected = f"""\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": {parameters}"""
    assert expected.encode() == base
    signature = from_base64("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
    assert signature == RFC_PRIVATE.sign(base)
    assert verify(RFC_KEY, signature, base)


def test_content_digests_are_those_of_rfc_9530_and_rfc_9421() -> None:
    with_newline, without = b'{"hello": "world"}\n', b'{"hello": "world"}'
    assert "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:" == content_digest(with_newline)
    assert "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:" == content_digest(without)
    assert "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" == content_digest(b"")


def test_a_write_is_signed_over_method_uri_type_digest_and_idempotency_key() -> None:
    expected = f"""\
"@method": POST
"@target-uri": {URI}
"content-type": application/json
"content-digest": {content_digest(BODY)}
"idempotency-key": lunch-1
"@signature-params": {COVERED}{PARAMETERS}"""
    claim = read_claim(write(), NOW)
    claim.verify(BACKEND_KEY)
    assert Claim(KEY_ID, CREATED, EXPIRES, expected.encode(), BACKEND.sign(expected.encode())) == claim


def test_a_read_is_signed_over_method_and_uri() -> None:
    expected = f'"@method": GET\n"@target-uri": {URI}\n"@signature-params": ("@method" "@target-uri"){PARAMETERS}'
    claim = read_claim(read(), NOW)
    claim.verify(BACKEND_KEY)
    assert expected.encode() == claim.base


def test_the_client_is_given_every_header_that_is_covered() -> None:
    unsigned = prepare("POST", URI, key_id=KEY_ID, created=CREATED, expires=EXPIRES, idempotency_key="k", body=BODY)
    headers = unsigned.headers(bytes(64))
    covered = {"Content-Type": "application/json", "Content-Digest": content_digest(BODY), "Idempotency-Key": "k"}
    assert covered.items() <= headers.items()
    assert f"sig={COVERED}{PARAMETERS}" == headers["Signature-Input"]
    assert f"sig=:{to_base64(bytes(64))}:" == headers["Signature"]
    with pytest.raises(ValueError, match="needs an idempotency key"):
        prepare("POST", URI, key_id=KEY_ID, created=CREATED, expires=EXPIRES)


@pytest.mark.parametrize("label", ["sig1", "pyhms", "*a", "a_b-c.d*"])
def test_any_label_will_do_if_both_headers_have_it(label: str) -> None:
    request = write()
    renamed = request._replace(
        signature_input=f"{label}={COVERED}{PARAMETERS}", signature=f"{label}{str(request.signature)[3:]}"
    )
    read_claim(renamed, NOW).verify(BACKEND_KEY)
    assert "signature_malformed" == refusal(renamed._replace(signature=request.signature))


def test_the_parameters_may_come_in_any_order() -> None:
    turned = f'{COVERED};tag="chat-ledger";keyid="{KEY_ID}";expires={EXPIRES};created={CREATED}'
    claim = read_claim(signing(turned), NOW)
    claim.verify(BACKEND_KEY)
    assert (KEY_ID, CREATED, EXPIRES) == (claim.key_id, claim.created, claim.expires)


@pytest.mark.parametrize("missing", [["signature"], ["signature_input"], ["signature", "signature_input"]])
def test_a_request_without_both_headers_has_no_signature(missing: list[str]) -> None:
    assert "signature_missing" == refusal(changed(write(), **dict.fromkeys(missing)))


@pytest.mark.parametrize(
    "signature_input",
    [
        *("", "sig", "sig=", "sig=(", "sig=?1", f"{COVERED}{PARAMETERS}", f"Sig={COVERED}{PARAMETERS}"),
        *(f"sig={COVERED}{PARAMETERS}, b={COVERED}{PARAMETERS}", f"sig={COVERED}{PARAMETERS},"),
        *(f" sig={COVERED}{PARAMETERS}", f"sig={COVERED}{PARAMETERS} ", f"sig= {COVERED}{PARAMETERS}"),
        f"sig={COVERED}{PARAMETERS}\n",
        f"sig={COVERED}{PARAMETERS.replace(';', '; ')}",
        f"sig={COVERED}{PARAMETERS.replace('created=', 'created=0')}",
        f"sig={COVERED}{PARAMETERS.replace('created=', 'created=-')}",
        f"sig={COVERED}{PARAMETERS.replace(str(CREATED), str(CREATED) + '.5')}",
        f"sig={COVERED}{PARAMETERS.replace(str(CREATED), '9' * 16)}",
        f"sig={COVERED}{PARAMETERS.replace(KEY_ID, KEY_ID + chr(92) + chr(34))}",
        f"sig={COVERED}{PARAMETERS.replace(KEY_ID, KEY_ID + 'é')}",
        f"sig={COVERED};created;expires={EXPIRES}",
        f"sig={COVERED}{PARAMETERS};",
    ],
)
def test_a_signature_input_in_any_other_form_is_malformed(signature_input: str) -> None:
    assert "signature_malformed" == refusal(write()._replace(signature_input=signature_input))


@pytest.mark.parametrize(
    "change", ["", "sig", "sig=", "sig=::", "sig=:AAAA:", 'sig="AAAA"', "sig=%s", "sig=:%s", "%s:"]
)
def test_a_signature_in_any_other_form_is_malformed(change: str) -> None:
    encoded = to_base64(bytes(64))
    assert "signature_malformed" == refusal(write()._replace(signature=change.replace("%s", encoded)))
    for signature in (f"sig=:{encoded}:, b=:{encoded}:", f"sig=:{encoded}:;p", f"sig=:{encoded[:-3]}B==:"):
        assert "signature_malformed" == refusal(write()._replace(signature=signature))


@pytest.mark.parametrize(
    "parameters",
    [
        "()",
        f"(){PARAMETERS}",
        f'("@method" "@target-uri"){PARAMETERS}',
        f'("@method" "@target-uri" "content-digest" "content-type" "idempotency-key"){PARAMETERS}',
        f'("@method" "@target-uri" "content-type" "content-digest"){PARAMETERS}',
        f'("@method" "@target-uri" "content-type" "content-digest" "idempotency-key" "date"){PARAMETERS}',
        f'("@method" "@target-uri"  "content-type" "content-digest" "idempotency-key"){PARAMETERS}',
        f'("@method" "@path" "content-type" "content-digest" "idempotency-key"){PARAMETERS}',
        f'("@method" "@target-uri" "content-type" "content-digest" "idempotency-key";sf){PARAMETERS}',
        COVERED,
        *(COVERED + re.sub(f";{name}=[^;]*", "", PARAMETERS) for name in ("created", "expires", "keyid", "tag")),
        *(COVERED + PARAMETERS + more for more in (';alg="ed25519"', ';nonce="1"', f";created={CREATED}", ";keyid=1")),
        COVERED + PARAMETERS.replace(f"created={CREATED}", f'created="{CREATED}"'),
        COVERED + PARAMETERS.replace(f'"{KEY_ID}"', "5"),
        COVERED + PARAMETERS.replace("chat-ledger", "other"),
        COVERED + PARAMETERS.replace(f";created={CREATED}", f';nonce=";created={CREATED}"'),
    ],
)
def test_a_signature_that_covers_anything_else_is_refused_although_it_holds(parameters: str) -> None:
    assert "signature_coverage" == refusal(signing(parameters))


@pytest.mark.parametrize("header", ["content_type", "content_digest", "idempotency_key"])
def test_a_header_that_must_be_covered_must_be_there(header: str) -> None:
    assert "signature_coverage" == refusal(changed(write(), **{header: None}))


def test_a_signature_of_a_read_does_not_serve_a_write_nor_the_other_way_round() -> None:
    assert "signature_coverage" == refusal(read()._replace(method="DELETE"))
    assert "signature_coverage" == refusal(write()._replace(method="GET"))


def test_a_signature_is_good_from_ten_seconds_before_it_was_made_until_it_expires() -> None:
    assert "signature_not_yet_valid" == refusal(write(), CREATED - 11)
    read_claim(write(), CREATED - 10).verify(BACKEND_KEY)
    read_claim(write(), EXPIRES - 1).verify(BACKEND_KEY)
    assert "signature_expired" == refusal(write(), EXPIRES)


@pytest.mark.parametrize("lifetime", [0, -1, 301, 10**9])
def test_a_signature_lives_1_to_300_seconds(lifetime: int) -> None:
    assert "signature_malformed" == refusal(write(CREATED, CREATED + lifetime), CREATED - 5)
    read_claim(write(CREATED, CREATED + 1), CREATED).verify(BACKEND_KEY)
    read_claim(write(CREATED, CREATED + 300), CREATED + 299).verify(BACKEND_KEY)


@pytest.mark.parametrize(
    "digest",
    [
        content_digest(BODY + b" "),
        content_digest(BODY)[:-1],
        content_digest(BODY).upper(),
        content_digest(BODY).replace("sha-256", "sha-512"),
        f"{content_digest(BODY)}, {content_digest(BODY)}",
        "",
    ],
)
def test_a_content_digest_is_that_of_the_body_and_nothing_else(digest: str) -> None:
    assert "content_digest_mismatch" == refusal(write()._replace(content_digest=digest))
    assert "content_digest_mismatch" == refusal(write()._replace(body=BODY[:-1]))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"target_uri": URI.replace("true", "false")},
        {"target_uri": URI.replace("https", "http")},
        {"content_type": "application/json; charset=utf-8"},
        {"idempotency_key": "lunch-2"},
        {"body": b"{}", "content_digest": content_digest(b"{}")},
        {"signature_input": f"sig={COVERED}{PARAMETERS.replace(str(EXPIRES), str(EXPIRES + 1))}"},
        {"signature": f"sig=:{to_base64(bytes(64))}:"},
    ],
)
def test_whatever_is_covered_cannot_be_changed(change: dict[str, Any]) -> None:
    assert "signature_invalid" == refusal(changed(write(), **change))


def test_another_key_than_the_one_named_did_not_sign() -> None:
    with pytest.raises(SignatureRefused, match=f"does not hold under the key {KEY_ID}"):
        read_claim(write(), NOW).verify(RFC_KEY)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\tb", "a\0b", "é", "a\u2028b"])
def test_a_value_that_could_look_like_another_line_is_refused(value: str) -> None:
    assert "signature_malformed" == refusal(write()._replace(content_type=value))
    with pytest.raises(ValueError, match="what is signed has a"):
        prepare("GET", f"https://pay.example/{value}", key_id=KEY_ID, created=CREATED, expires=EXPIRES)


@given(st.sampled_from(["signature_input", "signature", "content_digest"]), st.integers(0, 400), st.integers(0, 6))
def test_a_signed_request_with_any_bit_of_a_header_flipped_is_refused(field: str, at: int, bit: int) -> None:
    request = write()
    value = getattr(request, field)
    at %= len(value)
    flipped = value[:at] + chr(ord(value[at]) ^ 1 << bit) + value[at + 1 :]
    assert refusal(changed(request, **{field: flipped})).startswith(("signature_", "content_digest_"))


@given(st.text(max_size=300), st.text(max_size=100))
def test_whatever_the_headers_are_the_answer_is_a_refusal_with_a_code(signature_input: str, signature: str) -> None:
    assert "signature_malformed" == refusal(write()._replace(signature_input=signature_input, signature=signature))
