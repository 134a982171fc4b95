"""The OpenAPI document as a page for people: by noun, each operation with a request to paste and its answer."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from ledger.core.money import AMOUNT_MAX
from ledger.http.markup import code, escape, page, prose, spans
from ledger.http.problems import TITLE_OF

LINE_LENGTH = 44
"""How much of an example fits beside its description."""

Schema = dict[str, Any]


class _Operation(NamedTuple):
    method: str
    path: str
    described: dict[str, Any]


def docs_page(document: dict[str, Any]) -> bytes:
    """The page."""
    operations = [
        _Operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    writer = _Writer(document)
    links, sections = [], []
    for tag in document["tags"]:
        noun = tag["name"]
        found = [operation for operation in operations if noun in operation.described["tags"]]
        items = "".join(_link(operation) for operation in found)
        links.append(f'<h2><a href="#{_anchor(noun)}">{escape(noun)}</a></h2><ul>{items}</ul>')
        articles = "".join(writer.article(operation) for operation in found)
        sections.append(
            f'<section id="{_anchor(noun)}"><h2>{escape(noun)}</h2>{prose(tag["description"])}{articles}</section>'
        )
    info = document["info"]
    introduction = f"<h1>The HTTP interface <small>{escape(info['version'])}</small></h1>{prose(info['description'])}"
    aside = f'<aside><nav aria-label="Operations">{"".join(links)}</nav></aside>'
    return page("Docs", f'<div class="introduction">{introduction}</div>{"".join(sections)}', aside)


class _Writer:
    """Writes the parts of the page that need to look up schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._base = document["servers"][0]["url"]

    def article(self, operation: _Operation) -> str:
        described = operation.described
        name = described["operationId"]
        scope = described.get("x-scope")
        told = described["description"].removesuffix(f" Needs the scope `{scope}`.")
        told = told.removeprefix(f"{described['summary']}.").strip()
        marks = f'<span class="scope">{escape(scope)}</span>' if scope else '<span class="scope">no key needed</span>'
        return (
            f'<article id="{name}"><h3><a href="#{name}">{escape(described["summary"])}</a></h3>'
            f'<p class="route">{_badge(operation.method)}{code(operation.path)}{marks}</p>'
            f'<div class="columns"><div>{prose(told)}{self._request(described)}'
            f"{self._answer(described)}{_problems(described)}</div>"
            f'<div class="examples">{self._curl(operation)}{self._example_answer(described)}</div></div></article>'
        )

    def _request(self, described: dict[str, Any]) -> str:
        parts = []
        parameters = [self._resolved(parameter) for parameter in described["parameters"]]
        for place, found in groupby(parameters, key=lambda parameter: parameter["in"]):
            title = {"path": "In the path", "query": "In the query", "header": "Headers"}[place]
            rows = "".join(
                self._row(each["name"], each["schema"], each["required"], each.get("description", "")) for each in found
            )
            parts.append(f"<h4>{title}</h4><table>{rows}</table>")
        body = described.get("requestBody")
        if body is not None:
            rows = self._rows(body["content"]["application/json"]["schema"], "", marked=True)
            parts.append(f"<h4>Body</h4><table>{rows}</table>" if rows else "<h4>Body</h4><p>None, or {}.</p>")
        return "".join(parts)

    def _answer(self, described: dict[str, Any]) -> str:
        status, answer = _success(described)
        ((media_type, content),) = answer["content"].items()
        rows = self._rows(content["schema"], "", marked=False)
        table = f"<table>{rows}</table>" if rows else f"<p>{code(media_type)}</p>"
        return (
            f"<h4>Answer {status}</h4>{prose(answer['description'])}<details><summary>Fields</summary>{table}</details>"
        )

    def _rows(self, schema: Schema, prefix: str, marked: bool) -> str:
        struct = self._resolved(schema)
        required = struct.get("required", []) if marked else list(struct.get("properties", {}))
        return "".join(
            self._rows_of(prefix + name, field, name in required, marked)
            for name, field in struct.get("properties", {}).items()
        )

    def _rows_of(self, name: str, field: Schema, required: bool, marked: bool) -> str:
        row = self._row(name, field, required, field.get("description", ""))
        for value in self._values(field):
            if "properties" in value:
                return row + self._rows(value, f"{name}.", marked)
            items = self._resolved(value.get("items", {}))
            if "properties" in items:
                return row + self._rows(items, f"{name}[].", marked)
        return row

    def _row(self, name: str, schema: Schema, required: bool, meaning: str) -> str:
        values = list(self._values(schema))
        kinds = " or ".join(dict.fromkeys(_kind_of(value, self._resolved(value.get("items", {}))) for value in values))
        forms = [value.get("description") for value in values if value is not schema and "properties" not in value]
        notes = [meaning, *filter(None, forms)]
        default = schema.get("default")
        if default is not None:
            notes.append(f"Default: `{json.dumps(default)}`.")
        words = [word for value in values for word in value.get("enum", ())]
        if words:
            notes.append("One of " + ", ".join(f"`{word}`" for word in words) + ".")
        mark = "" if required else ' <span class="optional">optional</span>'
        return (
            f'<tr><th scope="row">{code(name)}{mark}</th><td class="kind">{escape(kinds)}</td>'
            f"<td>{spans(' '.join(notes))}</td></tr>"
        )

    def _values(self, schema: Schema) -> Iterator[Schema]:
        """What a field can be, one schema each; references followed."""
        for part in schema.get("anyOf", [schema]):
            yield self._resolved(part)

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        _, _, kind, name = reference.split("/")
        found: Schema = self._components[kind][name]
        return found

    def _curl(self, operation: _Operation) -> str:
        path = operation.path
        lines = []
        for parameter in map(self._resolved, operation.described["parameters"]):
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", parameter["example"])
            elif parameter["in"] == "header" and parameter["required"]:
                lines.append('-H "Idempotency-Key: $(uuidgen)"')
        if operation.described["security"]:
            lines.insert(0, '-H "Authorization: Bearer $KEY"')
        body = operation.described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if body:
            quoted = _pretty(body, "  ").replace("'", r"'\''")
            lines += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
        method = "" if operation.method == "GET" else f"-X {operation.method} "
        command = " \\\n  ".join([f"curl {method}{self._base}{path}", *lines])
        return f"<pre><code>{escape(command, quote=False)}</code></pre>"

    def _example_answer(self, described: dict[str, Any]) -> str:
        status, answer = _success(described)
        example = answer["content"].get("application/json", {}).get("example")
        if example is None:
            return ""
        shown = escape(_pretty(example), quote=False)
        coloured = re.sub(r'("[^"]+")(?=: )', r"<b>\1</b>", shown)
        return f'<p class="status">{status}</p><pre><code>{coloured}</code></pre>'


