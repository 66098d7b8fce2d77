# SPDX-License-Identifier: Apache-2.0
"""`.. rest-reference:: fm` in a page shows the OpenAPI document of a service; the build writes it beside the page too."""

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import openapi
from docutils import nodes, statemachine
from docutils.parsers import rst
from sphinx.util.nodes import nested_parse_with_titles

from stx.rest import query

Operation = dict[str, Any]
Properties = dict[str, dict[str, Any]]

_WORDS = {"string": "text", "object": "JSON object", "date-time": "time", "mac": "MAC address", "ip": "IP address"}


def page(document: dict[str, Any]) -> Iterator[str]:
    """The lines of a page about an OpenAPI document, a section for each tag."""
    for tag in document["tags"]:
        name = tag["name"]
        found = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if name in operation["tags"]
        ]
        # What is inside an item is described where it has a section of its own.
        own = [operation for _, path, operation in found if path.count("/") < 4]
        yield from (name, "-" * len(name), "", tag["description"], "")
        yield from table(
            {"Request": 50, "Does": 25, "Policy rule": 25},
            [(f"``{method.upper()} {path}``", made["summary"], f"``{made['x-policy']}``") for method, path, made in found],
        )
        yield from _asked(own[0])
        yield from _attributes(_shown(document, own), _settable(own))


def _asked(operation: Operation) -> Iterator[str]:
    """What the list's query can say; nothing where there is no list."""
    if "x-order" not in operation:
        return
    key, direction = operation["x-order"].split(", ")
    yield f"The list is sorted by ``{key}``, {'ascending' if direction == 'asc' else 'descending'}, unless the query says otherwise."
    asked = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    plain = [name for name in asked if name not in query._PAGING and not name.startswith("q.")]
    if plain:
        yield f"Further parameters: {_literals(plain)}."
    if "q.field" in asked:
        yield f"Filters: {_literals(asked['q.field']['items']['enum'])}."
    yield ""


def _shown(document: dict[str, Any], operations: Sequence[Operation]) -> list[Properties]:
    """The attributes of each form in which the resource is shown, the fullest first."""
    schemas = document["components"]["schemas"]
    text = json.dumps([operation["responses"].get("200") for operation in operations])
    forms = [schema["properties"] for name, schema in schemas.items() if f'"#/components/schemas/{name}"' in text]
    return sorted(forms, key=len, reverse=True)


def _settable(operations: Sequence[Operation]) -> dict[str, list[str]]:
    """By attribute, the methods that can set it."""
    methods: dict[str, list[str]] = {}
    for operation in operations:
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            changed = schema.get("items", {}).get("properties", {}).get("path", {}).get("enum", [])
            for name in [*schema.get("properties", {}), *[path[1:] for path in changed]]:
                methods.setdefault(name, []).append(operation["operationId"].partition("_")[0].upper())
    return methods


def _attributes(forms: Sequence[Properties], settable: dict[str, list[str]]) -> Iterator[str]:
    head = {"Attribute": 25, "Type": 45}
    rows = [[f"``{name}``", _in_words(schema)] for name, schema in forms[0].items()]
    if settable:
        head["Can be set by"] = 20
        rows = [[*row, ", ".join(settable.get(row[0].strip("`"), []))] for row in rows]
    if len(forms) > 1:
        head["In lists without ``detail``"] = 20
        rows = [[*row, "yes" if row[0].strip("`") in forms[-1] else ""] for row in rows]
    yield from table(head, rows)


def _in_words(schema: dict[str, Any]) -> str:
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "array":
        return "list of links" if "$ref" in schema["items"] else "list of texts"
    if "enum" in schema:
        return "one of " + ", ".join(f"``{value}``" if value else "empty" for value in schema["enum"] if value is not None)
    if "description" in schema:
        return schema["description"]
    form = schema.get("format", kind)
    words = [_WORDS.get(form, form)]
    if "maxLength" in schema:
        words.append(f"{schema['maxLength']} characters at the most")
    if "pattern" in schema:
        words.append(f"of the form ``{schema['pattern']}``")
    return ", ".join(words)


def _literals(names: Sequence[str]) -> str:
    return ", ".join(f"``{name}``" for name in names)


def table(head: dict[str, int], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """:param head: relative widths of the columns by their titles"""
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, head.values()))}", "")
    for row in (list(head), *rows):
        for index, cell in enumerate(row):
            yield f"   {' ' if index else '*'} - {cell}".rstrip()
    yield ""


class RestReference(rst.Directive):
    """`.. rest-reference:: SERVICE` shows what `page` gives."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        service = self.arguments[0]
        document = openapi.document(service)
        environment = self.state.document.settings.env
        target = pathlib.Path(environment.app.outdir, environment.docname).with_name(f"openapi-{service}.json")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(document, indent=1) + "\n")
        section = nodes.section()
        section.document = self.state.document
        nested_parse_with_titles(self.state, statemachine.StringList(list(page(document)), source=__name__), section)
        return section.children


def setup(sphinx: Any) -> dict[str, bool]:
    sphinx.add_directive("rest-reference", RestReference)
    return {"parallel_read_safe": True}
