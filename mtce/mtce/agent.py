# SPDX-License-Identifier: Apache-2.0
"""mtce-agent: hears from hosts, decides their states, and has the conductor store them."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
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

# Hosts are read again at every event about one; this covers events that were lost.
_REFRESH_S = 30.0
_STEP_S = 1.0
# How often a host's uptime is stored.
_UPTIME_S = 60


@dataclasses.dataclass
class Heard:
    """The last report of a host, and when it came (monotonic seconds)."""

    report: client.HostReport
    at: float


class Agent:
    """What mtce-agent does over RPC, and its one step for all hosts."""

    target = rpc.target(client.TOPIC, client.VERSION)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._context = stx_context.internal("mtce-agent")
        self._conductor = sysinv_client.Conductor()
        self._faults = fm_client.FaultReporter()
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}
        self._hosts: list[dict[str, Any]] = []
        self._read_hosts_at = 0.0
        # Whether the alarm about a host's monitor is on; None while it is not known, after a start.
        self._monitor_alarm: dict[str, bool | None] = {}
        self.nudge: Callable[[], None] = lambda: None

    @rpc.exposed
    def report(self, context: RequestContext, report: client.HostReport) -> None:
        with self._lock:
            before = self._heard.get(report.hostname)
            self._heard[report.hostname] = Heard(report, self._clock())
        if before is None or before.report.failed != report.failed:
            self.nudge()

    def forget_hosts(self, event: rpc.Event | None = None) -> None:
        """Read the hosts anew at the next step, which comes at once."""
        self._read_hosts_at = 0.0
        self.nudge()

    def step(self) -> None:
        """Bring the stored state of every host in line with what is known of it."""
        now = self._clock()
        if not self._hosts or now - self._read_hosts_at > _REFRESH_S or self._read_hosts_at == 0.0:
            self._read_hosts(now)
        for host in self._hosts:
            if host["hostname"]:
                self._update(host, now)

    def _read_hosts(self, now: float) -> None:
        # Before it is done, so that an event that comes meanwhile asks for another reading.
        self._read_hosts_at = now
        try:
            self._hosts = self._conductor.get_hosts(self._context)
        except exception.StxException:
            self._read_hosts_at = 0.0
            raise

    def _update(self, host: dict[str, Any], now: float) -> None:
        with self._lock:
            heard = self._heard.get(host["hostname"])
        facts = self._facts(host, heard, now)
        self._tell_monitor_alarm(host["hostname"], facts)
        state = availability.decide(facts)
        changes: dict[str, Any] = {"operational": state.operational, "availability": state.availability}
        if "worker" in (host["subfunctions"] or "").split(",")[1:]:
            changes.update(subfunction_oper=state.operational, subfunction_avail=state.availability)
        if heard is not None and abs(heard.report.uptime_s - host["uptime"]) >= _UPTIME_S:
            changes["uptime"] = heard.report.uptime_s
        changes = {name: value for name, value in changes.items() if host[name] != value}
        if not changes:
            return
        try:
            self._conductor.update_host_state(self._context, host["hostname"], changes)
        except exception.NotFound:
            # Deleted since the hosts were read.
            self.forget_hosts()
            return
        if "operational" in changes or "availability" in changes:
            self._log_state(host, state)
        host.update(changes)

    def _facts(self, host: dict[str, Any], heard: Heard | None, now: float) -> availability.Facts:
        last_heard = heard.at if heard is not None else self._began
        is_heard = now - last_heard < CONF.mtce.report_timeout and (heard is not None or host["operational"] == "enabled")
        failed = dict(heard.report.failed) if heard is not None else {}
        if not is_heard and host["operational"] == "enabled":
            failed[availability.MONITOR] = "major"
        controllers = [
            other for other in self._hosts if other["personality"] == "controller" and other["operational"] == "enabled"
        ]
        return availability.Facts(
            administrative=host["administrative"],
            operational=host["operational"],
            availability=host["availability"],
            is_heard=is_heard,
            was_heard=heard is not None,
            failed=failed,
            is_last_controller=host["personality"] == "controller" and not [c for c in controllers if c["id"] != host["id"]],
        )

    def _tell_monitor_alarm(self, hostname: str, facts: availability.Facts) -> None:
        is_on = availability.is_monitor_lost(facts)
        if self._monitor_alarm.get(hostname) is is_on or (not is_on and not facts.was_heard):
            return
        entity = f"host={hostname}.process={availability.MONITOR}"
        try:
            if is_on:
                text = f"{hostname} does not hear from its process monitor: nothing watches its processes."
                self._faults.set_fault("200.006", entity, text, "major")
            else:
                self._faults.clear_fault("200.006", entity)
        except exception.Unavailable as error:
            # Tried again at the next step; the host's state does not wait for it.
            LOG.error("The alarm about the process monitor of %s was not told: %s", hostname, error.message)
            return
        self._monitor_alarm[hostname] = is_on

    def _log_state(self, host: dict[str, Any], state: availability.State) -> None:
        hostname = host["hostname"]
        LOG.info("%s is %s %s %s", hostname, host["administrative"], state.operational, state.availability)
        if state.operational != host["operational"]:
            entity, text = f"host={hostname}.state={state.operational}", f"{hostname} is now {state.operational}."
        else:
            entity, text = f"host={hostname}.status={state.availability}", f"{hostname} is now {state.availability}."
        try:
            self._faults.log("200.022", entity, text)
        except exception.Unavailable as error:
            LOG.error("The state change of %s was not logged: %s", hostname, error.message)


class _Parts:
    """The RPC server, the follower of host events and the step; made at start, when the options are known."""

    def start(self) -> None:
        agent = Agent()
        self._worker = service.Worker("mtce-agent", agent.step, _STEP_S)
        agent.nudge = self._worker.nudge
        self._server = rpc.Server(agent)
        self._follower = rpc.Subscriber(agent.forget_hosts, "sysinv.host.")
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