def _pretty(value: Any, margin: str = "") -> str:
    """JSON, with whatever fits on a line kept on one."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= LINE_LENGTH or not isinstance(value, dict | list):
        return short
    inner = margin + "  "
    if isinstance(value, list):
        return f"[\n{inner}" + f",\n{inner}".join(_pretty(each, inner) for each in value) + f"\n{margin}]"
    members = [f"{json.dumps(name)}: {_pretty(each, inner)}" for name, each in value.items()]
    return f"{{\n{inner}" + f",\n{inner}".join(members) + f"\n{margin}}}"


def _problems(described: dict[str, Any]) -> str:
    rows = []
    for status, answer in described["responses"].items():
        content = answer["content"].get("application/problem+json")
        if content is not None:
            codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            links = " ".join(
                f'<a href="/problems/{name}" title="{escape(TITLE_OF[name])}">{code(name)}</a>' for name in codes
            )
            rows.append(f'<tr><th scope="row">{status}</th><td>{links}</td></tr>')
    return f'<details><summary>Problems</summary><table class="problems">{"".join(rows)}</table></details>'


def _success(described: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    status: str = next(iter(described["responses"]))
    return status, described["responses"][status]


def _kind_of(schema: Schema, items: Schema) -> str:
    kinds = schema.get("type", "anything")
    found = [kinds] if isinstance(kinds, str) else list(kinds)
    if "array" in found:
        found[found.index("array")] = f"array of {items.get('type', 'anything')}s"
    bounds = [f"{schema[bound]:,}" for bound in ("minimum", "maximum") if bound in schema]
    bounds = [bound.replace(f"{AMOUNT_MAX:,}", "2^53-1") for bound in bounds]
    length = schema.get("maxLength") or schema.get("maxItems")
    note = f", {' to '.join(bounds)}" if bounds else f", up to {length:,}" if length else ""
    return " or ".join(found) + note + (f", {schema['format']}" if "format" in schema else "")


def _link(operation: _Operation) -> str:
    described = operation.described
    path = escape(operation.path).replace("/", "/<wbr>")
    return f'<li><a href="#{described["operationId"]}">{_badge(operation.method)}<span>{path}</span></a></li>'


def _badge(method: str) -> str:
    return f'<span class="method {method.lower()}">{method}</span>'


def _anchor(noun: str) -> str:
    return noun.lower().replace(" ", "-")
