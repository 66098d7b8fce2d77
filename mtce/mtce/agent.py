# SPDX-License-Identifier: Apache-2.0
"""mtce-agent: hears from hosts, decides their states, and has the conductor store them."""

import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from oslo_config import cfg

from fm import client as fm_client
from mtce import availability, client, conf
from stx import context as stx_context
from stx import exception, rpc, service
from stx.context import RequestContext
from sysinv import client as sysinv_client

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# A host is read again at every event about it; this covers events that were lost.
_REFRESH_S = 30.0
# All hosts are looked at so often; one that has news, at once.
_STEP_S = 1.0
# How often a host's uptime is stored.
_UPTIME_S = 60
# How many hosts' states are stored in one go.
_BATCH = 200


@dataclasses.dataclass
class Heard:
    """The last report of a host, and when it came, in seconds of listening."""

    report: client.HostReport
    at: float


class Agent:
    """What mtce-agent does over RPC, and its one step for all hosts."""

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stepped_at = clock()
        self._listened_s = 0.0
        self._context = stx_context.internal("mtce-agent")
        self._conductor = sysinv_client.Conductor()
        self._faults = fm_client.FaultReporter()
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}
        self._hosts: dict[str, dict[str, Any]] = {}
        self._read_hosts_at: float | None = None
        # By name, the uuid of the host that has it, or had it last.
        self._known: dict[str, str] = {}
        # Between two looks at all hosts only these are looked at: uuids of those that changed, names of those that have news.
        self._changed: set[str] = set()
        self._news: set[str] = set()
        self._looked_at_all_at = -math.inf
        # Whether the alarm about a host's monitor is on; a host is missing while that is not known, after a start.
        self._monitor_alarm: dict[str, bool] = {}
        self._is_spool_shut = False
        self.nudge: Callable[[], None] = lambda: None

    @rpc.exposed
    def report(self, context: RequestContext, report: client.HostReport) -> None:
        with self._lock:
            before = self._heard.get(report.hostname)
            self._heard[report.hostname] = Heard(report, self._listening_s(self._clock()))
            is_news = before is None or before.report.failed != report.failed
            if is_news:
                self._news.add(report.hostname)
        if is_news:
            self.nudge()

    def on_host_event(self, event: rpc.Event) -> None:
        """Read a host anew at the next step, which comes at once."""
        with self._lock:
            self._changed.add(event.payload["uuid"])
        self.nudge()

    def step(self) -> None:
        """Bring the stored state of every host in line with what is known of it.

        :raises exception.Unavailable: when the conductor is away; the next step finds what is left to do
        """
        now = self._clock()
        with self._lock:
            self._listened_s, self._stepped_at = self._listening_s(now), now
            changed, self._changed = self._changed, set()
            news, self._news = self._news, set()
        self._is_spool_shut = False
        is_all = self._read_hosts(now, changed)
        if is_all or now - self._looked_at_all_at >= _STEP_S:
            looked_at, self._looked_at_all_at = list(self._hosts.values()), now
        else:
            looked_at = [host for host in self._hosts.values() if host["uuid"] in changed or host["hostname"] in news]
        controllers = {host["id"] for host in self._hosts.values() if self._is_controller_in_service(host)}
        decided: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        for host in looked_at:
            if not host["hostname"]:
                continue
            try:
                changes = self._decide(host, controllers)
            except Exception:
                # What is wrong with one host must not leave all others without a state.
                LOG.exception("The state of %s was not decided", host["hostname"])
                continue
            if changes:
                decided[host["hostname"]] = ({**host}, changes)
                host.update(changes)
                self._count(host, controllers)
        names = list(decided)
        for start in range(0, len(names), _BATCH):
            self._store({name: decided[name] for name in names[start : start + _BATCH]})

    def _listening_s(self, now: float) -> float:
        """How long this has listened. Where it was held up, reports waited unread: that is no silence of the hosts."""
        return self._listened_s + min(now - self._stepped_at, 2 * _STEP_S)

    def _read_hosts(self, now: float, changed: set[str]) -> bool:
        """Whether all were read: that covers events that were lost."""
        is_all = self._read_hosts_at is None or now - self._read_hosts_at > _REFRESH_S
        if not is_all and not changed:
            return False
        try:
            found = {host["uuid"]: host for host in self._conductor.get_hosts(self._context, None if is_all else changed)}
        except Exception:
            self._read_hosts_at = None
            raise
        self._forget_predecessors(found.values())
        if is_all:
            self._hosts, self._read_hosts_at = found, now
            return True
        for host_uuid in changed - found.keys():
            self._hosts.pop(host_uuid, None)
        self._hosts.update(found)
        return False

    def _forget_predecessors(self, hosts: Iterable[dict[str, Any]]) -> None:
        """What a host said that was deleted is not said by another one that gets its name."""
        with self._lock:
            for host in hosts:
                name = host["hostname"]
                if name and self._known.setdefault(name, host["uuid"]) != host["uuid"]:
                    self._known[name] = host["uuid"]
                    self._heard.pop(name, None)
                    self._monitor_alarm.pop(name, None)

    def _decide(self, host: dict[str, Any], controllers: set[int]) -> dict[str, Any]:
        """What changes of a host.

        :param controllers: ids of those in service
        """
        with self._lock:
            heard = self._heard.get(host["hostname"])
        is_last_controller = host["personality"] == "controller" and controllers <= {host["id"]}
        facts = self._facts(host, heard, is_last_controller)
        self._tell_monitor_alarm(host["hostname"], facts)
        state = availability.decide(facts)
        changes: dict[str, Any] = {"operational": state.operational, "availability": state.availability}
        if "worker" in (host["subfunctions"] or "").split(",")[1:]:
            changes.update(subfunction_oper=state.operational, subfunction_avail=state.availability)
        if heard is not None and abs(heard.report.uptime_s - host["uptime"]) >= _UPTIME_S:
            changes["uptime"] = heard.report.uptime_s
        return {name: value for name, value in changes.items() if host[name] != value}

    def _store(self, decided: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """:param decided: by name, the host as it was and what changes of it"""
        try:
            missing = self._conductor.update_host_states(self._context, {name: changes for name, (_, changes) in decided.items()})
        except Exception as error:
            # What is stored is not what was decided.
            self._read_hosts_at = None
            if isinstance(error, exception.Unavailable):
                raise
            if len(decided) == 1:
                LOG.exception("The state of %s was not stored", *decided)
                return
            names = list(decided)
            for half in (names[::2], names[1::2]):
                self._store({name: decided[name] for name in half})
            return
        if missing:
            # Deleted since the hosts were read.
            self._read_hosts_at = None
        self._log_states([(host, changes) for name, (host, changes) in decided.items() if name not in missing])

    def _count(self, host: dict[str, Any], controllers: set[int]) -> None:
        if self._is_controller_in_service(host):
            controllers.add(host["id"])
        else:
            controllers.discard(host["id"])

    def _is_controller_in_service(self, host: dict[str, Any]) -> bool:
        """Whether the host could take over; a silent one may be dead."""
        is_in_service = (host["administrative"], host["operational"]) == (availability.UNLOCKED, "enabled")
        return host["personality"] == "controller" and is_in_service and self._is_heard(host, self._heard.get(host["hostname"]))

    def _is_heard(self, host: dict[str, Any], heard: Heard | None) -> bool:
        """Whether the host reported in time. One that did to an agent before this one is given the same time."""
        is_locked = host["administrative"] == availability.LOCKED
        was_there = host["operational"] == "enabled" or (is_locked and host["availability"] == "online")
        last_heard = heard.at if heard is not None else 0.0
        return self._listened_s - last_heard < CONF.mtce.report_timeout and (heard is not None or was_there)

    def _facts(self, host: dict[str, Any], heard: Heard | None, is_last_controller: bool) -> availability.Facts:
        is_heard = self._is_heard(host, heard)
        failed = dict(heard.report.failed) if heard is not None else {}
        if not is_heard and host["operational"] == "enabled":
            failed[availability.MONITOR] = "major"
        return availability.Facts(
            administrative=host["administrative"],
            operational=host["operational"],
            availability=host["availability"],
            is_heard=is_heard,
            was_heard=heard is not None,
            failed=failed,
            is_last_controller=is_last_controller,
        )

    def _tell_monitor_alarm(self, hostname: str, facts: availability.Facts) -> None:
        is_on = availability.is_monitor_lost(facts)
        if is_on is None or self._monitor_alarm.get(hostname) is is_on:
            return
        entity = f"host={hostname}.process={availability.MONITOR}"
        if is_on:
            text = f"{hostname} does not hear from its process monitor: nothing watches its processes."
            is_told = self._tell(lambda: self._faults.set_fault("200.006", entity, text, "major"))
        else:
            is_told = self._tell(lambda: self._faults.clear_fault("200.006", entity))
        if is_told:
            self._monitor_alarm[hostname] = is_on

    def _log_states(self, decided: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """:param decided: the hosts as they were, and what changed of them"""
        reports = []
        for host, changes in decided:
            hostname, state = host["hostname"], {**host, **changes}
            if not {"operational", "availability"} & changes.keys():
                continue
            LOG.info("%s is %s %s %s", hostname, state["administrative"], state["operational"], state["availability"])
            if "operational" in changes:
                entity, text = f"host={hostname}.state={state['operational']}", f"{hostname} is now {state['operational']}."
            else:
                entity, text = f"host={hostname}.status={state['availability']}", f"{hostname} is now {state['availability']}."
            reports.append(fm_client.log("200.022", entity, text))
        if reports:
            self._tell(lambda: self._faults.report(reports))

    def _tell(self, tell: Callable[[], None]) -> bool:
        """Whether Fault Management took it. After one refusal the step tells no more: no state waits for a spool that is busy."""
        if self._is_spool_shut:
            return False
        try:
            tell()
        except exception.Unavailable as error:
            LOG.error("Alarms of hosts wait for the next step, and state changes are not logged: %s", error.message)
            self._is_spool_shut = True
        return not self._is_spool_shut


class _Parts:
    """The RPC server, the follower of host events and the step; made at start, when the options are known."""

    def start(self) -> None:
        agent = Agent()
        self._worker = service.Worker("mtce-agent", agent.step, _STEP_S)
        agent.nudge = self._worker.nudge
        self._server = rpc.Server(agent)
        self._follower = rpc.Subscriber(agent.on_host_event, "sysinv.host.")
        for part in (self._server, self._follower, self._worker):
            part.start()

    def stop(self) -> None:
        for part in (self._worker, self._follower, self._server):
            part.stop()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()


def make_service() -> service.Service:
    conf.register()
    return service.Service("mtce-agent", [_Parts()])
