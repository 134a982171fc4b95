"""JSON Schemas of the types on the wire: what msgspec says of them, put the way that readers and tools expect."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args

import msgspec

from ledger.core.fields import AliasValue, Channel, Currency, ItemKey, KeyId, PartyId
from ledger.http.described import RULES
from ledger.http.glossary import word
from ledger.http.words import INSIDE, Word

REFERENCE = "#/components/schemas/{name}"
NULL = {"type": "null"}


def _name_like(pattern: str) -> Any:
    return Annotated[str, msgspec.Meta(extra_json_schema={"pattern": pattern})]


PATH_NAMES: dict[str, tuple[Any, str]] = {
    "party": (PartyId, "alice"),
    "payer": (PartyId, "bob"),
    "channel": (Channel, "phone"),
    "value": (AliasValue, "+4915112345678"),
    "deposit": (_name_like("^deposit_[1-9][0-9]{0,17}$"), "deposit_41"),
    "transfer": (_name_like("^transfer_[1-9][0-9]{0,17}$"), "transfer_42"),
    **{
        noun: (_name_like(f"^{noun}_[1-9][0-9]{{0,17}}$"), f"{noun}_42")
        for noun in ("hold", "split", "invoice", "settlement", "capture", "credit_note", "refund", "payout", "suspense")
    },
    "payment_request": (_name_like("^payment_request_[1-9][0-9]{0,17}(_[1-9][0-9]{0,17})?$"), "payment_request_42"),
    "rail": (_name_like("^[a-z0-9_-]{1,32}$"), "sepa"),
    "bank": (_name_like("^[a-z0-9_-]{1,32}$"), "house-bank"),
    "number": (_name_like("^[1-9][0-9]{0,17}$"), "42"),
    "owner": (_name_like("^[A-Za-z0-9._:@+-]{1,64}$"), "alice"),
    "role": (_name_like("^[a-z_]+$"), "available"),
    "currency": (Currency, "EUR"),
    "key": (ItemKey, "3f0c9a52-7d1e-4a66-9a0e-2f6a4d1c8b11"),
    "key_id": (KeyId, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    "id": (_name_like("^key_[1-9][0-9]{0,17}$"), "key_7"),
    "ledger": (_name_like("^[a-z0-9][a-z0-9_-]{0,31}(/[1-9][0-9]{0,17})?$"), "demo"),
    "tile": (_name_like(r"^(0|[1-9][0-9]?)/(x[0-9]{3}/){0,5}[0-9]{3}(\.p/[1-9][0-9]{0,2})?$"), "0/x001/234.p/17"),
    "bundle": (_name_like(r"^(x[0-9]{3}/){0,5}[0-9]{3}(\.p/[1-9][0-9]{0,2})?$"), "x001/234.p/17"),
    "code": (_name_like("^[a-z_]+$"), "insufficient_funds"),
}
"""What the names in paths look like, and an example of each."""


class Schemas:
    """The schemas of some Structs and of all that is in them, as the components of a document.

    Each kind of field that has a title (core/fields.py) becomes a component of its own, once.
    """

    def __init__(self, kinds: Iterable[Any]) -> None:
        structs = dict.fromkeys(kind for kind in kinds if is_struct(kind))
        self._structs = {struct.__name__: struct for kind in structs for struct in structs_in(kind)}
        self.components: dict[str, Any] = {}
        for name, schema in msgspec.json.schema_components(structs, ref_template=REFERENCE)[1].items():
            self.components[name] = self._tidied_component(name, schema)

    def reference(self, kind: Any) -> dict[str, Any]:
        """Where the schema of a type stands, or the schema itself if it is of a kind without a name."""
        if is_struct(kind):
            return {"$ref": REFERENCE.format(name=kind.__name__)}
        tidied: dict[str, Any] = self._tidied(msgspec.json.schema(kind))
        return tidied

    def query(self, kind: type[msgspec.Struct]) -> Iterator[tuple[str, dict[str, Any], bool]]:
        """The parameters of a query: name, schema, and whether it must be there. None is to leave it out."""
        struct = Schemas([kind])
        self.components |= {name: schema for name, schema in struct.components.items() if name != kind.__name__}
        described = struct.components[kind.__name__]
        for name, schema in described["properties"].items():
            values = [each for each in schema.pop("anyOf", ()) if each != NULL]
            if schema.get("default", ...) is None:
                del schema["default"]
            if isinstance(schema.get("type"), list):
                schema["type"] = schema["type"][0]
            yield name, schema | (values[0] if values else {}), name in described["required"]

    def example(self, struct: str) -> dict[str, Any]:
        """A value of the Struct of this name, made of the glossary's examples."""
        schema = self.components[struct]
        values = {name: self._example(struct, name, field) for name, field in schema["properties"].items()}
        return {name: value for name, value in values.items() if value is not None or name in schema["required"]}

    def _example(self, struct: str, name: str, schema: dict[str, Any]) -> Any:
        example = word(self._structs[struct], name).example
        if example is not INSIDE:
            return example
        if schema.get("type") == "array":
            return [self.example(_name(schema["items"]))]
        return self.example(_name(schema.get("anyOf", [schema])[0]))

    def _tidied_component(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        tidied: dict[str, Any] = self._tidied(
            {key: schema[key] for key in schema if key not in ("title", "properties")}
        )
        if "description" in tidied:
            tidied["description"] = " ".join(tidied["description"].split())
        if "properties" in schema:
            tidied["properties"] = {
                field: _with_meaning(self._tidied(described), word(self._structs[name], field))
                for field, described in schema["properties"].items()
            }
        return tidied | RULES.get(name, {})

    def _tidied(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._tidied(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        tidied = {key: self._tidied(value) for key, value in schema.items()}
        if isinstance(tidied.get("pattern"), str):
            tidied["pattern"] = tidied["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
        if "enum" in tidied:
            tidied = {"type": "string"} | tidied
        if "title" in tidied:
            title, default = tidied.pop("title"), {key: tidied.pop(key) for key in ("default",) if key in tidied}
            self.components[title] = tidied
            return {"$ref": REFERENCE.format(name=title)} | default
        match tidied.get("anyOf"):
            case [{"type": str(kind)} as value, {"type": "null"}] if "enum" not in value:
                return value | {"type": [kind, "null"]} | {key: tidied[key] for key in tidied if key != "anyOf"}
        return tidied


def _with_meaning(schema: dict[str, Any], found: Word) -> dict[str, Any]:
    """What a field means, before what its form is."""
    form = schema.pop("description", found.meaning)
    meaning = found.meaning if form == found.meaning else f"{found.meaning} {form}"
    return {"description": meaning} | ({"format": found.format} if found.format is not None else {}) | schema


def _name(reference: dict[str, Any]) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """A Struct and all Structs in it."""
    if is_struct(kind):
        yield kind
    inside = [field.type for field in msgspec.structs.fields(kind)] if is_struct(kind) else get_args(kind)
    for each in inside:
        yield from structs_in(each)


def fields_in(kind: Any) -> set[str]:
    """The names of the fields of a Struct and of all Structs in it."""
    return {name for struct in structs_in(kind) for name in struct.__struct_encode_fields__}


def has_required(kind: Any) -> bool:
    """Whether a Struct, or any Struct in it, has a field that has to be there."""
    return any(field.required for struct in structs_in(kind) for field in msgspec.structs.fields(struct))


def is_struct(kind: Any) -> bool:
    """Whether a type is a Struct."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
