# SPDX-License-Identifier: Apache-2.0
"""Watches the process monitor itself where no systemd does: another monitor, in the controller's process, for that one process."""

import pathlib

from oslo_config import cfg

from mtce import conf, host
from mtce.pmon.monitor import MonitorError, ProcessMonitor, Settings
from stx import exception, service

CONF = cfg.CONF


class Guard:
    """A process monitor whose only charge is mtce-client; it starts it too."""

    def start(self) -> None:
        state_file = pathlib.Path(CONF.state_path) / "guard" / "state.json"
        state_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = Settings(run_dir=pathlib.Path(CONF.run_path), pulse_port=0)
        directories = [pathlib.Path(name) for name in CONF.mtce_guard.conf_dir]
        self._monitor = ProcessMonitor(directories, state_file, host.Faults(), lambda failed: None, settings=settings)
        try:
            self._monitor.start()
        except MonitorError as error:
            raise exception.ConfigurationError(str(error)) from error

    def stop(self) -> None:
        self._monitor.stop()

    def is_healthy(self) -> bool:
        return self._monitor.is_alive()


def make_service() -> service.Service:
    conf.register()
    return service.Service("mtce-guard", [Guard()])
