"""The OpenAPI document and the table of routes say the same, and what the document says of a body is what we take."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis

from ledger.core.errors import FAMILY_OF
from ledger.core.fields import SCOPES
from ledger.core.kinds import COMMANDS
from ledger.http.app import ROUTES
from ledger.http.described import FILES
from ledger.http.glossary import COMMON, GLOSSARY, places
from ledger.http.openapi import document
from ledger.http.operations import NOUNS, OPERATIONS
from ledger.http.problems import ProblemDetails, status_of
from ledger.http.routes import Route
from ledger.http.schemas import PATH_NAMES, is_struct, structs_in
from ledger.http.strict import Fault

DOCUMENT = document(ROUTES, "https://ledger.example")
COMPONENTS = DOCUMENT["components"]["schemas"]
STRUCTS = {
    struct
    for kind in (ProblemDetails, *(kind for route in ROUTES for kind in (route.query, route.body, route.answers)))
    for struct in structs_in(kind)
}
FIELDS = [(struct, field) for struct in STRUCTS for field in struct.__struct_encode_fields__]
FOUND = [
    [place for place in places(struct, field) if place in GLOSSARY]
    for struct, field in (*FIELDS, *((None, name) for name in PATH_NAMES))
]
"""Of every field and name in a path: where its meaning stands, and where it would be looked for without that."""
WITH_BODY = [route for route in ROUTES if route.body is not None]
WITH_ANSWER = [route for route in ROUTES if is_struct(route.answers)]
ODD_VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        1,
        -1,
        2**53 - 1,
        2**53,
        1.5,
        "1",
        "",
        " ",
        "a",
        "EUR",
        "eur",
        "alice",
        "platform",
        "alias:phone:",
    ),
    *("alias:phone:+4915112345678", "a" * 64, "a" * 65, "a" * 281, "a" * 301, "line\nbreak", "\u202etfel", "é", "☎"),
    *("2026-11-20", "2026-02-30", "2026-11-20T09:30:00Z", "person", "debits", "refuse", [], ["EUR"], ["EUR", "EUR"]),
    *({}, {"a": "b"}, {"é": "b"}, {"a": 1}, {"conversation": ""}, {"conversation": "c"}, {"conversation": "c", "x": 1}),
    *([{}], [{"channel": "phone", "value": "+4915112345678"}], [{"channel": "Phone", "value": ""}], "DE89"),
]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(each)


def test_the_document_is_openapi_3_1() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for name, schema in COMPONENTS.items():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema), name


def test_every_route_is_in_the_document_and_the_document_has_no_other() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert {(route.method, route.path) for route in ROUTES} == described
    assert {name_of(route) for route in ROUTES} == set(OPERATIONS)


def test_every_operation_has_a_name_of_its_own_and_every_noun_is_used() -> None:
    assert len(OPERATIONS) == len({operation.id for operation in OPERATIONS.values()})
    assert set(NOUNS) == {operation.noun for operation in OPERATIONS.values()}


def test_every_name_in_a_path_is_described_and_looks_like_its_example() -> None:
    assert {name for route in ROUTES for name in route.names} == set(PATH_NAMES)
    for route in ROUTES:
        for parameter in operation(route)["parameters"]:
            if parameter.get("in") == "path":
                assert is_valid(parameter["schema"], parameter["example"]), parameter["name"]


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    assert {found[0] for found in FOUND} == set(GLOSSARY)


def test_no_meaning_stands_in_two_files() -> None:
    assert len(COMMON) + sum(len(file.WORDS) for file in FILES) == len(GLOSSARY)


def test_no_meaning_is_said_again_of_a_struct_that_has_it_anyhow() -> None:
    assert [] == [found for found in FOUND if len(found) > 1 and GLOSSARY[found[0]] == GLOSSARY[found[1]]]


def test_every_reference_leads_somewhere() -> None:
    for node in nodes(DOCUMENT):
        if "$ref" in node:
            place = DOCUMENT
            for name in node["$ref"].removeprefix("#/").split("/"):
                place = place[name]


def test_patterns_are_written_as_json_schema_has_them() -> None:
    patterns = [node["pattern"] for node in nodes(DOCUMENT) if isinstance(node.get("pattern"), str)]
    assert patterns
    assert [] == [pattern for pattern in patterns if not pattern.startswith("^") or not pattern.endswith("$")]


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_who_may_is_said(route: Route) -> None:
    described = operation(route)
    if route.scope is None:
        assert [] == described["security"]
        assert "401" not in described["responses"]
    else:
        assert [{"apiKey": [route.scope]}, {"signature": [route.scope]}] == described["security"]
        assert route.scope in SCOPES
        assert f"`{route.scope}`" in described["description"]
        assert {"401", "403"} <= set(described["responses"])


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_key_is_asked_for_where_one_is_needed(route: Route) -> None:
    keys = {"#/components/parameters/IdempotencyKey": True, "#/components/parameters/OptionalIdempotencyKey": False}
    found = [keys[each["$ref"]] for each in operation(route)["parameters"] if each.get("$ref") in keys]
    assert ([route.needs_key] if route.body is not None else []) == found


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_problem_stands_under_its_own_status(route: Route) -> None:
    for status, answer in operation(route)["responses"].items():
        if status != str(route.status):
            narrowed = answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]
            codes = narrowed["code"]["enum"]
            assert {int(status)} == {status_of(code) for code in codes} == {narrowed["status"]["const"]}


def test_every_code_can_come_out_of_some_route() -> None:
    enums = [node["code"]["enum"] for node in nodes(DOCUMENT["paths"]) if "enum" in node.get("code", {})]
    elsewhere = {"method_not_allowed", "linked_failed"}  # of a path's other methods; of an item in a batch
    assert set(FAMILY_OF) - elsewhere == {code for codes in enums for code in codes}
    assert list(FAMILY_OF) == COMPONENTS["ProblemDetails"]["properties"]["code"]["enum"]


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
def test_every_write_has_an_example_that_passes_the_strict_reader(route: Route) -> None:
    example = operation(route)["requestBody"]["content"]["application/json"]["example"]
    assert route.decoder is not None
    read = route.decoder.decode(json.dumps(example).encode())
    assert example.keys() <= {*read.__struct_encode_fields__}
    assert is_valid(body_schema(route), example)


@pytest.mark.parametrize("route", WITH_ANSWER, ids=name_of)
def test_every_example_of_an_answer_is_one(route: Route) -> None:
    content = operation(route)["responses"][str(route.status)]["content"]["application/json"]
    read = msgspec.json.decode(json.dumps(content["example"]), type=route.answers)
    if not route.answers.__struct_config__.omit_defaults:
        assert list(route.answers.__struct_encode_fields__) == list(content["example"])
        assert list(route.answers.__struct_encode_fields__) == COMPONENTS[route.answers.__name__]["required"]
    assert isinstance(read, route.answers)
    assert is_valid(content["schema"], content["example"])


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
def test_what_the_reader_takes_the_document_allows(route: Route) -> None:
    """And what is missing or too much, both say so alike: required fields are required, others unknown."""
    schema = body_schema(route)
    example = operation(route)["requestBody"]["content"]["application/json"]["example"]
    assert route.body is not None
    for field in route.body.__struct_encode_fields__:
        left_out = {name: value for name, value in example.items() if name != field}
        assert takes(route, left_out) == is_valid(schema, left_out), field
        for value in ODD_VALUES:
            changed = example | {field: value}
            assert is_valid(schema, changed) or not takes(route, changed), (field, value)
    assert not takes(route, example | {"other": 1})
    assert not is_valid(schema, example | {"other": 1})


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
def test_a_body_may_be_left_out_exactly_where_nothing_in_it_is_required(route: Route) -> None:
    assert takes(route, None) is not operation(route)["requestBody"]["required"]


def body_schema(route: Route) -> dict[str, Any]:
    schema: dict[str, Any] = operation(route)["requestBody"]["content"]["application/json"]["schema"]
    return schema


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema | {"components": {"schemas": COMPONENTS}}).is_valid(value)


def takes(route: Route, body: Any) -> bool:
    assert route.decoder is not None
    try:
        read = route.decoder.decode(json.dumps(body).encode() if body is not None else b"")
    except Fault:
        return False
    if not route.names:
        return True
    command = next(each for each in COMMANDS.values() if f"{each.__name__}Body" == type(read).__name__)
    named = {name: PATH_NAMES[name][1] for name in route.names}
    return command(**msgspec.structs.asdict(read), **named).fault() is None
