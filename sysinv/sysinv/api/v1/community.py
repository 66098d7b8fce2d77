# SPDX-License-Identifier: Apache-2.0
"""/v1/icommunity: who may ask the SNMP agent (spec fm.md 8.4)."""

from typing import Any

from stx import exception
from stx.rest import app, query, types, wire
from sysinv import client, policies
from sysinv.db import snmp as db_snmp


class Community(types.Resource):
    """It is named by its text, or by its uuid."""

    community = types.Text(128)
    view = types.text
    access = types.choice("ro", "rw")
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


_view = wire.View(Community, "icommunity")


class CommunityController(app.Controller):
    _custom_actions = {"detail": ["GET"]}
    _key = "icommunity"

    def __init__(self) -> None:
        self._conductor = client.Conductor()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(policies.SNMP_GET)
        asked = query.parse_query()
        found = db_snmp.list_page(db_snmp.COMMUNITY, asked.page)
        return {self._key: [_view.render(row, query.base_url()) for row in found], **query.next_link(asked.page, found)}

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self.get_all.__wrapped__(self)

    @app.expose
    def get_one(self, community: str) -> dict[str, Any]:
        self.authorize(policies.SNMP_GET)
        return _view.render(db_snmp.get(db_snmp.COMMUNITY, community), query.base_url())

    @app.expose
    def post(self) -> dict[str, Any]:
        context = self.authorize(policies.SNMP_MODIFY)
        given = wire.from_body(Community, client.COMMUNITY_FIELDS)
        if not given.get("community"):
            raise exception.Invalid("Name the community: community.")
        return self._rendered(self._conductor.create_community(context, given))

    @app.expose
    def patch(self, community: str) -> dict[str, Any]:
        context = self.authorize(policies.SNMP_MODIFY)
        changes = wire.from_patch(Community, client.COMMUNITY_FIELDS)
        found = db_snmp.get(db_snmp.COMMUNITY, community)["uuid"]
        self._conductor.update_community(context, found, changes)
        return self._rendered(found)

    @app.expose
    def delete(self, community: str) -> None:
        context = self.authorize(policies.SNMP_MODIFY)
        self._conductor.delete_community(context, db_snmp.get(db_snmp.COMMUNITY, community)["uuid"])

    def _rendered(self, community_uuid: str) -> dict[str, Any]:
        return _view.render(db_snmp.get(db_snmp.COMMUNITY, community_uuid), query.base_url())
