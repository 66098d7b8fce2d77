# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts: hosts, and what they are made of (spec sysinv.md 1.7.2)."""

import contextlib
from typing import Any

from oslo_config import cfg
from wsme import types as wtypes

from stx import exception
from stx.context import RequestContext
from stx.rest import app, query, types, wire
from sysinv import actions, board, client, facts, policies, states
from sysinv.api.v1 import (
    action,
    cpu,
    disk,
    install_progress,
    lldp_agent,
    lldp_neighbour,
    memory,
    node,
    partition,
    pci_device,
    port,
    sensor,
    sensorgroup,
)
from sysinv.db import api as db_api

CONF = cfg.CONF

_SETTINGS = frozenset(
    {
        "hostname",
        "personality",
        "subfunctions",
        "mgmt_mac",
        "mgmt_ip",
        "serialid",
        "location",
        "boot_device",
        "rootfs_device",
        "install_output",
        "console",
        "tboot",
        "ttys_dcd",
        "vsc_controllers",
        "hw_settle",
        "clock_synchronization",
        *board.FIELDS,
    }
)

_SUBRESOURCES = {
    "ports": port.controller,
    "ethernet_ports": port.ethernet_controller,
    "inodes": node.controller,
    "icpus": cpu.controller,
    "imemorys": memory.controller,
    "idisks": disk.controller,
    "partitions": partition.controller,
    "pci_devices": pci_device.controller,
    "lldp_agents": lldp_agent.controller,
    "lldp_neighbours": lldp_neighbour.controller,
    "isensors": sensor.controller,
    "isensorgroups": sensorgroup.controller,
}


class Host(types.Resource):
    id = types.integer
    hostname = types.text
    personality = types.choice(*states.PERSONALITIES, *states.PERSONALITY_ALIASES)
    subfunctions = types.text
    mgmt_mac = types.mac_address
    mgmt_ip = types.ip_address
    infra_ip = wtypes.text
    administrative = wtypes.text
    operational = wtypes.text
    availability = wtypes.text
    subfunction_oper = wtypes.text
    subfunction_avail = wtypes.text
    invprovision = wtypes.text
    action = types.choice("none", *actions.ACTIONS)
    ihost_action = wtypes.text
    action_state = wtypes.text
    task = wtypes.text
    mtce_info = wtypes.text
    vim_progress_status = wtypes.text
    reserved = types.boolean_text
    bm_ip = types.ip_address
    bm_type = types.choice(*board.TYPES)
    bm_username = types.text
    serialid = types.text
    location = types.json
    uptime = types.integer
    capabilities = types.json
    config_status = wtypes.text
    config_applied = wtypes.text
    config_target = wtypes.text
    boot_device = types.text
    rootfs_device = types.text
    install_output = types.choice(*states.INSTALL_OUTPUTS)
    console = types.text
    tboot = types.choice("", "true")
    ttys_dcd = types.Text(31)
    vsc_controllers = types.text
    install_state = wtypes.text
    install_state_info = wtypes.text
    software_load = wtypes.text
    target_load = wtypes.text
    iscsi_initiator_name = wtypes.text
    hw_settle = types.Text(31, r"\d+", "0")
    clock_synchronization = types.choice(*states.CLOCKS)
    peers = types.json
    peer_id = types.integer
    isystem_uuid = types.uuid
    forisystemid = types.integer
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


class HostRequest(Host):
    """What can be asked for and is never shown."""

    action = types.choice(*actions.ACTIONS)
    bm_password = types.secret


def _extend(answer: dict[str, Any], record: wire.Record, base: str) -> None:
    # Storage hosts that replicate each other are peers.
    answer["peers"] = answer["peer_id"] = None
    if record["personality"] == states.CONTROLLER:
        # This service runs on the active controller only.
        activity = "Active" if record["hostname"] == CONF.host else "Standby"
        answer["capabilities"] = {**record["capabilities"], "Personality": f"Controller-{activity}"}


def _extend_one(answer: dict[str, Any], record: wire.Record, base: str) -> None:
    _extend(answer, record, base)
    for name in _SUBRESOURCES:
        answer[name] = wire.links(base, "ihosts", record["uuid"], name)


_listed = wire.View(Host, "ihosts", extend=_extend)
_full = wire.View(Host, "ihosts", extend=_extend_one)


class HostController(app.Controller):
    _custom_actions = {"detail": ["GET"]}
    # Of the class: they are no collections of a host's parts.
    install_progress = install_progress.InstallProgressController()
    actions = action.ActionController()

    def __init__(self) -> None:
        self._conductor = client.Conductor()
        for name, controller in _SUBRESOURCES.items():
            setattr(self, name, controller("host"))

    @app.expose
    def get_all(self) -> dict[str, Any]:
        return self.page(_listed)

    @app.expose
    def detail(self) -> dict[str, Any]:
        return self.page(_full)

    def page(self, view: wire.View = _listed) -> dict[str, Any]:
        """The list of hosts that the request asks for. Where it asks for those on which an action is allowed, a page may have fewer."""
        self.authorize(policies.HOST_GET)
        asked = query.parse_query({"personality": types.text, "allowed": types.choice(*actions.OFFERED)})
        personality = asked.values.get("personality")
        rows = db_api.list_hosts(asked.page, states.personality(personality) if personality else None)
        base, next_link = query.base_url(), query.next_link(asked.page, rows)
        if (action_name := asked.values.get("allowed")) is not None:
            rows = [known.host for known in facts.of_actions(rows) if not actions.reasons(action_name, known)]
        return {"ihosts": [view.render(row, base) for row in rows], **next_link}

    @app.expose
    def get_one(self, host: str) -> dict[str, Any]:
        self.authorize(policies.HOST_GET)
        return _full.render(db_api.get_host(host), query.base_url())

    @app.expose
    def post(self) -> dict[str, Any]:
        context = self.authorize(policies.HOST_CREATE)
        values = wire.from_body(HostRequest, _SETTINGS)
        created = self._conductor.create_host(context, values)
        return _full.render(db_api.get_host(created["uuid"]), query.base_url())

    @app.expose
    def patch(self, host: str) -> dict[str, Any]:
        context = self._authorize_patch()
        changes = wire.from_patch(HostRequest, _SETTINGS | {"action"})
        self.authorize(policies.HOST_ACTION if "action" in changes else policies.HOST_MODIFY)
        found = db_api.get_host(host)
        if "action" in changes:
            if len(changes) > 1 or changes["action"] is None:
                raise exception.Invalid("An action is asked for alone: replace /action, and nothing else in the same request.")
            action.carry_out(context, self._conductor, found, changes["action"])
        else:
            self._conductor.update_host(context, found["uuid"], changes)
        return _full.render(db_api.get_host(found["uuid"]), query.base_url())

    def _authorize_patch(self) -> RequestContext:
        """Let pass who may do something by PATCH; what that is, is looked at when it is known what is wanted."""
        try:
            return self.authorize(policies.HOST_MODIFY)
        except exception.Forbidden:
            with contextlib.suppress(exception.Forbidden):
                return self.authorize(policies.HOST_ACTION)
            raise

    @app.expose
    def delete(self, host: str) -> None:
        context = self.authorize(policies.HOST_DELETE)
        self._conductor.delete_host(context, db_api.get_host(host)["uuid"])
