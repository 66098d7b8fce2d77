# SPDX-License-Identifier: Apache-2.0
"""mtce-client: runs on every host, watches its processes and reports to mtce-agent."""

import logging
import pathlib
import threading

from oslo_config import cfg

from fm import client as fm_client
from mtce import client, conf
from mtce.pmon.monitor import MonitorError, ProcessMonitor, ProcessReport, Settings
from stx import context as stx_context
from stx import exception, service

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

ALARM = "200.006"
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


class Host:
    """The process monitor, and the reports of this host: at once when something changed, else once a period."""

    def start(self) -> None:
        self._context = stx_context.internal("mtce-client")
        self._agent = client.Agent()
        self._boot_id = _BOOT_ID.read_text().strip()
        self._lock = threading.Lock()
        self._failed: dict[str, str] | None = None
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
        try:
            self._monitor.start()
        except MonitorError as error:
            raise exception.ConfigurationError(str(error)) from error
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()
        self._monitor.stop()

    def reset(self) -> None:
        self._monitor.reload()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy() and self._monitor.is_alive()

    def _changed(self, failed: dict[str, ProcessReport]) -> None:
        with self._lock:
            self._failed = {name: str(report.severity) for name, report in failed.items()}
        self._worker.nudge()

    def _report(self) -> None:
        with self._lock:
            failed = self._failed
        if failed is None or not self._monitor.is_alive():
            # Nobody watches, and a report would say that all is well; its absence raises the alarm of the monitor.
            return
        uptime_s = int(float(_UPTIME.read_text().split()[0]))
        report = client.HostReport(CONF.host, self._boot_id, uptime_s, failed)
        try:
            self._agent.report(self._context, report)
        except exception.Unavailable as error:
            if not self._is_away:
                LOG.warning("The host's report waits for mtce-agent: %s", error.message)
            self._is_away = True
            self._worker.period_s = min(_AWAY_S, CONF.mtce.report_period)
            return
        self._is_away = False
        self._worker.period_s = CONF.mtce.report_period


def make_service() -> service.Service:
    conf.register()
    return service.Service("mtce-client", [Host()])
