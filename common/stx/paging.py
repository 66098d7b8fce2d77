# SPDX-License-Identifier: Apache-2.0
"""Pages of a list, in SQL: keyset paging that stays quick however far a reader has come."""

import dataclasses
import datetime
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stx import db, exception

OPERATORS = ("lt", "le", "eq", "ne", "ge", "gt")


@dataclasses.dataclass(frozen=True)
class Filter:
    """One condition on a list: field, one of OPERATORS, text."""

    field: str
    op: str
    value: str


@dataclasses.dataclass(frozen=True)
class Page:
    """What part of a list is asked for.

    :ivar limit: rows at the most
    :ivar marker: uuid of the last row of the page before, or None for the first page
    :ivar sort_key: a column of the table
    :ivar sort_dir: `asc` or `desc`
    """

    limit: int
    marker: str | None = None
    sort_key: str = "id"
    sort_dir: str = "asc"


def fetch(
    connection: Connection,
    select: sa.Select[Any],
    table: sa.Table,
    page: Page,
    columns: Mapping[str, Any] | None = None,
    hidden: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The rows of `select` that are on the page.

    Rows are ordered by the sort key and, where that is equal, by id. NULL sorts first.

    :param columns: sort keys that are not columns of `table`, by their wire name
    :param hidden: columns of `table` that are no sort keys
    :raises exception.Invalid: when the sort key or the marker does not exist
    """
    # Structured values have no order.
    plain = {name: column for name, column in table.c.items() if not isinstance(column.type, sa.JSON) and name not in hidden}
    sortable = plain | dict(columns or {})
    column = sortable.get(page.sort_key)
    if column is None:
        raise exception.Invalid(f"Cannot sort by {page.sort_key[:60]!r}. Choose one of: {', '.join(sorted(sortable))}.")
    # SQLAlchemy knows no order of booleans.
    key = sa.cast(column, sa.Integer) if isinstance(column.type, sa.Boolean) else column
    if column.nullable:
        key = sa.func.coalesce(key, _lowest(key))
    if page.marker is not None:
        select = select.where(_after(connection, table, key, page))
    forward = page.sort_dir == "asc"
    order = [key.asc(), table.c.id.asc()] if forward else [key.desc(), table.c.id.desc()]
    return db.records(connection.execute(select.order_by(*order).limit(page.limit)))


def _after(connection: Connection, table: sa.Table, key: Any, page: Page) -> Any:
    found = connection.execute(sa.select(key, table.c.id).where(table.c.uuid == page.marker)).first()
    if found is None:
        raise exception.Invalid(
            f"The marker {page.marker!r} is not the uuid of an item of this list. Start again without a marker."
        )
    value, row_id = found
    if page.sort_dir == "asc":
        return sa.or_(key > value, sa.and_(key == value, table.c.id > row_id))
    return sa.or_(key < value, sa.and_(key == value, table.c.id < row_id))


def _lowest(column: Any) -> Any:
    """A value before all others of the column's type, to stand for NULL."""
    kind = column.type
    if isinstance(kind, sa.Integer | sa.Float):
        return sa.literal(-(2**62), kind)
    if isinstance(kind, sa.DateTime):
        return sa.literal(datetime.datetime(1, 1, 1), kind)
    return sa.literal("")
