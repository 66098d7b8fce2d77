# SPDX-License-Identifier: Apache-2.0
"""The processes of a platform on one machine, in the order in which they start, and who watches over them."""

import dataclasses
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from stxembedded import config
from stxembedded.config import Layout


@dataclasses.dataclass(frozen=True)
class Unit:
    """One process.

    :ivar services: services of the layout that it listens for
    :ivar checks: URLs that answer with success when it is ready
    :ivar pulse_port: UDP port on loopback at which it answers its process monitor
    :ivar started_by: the process that starts this one and keeps it running; without it that is `stx up`
    :ivar stop_deadline_s: how long it may take to stop before it is killed
    """

    name: str
    argv: tuple[str, ...]
    pulse_port: int
    services: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    started_by: str = ""
    start_deadline_s: float = 60.0
    stop_deadline_s: float = 20.0


def all_units(layout: Layout) -> list[Unit]:
    # Not resolved: the link in a virtual environment is what makes Python use it.
    programs = Path(sys.executable).parent
    return [
        Unit(
            "keystone",
            (sys.executable, "-W", "ignore", "-m", "stxembedded.keystone", "--config-file", str(layout.keystone_conf)),
            layout.pulse_port("keystone"),
            services=("keystone",),
            checks=(layout.auth_url,),
        ),
        Unit(
            "controller",
            (str(programs / "stx-controller"), *_options(layout.stx_conf, layout.controller_conf)),
            layout.pulse_port("controller"),
            services=("platform", "faultmanagement"),
            checks=(f"{layout.url('platform')}/healthcheck", f"{layout.url('faultmanagement')}/healthcheck"),
        ),
        Unit(
            "mtce-client",
            (str(programs / "mtce-client"), *_options(layout.stx_conf, layout.host_conf)),
            layout.pulse_port("mtce-client"),
            started_by="controller",
        ),
    ]


def _options(*files: Path) -> list[str]:
    return [word for file in files for word in ("--config-file", str(file))]


def write_drop_ins(layout: Layout, units: Iterable[Unit]) -> None:
    """Tell the process monitors what to keep running: the host's watches the rest, the controller's watches the host's."""
    for unit in units:
        directory = layout.guard_dir if unit.started_by else layout.pmon_dir
        config.write_private(directory / f"{unit.name}.conf", drop_in(layout, unit))


def drop_in(layout: Layout, unit: Unit) -> str:
    """A process monitor's file about one process (spec mtce-sm.md A5.1)."""
    values = {
        "process": unit.name,
        "command": shlex.join(unit.argv),
        "pidfile": layout.pid_file(unit.name),
        "stdout": layout.output(unit.name),
        # One that hangs is killed when three answers in a row are missing, and then started again.
        "mode": "active",
        "port": unit.pulse_port,
        "period": 5,
        "timeout": 4,
        "threshold": 3,
        "severity": "major",
        "restarts": 3,
        "interval": 2,
        "debounce": 20,
        "startuptime": 10,
    }
    return "[process]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
