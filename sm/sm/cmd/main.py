# SPDX-License-Identifier: Apache-2.0
"""sm and sm-api, on controllers."""

import pathlib
import signal
import sys

from oslo_config import cfg

from fm import client as fm
from sm import conf
from sm.controller import Controller
from sm.db import DatabaseError
from sm.gate import GateError
from sm.node import NotConfiguredError
from stx import config, sdnotify

CONF = cfg.CONF


def controller() -> None:
    sys.exit(_live())


def api() -> None:
    # Not for sm itself, which is kept small.
    from stx import service

    sys.exit(service.main("sm-api", ["sm-api"]))


def _live() -> int:
    """Run until told to stop. Gives the exit code."""
    conf.register()
    config.parse(sys.argv[1:], "sm")
    try:
        made = Controller(
            pathlib.Path(CONF.sm.state_path),
            pathlib.Path(CONF.sm.run_path),
            fm.FaultReporter().report,
            CONF.sm.reboot_command,
            pathlib.Path(CONF.run_path),
        )
    except (NotConfiguredError, DatabaseError, GateError, OSError) as error:
        print(f"sm: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: made.retire())
    watchdog = sdnotify.Watchdog(made.is_alive)
    watchdog.start()
    sdnotify.ready()
    made.run()
    sdnotify.stopping()
    watchdog.stop()
    return 0
