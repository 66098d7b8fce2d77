# SPDX-License-Identifier: Apache-2.0
"""Query parameters of a list: paging, sorting, and the two ways to filter."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib import parse

import pecan
from oslo_config import cfg
from oslo_utils import uuidutils

from stx import exception, paging
from stx.rest import types

CONF = cfg.CONF

_PAGING = ("limit", "marker", "sort_key", "sort_dir")
_FILTER_PARTS = ("field", "op", "value", "type")

opts = [
    cfg.IntOpt(
        "limit_max",
        default=2000,
        min=1,
        help="Items in one page of a list at the most, also when a client asks for more or names no limit. Lower it to bound the "
        "memory of a request.",
    ),
]
CONF.register_opts(opts, group="api")


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    return [("api", opts)]


@dataclasses.dataclass(frozen=True)
class Query:
    """What a list request asks for.

    :ivar values: plain parameters by name, converted
    :ivar filters: the q.field/q.op/q.value conditions
    """

    page: paging.Page
    values: dict[str, Any]
    filters: list[paging.Filter]


def parse_query(
    plain: Mapping[str, Any] = {}, fields: frozenset[str] = frozenset(), sort_key: str = "id", sort_dir: str = "asc"
) -> Query:
    """Read the request's query.

    :param plain: further parameters by name, with their WSME type
    :param fields: names that q.field may have
    :param sort_key: the list's order when the request names none
    :raises exception.Invalid: naming the parameter that is unknown or malformed
    """
    given = pecan.request.GET
    filtered = [f"q.{part}" for part in _FILTER_PARTS] if fields else []
    values = _plain(given, plain, {*_PAGING, *plain, *filtered})
    return Query(_page(given, sort_key, sort_dir), values, _filters(given, fields) if fields else [])


def parse_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Read the query of a request for what has no pages.

    :param plain: parameters by name, with their WSME type
    :raises exception.Invalid: naming the parameter that is unknown or malformed
    """
    return _plain(pecan.request.GET, plain, set(plain))


def _plain(given: Mapping[str, str], plain: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    if unknown := sorted(set(given) - known):
        raise exception.Invalid(f"There is no query parameter {unknown[0][:60]!r}. Known here: {', '.join(sorted(known))}.")
    return {name: _converted(name, kind, given[name]) for name, kind in plain.items() if name in given}


def _converted(name: str, kind: Any, value: str) -> Any:
    try:
        return kind.validate(value)
    except ValueError as error:
        raise exception.Invalid(f"The query parameter {name}: {error}.") from error


def _page(given: Mapping[str, str], sort_key: str, sort_dir: str) -> paging.Page:
    limit_max = CONF.api.limit_max
    limit = given.get("limit")
    if limit is not None and (not limit.isascii() or not limit.isdigit() or len(limit) > 9 or int(limit) < 1):
        raise exception.Invalid(f"The limit {limit[:20]!r} is not a positive number.")
    marker = given.get("marker")
    if marker is not None and not uuidutils.is_uuid_like(marker):
        raise exception.Invalid(f"The marker {marker[:60]!r} is not a uuid.")
    direction = given.get("sort_dir", sort_dir)
    if direction not in ("asc", "desc"):
        raise exception.Invalid(f"The sort_dir {direction[:20]!r} is neither asc nor desc.")
    return paging.Page(min(int(limit), limit_max) if limit else limit_max, marker, given.get("sort_key", sort_key), direction)


def _filters(given: Any, fields: frozenset[str]) -> list[paging.Filter]:
    names, operators, values = given.getall("q.field"), given.getall("q.op"), given.getall("q.value")
    if len(names) != len(values) or len(operators) not in (0, len(names)):
        raise exception.Invalid("Give a q.value, and either no q.op or one, for every q.field.")
    filters = []
    for index, name in enumerate(names):
        op = operators[index] if operators and operators[index] else "eq"
        if name not in fields:
            raise exception.Invalid(f"Cannot filter by {name[:40]!r}. Choose one of: {', '.join(sorted(fields))}.")
        if op not in paging.OPERATORS:
            raise exception.Invalid(f"The operator {op[:20]!r} is not known. Choose one of: {', '.join(paging.OPERATORS)}.")
        filters.append(paging.Filter(name, op, _converted("q.value", types.text, values[index])))
    return filters


def base_url() -> str:
    """Where the client reaches this service, without a path."""
    return pecan.request.host_url


def next_link(page: paging.Page, rows: list[dict[str, Any]]) -> dict[str, str]:
    """`{"next": url}` when the page is full, with all parameters of the request kept; else nothing."""
    if len(rows) < page.limit:
        return {}
    kept = [(name, value) for name, value in pecan.request.GET.items() if name not in _PAGING]
    where = [("sort_key", page.sort_key), ("sort_dir", page.sort_dir), ("limit", page.limit), ("marker", rows[-1]["uuid"])]
    return {"next": f"{pecan.request.path_url}?{parse.urlencode(where + kept)}"}
