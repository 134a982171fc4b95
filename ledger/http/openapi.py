"""The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1), made from the same table of routes that the door serves."""

from collections.abc import Iterable, Mapping
from inspect import getdoc
from typing import Any

import msgspec

from ledger import __version__
from ledger.core.errors import FAMILY_OF
from ledger.core.fields import ItemKey
from ledger.http.glossary import word
from ledger.http.operations import NOUNS, OPERATIONS
from ledger.http.problems import ProblemDetails, status_of
from ledger.http.routes import NoQuery, Route
from ledger.http.schemas import PATH_NAMES, Schemas, fields_in, has_required, is_struct
from ledger.http.strict import invalid_code
from ledger.http.words import Operation

INTRODUCTION = """\
A double-entry payment ledger for a messenger. Every accepted write makes exactly one entry, numbered without gaps; \
money moves between accounts only as an entry's postings.

Amounts are whole minor units (1250 EUR is €12.50), times are RFC 3339 in UTC, bodies are JSON in UTF-8. Unknown \
fields and query parameters are refused, never ignored.

Every write takes an `Idempotency-Key`. The same key with the same request gives the same answer again, with \
`Idempotency-Replayed: true`; the same key with another request is refused. So after a timeout, send it again. \
`?dry_run=true` answers what a write would, and writes nothing.

Whatever goes wrong is answered as `application/problem+json` (RFC 9457) with a `code` of a closed list; \
`retryable: true` means the same request under the same key. GET paths know HEAD; any other method is answered 405 \
with `Allow`. Every answer carries a `Request-Id`."""

PROBLEM = "application/problem+json"
SIGNATURE_CODES = (
    "signature_missing",
    "signature_malformed",
    "signature_coverage",
    "signature_expired",
    "signature_not_yet_valid",
    "content_digest_mismatch",
    "key_unknown",
    "key_revoked",
    "signature_invalid",
)
"""What can be wrong with a signed request, in the order in which it is looked for."""
MEANING_OF_STATUS = {
    "400": "The request's form is wrong; nothing was remembered under its key.",
    "401": "Nobody known is asking.",
    "403": "The API key lacks the scope.",
    "404": "Something that is named does not exist.",
    "409": "The state of the thing says no.",
    "413": "Too large.",
    "415": "The body is not application/json.",
    "422": "A field's value cannot be right, or the books say no.",
    "429": "Too many requests: wait for as long as Retry-After says.",
    "431": "The headers are too large.",
    "500": "Something went wrong on our side.",
    "503": "Not now: send the same request under the same key again.",
}
SIGNATURE = (
    "HTTP Message Signatures (RFC 9421) with an Ed25519 key that is registered at POST /v1/keys, instead of an API "
    'key. One label; a write covers `"@method" "@target-uri" "content-type" "content-digest" '
    '"idempotency-key"`, a read the first two, in this order; parameters `created`, `expires` (at most 300 s '
    'later), `keyid` and `tag="chat-ledger"`. Content-Digest is RFC 9530\'s sha-256.'
)
HEADERS: dict[str, dict[str, Any]] = {
    "Request-Id": {
        "description": "Names this request in our logs.",
        "required": True,
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]+$"},
    },
    "Idempotency-Replayed": {
        "description": "There if this is the answer that the key got before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "WWW-Authenticate": {
        "description": "How to say who you are (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
    },
}


def document(routes: Iterable[Route], base: str) -> dict[str, Any]:
    """The document of these routes; `base` is the service's public URL. LookupError for a route without
    an operation, and for a field without a word in the glossary."""
    table = list(routes)
    schemas = Schemas([ProblemDetails, *(kind for route in table for kind in (route.body, route.answers) if kind)])
    schemas.components["ProblemDetails"]["properties"]["code"]["enum"] = list(FAMILY_OF)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "chat-ledger",
            "version": __version__,
            "description": INTRODUCTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "tags": [{"name": noun, "description": meaning} for noun, meaning in NOUNS.items()],
        "paths": paths,
        "components": {
            "parameters": {
                "IdempotencyKey": _key_header(True, schemas),
                "OptionalIdempotencyKey": _key_header(False, schemas),
            },
            "schemas": dict(sorted(schemas.components.items())),
            "headers": HEADERS,
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key: `clk_` and 43 characters."},
                "signature": {"type": "apiKey", "in": "header", "name": "Signature", "description": SIGNATURE},
            },
        },
    }


