# SPDX-License-Identifier: Apache-2.0
"""/v1/itrapdest: who gets SNMP traps or informs (spec fm.md 8.4)."""

from typing import Any

from stx import exception
from stx.rest import app, query, types, wire
from sysinv import client, policies, snmp_rules
from sysinv.db import snmp as db_snmp


class TrapDestination(types.Resource):
    """It is named by its address, or by its uuid."""

    ip_address = types.ip_address
    community = types.Text(128)
    port = types.Integer(1, 65535)
    type = types.choice(snmp_rules.V2C_TRAP, snmp_rules.V3_INFORM)
    transport = types.choice("udp")
    security_name = types.Text(32)
    auth_password = types.secret
    priv_password = types.secret
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


_SHOWN = ("uuid", "ip_address", "community", "port", "type", "transport", "security_name", "created_at", "updated_at", "links")
_view = wire.View(TrapDestination, "itrapdest", _SHOWN)


class TrapDestinationController(app.Controller):
    _custom_actions = {"detail": ["GET"]}
    _key = "itrapdest"

    def __init__(self) -> None:
        self._conductor = client.Conductor()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(policies.SNMP_GET)
        asked = query.parse_query()
        found = db_snmp.list_page(db_snmp.DESTINATION, asked.page)
        return {self._key: [_view.render(row, query.base_url()) for row in found], **query.next_link(asked.page, found)}

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self.get_all.__wrapped__(self)

    @app.expose
    def get_one(self, destination: str) -> dict[str, Any]:
        self.authorize(policies.SNMP_GET)
        return self._rendered(destination)

    @app.expose
    def post(self) -> dict[str, Any]:
        context = self.authorize(policies.SNMP_MODIFY)
        given = wire.from_body(TrapDestination, client.TRAP_DESTINATION_FIELDS)
        if not given.get("ip_address"):
            raise exception.Invalid("Name the address of the trap destination: ip_address.")
        return self._rendered(self._conductor.create_trap_destination(context, given))

    @app.expose
    def patch(self, destination: str) -> dict[str, Any]:
        context = self.authorize(policies.SNMP_MODIFY)
        changes = wire.from_patch(TrapDestination, client.TRAP_DESTINATION_FIELDS)
        found = db_snmp.get(db_snmp.DESTINATION, destination)["uuid"]
        self._conductor.update_trap_destination(context, found, changes)
        return self._rendered(found)

    @app.expose
    def delete(self, destination: str) -> None:
        context = self.authorize(policies.SNMP_MODIFY)
        self._conductor.delete_trap_destination(context, db_snmp.get(db_snmp.DESTINATION, destination)["uuid"])

    def _rendered(self, name: str) -> dict[str, Any]:
        return _view.render(db_snmp.get(db_snmp.DESTINATION, name), query.base_url())
