# SPDX-License-Identifier: Apache-2.0
"""OpenAPI 3.1 documents of the REST services, read from their code: `python doc/ext/openapi.py fm` prints one.

Controllers are walked as Pecan walks them. Each method is run dry: what it asks of the policy, of the query and of the body is
noted, and it ends where it would turn to a database or the message bus.
"""

import contextlib
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

from wsme import types as wtypes

from fm.api import root as fm_root
from sm import control
from sm.api import root as sm_root
from stx import db, exception, paging, rpc, version
from stx.rest import app, policy, query, types, wire
from sysinv.api import root as sysinv_root
from sysinv.api.v1 import sm_api

SERVICES = {"fm": fm_root, "sm": sm_root, "sysinv": sysinv_root}
TITLES = {
    "fm": "StarlingX Fault Management API",
    "sm": "StarlingX Service Management API",
    "sysinv": "StarlingX System API",
}
PORTS = {"fm": 18002, "sm": 7777, "sysinv": 6385}
# Name of a controller's method, HTTP method, whether it is about one item, what it does.
METHODS = (
    ("get_all", "get", False, "List"),
    ("post", "post", False, "Create"),
    ("get_one", "get", True, "Show"),
    ("patch", "patch", True, "Change"),
    ("put", "put", True, "Change"),
    ("delete", "delete", True, "Delete"),
)
CUSTOM = {
    "detail": "List, with all attributes",
    "summary": "Count",
    "stream": "Follow",
    "relearn": "Learn anew",
    "apply": "Make effective",
}
# Answers that are no resource.
ANSWERS = {
    ("get", "/v1/alarms/summary"): {
        **{key: {"type": "integer"} for key in ("critical", "major", "minor", "warnings")},
        "status": {"type": "string", "enum": ["OK", "degraded", "critical"]},
    },
    ("post", "/v1/alarms"): {"uuid": {"type": ["string", "null"], "format": "uuid"}},
    ("post", "/v1/service_parameter"): {
        "parameters": {"type": "array", "items": {"$ref": "#/components/schemas/ServiceParameter"}},
    },
    ("post", "/v1/service_parameter/apply"): {"service": {"type": "string"}},
    ("post", "/v1/isensorgroups/relearn"): {"host_uuid": {"type": "string", "format": "uuid"}},
}
NAIVE = "time in UTC, without suffix"
ANY_UUID = "00000000-0000-4000-8000-000000000000"


class _End(Exception):
    """All there is to note was noted."""


@dataclasses.dataclass
class Noted:
    """What a method asked for."""

    rule: str = ""
    is_list: bool = False
    view: wire.View | None = None
    plain: dict[str, Any] = dataclasses.field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    order: str = ""
    body: tuple[str, type, frozenset[str]] | None = None


@contextlib.contextmanager
def _noting(noted: Noted) -> Iterator[None]:
    def authorize(controller: Any, rule: str) -> None:
        noted.rule = rule

    def parse_query(plain: Any = {}, fields: Any = frozenset(), sort_key: str = "id", sort_dir: str = "asc") -> None:
        noted.is_list, noted.plain, noted.fields, noted.order = True, dict(plain), fields, f"{sort_key}, {sort_dir}"
        caller = inspect.stack()[1].frame
        found = (caller.f_locals.get("view"), getattr(caller.f_locals["self"], "_view", None), caller.f_globals.get("_view"))
        noted.view = next((view for view in found if isinstance(view, wire.View)), None)
        raise _End

    def parse_plain(plain: Any) -> None:
        noted.plain = dict(plain)
        raise _End

    def body(form: str) -> Any:
        def note(kind: type, allowed: frozenset[str]) -> None:
            noted.body = (form, kind, allowed)
            raise _End

        return note

    def end(*arguments: Any, **named: Any) -> None:
        raise _End

    with contextlib.ExitStack() as stack:
        for place, name, stand_in in (
            (app.Controller, "authorize", authorize),
            (query, "parse_query", parse_query),
            (query, "parse_plain", parse_plain),
            (wire, "from_body", body("object")),
            (wire, "from_patch", body("patch")),
            (db.Database, "_run", end),
            (rpc.Client, "call", end),
            (control, "ask", end),
            (sm_api, "call", end),
        ):
            stack.enter_context(mock.patch.object(place, name, stand_in))
        stack.enter_context(contextlib.suppress(_End))
        yield