def problems_of(route: Route, operation: Operation) -> list[str]:
    """The codes that a route can answer, in the order in which they are looked for."""
    codes = ["headers_too_large"]
    if route.names:
        codes.append("not_found")
    if route.body is not None:
        codes += ["body_too_large", "unsupported_media_type"]
        codes += ["idempotency_key_missing"] * route.needs_key
        codes += ["idempotency_key_invalid", "malformed_json", "duplicate_key"]
    if route.scope is not None:
        codes += ["rate_limited", "credentials_missing", "credentials_invalid", *SIGNATURE_CODES, "scope_missing"]
    codes += ["field_unknown", "field_invalid"]
    fields = {*route.names, *fields_in(route.query), *fields_in(route.body)}
    for kind in (route.query, route.body or NoQuery):
        codes += ["field_missing"] * has_required(kind)
    codes += sorted({invalid_code(name, "") for name in fields})
    codes += ["cursor_invalid"] * ("cursor" in fields)
    codes += ["idempotency_key_reused"] * route.needs_key
    codes += operation.problems
    codes += ["entry_too_large", "overloaded", "outcome_unknown"] * route.needs_key
    codes += ["unavailable"] * (route.scope is not None)
    return list(dict.fromkeys([*codes, "internal"]))


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation = OPERATIONS.get(f"{route.method} {route.path}")
    if operation is None:
        raise LookupError(f"What is {route.method} {route.path} called? Say so in ledger/http/operations.py.")
    described = _prose(route.handle)
    made: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.noun],
        "summary": route.summary,
        "description": f"{described} Needs the scope `{route.scope}`." if route.scope else described,
        "parameters": _parameters(route, schemas),
    }
    if route.body is not None:
        content: dict[str, Any] = {"schema": schemas.reference(route.body)}
        if operation.example is not None:
            content["example"] = operation.example
        required = any(field.required for field in msgspec.structs.fields(route.body))
        required = required or "oneOf" in schemas.components[route.body.__name__]
        made["requestBody"] = {"required": required, "content": {"application/json": content}}
    made["responses"] = _responses(route, operation, schemas)
    # From 3.1 on the names beside any scheme are the roles that it needs (section "Security Requirement Object").
    made["security"] = [{"apiKey": [route.scope]}, {"signature": [route.scope]}] if route.scope else []
    if route.scope:
        made["x-scope"] = route.scope
    return made


def _parameters(route: Route, schemas: Schemas) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for name in route.names:
        kind, example = PATH_NAMES[name]
        parameters.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": word(None, name).meaning,
                "schema": schemas.reference(kind),
                "example": example,
            }
        )
    for name, schema, required in schemas.query(route.query):
        meaning = schema.pop("description", "")
        parameters.append({"name": name, "in": "query", "required": required, "description": meaning, "schema": schema})
    if route.body is not None:
        which = "IdempotencyKey" if route.needs_key else "OptionalIdempotencyKey"
        parameters.append({"$ref": f"#/components/parameters/{which}"})
    return parameters


def _responses(route: Route, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    headers = ["Request-Id", "Idempotency-Replayed"] if route.needs_key else ["Request-Id"]
    content: dict[str, Any] = {"schema": schemas.reference(route.answers)}
    if route.media_type == "application/json" and is_struct(route.answers):
        content["example"] = {**schemas.example(route.answers.__name__), **operation.answers}
    responses: dict[str, Any] = {
        str(route.status): {
            "description": _prose(route.answers) if is_struct(route.answers) else route.summary,
            "headers": _header_references(headers),
            "content": {route.media_type: content},
        }
    }
    by_status: dict[str, list[str]] = {}
    for code in problems_of(route, operation):
        by_status.setdefault(str(status_of(code)), []).append(code)
    for status, codes in sorted(by_status.items()):
        is_remembered = route.needs_key and any(FAMILY_OF[code].remembered for code in codes)
        headers = ["Request-Id"] + ["Idempotency-Replayed"] * is_remembered
        headers += {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}.get(status, [])
        narrowed = {"properties": {"status": {"const": int(status)}, "code": {"enum": codes}}}
        responses[status] = {
            "description": MEANING_OF_STATUS[status],
            "headers": _header_references(headers),
            "content": {PROBLEM: {"schema": {"allOf": [schemas.reference(ProblemDetails), narrowed]}}},
        }
    return responses


def _prose(documented: object) -> str:
    return " ".join((getdoc(documented) or "").split())


def _header_references(names: Iterable[str]) -> Mapping[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _key_header(required: bool, schemas: Schemas) -> dict[str, Any]:
    meaning = "A new random one for each new request, the same one to ask again."
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": meaning if required else "Not needed and not remembered: each item carries its own key.",
        "schema": schemas.reference(ItemKey),
    }
