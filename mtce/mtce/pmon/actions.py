# SPDX-License-Identifier: Apache-2.0
"""What is run to start, stop and question a process: its systemd unit, else its script, else nothing but its own command."""

import re

from mtce.pmon.conf import Mode, ProcessConf, Style


def start_argv(conf: ProcessConf, systemctl: str) -> tuple[str, ...]:
    """The start action; for a bare command, the process itself."""
    if conf.mode is Mode.STATUS:
        return (conf.script, conf.start_arg)
    if conf.service:
        return (systemctl, "restart", conf.service)
    if conf.script:
        return (conf.script, "start" if conf.style is Style.OCF else "restart")
    return conf.command


def stop_argv(conf: ProcessConf, systemctl: str) -> tuple[str, ...]:
    """The stop action; empty for a bare command, which is asked to end by SIGTERM."""
    if conf.service and conf.mode is not Mode.STATUS:
        return (systemctl, "stop", conf.service)
    return (conf.script, "stop") if conf.script else ()


def look_argv(conf: ProcessConf, systemctl: str) -> tuple[str, ...]:
    """What tells whether the process is there; empty when its pidfile does."""
    if conf.mode is Mode.STATUS:
        return (conf.script, conf.status_arg)
    return () if conf.pidfile else (systemctl, "show", "-p", "MainPID", conf.service)


def main_pid(output: bytes) -> int:
    """The main process of a unit from `systemctl show -p MainPID`, 0 when it has none."""
    found = re.search(rb"^MainPID=([0-9]{1,10})$", output, re.MULTILINE)
    return int(found[1]) if found else 0
