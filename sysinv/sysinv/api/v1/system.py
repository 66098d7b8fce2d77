# SPDX-License-Identifier: Apache-2.0
"""/v1/isystems: the system; there is one (spec sysinv.md 1.7.1)."""

from typing import Any

from wsme import types as wtypes

from stx import exception
from stx.rest import app, query, types, wire
from sysinv import client, policies
from sysinv.api.v1 import host
from sysinv.db import api as db_api

_MODIFIABLE = frozenset({"name", "description", "contact", "location", "timezone", "latitude", "longitude"})


class System(types.Resource):
    id = types.integer
    name = types.Text(255, r"[^\x00-\x1f]+", "edge-17")
    system_type = wtypes.text
    system_mode = wtypes.text
    description = types.text
    contact = types.text
    location = types.text
    services = types.integer
    software_version = wtypes.text
    timezone = types.Text(255, r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,2}", "Europe/Berlin")
    capabilities = types.json
    region_name = wtypes.text
    distributed_cloud_role = wtypes.text
    service_project_name = wtypes.text
    security_feature = wtypes.text
    latitude = types.Text(30)
    longitude = types.Text(30)
    created_at = types.datetime_utc
    updated_at = types.datetime_utc
    ihosts = [types.Link]


def _extend(answer: dict[str, Any], record: wire.Record, base: str) -> None:
    answer["capabilities"] = {**record["capabilities"], "bm_region": "Internal"}
    answer["ihosts"] = wire.links(base, "isystems", record["uuid"], "ihosts")


_view = wire.View(System, "isystems", extend=_extend)


class _HostsController(app.Controller):
    """A system's hosts; below a system they are listed only."""

    def __init__(self) -> None:
        self._hosts = host.HostController()

    @app.expose
    def get_all(self, system_uuid: str) -> dict[str, Any]:
        answer = self._hosts.page()
        _found(system_uuid)
        return answer

    @app.expose
    def get_one(self, *path: str) -> dict[str, Any]:
        self.authorize(policies.HOST_GET)
        raise exception.Forbidden(f"A single host is found at its own path only: /v1/ihosts/{path[-1][:80]}.")


class SystemController(app.Controller):
    _custom_actions = {"detail": ["GET"]}

    def __init__(self) -> None:
        self._conductor = client.Conductor()
        self.ihosts = _HostsController()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(policies.SYSTEM_GET)
        asked = query.parse_query()
        rows = db_api.list_systems(asked.page)
        return {"isystems": [_view.render(row, query.base_url()) for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self.get_all.__wrapped__(self)

    @app.expose
    def get_one(self, system_uuid: str) -> dict[str, Any]:
        self.authorize(policies.SYSTEM_GET)
        return _view.render(_found(system_uuid), query.base_url())

    @app.expose
    def post(self) -> None:
        self.authorize(policies.SYSTEM_MODIFY)
        raise exception.Forbidden("There is one system; it is made when the first controller comes up.")

    @app.expose
    def patch(self, system_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.SYSTEM_MODIFY)
        changes = wire.from_patch(System, _MODIFIABLE)
        self._conductor.update_system(context, _found(system_uuid)["uuid"], changes)
        return _view.render(_found(system_uuid), query.base_url())

    @app.expose
    def delete(self, system_uuid: str) -> None:
        self.authorize(policies.SYSTEM_MODIFY)
        raise exception.Forbidden("The system cannot be deleted.")


def _found(system_uuid: str) -> dict[str, Any]:
    system = db_api.get_system()
    if system is None or system["uuid"] != system_uuid:
        raise exception.NotFound(f"There is no system {system_uuid[:80]}. `system show` shows the one there is.")
    return system
