# SPDX-License-Identifier: Apache-2.0
"""fm-manager's side of the notifier: starts its process when there is somebody to tell, keeps it running, tells it of SNMP."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence

import msgspec
from oslo_config import cfg
from prometheus_client import core

from fm import conf
from fm.db import api as db_api
from fm.db import outlets as db_outlets
from fm.notify import settings
from stx import exception, service

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

_PERIOD_S = 1.0
# What it sends is sent at least once: a receiver that takes its time is not waited for.
_STOP_S = 1.0
# A process that ends by itself is started again after this time; it is doubled each time that happens.
_RESTART_S = (1.0, 60.0)
# One that was up for so long had started well.
_WELL_S = 60.0
# What systemd tells one process is not for its children.
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Keeper:
    """:param argv: the program, without its configuration files"""

    def __init__(self, argv: Sequence[str] = (sys.executable, "-m", "fm.notify.process")) -> None:
        conf.register()
        self._argv = argv
        self._snmp: settings.Snmp | None = None
        self._given: settings.Snmp | None = None
        # With which there was nobody to forget: the database is asked once.
        self._without_outlets: settings.Snmp | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._restart_at = 0.0
        self._pause_s = _RESTART_S[0]
        # A reset comes from another thread than a step.
        self._lock = threading.Lock()
        self._worker = service.Worker("fm-notifier-keeper", self.step, _PERIOD_S)

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()
        with self._lock:
            self._end()

    def reset(self) -> None:
        """Have the process take over options that were changed: it is started anew, and goes on where it was."""
        with self._lock:
            self._end()
            self._without_outlets = None
        self._worker.nudge()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()

    def configure(self, snmp: settings.Snmp) -> None:
        """Take over whom SNMP is spoken to; returns at once."""
        if snmp != self._snmp:
            self._snmp = snmp
            self._worker.nudge()

    def step(self) -> None:
        """Start the process where it is needed and does not run; tell it what it was not told."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._note_end()
            if self._process is None and time.monotonic() >= self._restart_at and self._is_needed():
                self._launch()
            if self._process is not None and self._snmp is not None and self._given is not self._snmp:
                self._give(self._process, self._snmp)

    def _give(self, process: "subprocess.Popen[bytes]", snmp: settings.Snmp) -> None:
        line = msgspec.json.encode(snmp) + b"\n"
        try:
            is_taken = os.write(process.stdin.fileno(), line) == len(line)
        except BlockingIOError:
            is_taken = False
        except BrokenPipeError:
            # The next step sees how it has ended.
            return
        if is_taken:
            self._given = snmp
        else:
            LOG.error("fm-notifier takes nothing in and is killed")
            process.kill()

    def _is_needed(self) -> bool:
        options, snmp = CONF.fm_notify, self._snmp
        if options.webhook_url or options.alertmanager_url or options.syslog:
            return True
        if snmp is None or snmp is self._without_outlets:
            return False
        if snmp.destinations or snmp.communities:
            return True
        # One that is told no more has to be forgotten.
        has_outlets = bool(db_outlets.places())
        self._without_outlets = None if has_outlets else snmp
        return has_outlets

    def _launch(self) -> None:
        files = [f"--config-file={name}" for name in CONF.config_file]
        directories = [f"--config-dir={name}" for name in CONF.config_dir]
        # It would be called after the interpreter otherwise.
        log = ["--log-file=fm-notifier.log"] if CONF.log_dir else []
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        self._process = subprocess.Popen([*self._argv, *files, *directories, *log], stdin=subprocess.PIPE, env=environment)
        # One that does not read must not hold up this process.
        os.set_blocking(self._process.stdin.fileno(), False)
        self._given, self._started_at = None, time.monotonic()
        LOG.info("fm-notifier is started, process %d", self._process.pid)

    def _note_end(self) -> None:
        if time.monotonic() - self._started_at > _WELL_S:
            self._pause_s = _RESTART_S[0]
        # Without an error it ends when somebody asks it to, as systemd does before this process knows of its own end.
        level = logging.ERROR if self._process.returncode else logging.INFO
        LOG.log(level, "fm-notifier has ended with %d; it is started again in %g s", self._process.returncode, self._pause_s)
        self._restart_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _RESTART_S[1])
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Figures:
    """On fm-manager's page of metrics: active alarms by severity, and how far each outlet is, as the database has them."""

    def start(self) -> None:
        core.REGISTRY.register(self)

    def stop(self) -> None:
        core.REGISTRY.unregister(self)

    def describe(self) -> Iterable[core.Metric]:
        # The registry would have it collected instead, before there is a database.
        return ()

    def collect(self) -> Iterable[core.Metric]:
        alarms = core.GaugeMetricFamily(
            "fm_active_alarms",
            "Active alarms, without those of suppressed kinds and those hidden by alarms around them.",
            labels=["severity"],
        )
        waiting = core.GaugeMetricFamily("fm_outlet_waiting_events", "Events that an outlet has not sent yet.", labels=["outlet"])
        dropped = core.CounterMetricFamily("fm_outlet_dropped_events", "Events that an outlet gave up.", labels=["outlet"])
        # Without a database the rest of the page is worth showing.
        with contextlib.suppress(exception.Unavailable):
            for severity, count in db_api.count_alarms().items():
                alarms.add_metric([severity], count)
            newest = db_outlets.newest_event()
            for name, place in db_outlets.places().items():
                waiting.add_metric([name], max(0, newest - place.event_id))
                dropped.add_metric([name], place.dropped)
        return alarms, waiting, dropped
