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
    :ivar started_by: the process that starts this one and keeps it running; without it that is `stx up`
    :ivar stop_deadline_s: how long it may take to stop before it is killed
    """

    name: str
    argv: tuple[str, ...]
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
            services=("keystone",),
            checks=(layout.auth_url,),
        ),
        Unit(
            "controller",
            (str(programs / "stx-controller"), "--config-file", str(layout.stx_conf)),
            services=("platform", "faultmanagement"),
            checks=(f"{layout.url('platform')}/healthcheck", f"{layout.url('faultmanagement')}/healthcheck"),
        ),
        Unit(
            "mtce-client",
            (str(programs / "mtce-client"), "--config-file", str(layout.stx_conf), "--config-file", str(layout.host_conf)),
            started_by="controller",
        ),
    ]


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
        "mode": "passive",
        "severity": "major",
        "restarts": 3,
        "interval": 2,
        "debounce": 20,
        "startuptime": 10,
    }
    return "[process]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
