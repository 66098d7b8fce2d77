# SPDX-License-Identifier: Apache-2.0
"""The part of the conductor that keeps who may ask over SNMP and who gets traps; Fault Management is told of it."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fm import client as fm_client
from stx import context as stx_context
from stx import exception, rpc, turns
from stx.context import RequestContext
from sysinv import client, rows, snmp_rules, vault
from sysinv.db import snmp as db_snmp
from sysinv.db.snmp import COMMUNITY, DESTINATION

LOG = logging.getLogger(__name__)

# How often Fault Management is told, which keeps it for as long as its process runs; and how long that may take.
PERIOD_S = 10.0
_DEADLINE_S = 5.0
# How long a change waits for others; it has time left to be carried out before its caller gives up.
_TURN_S = 10.0


class Snmp:
    """What the conductor does about SNMP over RPC.

    :ivar snmp_changed: called when something changed that Fault Management is to be told of
    """

    def __init__(self) -> None:
        super().__init__()
        self._snmp_lock = turns.Turns("the SNMP configuration", _TURN_S)
        self.snmp_changed: Callable[[], None] = lambda: None

    @rpc.exposed
    def create_community(self, context: RequestContext, values: dict[str, Any]) -> str:
        _refuse_unknown(values, client.COMMUNITY_FIELDS)
        with self._snmp_lock:
            row = {"community": None, **snmp_rules.COMMUNITY_DEFAULTS, **_given(values)}
            rows.refuse("Cannot add the community", snmp_rules.check_community(row, db_snmp.all_of(COMMUNITY)))
            made = db_snmp.create(COMMUNITY, row)
        self.snmp_changed()
        return made

    @rpc.exposed
    def update_community(self, context: RequestContext, community_uuid: str, changes: dict[str, Any]) -> None:
        _refuse_unknown(changes, client.COMMUNITY_FIELDS)
        with self._snmp_lock:
            row = {**db_snmp.get(COMMUNITY, community_uuid), **changes}
            rows.refuse("Cannot change the community", snmp_rules.check_community(row, _others(COMMUNITY, community_uuid)))
            db_snmp.update(COMMUNITY, community_uuid, changes)
        self.snmp_changed()

    @rpc.exposed
    def delete_community(self, context: RequestContext, community_uuid: str) -> None:
        with self._snmp_lock:
            db_snmp.get(COMMUNITY, community_uuid)
            db_snmp.delete(COMMUNITY, community_uuid)
        self.snmp_changed()

    @rpc.exposed
    def create_trap_destination(self, context: RequestContext, values: dict[str, Any]) -> str:
        _refuse_unknown(values, client.TRAP_DESTINATION_FIELDS)
        given = _given(values)
        with self._snmp_lock:
            row = {"ip_address": None, **snmp_rules.DESTINATION_DEFAULTS, **given}
            what = f"Cannot add the trap destination {row['ip_address'] or ''}".rstrip()
            rows.refuse(what, snmp_rules.check_destination(row, db_snmp.all_of(DESTINATION), given))
            made = db_snmp.create(DESTINATION, _sealed(row))
        LOG.info("Added the trap destination %s, port %d, %s", row["ip_address"], row["port"], row["type"])
        self.snmp_changed()
        return made

    @rpc.exposed
    def update_trap_destination(self, context: RequestContext, destination_uuid: str, changes: dict[str, Any]) -> None:
        _refuse_unknown(changes, client.TRAP_DESTINATION_FIELDS)
        if unset := [name for name in ("ip_address", "port", "type", "transport") if changes.get(name, True) is None]:
            raise exception.Invalid(f"{', '.join(unset)} cannot be without a value.")
        with self._snmp_lock:
            before = db_snmp.get(DESTINATION, destination_uuid)
            refusals = snmp_rules.check_destination({**before, **changes}, _others(DESTINATION, destination_uuid), changes)
            rows.refuse(f"Cannot change the trap destination {before['ip_address']}", refusals)
            db_snmp.update(DESTINATION, destination_uuid, _sealed(changes))
        LOG.info("Changed the trap destination %s: %s", before["ip_address"], ", ".join(sorted(changes)))
        self.snmp_changed()

    @rpc.exposed
    def delete_trap_destination(self, context: RequestContext, destination_uuid: str) -> None:
        with self._snmp_lock:
            row = db_snmp.get(DESTINATION, destination_uuid)
            db_snmp.delete(DESTINATION, destination_uuid)
        LOG.info("Deleted the trap destination %s", row["ip_address"])
        self.snmp_changed()


class Teller:
    """Tells Fault Management of SNMP, again and again."""

    def __init__(self) -> None:
        self._manager = fm_client.Manager(_DEADLINE_S)
        self._context = stx_context.internal("sysinv-conductor")
        self._failed = False

    def step(self) -> None:
        try:
            self._manager.configure_snmp(self._context, told())
        except exception.StxException as error:
            if not self._failed:
                LOG.warning("Fault Management is not told of SNMP, which is tried again: %s", error.message)
            self._failed = True
            return
        if self._failed:
            LOG.info("Fault Management is told of SNMP again")
        self._failed = False


def told() -> fm_client.Snmp:
    """What Fault Management is told."""
    system = rows.system()
    communities = tuple(row["community"] for row in db_snmp.all_of(COMMUNITY))
    destinations = [_destination(row) for row in db_snmp.all_of(DESTINATION)]
    return fm_client.Snmp(system["name"], system["region_name"], communities, tuple(each for each in destinations if each))


def _destination(row: Mapping[str, Any]) -> fm_client.TrapDestination | None:
    try:
        auth, priv = (vault.decrypt(row[name]) if row[name] else "" for name in snmp_rules.PASSWORDS)
    except vault.SecretLost as error:
        LOG.error("%s gets no informs: its passwords cannot be read. %s Give them again.", row["ip_address"], error.message)
        return None
    return fm_client.TrapDestination(
        row["ip_address"], row["port"], row["type"], row["community"] or "", row["security_name"] or "", auth, priv
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Null is as good as left out."""
    return {name: value for name, value in values.items() if value is not None}


def _sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: vault.encrypt(value) if name in snmp_rules.PASSWORDS and value else value for name, value in values.items()}


def _others(kind: str, row_uuid: str) -> list[dict[str, Any]]:
    return [row for row in db_snmp.all_of(kind) if row["uuid"] != row_uuid]


def _refuse_unknown(values: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(values.keys() - known):
        raise exception.Invalid(f"{', '.join(unknown)} cannot be set here.")
