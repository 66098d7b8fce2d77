# SPDX-License-Identifier: Apache-2.0
"""What the lists of Service Management have in common. They are short and in memory; pages are cut of them as they are elsewhere."""

from typing import Any

from wsme import types as wtypes

from sm.api import states
from stx import exception, paging
from stx.rest import app, query, wire


class CollectionController(app.Controller):
    """Lists and shows the rows of one table.

    :param rule: who may see them
    :param what: one of them in words
    """

    def __init__(self, table: str, view: wire.View, rule: str, what: str) -> None:
        self._table = table
        self._view = view
        self._attributes = [attribute.key for attribute in wtypes.list_attributes(view.kind) if attribute.key != "links"]
        self._rule = rule
        self._what = what

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(self._rule)
        asked = query.parse_query()
        rows = page(states.records(self._table), asked.page, self._attributes)
        base = query.base_url()
        return {self._view.path: [self._view.render(row, base) for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def get_one(self, item: str) -> dict[str, Any]:
        """By uuid, number or name; where several have a name, it is no name of one."""
        self.authorize(self._rule)
        names = ("uuid", "id", "name") if self._table != "SERVICE_DOMAIN_ASSIGNMENTS" else ("uuid",)
        for row in states.records(self._table):
            if item in {str(row[name]) for name in names}:
                return self._view.render(row, query.base_url())
        raise exception.NotFound(
            f"There is no {self._what} {item[:80]} on this controller. GET /v1/{self._view.path} lists them."
        )


def page(rows: list[dict[str, Any]], asked: paging.Page, attributes: list[str]) -> list[dict[str, Any]]:
    """The rows that are on the page.

    :raises exception.Invalid: when the sort key or the marker does not exist
    """
    if asked.sort_key not in ("id", *attributes):
        raise exception.Invalid(f"Cannot sort by {asked.sort_key[:60]!r}. Choose one of: {', '.join(sorted(attributes))}.")
    key = asked.sort_key
    ordered = sorted(rows, key=lambda row: (row[key] is not None, row[key], row["id"]), reverse=asked.sort_dir == "desc")
    if asked.marker is None:
        return ordered[: asked.limit]
    for number, row in enumerate(ordered, 1):
        if row["uuid"] == asked.marker:
            return ordered[number : number + asked.limit]
    raise exception.Invalid(f"The marker {asked.marker!r} is not the uuid of an item of this list. Start again without a marker.")
