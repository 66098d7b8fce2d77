# SPDX-License-Identifier: Apache-2.0
"""What the read-only resources of a host's inventory have in common."""

from collections.abc import Mapping
from typing import Any

from oslo_utils import uuidutils

from stx import exception
from stx.rest import app, query, wire
from sysinv import policies
from sysinv.db import api as db_api


class InventoryController(app.Controller):
    """Lists and shows one kind of inventory.

    :param kind: the kind's name in the database module
    :param collection: its key in a list's answer
    :param view: its wire form
    :param parent: None at the top level, where all hosts' items are listed; `host`, or the kind of thing that the items are inside
    :param nested: controllers of what is inside an item, by path
    """

    _custom_actions = {"detail": ["GET"]}

    def __init__(
        self, kind: str, collection: str, view: wire.View, parent: str | None = None, nested: Mapping[str, Any] | None = None
    ) -> None:
        self._kind = kind
        self._collection = collection
        self._view = view
        self._parent = parent
        for path, controller in (nested or {}).items():
            setattr(self, path, controller)

    @app.expose
    def get_all(self, parent: str | None = None) -> dict[str, Any]:
        self.authorize(policies.INVENTORY_GET)
        if self._parent is not None and parent is None:
            raise exception.NotFound(f"{self._collection} are listed of one {self._parent}: name it in the path.")
        asked = query.parse_query()
        host = inside = None
        if self._parent == "host":
            # The list of a host that does not exist is an error, not an empty list.
            host = db_api.get_host(parent)["uuid"]
        elif self._parent is not None:
            inside = (self._parent, found(self._parent, parent)["uuid"])
        rows = db_api.list_inventory(self._kind, asked.page, host, inside)
        base = query.base_url()
        return {self._collection: [self._view.render(row, base) for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self.get_all.__wrapped__(self)

    @app.expose
    def get_one(self, *path: str) -> dict[str, Any]:
        self.authorize(policies.INVENTORY_GET)
        if self._parent is not None:
            raise exception.Forbidden(f"A single item is found at its own path only: /v1/{self._view.path}/{path[-1][:80]}.")
        return self._view.render(found(self._kind, "/".join(path)), query.base_url())


def found(kind: str, item: str | None) -> dict[str, Any]:
    """:raises exception.NotFound: when nothing of the kind has this uuid"""
    row = db_api.get_inventory(kind, item) if uuidutils.is_uuid_like(item) else None
    if row is None:
        raise exception.NotFound(f"No {kind.replace('_', ' ')} has the uuid {str(item)[:80]}.")
    return row
