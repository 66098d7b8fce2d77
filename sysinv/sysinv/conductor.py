# SPDX-License-Identifier: Apache-2.0
"""sysinv-conductor: the only writer of inventory and configuration."""

import contextlib
import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception

from fm import client as fm_client
from stx import exception, rpc, service, version
from stx.context import RequestContext
from sysinv import client, conf, defaults, rules, states
from sysinv.db import api as db_api

LOG = logging.getLogger(__name__)
CONF = cfg.CONF


class Conductor:
    """What sysinv-conductor does over RPC. Configuration requests are carried out one after another."""

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(self) -> None:
        self._faults = fm_client.FaultReporter()
        # The rules about one host look at all hosts.
        self._rules_lock = threading.Lock()

    @rpc.exposed
    def create_host(self, context: RequestContext, values: dict[str, Any]) -> dict[str, Any]:
        with self._rules_lock:
            system, hosts = _system(), db_api.all_hosts()
            # Null is as good as left out.
            given = {name: value for name, value in values.items() if value is not None}
            host = rules.complete(given, system, hosts)
            _refuse(
                f"Cannot add the host {host.get('hostname') or host.get('mgmt_mac') or ''}".rstrip(),
                rules.check_create(host, system, hosts),
            )
            row = {**defaults.host(version.SOFTWARE_VERSION), **host, "uuid": str(uuid.uuid4()), "forisystemid": system["id"]}
            with _duplicates(host["hostname"]):
                db_api.create_host(row)
        try:
            self._faults.log("200.020", f"host={host['hostname']}.event=add", f"Host {host['hostname']} was added.")
        except exception.Unavailable as error:
            # The host is there: its history lacks a line, which is no reason to tell that adding it failed.
            LOG.error("That %s was added was not logged: %s", host["hostname"], error.message)
        return _announced(context, "sysinv.host.create", host["hostname"])

    @rpc.exposed
    def update_host(self, context: RequestContext, host_uuid: str, changes: dict[str, Any]) -> dict[str, Any]:
        with self._rules_lock:
            host = db_api.get_host(host_uuid)
            changed, refusals = rules.check_update(host, changes, _system(), db_api.all_hosts())
            _refuse(f"Cannot change {_named(host)}", refusals)
            if not changed:
                return host
            with _duplicates(_named(host)):
                db_api.update_host(host_uuid, changed)
        return _announced(context, "sysinv.host.update", host_uuid)

    @rpc.exposed
    def delete_host(self, context: RequestContext, host_uuid: str) -> None:
        with self._rules_lock:
            host = db_api.get_host(host_uuid)
            _refuse(f"Cannot delete {_named(host)}", rules.check_delete(host, _system(), CONF.host))
            if host["hostname"]:
                # Before the host goes: nobody could clear its alarms afterwards.
                entity = f"host={host['hostname']}"
                self._faults.report(
                    [
                        fm_client.clear_all(entity),
                        fm_client.log("200.021", f"{entity}.command=delete", f"Host {host['hostname']} was deleted."),
                    ]
                )
            db_api.delete_host(host_uuid)
        rpc.publish(context, "sysinv.host.delete", {"uuid": host_uuid, "hostname": host["hostname"]})

    @rpc.exposed
    def update_system(self, context: RequestContext, system_uuid: str, changes: dict[str, Any]) -> None:
        _refuse("Cannot change the system", rules.check_system(changes))
        if changes and not db_api.update_system(system_uuid, changes):
            raise exception.NotFound(f"There is no system {system_uuid}. `system show` shows the one there is.")
        rpc.publish(context, "sysinv.system.update", {"uuid": system_uuid, "changes": changes})

    @rpc.exposed
    def get_hosts(self, context: RequestContext) -> list[dict[str, Any]]:
        return db_api.all_hosts()

    @rpc.exposed
    def update_host_state(self, context: RequestContext, hostname: str, changes: dict[str, Any]) -> None:
        if unknown := changes.keys() - set(client.STATE_FIELDS):
            raise exception.Invalid(f"mtce does not own the host's {', '.join(sorted(unknown))}.")
        host = db_api.get_host(hostname)
        changed = {name: value for name, value in changes.items() if host[name] != value}
        if changed:
            db_api.update_host(host["uuid"], changed)
            _announced(context, "sysinv.host.update", host["uuid"])

    @rpc.exposed
    def register_agent(self, context: RequestContext, macs: list[str], hostname: str) -> client.Registration:
        host = db_api.find_host([mac.lower() for mac in macs], hostname)
        if host is None:
            raise exception.NotFound(
                f"No host is known by the name {hostname} or one of the MAC addresses {', '.join(macs) or '(none)'}. "
                "Add it with `system host-add`."
            )
        if host["mgmt_mac"] is None and macs:
            with _duplicates(_named(host)):
                db_api.update_host(host["uuid"], {"mgmt_mac": macs[0].lower()})
        return client.Registration(host["uuid"], host["hostname"], db_api.get_digests(host["uuid"]))

    @rpc.exposed
    def report_inventory(self, context: RequestContext, host_uuid: str, reports: dict[str, client.InventoryReport]) -> None:
        for kind, report in reports.items():
            if kind not in db_api.TABLES:
                raise exception.Invalid(f"There is no inventory of the kind {kind!r}.")
            _check_records(kind, report.records)
        subfunctions = db_api.get_host(host_uuid)["subfunctions"] or ""
        rows = {kind: (report.digest, defaults.fill(kind, report.records, subfunctions)) for kind, report in reports.items()}
        if not db_api.store_inventory(host_uuid, rows):
            raise exception.NotFound(f"There is no host {host_uuid}.")
        LOG.info(
            "Stored the inventory of host %s: %s", host_uuid, ", ".join(f"{kind} {len(rows[kind][1])}" for kind in sorted(rows))
        )
        rpc.publish(context, "sysinv.inventory.update", {"host_uuid": host_uuid, "kinds": sorted(rows)})


