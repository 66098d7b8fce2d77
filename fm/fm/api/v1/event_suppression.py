# SPDX-License-Identifier: Apache-2.0
"""/v1/event_suppression: which alarm types are kept from view (spec fm.md 6.4, 6.5)."""

from typing import Any

from wsme import types as wtypes

from fm import client, policies
from fm.db import api as db_api
from stx import exception
from stx.rest import app, query, types, wire

_FIELDS = frozenset({"uuid", "alarm_id", "description", "suppression_status"})


class EventSuppression(types.Resource):
    """An alarm type."""

    id = int
    alarm_id = wtypes.text
    description = wtypes.text
    suppression_status = types.choice("suppressed", "unsuppressed")


_view = wire.View(EventSuppression, "event_suppression")


class EventSuppressionController(app.Controller):
    def __init__(self) -> None:
        self._manager = client.Manager()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(policies.SUPPRESSION_GET)
        asked = query.parse_query(fields=_FIELDS, sort_key="alarm_id")
        rows = db_api.list_types(asked.page, asked.filters)
        base = query.base_url()
        return {"event_suppression": [_view.render(row, base) for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def get_one(self, type_uuid: str) -> dict[str, Any]:
        self.authorize(policies.SUPPRESSION_GET)
        return _view.render(db_api.get_type(type_uuid), query.base_url())

    @app.expose
    def patch(self, type_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.SUPPRESSION_MODIFY)
        status = wire.from_patch(EventSuppression, frozenset({"suppression_status"}))["suppression_status"]
        if status is None:
            raise exception.Invalid("suppression_status cannot be removed: replace it by suppressed or unsuppressed.")
        self._manager.set_suppression(context, type_uuid, status)
        return _view.render(db_api.get_type(type_uuid), query.base_url())
