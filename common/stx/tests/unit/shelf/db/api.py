# SPDX-License-Identifier: Apache-2.0
"""What the tests ask of the shelf's database."""

import uuid
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exception
from sqlalchemy.engine import Connection

from stx import db, exception, paging
from stx.tests.unit import shelf
from stx.tests.unit.shelf.db import models

database = db.Database(shelf.__name__)


@database.writer
def add_book(connection: Connection, title: str, **values: Any) -> dict[str, Any]:
    row = {"uuid": str(uuid.uuid4()), "title": title, **values}
    try:
        return dict(connection.execute(sa.insert(models.book).returning(models.book), row).mappings().one())
    except db_exception.DBDuplicateEntry as error:
        raise exception.Conflict(f"There is a book {title!r} already.") from error


@database.writer
def add_books(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(sa.insert(models.book), [{"uuid": str(uuid.uuid4()), **row} for row in rows])


@database.reader
def get_book(connection: Connection, book_uuid: str) -> dict[str, Any]:
    row = connection.execute(sa.select(models.book).where(models.book.c.uuid == book_uuid)).mappings().one_or_none()
    if row is None:
        raise exception.NotFound(f"No book has the uuid {book_uuid}.")
    return dict(row)


@database.reader
def titles(connection: Connection) -> list[str]:
    return list(connection.execute(sa.select(models.book.c.title).order_by(models.book.c.id)).scalars())


@database.reader
def list_books(connection: Connection, page: paging.Page, filters: list[paging.Filter], **values: Any) -> list[dict[str, Any]]:
    select = sa.select(models.book)
    for name, value in [*values.items(), *((item.field, item.value) for item in filters)]:
        select = select.where(models.book.c[name] == value)
    return paging.fetch(connection, select, models.book, page)


@database.writer
def change_book(connection: Connection, book_uuid: str, values: dict[str, Any]) -> None:
    connection.execute(sa.update(models.book).where(models.book.c.uuid == book_uuid), values)


@database.writer
def delete_book(connection: Connection, book_uuid: str) -> None:
    connection.execute(sa.delete(models.book).where(models.book.c.uuid == book_uuid))
