# SPDX-License-Identifier: Apache-2.0
"""Who may ask over SNMP and who gets traps, in the sysinv database."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stx import db, exception, paging
from sysinv.db import models
from sysinv.db.api import Record, database

COMMUNITY, DESTINATION = "community", "trap destination"
# By kind: the table, the column by whose value one is named, the command that shows them.
_KINDS: dict[str, tuple[sa.Table, str, str]] = {
    COMMUNITY: (models.i_community, "community", "system snmp-comm-list"),
    DESTINATION: (models.i_trap_destination, "ip_address", "system snmp-trapdest-list"),
}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@database.reader
def list_page(connection: Connection, kind: str, page: paging.Page) -> list[Record]:
    table, _, _ = _KINDS[kind]
    return paging.fetch(connection, sa.select(table), table, page)


@database.reader
def all_of(connection: Connection, kind: str) -> list[Record]:
    table, _, _ = _KINDS[kind]
    return db.records(connection.execute(sa.select(table).order_by(table.c.id)))


@database.reader
def get(connection: Connection, kind: str, name: str) -> Record:
    """One of them.

    :param name: the community or the address, or its uuid
    :raises exception.NotFound: when there is none
    """
    table, column, command = _KINDS[kind]
    found = db.records(connection.execute(sa.select(table).where(sa.or_(table.c[column] == name, table.c.uuid == name))))
    if not found:
        raise exception.NotFound(f"There is no {kind} {name[:80]}. `{command}` shows them.")
    return found[0]


@database.writer
def create(connection: Connection, kind: str, values: Mapping[str, Any]) -> str:
    """Gives its uuid."""
    row = {**values, "uuid": str(uuid.uuid4()), "created_at": _now(), "updated_at": None}
    connection.execute(sa.insert(_KINDS[kind][0]).values(row))
    return str(row["uuid"])


@database.writer
def update(connection: Connection, kind: str, row_uuid: str, changes: Mapping[str, Any]) -> None:
    table, _, _ = _KINDS[kind]
    connection.execute(sa.update(table).where(table.c.uuid == row_uuid).values({**changes, "updated_at": _now()}))


@database.writer
def delete(connection: Connection, kind: str, row_uuid: str) -> None:
    table, _, _ = _KINDS[kind]
    connection.execute(sa.delete(table).where(table.c.uuid == row_uuid))
