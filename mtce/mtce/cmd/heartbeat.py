# SPDX-License-Identifier: Apache-2.0
"""mtce-heartbeat, on every host: answers pulses; on the active controller it sends them.

It is on all hosts, and early by design, so it is small: it knows nothing of the rest of the platform.
"""

import logging
import math
import pathlib
import signal
import sys
import time
from collections.abc import Callable

from mtce.heartbeat import settings, told, wire
from mtce.heartbeat.loop import Link, Loop
from stx import flags, sdnotify
from stx.commandline import Parser
from stx.paths import Paths
from stx.realtime import prefer

LOG = logging.getLogger(__name__)

SETTINGS = "/etc/starlingx/heartbeat.yaml"
SOCKET = "heartbeat.sock"
# Touched by mtce-client again and again while it is well; for longer it may be busy.
ALIVE, ALIVE_S = "mtce-client.alive", 15.0
BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


def main() -> int:
    """Run until told to stop. Gives the exit code."""
    parser = Parser(
        prog="mtce-heartbeat",
        description="Answers the pulses by which controllers know that this host is there; on the active controller sends them.",
        example="mtce-heartbeat --settings /etc/starlingx/heartbeat.yaml",
    )
    parser.add_argument("--settings", default=SETTINGS, help="names this host, its cluster and networks (default: %(default)s)")
    parser.add_argument("--run-path", default=flags.RUN_PATH, help="where mtce-agent finds it (default: %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    try:
        loop = make(settings.read(pathlib.Path(arguments.settings)), pathlib.Path(arguments.run_path))
    except (settings.SettingsError, OSError) as error:
        print(f"mtce-heartbeat: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    prefer()
    sdnotify.ready()
    loop.run()
    return 0


def make(given: settings.Settings, run_path: pathlib.Path) -> Loop:
    """:raises SettingsError: when a key cannot be used
    :raises OSError: when a network or a directory cannot
    """
    run_path.mkdir(mode=0o755, parents=True, exist_ok=True)
    networks = settings.ways(given)
    if not given.key_file:
        LOG.warning("Pulses are not signed: whoever is on a network can have hosts answer. Set key_file.")
    if not given.host_key_file and not given.master_key_file:
        LOG.warning(
            "Answers are not signed with this host's own key: others can speak for it. Set host_key_file, on controllers master_key_file."
        )
    receiver = wire.Receiver(given.cluster, {path.name: path.keys for path in networks})
    paths: Paths[wire.Body] = Paths(wire.Sender(given.cluster, given.node), receiver, networks)
    touched = Touched(run_path / ALIVE)
    return Loop(
        given.node,
        BOOT_ID.read_text().strip(),
        paths,
        Link(run_path / SOCKET),
        touched.of_late,
        told.Keeper(run_path).keep,
    )


class Touched:
    """Whether a file is touched again and again. What time that was does not count: clocks are set.

    :param clock: monotonic, in seconds
    """

    def __init__(self, path: pathlib.Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._seen = 0
        self._seen_at = -math.inf

    def of_late(self) -> bool:
        try:
            seen = self._path.stat().st_mtime_ns
        except OSError:
            return False
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()
        return self._clock() - self._seen_at < ALIVE_S
