"""What a documented name consists of: a field's meaning, and a route's name and place in the OpenAPI document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

INSIDE = object()
"""The example of a field that is best shown by the examples of the fields inside it."""


class Word(NamedTuple):
    """What a field's name means, an example of its value, and the JSON Schema format of what we answer."""

    meaning: str
    example: Any
    format: str | None = None


Rule = dict[str, Any]
"""What JSON Schema says of a body's fields together."""


def one_of(**types: str) -> Rule:
    """Exactly one of some fields is given; each with its JSON type."""
    return {"oneOf": [{"required": [name], "properties": {name: {"type": of}}} for name, of in types.items()]}


INTENT_PROBLEMS = ("intent_required", "intent_invalid", "intent_mismatch", "intent_already_used")
"""What can be wrong with the word of a payer's device."""


class Operation(NamedTuple):
    """`problems` are the codes that the rules of this operation can give, beyond what its form implies (openapi.py);
    `example` is a body for it, and `answers` what is particular to its answer, beside the glossary's examples."""

    id: str
    noun: str
    problems: tuple[str, ...] = ()
    example: dict[str, Any] | None = None
    answers: Mapping[str, Any] = MappingProxyType({})