def document(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service, `fm`, `sm` or `sysinv`."""
    root = SERVICES[service].RootController().v1
    schemas: dict[str, Any] = {
        "Link": {"type": "object", "properties": {"href": {"type": "string"}, "rel": {"type": "string"}}},
        "Fault": {
            "type": "object",
            "properties": {"error_message": {"type": "string", "description": "JSON text of debuginfo, faultcode, faultstring"}},
        },
    }
    paths: dict[str, Any] = {}
    for name, controller in _inside(root):
        for path, method, operation in _operations(controller, f"/v1/{name}", name, schemas):
            paths.setdefault(path, {})[method] = operation
    tags = [{"name": name, "description": _about(controller)} for name, controller in _inside(root)]
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLES[service], "version": version.VERSION, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": f"http://127.0.0.1:{PORTS[service]}"}],
        "security": [{"token": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
            "schemas": schemas,
        },
    }


def _inside(controller: Any) -> list[tuple[str, Any]]:
    return [(name, part) for name, part in vars(controller).items() if isinstance(part, app.Controller) and name[0] != "_"]


def _about(controller: Any) -> str:
    """What the resource's module says of it in its first line, after the path and without the reference to the source."""
    kind = controller._view.kind if hasattr(controller, "_view") else type(controller)
    line = (sys.modules[kind.__module__].__doc__ or "").splitlines()[0]
    text = re.sub(r" \(spec [^)]*\)", "", line).partition(": ")[2]
    return text[:1].upper() + text[1:]


def _operations(controller: Any, path: str, tag: str, schemas: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    one = f"{path}/{{{_key(controller)}}}"
    is_top = "{" not in path
    for name, method, is_one, summary in METHODS:
        where = one if is_one else path
        if hasattr(controller, name) and (made := _operation(controller, name, where, method, summary, tag, schemas)):
            yield where, method, made
    for name, methods in getattr(controller, "_custom_actions", {}).items() if is_top else ():
        where, method = f"{path}/{name}", methods[0].lower()
        if made := _operation(controller, name, where, method, CUSTOM[name], tag, schemas):
            yield where, method, made
    for name, inner in _inside(controller):
        yield from _operations(inner, f"{one}/{name}", tag, schemas)


def _key(controller: Any) -> str:
    """How the paths of single items call what names one."""
    parameter = next(iter(inspect.signature(controller.get_one).parameters.values()))
    return "host" if parameter.name == "host" else "uuid"


def _operation(
    controller: Any, name: str, path: str, method: str, summary: str, tag: str, schemas: dict[str, Any]
) -> dict[str, Any] | None:
    """What is told of one method; None of one that refuses everybody."""
    call = inspect.unwrap(getattr(type(controller), name))
    noted = Noted()
    try:
        with _noting(noted):
            call(controller, *[ANY_UUID] * path.count("{"))
    except exception.StxException:
        return None
    rule = next(rule for rule in policy._registered.values() if rule.name == noted.rule)
    operation: dict[str, Any] = {
        "operationId": "_".join([name, *re.findall(r"\w+", path)[1:]]),
        "summary": summary,
        "description": rule.description,
        "tags": [tag],
        "x-policy": rule.name,
        "parameters": [_parameter(key, {"type": "string"}, "path") for key in re.findall(r"{(\w+)}", path)],
        "responses": {"default": _json({"$ref": "#/components/schemas/Fault"}, "Refused or failed")},
    }
    if noted.is_list:
        operation["parameters"] += _query(noted)
        operation["x-order"] = noted.order
    if noted.body:
        operation["requestBody"] = _json(_body(*noted.body))
    returned = inspect.signature(call).return_annotation
    if returned == Iterable[bytes]:
        operation["parameters"] += [_parameter(key, _schema(kind), "query") for key, kind in noted.plain.items()]
        operation["parameters"].append(_parameter("Last-Event-ID", {"type": "string"}, "header"))
        events = {"text/event-stream": {"schema": {"type": "string"}}}
        operation["responses"]["200"] = {"description": "Events, as they happen", "content": events}
    elif returned is None:
        operation["responses"]["204"] = {"description": "Done"}
    else:
        answer = _answer(controller, noted, path, method, schemas)
        operation["responses"]["200"] = _json(answer, "Done")
    return operation


def _answer(controller: Any, noted: Noted, path: str, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    if (method, path) in ANSWERS:
        return {"type": "object", "properties": ANSWERS[(method, path)]}
    if not noted.is_list:
        module = vars(sys.modules[type(controller).__module__])
        return _resource(getattr(controller, "_view", None) or module.get("_full") or module["_view"], schemas)
    items = {"type": "array", "items": _resource(noted.view, schemas)}
    # What another service shows has that one's key here.
    key = getattr(controller, "_key", path.removesuffix("/detail").rpartition("/")[2])
    return {"type": "object", "properties": {key: items, "next": {"type": "string", "description": "Where the next page is"}}}


def _resource(view: wire.View, schemas: dict[str, Any]) -> dict[str, Any]:
    attributes = {attribute.key: attribute.datatype for attribute in wtypes.list_attributes(view.kind)}
    links = ["links"] if view._has_links else []
    name = view.kind.__name__ + ("" if {*view._names, *links} == set(attributes) else "Short")
    properties = {key: _schema(attributes[key], key != "uuid") for key in [*view._names, *links]}
    schemas[name] = {"type": "object", "description": inspect.getdoc(view.kind) or "", "properties": properties}
    if not view.kind.__doc__:
        del schemas[name]["description"]
    return {"$ref": f"#/components/schemas/{name}"}


def _schema(kind: Any, is_nullable: bool = False) -> dict[str, Any]:
    """The JSON schema of a WSME type."""
    if isinstance(kind, wtypes.ArrayType):
        is_text = kind.item_type is wtypes.text
        items = {"type": "string"} if is_text else {"$ref": f"#/components/schemas/{kind.item_type.__name__}"}
        return {"type": "array", "items": items}
    schema = dict(_SCHEMAS.get(getattr(kind, "name", None), {"type": "integer" if kind is int else "string"}))
    if isinstance(kind, types.DateTime):
        # Without a suffix it is no date-time by RFC 3339.
        schema = {"type": "string", "format": "date-time"} if kind.suffix else {"type": "string", "description": NAIVE}
    if isinstance(kind, wtypes.Enum):
        schema["enum"] = sorted(kind.values)
    if isinstance(kind, types.Text):
        schema["maxLength"] = kind.max_length
        if kind._pattern:
            schema["pattern"] = f"^{kind._pattern.pattern}$"
    if isinstance(kind, types.Integer):
        schema.update(minimum=kind.minimum, maximum=kind.maximum)
    if is_nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


_SCHEMAS = {
    "boolean text": {"type": "string", "enum": ["True", "False"]},
    "boolean": {"type": "boolean"},
    "json": {"type": "object"},
    "uuid": {"type": "string", "format": "uuid"},
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "mac address": {"type": "string", "format": "mac"},
    "ip address": {"type": "string", "format": "ip"},
}


def _query(noted: Noted) -> list[dict[str, Any]]:
    plain = {
        "limit": {"type": "integer", "minimum": 1},
        "marker": {"type": "string", "format": "uuid"},
        "sort_key": {"type": "string"},
        "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
        **{name: _schema(kind) for name, kind in noted.plain.items()},
    }
    if noted.fields:
        plain["q.field"] = {"type": "array", "items": {"type": "string", "enum": sorted(noted.fields)}}
        plain["q.op"] = {"type": "array", "items": {"type": "string", "enum": list(paging.OPERATORS)}}
        plain["q.value"] = {"type": "array", "items": _schema(types.text)}
    return [_parameter(name, schema, "query") for name, schema in plain.items()]


def _parameter(name: str, schema: dict[str, Any], place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, **({"required": True} if place == "path" else {})}


def _body(form: str, kind: type, allowed: frozenset[str]) -> dict[str, Any]:
    attributes = {attribute.key: attribute.datatype for attribute in wtypes.list_attributes(kind)}
    properties = {name: _schema(attributes[name]) for name in attributes if name in allowed}
    if form == "object":
        return {"type": "object", "properties": properties, "additionalProperties": False}
    change = {
        "op": {"type": "string", "enum": ["replace", "remove"]},
        "path": {"type": "string", "enum": [f"/{name}" for name in properties]},
        "value": {"description": "As the attribute's type is"},
    }
    items = {"type": "object", "properties": change, "required": ["op", "path"]}
    return {"type": "array", "minItems": 1, "maxItems": wire._PATCH_LIMIT, "items": items}


def _json(schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, **({"description": description} if description else {})}


if __name__ == "__main__":
    print(json.dumps(document(sys.argv[1]), indent=1))
