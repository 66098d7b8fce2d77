# SPDX-License-Identifier: Apache-2.0
"""Between WSME types and plain data.

A resource's WSME type declares its wire form. Requests are checked against it attribute by attribute. Answers are made by a function
that is compiled from it once, because WSME's own conversion is most of the cost of a long list.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pecan
import wsme
from wsme import types as wtypes

from stx import exception
from stx.rest import types

Record = Mapping[str, Any]
Extend = Callable[[dict[str, Any], Record, str], None]

# Attributes that no request may set, on any resource.
SERVER_OWNED = frozenset({"id", "uuid", "created_at", "updated_at", "links"})
_PATCH_PATH = re.compile(r"(?=.{1,255}$)/([\w-]+)((?:/[\w-]+)*)")
_PATCH_LIMIT = 100
# More than any attribute has; what is deeper could not be passed on by everybody who must.
_DEPTH_LIMIT = 32


class View:
    """The wire form of a resource in an answer.

    :param kind: its WSME type
    :param path: its collection's path below /v1, for links
    :param only: names of the attributes to show, in order; by default all of `kind`
    :param extend: fills in what is not a column: (answer, record, base url)
    """

    def __init__(
        self, kind: type[wtypes.Base], path: str, only: Sequence[str] | None = None, extend: Extend | None = None
    ) -> None:
        attributes = {attribute.key: attribute for attribute in wtypes.list_attributes(kind)}
        self.kind = kind
        self.path = path
        self._extend = extend
        names = [name for name in (only or attributes) if name != "links"]
        self._has_links = "links" in attributes
        self._names = names
        self._convert = [
            (name, attributes[name].datatype.tobasetype)
            for name in names
            if isinstance(attributes[name].datatype, wtypes.UserType) and _overrides(attributes[name].datatype)
        ]

    def render(self, record: Record, base: str) -> dict[str, Any]:
        """The answer for one record. Columns that a record lacks are left out."""
        answer = {name: record[name] for name in self._names if name in record}
        for name, convert in self._convert:
            if name in answer:
                answer[name] = convert(answer[name])
        if self._has_links:
            answer["links"] = links(base, self.path, record["uuid"])
        if self._extend:
            self._extend(answer, record, base)
        return answer


def _overrides(datatype: wtypes.UserType) -> bool:
    return type(datatype).tobasetype is not wtypes.UserType.tobasetype


def links(base: str, *path: str) -> list[dict[str, str]]:
    """The two links by which StarlingX clients find a resource."""
    where = "/".join(path)
    return [{"href": f"{base}/v1/{where}", "rel": "self"}, {"href": f"{base}/{where}", "rel": "bookmark"}]


def body() -> Any:
    """The request's JSON body.

    :raises exception.Invalid: when it is none
    """
    try:
        value = msgspec.json.decode(pecan.request.body)
        is_too_deep = _is_deeper(value, _DEPTH_LIMIT)
    except RecursionError:
        is_too_deep = True
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise exception.Invalid(f"The request body is not valid JSON: {error}.") from error
    if is_too_deep:
        raise exception.Invalid(f"The request body is nested too deeply: {_DEPTH_LIMIT} levels are accepted.")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def from_body(kind: type[wtypes.Base], allowed: frozenset[str]) -> dict[str, Any]:
    """The attributes that a create request gives, checked against the resource's type.

    :raises exception.Invalid: naming the attribute that is unknown, not allowed or of the wrong form
    """
    values = body()
    if not isinstance(values, dict):
        raise exception.Invalid("The request body must be a JSON object with the attributes of the new resource.")
    return {name: _checked(kind, name, value, allowed) for name, value in values.items()}


def from_patch(kind: type[wtypes.Base], allowed: frozenset[str]) -> dict[str, Any]:
    """The attributes that a JSON-patch request changes, with their new values; a removed one is None.

    :raises exception.Invalid: naming the operation that is malformed or not allowed
    """
    operations = body()
    if not isinstance(operations, list) or not operations or len(operations) > _PATCH_LIMIT:
        raise exception.Invalid(
            "The request body must be a list of 1 to 100 JSON-patch operations such as "
            '[{"op": "replace", "path": "/location", "value": "..."}].'
        )
    changes: dict[str, Any] = {}
    for operation in operations:
        name, value = _patch_operation(operation)
        changes[name] = None if value is None else _checked(kind, name, value, allowed)
        if value is None:
            _check_allowed(kind, name, allowed)
    return changes


def _patch_operation(operation: Any) -> tuple[str, Any]:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        # What is meant may be a secret.
        quoted = "An object without the text path" if isinstance(operation, dict) else types.shown(operation)
        raise exception.Invalid(f"{quoted} is not a JSON-patch operation with op, path and value.")
    op, path = operation.get("op"), operation["path"]
    if op not in ("replace", "remove", "add"):
        raise exception.Invalid(f"The operation {types.shown(op)} is not known: use replace, add or remove.")
    matched = _PATCH_PATH.fullmatch(path)
    if not matched:
        raise exception.Invalid(f"The path {types.shown(path)} is not the path of an attribute such as /location.")
    name, rest = matched.groups()
    if op == "add" and not rest:
        raise exception.Invalid(f"An attribute cannot be added: use replace for {path}.")
    if rest:
        raise exception.Invalid(f"A part of an attribute cannot be changed: replace /{name} as a whole.")
    if op == "remove":
        return name, None
    if "value" not in operation:
        raise exception.Invalid(f"The operation on {path} has no value.")
    return name, operation["value"]


def _checked(kind: type[wtypes.Base], name: str, value: Any, allowed: frozenset[str]) -> Any:
    datatype = _check_allowed(kind, name, allowed)
    if value is None:
        return None
    quoted = "what was given" if isinstance(datatype, types.Secret) else types.shown(value)
    try:
        if isinstance(datatype, wtypes.UserType):
            return datatype.frombasetype(datatype.validate(value))
        return wtypes.validate_value(datatype, value)
    except wsme.exc.InvalidInput as error:
        raise exception.Invalid(f"{name} cannot be {quoted}: {error.msg or error.faultstring}.") from error
    except (ValueError, TypeError) as error:
        raise exception.Invalid(f"{name} cannot be {quoted}: {error}.") from error


def _check_allowed(kind: type[wtypes.Base], name: str, allowed: frozenset[str]) -> Any:
    attributes = {attribute.key: attribute for attribute in wtypes.list_attributes(kind)}
    if name not in attributes:
        raise exception.Invalid(f"There is no attribute {types.shown(name)}. Allowed here: {', '.join(sorted(allowed))}.")
    if name in SERVER_OWNED or name not in allowed:
        raise exception.Invalid(f"The attribute {name!r} cannot be set here. Allowed: {', '.join(sorted(allowed))}.")
    return attributes[name].datatype
