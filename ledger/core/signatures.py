"""Signed requests: HTTP Message Signatures (RFC 9421) with Ed25519, in one fixed profile.

    Content-Digest: sha-256=:<base64 of the SHA-256 of the body, RFC 9530>:
    Signature-Input: sig=("@method" "@target-uri" "content-type" "content-digest" "idempotency-key");created=1795215901;
        expires=1795215961;keyid="<the key's thumbprint>";tag="chat-ledger"        (on one line, without spaces)
    Signature: sig=:<base64 of 64 bytes>:

A GET covers "@method" "@target-uri" only. The label is free, and so is the order of the four parameters; nothing else
is. What is signed is the signature base (section 2.5):

    "@method": POST
    "@target-uri": https://pay.example/v1/transfers
    "content-type": application/json
    "content-digest": sha-256=:…:
    "idempotency-key": 7f3c…
    "@signature-params": ("@method" "@target-uri" …);created=…;expires=…;keyid="…";tag="chat-ledger"

A write that is sent again does no harm: its idempotency key is covered, and answered with what was answered before.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.core.keys import from_base64, to_base64, verify

TAG: Final = "chat-ledger"
LIFETIME_MAX: Final = 300
"""The most seconds from `created` to `expires`."""

CLOCK_SKEW_MAX: Final = 10
"""By how many seconds a signer's clock may be ahead of ours."""

READS: Final = ("GET", "HEAD")
_LABEL: Final = "sig"
_READ: Final = '("@method" "@target-uri")'
_WRITE: Final = '("@method" "@target-uri" "content-type" "content-digest" "idempotency-key")'

# A dictionary of one inner list, exactly as RFC 8941 section 4.1 writes it: then the signature's parameters are the
# text as it was received. Values are whole numbers, or strings without anything to escape.
_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
_VALUE: Final = r'(?:0|[1-9][0-9]{0,14}|"[ !#-\[\]-~]*")'
_input = re.compile(rf"\A({_KEY})=((\([^()]*\))((?:;{_KEY}={_VALUE})*))\Z")
_parameter = re.compile(r';([^=]+)=(?:([0-9]+)|"([^"]*)")')
_signature = re.compile(rf"\A({_KEY})=:([A-Za-z0-9+/]{{86}}==):\Z")


