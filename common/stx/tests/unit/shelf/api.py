# SPDX-License-Identifier: Apache-2.0
"""The shelf's REST service."""

from typing import Any

import pecan

from stx import exception
from stx.rest import app, policy, query, types, wire
from stx.tests.unit.shelf.db import api as db_api

GET, MODIFY = "shelf:books:get", "shelf:books:modify"
RULES = [
    policy.rule(GET, policy.READ, "Read books.", ("GET", "/v1/books")),
    policy.rule(MODIFY, policy.CONFIGURE, "Change books.", ("POST", "/v1/books"), ("PATCH", "/v1/books/{uuid}")),
]
LANGUAGES = ("de", "en", "zh")
_WRITABLE = frozenset({"title", "language", "pages", "is_lent", "contents"})


class Book(types.Resource):
    """A book."""

    title = types.text
    language = types.choice(*LANGUAGES)
    pages = types.Integer(1, 10_000)
    weight = float
    is_lent = types.Boolean()
    contents = types.json
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


VIEW = wire.View(Book, "books")


class BooksController(app.Controller):
    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(GET)
        asked = query.parse_query({"is_lent": types.Boolean()}, frozenset({"title", "language"}))
        books = db_api.list_books(asked.page, asked.filters, **asked.values)
        return {"books": [VIEW.render(book, query.base_url()) for book in books], **query.next_link(asked.page, books)}

    @app.expose
    def get_one(self, book_uuid: str) -> dict[str, Any]:
        self.authorize(GET)
        return VIEW.render(db_api.get_book(book_uuid), query.base_url())

    @app.expose
    def post(self) -> dict[str, Any]:
        self.authorize(MODIFY)
        values = wire.from_body(Book, _WRITABLE)
        if values.get("title") is None:
            raise exception.Invalid("A book needs a title.")
        return VIEW.render(db_api.add_book(**values), query.base_url())

    @app.expose
    def patch(self, book_uuid: str) -> dict[str, Any]:
        self.authorize(MODIFY)
        db_api.change_book(book_uuid, wire.from_patch(Book, _WRITABLE - {"title"}))
        return VIEW.render(db_api.get_book(book_uuid), query.base_url())

    @app.expose
    def delete(self, book_uuid: str) -> None:
        self.authorize(MODIFY)
        db_api.get_book(book_uuid)
        db_api.delete_book(book_uuid)


class FailuresController(app.Controller):
    """Fails in the way that is asked for."""

    @app.expose
    def get_one(self, kind: str) -> None:
        raise getattr(exception, kind, RuntimeError)("A sentence for the operator.")


class CallerController(app.Controller):
    """Says who asks."""

    @app.expose
    def get(self) -> dict[str, Any]:
        context = pecan.request.context["stx"]
        return {"user": context.user_id, "project": context.project_name, "roles": context.roles}


class V1Controller(app.Controller):
    def __init__(self) -> None:
        self.books = BooksController()
        self.failures = FailuresController()
        self.caller = CallerController()

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.version_document(query.base_url(), "shelf", {"books": wire.links(query.base_url(), "books")})


class RootController(app.Controller):
    def __init__(self) -> None:
        self.v1 = V1Controller()

    @app.expose
    def get(self) -> dict[str, Any]:
        return app.root_document(query.base_url(), "Shelf", "Books")


def make_application() -> app.Application:
    policy.register(RULES)
    return app.make(RootController())
