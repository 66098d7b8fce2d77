# SPDX-License-Identifier: Apache-2.0
"""mtce-client: runs on every host, watches its processes and reports to mtce-agent."""

import logging
import pathlib
import shlex
import threading
import time

from oslo_config import cfg

from fm import client as fm_client
from mtce import client, conf, ending, liveness, wishes
from mtce.deeds import Deeds
from mtce.ear import Ear
from mtce.heartbeat import told
from mtce.pmon.monitor import MonitorError, ProcessMonitor, ProcessReport, Settings
from mtce.resources.monitor import Resources
from stx import context as stx_context
from stx import exception, rpc, service
from stx.context import RequestContext

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

ALARM = "200.006"
# How often it is looked whether a controller wants this boot to end, and had to say it to mtce-heartbeat.
_TOLD_S = 1.0
# While mtce-agent does not answer, it is tried this often.
_AWAY_S = 0.5
_BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")
_UPTIME = pathlib.Path("/proc/uptime")


class Faults:
    """Alarm 200.006 for this host's processes."""

    def __init__(self) -> None:
        self._reporter = fm_client.FaultReporter()

    @staticmethod
    def _entity(process: str) -> str:
        return f"host={CONF.host}.process={process}"

    def raise_process_fault(self, process: str, severity: str, text: str) -> None:
        self._reporter.set_fault(ALARM, self._entity(process), text[:255], severity)

    def clear_process_fault(self, process: str) -> None:
        self._reporter.clear_fault(ALARM, self._entity(process))

    def log_process_event(self, process: str, severity: str, text: str) -> None:
        self._reporter.log(ALARM, self._entity(process), text[:255], severity=severity)


def make_ending() -> ending.Ending:
    """What ends the boot of this host."""
    return ending.Ending(ending.commands_of_this_host(shlex.split(CONF.mtce_host.wipe_command)), ending.Runner())


class Host:
    """The process monitor, and the reports of this host: at once when something changed, else once a period.

    The answer to each report says what the host is to do.
    """

    target = rpc.target(client.HOST_TOPIC, client.HOST_VERSION)

    def start(self) -> None:
        self._context = stx_context.internal("mtce-client")
        self._agent = client.Agent()
        self._boot_id = _BOOT_ID.read_text().strip()
        self._lock = threading.Lock()
        self._failed: dict[str, str] | None = None
        self._lost: tuple[str, ...] = ()
        self._is_away = False
        settings = Settings(
            run_dir=pathlib.Path(CONF.run_path),
            subfunctions=tuple(CONF.pmon.subfunctions),
            pulse_port=CONF.pmon.pulse_port,
            order_socket=pathlib.Path(CONF.run_path) / "pmon.sock",
        )
        state_file = pathlib.Path(CONF.state_path) / "pmon" / "state.json"
        state_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directories = [pathlib.Path(name) for name in CONF.pmon.conf_dir]
        self._monitor = ProcessMonitor(directories, state_file, Faults(), self._changed, settings=settings)
        self._worker = service.Worker("mtce-report", self._report, CONF.mtce.report_period)
        self._deeds = Deeds(self._boot_id, make_ending(), self._worker.nudge)
        self._resources = Resources(self._worker.nudge)
        self._alive = liveness.Alive(pathlib.Path(CONF.run_path), self.is_healthy, self._complaint)
        self._ear = Ear(self)
        self._heeding = service.Worker("mtce-told", self._heed, _TOLD_S)
        try:
            self._monitor.start()
        except MonitorError as error:
            raise exception.ConfigurationError(str(error)) from error
        self._worker.start()
        self._resources.start()
        self._alive.start()
        self._ear.start()
        self._heeding.start()

    def stop(self) -> None:
        self._heeding.stop()
        self._ear.stop()
        self._alive.stop()
        self._resources.stop()
        self._worker.stop()
        self._deeds.stop()
        self._monitor.stop()

    def reset(self) -> None:
        self._monitor.reload()

    def is_healthy(self) -> bool:
        # A report may wait for as long as the bus is away, which is no defect of the host.
        return self._worker.is_healthy() and self._monitor.is_alive() and self._resources.is_healthy()

    @rpc.exposed_to(rpc.Callers.OWN_HOST)
    def look(self, context: RequestContext) -> None:
        """Report now: there is something to do."""
        self._worker.nudge()

    def _heed(self) -> None:
        ending = told.read(pathlib.Path(CONF.run_path), time.monotonic())
        if ending is not None and ending.boot_id == self._boot_id and self._deeds.may_reboot:
            self._deeds.fulfil(client.Wish(ending.is_locked or None, boot_id=ending.boot_id, end=client.End.RESET))

    def _changed(self, failed: dict[str, ProcessReport]) -> None:
        with self._lock:
            self._failed = {name: str(report.severity) for name, report in failed.items()}
        # The host watchdog is told of these.
        self._lost = tuple(sorted(name for name, report in failed.items() if report.quorum))
        self._worker.nudge()

    def _complaint(self) -> str:
        lost = ", ".join(self._lost)
        return f"{lost} cannot be kept running, and this host cannot do without" if lost else ""

    def _report(self) -> None:
        with self._lock:
            failed = self._failed
        if failed is None or not self._monitor.is_alive():
            # Nobody watches, and a report would say that all is well; its absence raises the alarm of the monitor.
            return
        try:
            wish = self._agent.report(self._context, self._said(failed))
        except exception.Unavailable as error:
            if not self._is_away:
                LOG.warning("The host's report waits for mtce-agent: %s", error.message)
            self._is_away = True
            self._worker.period_s = min(_AWAY_S, CONF.mtce.report_period)
            return
        self._is_away = False
        self._worker.period_s = wishes.period_s(wish, CONF.mtce.report_period)
        self._deeds.fulfil(wish)

    def _said(self, failed: dict[str, str]) -> client.HostReport:
        return client.HostReport(
            hostname=CONF.host,
            boot_id=self._boot_id,
            uptime_s=int(float(_UPTIME.read_text().split()[0])),
            failed=failed,
            config=self._deeds.config(),
            results=self._deeds.results,
            resources=self._resources.degrading,
            addresses=dict(CONF.mtce_host.addresses),
            may_reboot=self._deeds.may_reboot,
        )


def make_service() -> service.Service:
    conf.register()
    return service.Service("mtce-client", [Host()])