class SignatureRefused(Exception):
    """Why a request's signature does not count: a code of the family unauthenticated, and what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Request(NamedTuple):
    """What of an HTTP request is covered by a signature or carries it; None for a header that was not sent.

    `target_uri` is the configured public URL with the path and query as they were sent: never from Host.
    """

    method: str
    target_uri: str
    signature_input: str | None
    signature: str | None
    content_type: str | None = None
    content_digest: str | None = None
    idempotency_key: str | None = None
    body: bytes = b""


class Claim(NamedTuple):
    """A signature that is well-formed, covers what it must and is in time; `verify` it with the key it names."""

    key_id: str
    created: int
    expires: int
    base: bytes
    signature: bytes

    def verify(self, public_key: bytes) -> None:
        """SignatureRefused (signature_invalid) unless the key made the signature."""
        if not verify(public_key, self.signature, self.base):
            detail = (
                f"The signature does not hold under the key {self.key_id}. Sign the signature base of RFC 9421 "
                "section 2.5, with the public URL of this service as @target-uri."
            )
            raise SignatureRefused("signature_invalid", detail)


class Unsigned(NamedTuple):
    """A request that a client is about to sign: sign `base`, then send it with `headers`."""

    base: bytes
    signature_input: str
    covered: dict[str, str]

    def headers(self, signature: bytes) -> dict[str, str]:
        """All the headers that are covered or carry the signature, to be sent as they are."""
        return self.covered | {
            "Signature-Input": f"{_LABEL}={self.signature_input}",
            "Signature": f"{_LABEL}=:{to_base64(signature)}:",
        }


def read_claim(request: Request, now: int) -> Claim:
    """What a request's signature claims, at the time `now` in seconds since the epoch.

    SignatureRefused for the first thing wrong: signature_missing, signature_malformed, signature_coverage,
    signature_expired, signature_not_yet_valid or content_digest_mismatch.
    """
    if request.signature_input is None or request.signature is None:
        raise SignatureRefused("signature_missing", "Send both Signature-Input and Signature (RFC 9421).")
    member = _input.match(request.signature_input)
    if member is None:
        raise _malformed("Signature-Input is not one inner list with parameters, as RFC 8941 section 4.1 writes them")
    signature = _signature.match(request.signature)
    if signature is None or signature[1] != member[1]:
        raise _malformed("Signature is not one sequence of 64 bytes under the label of Signature-Input")
    created, expires, key_id = _parameters(member[4])
    components = _components(request, member[3])
    if not created < expires <= created + LIFETIME_MAX:
        raise _malformed(f"expires is not 1 to {LIFETIME_MAX} seconds after created")
    if now >= expires:
        raise SignatureRefused("signature_expired", "The signature has expired. Sign the request again.")
    if created > now + CLOCK_SKEW_MAX:
        raise SignatureRefused("signature_not_yet_valid", "The signature lies in the future. Set the signer's clock.")
    if len(components) > 2 and request.content_digest != content_digest(request.body):
        detail = "Send Content-Digest as sha-256=:<base64 of the SHA-256>: of exactly the bytes of the body."
        raise SignatureRefused("content_digest_mismatch", detail)
    try:
        return Claim(key_id, created, expires, signature_base(components, member[2]), from_base64(signature[2]))
    except ValueError as wrong:
        raise _malformed(str(wrong)) from None


def prepare(
    method: str,
    target_uri: str,
    *,
    key_id: str,
    created: int,
    expires: int,
    idempotency_key: str | None = None,
    body: bytes = b"",
    content_type: str = "application/json",
) -> Unsigned:
    """A request to be signed by a client; times in seconds since the epoch.

    All but a GET need an idempotency key. ValueError without one, or if a part is not printable ASCII.
    """
    covered, components, headers = _READ, [("@method", method), ("@target-uri", target_uri)], {}
    if method not in READS:
        if idempotency_key is None:
            raise ValueError("A write needs an idempotency key.")
        headers = {
            "Content-Type": content_type,
            "Content-Digest": content_digest(body),
            "Idempotency-Key": idempotency_key,
        }
        covered, components = _WRITE, [*components, *((name.lower(), value) for name, value in headers.items())]
    parameters = f'{covered};created={created};expires={expires};keyid="{key_id}";tag="{TAG}"'
    return Unsigned(signature_base(components, parameters), parameters, headers)


def content_digest(body: bytes) -> str:
    """The Content-Digest of a body: RFC 9530 section 2, with SHA-256 alone."""
    return f"sha-256=:{to_base64(sha256(body).digest())}:"


def signature_base(components: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """What is signed: RFC 9421 section 2.5, of components and their values, in order, and the signature's parameters.

    ValueError if one of them is not printable ASCII: it could look like another line.
    """
    lines = [f'"{name}": {value}' for name, value in components]
    lines.append(f'"@signature-params": {parameters}')
    if not all(map(str.isprintable, lines)):
        raise ValueError("what is signed has a control character")
    try:
        return "\n".join(lines).encode("ascii")
    except UnicodeEncodeError:
        raise ValueError("what is signed has a character that is not ASCII") from None


def _parameters(text: str) -> tuple[int, int, str]:
    """The values of created, expires and keyid; the parameters are exactly the profile's."""
    found = _parameter.findall(text)
    numbers = {name: int(number) for name, number, _ in found if number}
    strings = {name: string for name, number, string in found if not number}
    if len(found) != 4 or numbers.keys() != {"created", "expires"} or strings.keys() != {"keyid", "tag"}:
        raise _coverage("the parameters created, expires, keyid and tag, each once")
    if strings["tag"] != TAG:
        raise _coverage(f'tag="{TAG}"')
    return numbers["created"], numbers["expires"], strings["keyid"]


def _components(request: Request, covered: str) -> list[tuple[str, str]]:
    """What the profile covers, with its values. What is covered must be there."""
    components: list[tuple[str, str | None]] = [("@method", request.method), ("@target-uri", request.target_uri)]
    wanted = _READ
    if request.method not in READS:
        wanted = _WRITE
        components += (
            ("content-type", request.content_type),
            ("content-digest", request.content_digest),
            ("idempotency-key", request.idempotency_key),
        )
    if covered != wanted:
        raise _coverage(f"{wanted}, in this order")
    present = [(name, value) for name, value in components if value is not None]
    if len(present) != len(components):
        raise _coverage("headers that were sent: Content-Type, Content-Digest and Idempotency-Key")
    return present


def _malformed(what: str) -> SignatureRefused:
    return SignatureRefused("signature_malformed", f"The request's signature cannot be read: {what}.")


def _coverage(what: str) -> SignatureRefused:
    return SignatureRefused("signature_coverage", f"A request's signature covers {what}.")
