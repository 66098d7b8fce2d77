# SPDX-License-Identifier: Apache-2.0
"""Service parameters in the sysinv database: what they are set to, and the copy of that which was applied."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_utils import uuidutils
from sqlalchemy.engine import Connection

from stx import db, exception, paging
from sysinv.db import models
from sysinv.db.api import Record, database

_parameter, _applied = models.service_parameter, models.service_parameter_applied
_KEY = ("service", "section", "name", "personality", "resource")
FILTERS = frozenset({"uuid", "service", "section", "name", "personality", "resource"})
_COMPARE = {
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column.is_distinct_from(value),
    "ge": lambda column, value: column >= value,
    "gt": lambda column, value: column > value,
}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _stamped(values: Mapping[str, Any]) -> Record:
    return {"personality": None, "resource": None, **values, "uuid": str(uuid.uuid4()), "created_at": _now(), "updated_at": None}


@database.reader
def list_parameters(connection: Connection, page: paging.Page, filters: Sequence[paging.Filter] = ()) -> list[Record]:
    select = sa.select(_parameter)
    for each in filters:
        select = select.where(_COMPARE[each.op](_parameter.c[each.field], each.value))
    return paging.fetch(connection, select, _parameter, page)


@database.reader
def all_parameters(connection: Connection, service: str) -> list[Record]:
    """The parameters of a service."""
    select = sa.select(_parameter).where(_parameter.c.service == service)
    return db.records(connection.execute(select.order_by(_parameter.c.id)))


@database.reader
def get_parameters(connection: Connection, uuids: Sequence[str]) -> list[Record]:
    """Those of these uuids that there are."""
    select = sa.select(_parameter).where(_parameter.c.uuid.in_(uuids))
    return db.records(connection.execute(select.order_by(_parameter.c.id)))


def get(parameter_uuid: str) -> Record:
    """:raises exception.NotFound: when there is no such parameter"""
    found = get_parameters([parameter_uuid]) if uuidutils.is_uuid_like(parameter_uuid) else []
    if not found:
        raise exception.NotFound(
            f"No service parameter has the uuid {parameter_uuid[:80]}. `system service-parameter-list` shows them."
        )
    return found[0]


@database.writer
def seed(connection: Connection, wanted: Sequence[Mapping[str, Any]]) -> int:
    """Add those of these parameters that there are not; gives their number."""
    there = {tuple(row) for row in connection.execute(sa.select(*[_parameter.c[name] for name in _KEY]))}
    missing = [_stamped(row) for row in wanted]
    missing = [row for row in missing if tuple(row[name] for name in _KEY) not in there]
    if missing:
        connection.execute(sa.insert(_parameter), missing)
    return len(missing)


@database.writer
def create(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """:returns: their uuids"""
    stamped = [_stamped(row) for row in rows]
    connection.execute(sa.insert(_parameter), stamped)
    return [row["uuid"] for row in stamped]


@database.writer
def update(connection: Connection, parameter_uuid: str, value: str) -> None:
    connection.execute(sa.update(_parameter).where(_parameter.c.uuid == parameter_uuid).values(value=value, updated_at=_now()))


@database.writer
def delete(connection: Connection, parameter_uuid: str) -> None:
    connection.execute(sa.delete(_parameter).where(_parameter.c.uuid == parameter_uuid))


@database.writer
def apply(connection: Connection, service: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep these as the parameters of a service that are effective."""
    kept = [{name: row[name] for name in ("section", "name", "value", "personality", "resource")} for row in rows]
    db.upsert(connection, _applied, ["service"], [{"service": service, "parameters": kept, "applied_at": _now()}])


@database.reader
def applied(connection: Connection, service: str) -> list[Record]:
    """The parameters of a service that are effective; none before they were applied for the first time."""
    found = connection.execute(sa.select(_applied.c.parameters).where(_applied.c.service == service)).scalar_one_or_none()
    return list(found or [])
