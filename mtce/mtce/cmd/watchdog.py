# SPDX-License-Identifier: Apache-2.0
"""mtce-watchdog, on every host: starts the host anew when a process that it cannot do without hangs.

It is to work when nothing else does, so it is small: it knows nothing of the rest of the platform.
"""

import contextlib
import logging
import os
import pathlib
import signal
import subprocess
import sys

from mtce import ending
from mtce.watchdog import settings
from mtce.watchdog.device import Device
from mtce.watchdog.loop import Loop, heard_in_this_boot, turn_s
from mtce.watchdog.quorum import Quorum
from stx import flags, sdnotify
from stx.commandline import Parser
from stx.realtime import prefer

LOG = logging.getLogger(__name__)

SETTINGS = "/etc/starlingx/watchdog.yaml"
COMMAND_S = 30.0


def main() -> int:
    """Run until told to stop. Gives the exit code."""
    parser = Parser(
        prog="mtce-watchdog",
        description="Starts this host anew when a process that it cannot do without says nothing for too long.",
        example="mtce-watchdog --settings /etc/starlingx/watchdog.yaml",
    )
    parser.add_argument("--settings", default=SETTINGS, help="what it is told, where there is such a file (default: %(default)s)")
    parser.add_argument("--run-path", default=flags.RUN_PATH, help="where processes check in (default: %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    try:
        loop = make(settings.read(pathlib.Path(arguments.settings)), pathlib.Path(arguments.run_path))
    except (settings.SettingsError, OSError) as error:
        print(f"mtce-watchdog: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    prefer()
    watchdog = sdnotify.Watchdog(lambda: not loop.is_stuck())
    watchdog.start()
    sdnotify.ready()
    loop.run()
    return 0


def make(given: settings.Settings, run_path: pathlib.Path) -> Loop:
    """:raises OSError: when the directory cannot be used"""
    run_path.mkdir(mode=0o755, parents=True, exist_ok=True)
    every_s = turn_s(given.silence_s)
    quorum = Quorum(given.members, given.silence_s, every_s, heard_in_this_boot(run_path))
    return Loop(run_path, quorum, every_s, Device(given.device, given.device_timeout_s), Reset(given))


class Reset:
    """Starts the host anew: by the command that was given, else by a reboot with the last resort of every host."""

    def __init__(self, given: settings.Settings) -> None:
        self._given = given

    def __call__(self, reason: str) -> bool:
        """Whether it has begun."""
        self._say(f"mtce-watchdog: this host is started anew: {reason}")
        if self._given.reset_command:
            return self._run(self._given.reset_command)
        try:
            return ending.Ending(ending.commands_of_this_host(), ending.Runner()).end("reboot", self._given.last_resort_s)
        except ending.EndingError as error:
            LOG.error("%s", error)
            return False

    def _say(self, text: str) -> None:
        """To whoever looks at the host's screen, which may not take it."""
        if self._given.console:
            with contextlib.suppress(OSError):
                console = os.open(self._given.console, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    os.write(console, f"\r\n{text}\r\n".encode())
                finally:
                    os.close(console)

    @staticmethod
    def _run(argv: tuple[str, ...]) -> bool:
        try:
            return subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=COMMAND_S, check=False).returncode == 0
        except (OSError, subprocess.TimeoutExpired) as error:
            LOG.error("%s: %s", argv[0], error)
            return False