def _check_records(kind: str, records: Sequence[dict[str, Any]]) -> None:
    table, key = db_api.TABLES[kind]
    for record in records:
        for name, value in record.items():
            if value is not None and name in table.c and not isinstance(value, table.c[name].type.python_type):
                raise exception.Invalid(f"The {name} of a {kind} record cannot be {str(value)[:60]!r}.")
        if any(record.get(name) is None for name in key):
            raise exception.Invalid(f"A {kind} record lacks {' or '.join(key)}.")
    if len({tuple(record[name] for name in key) for record in records}) != len(records):
        raise exception.Invalid(f"Two {kind} records have the same {' and '.join(key)}.")


def _refuse(what: str, refusals: Sequence[rules.Refusal]) -> None:
    if refusals:
        reasons = " ".join(refusal.reason for refusal in refusals)
        kind = exception.Conflict if all(refusal.conflict for refusal in refusals) else exception.Invalid
        raise kind(f"{what}: {reasons}")


@contextlib.contextmanager
def _duplicates(name: str | None) -> Iterator[None]:
    """What the rules saw free was taken meanwhile, by a writer beside this one."""
    try:
        yield
    except db_exception.DBDuplicateEntry as error:
        raise exception.Conflict(f"{name}: {', '.join(error.columns)} is taken already. Look at `system host-list`.") from error


def _named(host: dict[str, Any]) -> str:
    return host["hostname"] or f"host {host['id']}"


def _system() -> dict[str, Any]:
    system = db_api.get_system()
    if system is None:
        raise exception.Unavailable("The system's database is not filled yet. Try again in a moment.")
    return system


def _announced(context: RequestContext, kind: str, reference: str) -> dict[str, Any]:
    host = db_api.get_host(reference)
    told = ("uuid", "hostname", "personality", "administrative", "operational", "availability", "task")
    rpc.publish(context, kind, {name: host[name] for name in told})
    return host


class Bootstrap:
    """Brings the database up to date and, the first time, makes the system and its first controller.

    The first controller is configured by what brings it up, so it begins life unlocked.
    """

    def start(self) -> None:
        db_api.database.migrate()
        db_api.create_system(defaults.system(CONF.bootstrap, version.SOFTWARE_VERSION))
        system = _system()
        if not db_api.all_hosts():
            wanted = rules.complete({"personality": states.CONTROLLER, "hostname": "controller-0"}, system, [])
            first = {
                "uuid": str(uuid.uuid4()),
                "administrative": states.UNLOCKED,
                "invprovision": "provisioned",
                "forisystemid": system["id"],
            }
            db_api.create_host({**defaults.host(version.SOFTWARE_VERSION), **wanted, **first})
            LOG.info("Made the system %s with its first controller", system["name"])

    def stop(self) -> None:
        db_api.database.reset()


class _Server:
    """The RPC server; made at start, when the options are known."""

    def start(self) -> None:
        self._server = rpc.Server(Conductor())
        self._server.start()

    def stop(self) -> None:
        self._server.stop()


def make_service() -> service.Service:
    conf.register()
    return service.Service("sysinv-conductor", [Bootstrap(), _Server()])
