# SPDX-License-Identifier: Apache-2.0
"""sysinv-conductor: the only writer of inventory and configuration."""

import contextlib
import functools
import logging
import pathlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from fm import client as fm_client
from stx import context as stx_context
from stx import exception, rpc, service, turns
from stx.context import RequestContext
from sysinv import (
    actions,
    addressing,
    board,
    boot,
    boot_files,
    client,
    conf,
    defaults,
    dnsmasq,
    facts,
    install,
    leases,
    rows,
    rules,
    snmp,
    states,
    vault,
)
from sysinv.bootstrap import Bootstrap
from sysinv.db import api as db_api
from sysinv.sensors import Sensors
from sysinv.service_parameters import ServiceParameters

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# How long a request waits for others that change hosts; it has time left to be carried out before its caller gives up.
_TURN_S = 10.0
_STEP_S = 1.0
_AUDIT_S = 60.0
# That time passes, and what mtce keeps here for itself alone.
_NO_NEWS = frozenset({"uptime", *client.KEPT_FIELDS})


class Conductor(snmp.Snmp, Sensors, ServiceParameters):
    """What sysinv-conductor does over RPC. Configuration requests are carried out one after another.

    :ivar hosts_changed: called when something changed that files for hosts are made of
    """

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(self) -> None:
        super().__init__()
        self._faults = fm_client.FaultReporter()
        # Decisions about one host look at all hosts, or at what another request changes.
        self._hosts_lock = turns.Turns("the hosts", _TURN_S)
        self._plan = rows.management_plan()
        self.hosts_changed: Callable[[], None] = lambda: None
        # Told of a host that is deleted: its MAC addresses.
        self.departed: Callable[[Collection[str]], None] = lambda macs: None

    @rpc.exposed
    def create_host(self, context: RequestContext, values: dict[str, Any]) -> dict[str, Any]:
        """Add a host; one that was discovered and has no personality yet becomes the one that is added."""
        # Null is as good as left out.
        given = {name: value for name, value in values.items() if value is not None}
        with self._hosts_lock:
            system, hosts = rows.system(), db_api.peers()
            known = rules.find_discovered(given.get("mgmt_mac"), hosts) if given.get("personality") else None
            wanted = rules.complete(given, system, hosts)
            what = f"Cannot add the host {wanted.get('hostname') or wanted.get('mgmt_mac') or ''}".rstrip()
            if known is not None:
                changed = self._change(what, db_api.get_host(known["uuid"]), given, system, hosts)
                host_uuid, event = known["uuid"], "sysinv.host.update"
            else:
                refusals = rules.check_create(wanted, system, hosts)
                wanted["mgmt_ip"] = self._address(wanted, hosts, refusals)
                rows.refuse(what, refusals)
                changed, host_uuid, event = rows.sealed(wanted), str(uuid.uuid4()), "sysinv.host.create"
                rows.create({**changed, "action_state": states.REINSTALLING}, host_uuid, system)
                self._log_board({}, changed)
        self._log_added(changed["hostname"])
        return self._announce(context, event, host_uuid, changed)

    @rpc.exposed
    def update_host(self, context: RequestContext, host_uuid: str, changes: dict[str, Any]) -> dict[str, Any]:
        with self._hosts_lock:
            host = db_api.get_host(host_uuid)
            changed = self._change(f"Cannot change {rules.called(host)}", host, changes, rows.system(), db_api.peers())
        if not changed:
            return host
        if changed.get("personality"):
            self._log_added(changed["hostname"])
        return self._announce(context, "sysinv.host.update", host_uuid, changed)

    def _change(
        self, what: str, host: rules.Host, changes: dict[str, Any], system: dict[str, Any], hosts: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Change a host as far as that changes anything; gives what changed."""
        changed, refusals = rules.check_update(host, changes, system, hosts)
        if changed.get("personality"):
            changed["action_state"] = states.REINSTALLING
        if changed.get("personality") or changed.get("mgmt_ip"):
            others = [other for other in hosts if other["uuid"] != host["uuid"]]
            changed["mgmt_ip"] = self._address({**host, **changed}, others, refusals)
        rows.refuse(what, refusals)
        if changed:
            changed = rows.sealed(changed)
            with rows.duplicates(rules.called({**host, **changed})):
                db_api.update_host(host["uuid"], changed)
            self._log_board(host, changed)
        return changed

    def _address(self, host: rules.Host, others: Sequence[rules.Host], refusals: list[rules.Refusal]) -> str | None:
        """The management address that a host gets; what is against it is added to what is against the host."""
        if refusals and not host.get("mgmt_ip"):
            return None
        address, against = addressing.give(self._plan, host, others)
        refusals += against
        return address

    def discover(self, context: RequestContext, mac: str, is_noted: Callable[[], bool] = lambda: True) -> None:
        """Take in a machine that waits to be installed, unless it is known.

        :param is_noted: whether it was not deleted since it was told of
        """
        with self._hosts_lock:
            if not is_noted() or db_api.is_known_mac(mac):
                return
            system = rows.system()
            if refusals := rules.check_discovery(system, db_api.peers()):
                LOG.info("%s asks to be installed and is passed over: %s", mac, refusals[0].reason)
                return
            host_uuid = str(uuid.uuid4())
            rows.create({"mgmt_mac": mac}, host_uuid, system)
        LOG.info("Discovered the host %s", mac)
        self._log(f"host={mac}.event=discovered", f"A host with the MAC address {mac} was discovered.")
        # It has no files before it has a personality.
        self._announce_lasting(context, "sysinv.host.create", host_uuid, {})

    @rpc.exposed
    def delete_host(self, context: RequestContext, host_uuid: str) -> None:
        with self._hosts_lock:
            host = db_api.get_host(host_uuid)
            rows.refuse(f"Cannot delete {rules.called(host)}", actions.check_delete(facts.of_action(host)))
            if host["hostname"]:
                # Before the host goes: nobody could clear its alarms afterwards.
                entity = f"host={host['hostname']}"
                self._faults.report(
                    [
                        fm_client.clear_all(entity),
                        fm_client.log("200.021", f"{entity}.command=delete", f"Host {host['hostname']} was deleted."),
                    ]
                )
            macs = db_api.macs(host_uuid)
            db_api.delete_host(host_uuid)
            self.departed(macs)
        self._announce_deleted(context, host)

    @rpc.exposed
    def request_action(self, context: RequestContext, host_uuid: str, action: str) -> dict[str, Any]:
        with self._hosts_lock:
            host = db_api.get_host(host_uuid)
            if action not in actions.ACTIONS:
                raise exception.Invalid(f"mtce does not know the action {action[:60]!r}.")
            if refusals := actions.check(action, facts.of_action(host)):
                raise rows.refusal(refusals)(actions.refusal(action, host, refusals))
            changed = actions.request(action, host)
            db_api.update_host(host_uuid, changed)
        LOG.info("%s was asked for of %s", action, host["hostname"])
        self._log(f"host={host['hostname']}.command={action}", f"{action} of host {host['hostname']} was asked for.", "200.021")
        return self._announce(context, "sysinv.host.update", host_uuid, changed)

    @rpc.exposed
    def get_board_logins(self, context: RequestContext) -> dict[str, client.BoardLogin]:
        logins = {}
        for host in db_api.boards():
            try:
                password = vault.decrypt(host["bm_password"])
            except vault.SecretLost as error:
                LOG.error(
                    "The board of %s cannot be reached: its password cannot be read. %s Give bm_password again.",
                    host["hostname"],
                    error.message,
                )
                continue
            logins[host["hostname"]] = client.BoardLogin(host["bm_type"], host["bm_ip"], host["bm_username"], password)
        return logins

    @rpc.exposed
    def update_system(self, context: RequestContext, system_uuid: str, changes: dict[str, Any]) -> None:
        rows.refuse("Cannot change the system", rules.check_system(changes))
        if changes and not db_api.update_system(system_uuid, changes):
            raise exception.NotFound(f"There is no system {system_uuid}. `system show` shows the one there is.")
        rpc.publish(context, "sysinv.system.update", {"uuid": system_uuid, "changes": changes})

    @rpc.exposed
    def get_hosts(self, context: RequestContext, uuids: list[str] | None = None) -> list[dict[str, Any]]:
        return db_api.all_hosts(uuids)

    @rpc.exposed
    def update_host_states(self, context: RequestContext, states: dict[str, dict[str, Any]]) -> list[str]:
        for changes in states.values():
            if unknown := changes.keys() - set(client.STATE_FIELDS):
                raise exception.Invalid(f"mtce does not own the host's {', '.join(sorted(unknown))}.")
        with self._hosts_lock:
            hosts = {host["hostname"]: host for host in db_api.named_hosts(list(states))}
            changed = {}
            for name, host in hosts.items():
                changes = {field: value for field, value in states[name].items() if host[field] != value}
                if changes:
                    changes |= install.on_states({**host, **changes}) | actions.on_states(host, changes)
                    changed[host["uuid"]] = changes
            db_api.update_hosts(changed)
        # Telling it would make all who follow read hosts again.
        news = {host_uuid: changes for host_uuid, changes in changed.items() if changes.keys() - _NO_NEWS}
        for host in db_api.all_hosts(list(news)):
            self._publish(context, "sysinv.host.update", host, news[host["uuid"]])
        return sorted(states.keys() - hosts.keys())

    @rpc.exposed
    def report_install_progress(
        self, context: RequestContext, host_uuid: str, install_state: str, install_state_info: str | None
    ) -> None:
        with self._hosts_lock:
            host = db_api.get_host(host_uuid)
            rows.refuse(
                f"Cannot note the installation of {rules.called(host)}",
                install.check_report(host, install_state, install_state_info),
            )
            changed = install.on_report(host, install_state, install_state_info)
            if changed:
                db_api.update_host(host_uuid, changed)
        if "install_state" in changed:
            LOG.info("The installation of %s: %s", rules.called(host), changed["install_state"])
            self._announce_lasting(context, "sysinv.host.update", host_uuid, changed)

    def audit_installations(self, context: RequestContext) -> None:
        """What is to be done once a minute: whose installer is silent for too long has failed."""
        for host_uuid in [host["uuid"] for host in db_api.all_hosts() if install.on_minute(host)]:
            changed: dict[str, Any] = {}
            with self._hosts_lock, contextlib.suppress(exception.NotFound):
                host = db_api.get_host(host_uuid)
                changed = install.on_minute(host)
                if changed:
                    db_api.update_host(host_uuid, changed)
            if "install_state" in changed:
                LOG.warning("The installation of %s: %s", rules.called(host), changed["install_state"])
                self._announce_lasting(context, "sysinv.host.update", host_uuid, changed)

    @rpc.exposed_to(rpc.Callers.HOSTS)
    def register_agent(self, context: RequestContext, macs: list[str], hostname: str) -> client.Registration:
        """Say which host the agent is on. A machine that was discovered by another of its ports is the same host."""
        macs = [mac.lower() for mac in macs]
        with self._hosts_lock:
            found = db_api.find_hosts(macs, hostname)
            discovered = [host for host in found if host["personality"] is None]
            # An address tells more than a name.
            known = sorted(
                (host for host in found if host["personality"] is not None),
                key=lambda host: (host["mgmt_mac"] not in macs, host["hostname"] != hostname),
            )
            if not known:
                raise exception.NotFound(_unknown_agent(macs, hostname, discovered))
            host = known[0]
            rpc.check_speaks_for(host["hostname"])
            for other in discovered:
                LOG.info("%s is %s: its port %s was discovered", rules.called(other), host["hostname"], other["mgmt_mac"])
                db_api.delete_host(other["uuid"])
            changed = {"mgmt_mac": macs[0]} if host["mgmt_mac"] is None and macs else {}
            if changed:
                with rows.duplicates(host["hostname"]):
                    db_api.update_host(host["uuid"], changed)
        for other in discovered:
            self._announce_deleted(context, other)
        if changed:
            self._announce(context, "sysinv.host.update", host["uuid"], changed)
        return client.Registration(host["uuid"], host["hostname"], db_api.get_digests(host["uuid"]))

    @rpc.exposed_to(rpc.Callers.HOSTS)
    def report_inventory(self, context: RequestContext, host_uuid: str, reports: dict[str, client.InventoryReport]) -> None:
        host = db_api.get_host(host_uuid)
        rpc.check_speaks_for(host["hostname"])
        for kind, report in reports.items():
            if kind not in db_api.TABLES or kind in db_api.OF_BOARDS:
                raise exception.Invalid(f"There is no inventory of the kind {kind!r}.")
            rows.check_records(kind, report.records)
        subfunctions = host["subfunctions"] or ""
        kinds = {kind: (report.digest, defaults.fill(kind, report.records, subfunctions)) for kind, report in reports.items()}
        if not db_api.store_inventory(host_uuid, kinds):
            raise exception.NotFound(f"There is no host {host_uuid}.")
        LOG.info(
            "Stored the inventory of host %s: %s", host_uuid, ", ".join(f"{kind} {len(kinds[kind][1])}" for kind in sorted(kinds))
        )
        rpc.publish(context, "sysinv.inventory.update", {"host_uuid": host_uuid, "kinds": sorted(kinds)})

    def _log_added(self, hostname: str) -> None:
        self._log(f"host={hostname}.event=add", f"Host {hostname} was added.")

    def _log_board(self, before: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
        command, host = board.command(before, changed), {**before, **changed}
        if command is not None:
            name = host["hostname"] or host["mgmt_mac"]
            self._log(
                f"host={name}.command={command}", f"The board management controller of host {name} was {command}ed.", "200.021"
            )

    def _log(self, entity: str, text: str, alarm_id: str = "200.020") -> None:
        try:
            self._faults.log(alarm_id, entity, text)
        except exception.Unavailable as error:
            # It is done: the host's history lacks a line, which is no reason to tell that it failed.
            LOG.error("That it happened was not logged: %s %s", text, error.message)

    def _announce(self, context: RequestContext, event: str, host_uuid: str, changed: Mapping[str, Any]) -> dict[str, Any]:
        """Tell whoever follows that a host changed; gives it as it is now."""
        host = db_api.get_host(host_uuid)
        self._publish(context, event, host, changed)
        return host

    def _publish(self, context: RequestContext, event: str, host: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
        told = ("uuid", "hostname", "personality", "administrative", "operational", "availability", "task")
        rpc.publish(context, event, {name: host[name] for name in told})
        if changed.keys() & boot_files.SOURCES:
            self.hosts_changed()

    def _announce_lasting(self, context: RequestContext, event: str, host_uuid: str, changed: Mapping[str, Any]) -> None:
        """Tell of a change, unless the host was deleted right after it: that is told by itself."""
        with contextlib.suppress(exception.NotFound):
            self._announce(context, event, host_uuid, changed)

    def _announce_deleted(self, context: RequestContext, host: Mapping[str, Any]) -> None:
        rpc.publish(context, "sysinv.host.delete", {"uuid": host["uuid"], "hostname": host["hostname"]})
        self.hosts_changed()


def _unknown_agent(macs: Sequence[str], hostname: str, discovered: Sequence[Mapping[str, Any]]) -> str:
    if discovered:
        return (
            f"This is {rules.called(discovered[0])}, which was discovered and has no personality yet. Give it one: "
            f"system host-update {discovered[0]['id']} personality=..."
        )
    return (
        f"No host is known by the name {hostname} or one of the MAC addresses {', '.join(macs) or '(none)'}. "
        "Add it with `system host-add`."
    )


class _Parts:
    """The RPC server and what is done at its side; made at start, when the options are known."""

    def start(self) -> None:
        conductor = Conductor()
        self._parts: list[Any] = [rpc.Server(conductor)]
        context = stx_context.internal("sysinv-conductor")
        audit = functools.partial(conductor.audit_installations, context)
        self._workers = [service.Worker("sysinv-installations", audit, _AUDIT_S)]
        teller = service.Worker("sysinv-snmp", snmp.Teller().step, snmp.PERIOD_S)
        conductor.snmp_changed = teller.nudge
        self._workers.append(teller)
        options = CONF.sysinv_conductor
        if options.dnsmasq_path or options.tftp_path:
            publisher = boot.Publisher()
            conductor.hosts_changed = publisher.nudge
            self._workers.append(service.Worker("sysinv-boot-files", publisher.step, _STEP_S))
        if options.dnsmasq_path:
            directory = pathlib.Path(options.dnsmasq_path)
            queue = dnsmasq.Queue(directory / boot.QUEUE)
            conductor.departed = functools.partial(depart, queue, directory / boot.LEASES)
            self._workers.append(service.Worker("sysinv-discovery", lambda: discover(conductor, context, queue), _STEP_S))
        self._parts += self._workers
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        for part in reversed(self._parts):
            part.stop()

    def is_healthy(self) -> bool:
        return all(worker.is_healthy() for worker in self._workers)


def discover(conductor: Conductor, context: RequestContext, queue: dnsmasq.Queue) -> None:
    """Take in the machines that dnsmasq's script has noted since."""
    pxeboot = addressing.network(CONF.sysinv_conductor.pxeboot_subnet)
    for lease in queue.take():
        if leases.discovers(lease, pxeboot):
            conductor.discover(context, lease.mac, queue.is_noted)


def depart(queue: dnsmasq.Queue, path: pathlib.Path, macs: Collection[str]) -> None:
    """A machine that was deleted is there when it shows up from now on.

    :param path: of dnsmasq's file of leases
    """
    queue.forget(macs)
    dnsmasq.give_up(path, macs)


def make_service() -> service.Service:
    conf.register()
    return service.Service("sysinv-conductor", [Bootstrap(), _Parts()])
