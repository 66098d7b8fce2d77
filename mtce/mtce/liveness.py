# SPDX-License-Identifier: Apache-2.0
"""How mtce-client tells other small processes of its host that it is well."""

import contextlib
import logging
import pathlib
import socket
from collections.abc import Callable

from stx import service

LOG = logging.getLogger(__name__)

# Where mtce-heartbeat looks for it (mtce.cmd.heartbeat), which goes without it for 15 s.
ALIVE = "mtce-client.alive"
# Where mtce-watchdog hears who checks in, and under which name mtce-client does (mtce.watchdog).
WATCHDOG, MEMBER, MAX_BYTES = "watchdog.sock", "mtce-client", 500
PERIOD_S = 2.0


class Alive:
    """Touches the file that mtce-heartbeat looks at, and checks in with mtce-watchdog, as long as all is well.

    :param complaint: why the host cannot go on, for mtce-watchdog; empty while it can
    """

    def __init__(self, run_path: pathlib.Path, is_healthy: Callable[[], bool], complaint: Callable[[], str] = str) -> None:
        self._file = run_path / ALIVE
        self._socket_path = run_path / WATCHDOG
        self._is_healthy = is_healthy
        self._complaint = complaint
        self._worker = service.Worker("mtce-alive", self._tell, PERIOD_S)
        self.start, self.stop = self._worker.start, self._worker.stop

    def _tell(self) -> None:
        if not self._is_healthy():
            return
        # There may be no watchdog, or one that hangs, which others look after.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
            out.sendto(f"{MEMBER}\n{self._complaint()}".encode()[:MAX_BYTES], str(self._socket_path))
        try:
            self._file.touch()
        except OSError as error:
            LOG.error("%s was not touched: %s", self._file, error.strerror)
