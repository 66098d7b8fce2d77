# SPDX-License-Identifier: Apache-2.0
"""sm, on controllers, and sm-voter, on all other hosts."""

import contextlib
import logging
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Callable

from oslo_config import cfg

from fm import client as fm
from sm import conf
from sm.control import ControlError
from sm.controller import Controller, NotConfiguredError, Voter
from sm.db import DatabaseError
from sm.gate import GateError
from sm.leaseholder import prefer
from stx import config

CONF = cfg.CONF
LOG = logging.getLogger(__name__)


def controller() -> None:
    sys.exit(_live("sm", _controller))


def voter() -> None:
    sys.exit(_live("sm-voter", _voter))


def _controller() -> tuple[Callable[[], None], Callable[[], None]]:
    made = Controller(
        pathlib.Path(CONF.sm.state_path),
        pathlib.Path(CONF.sm.run_path),
        fm.FaultReporter().report,
        CONF.sm.reboot_command,
    )
    return made.run, made.retire


def _voter() -> tuple[Callable[[], None], Callable[[], None]]:
    made = Voter(pathlib.Path(CONF.sm.state_path))
    prefer()
    return made.loop.run, made.loop.stop


def _live(name: str, make: Callable[[], tuple[Callable[[], None], Callable[[], None]]]) -> int:
    """Run until told to stop. Gives the exit code."""
    conf.register()
    config.parse(sys.argv[1:], name)
    try:
        run, stop = make()
    except (NotConfiguredError, DatabaseError, GateError, ControlError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    _notify("READY=1")
    run()
    _notify("STOPPING=1")
    return 0


def _notify(text: str) -> None:
    """Tell systemd, where it started this."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made, contextlib.suppress(OSError):
            made.connect("\0" + address[1:] if address.startswith("@") else address)
            made.send(text.encode())
