# SPDX-License-Identifier: Apache-2.0
"""Where a host can be called, from when the message bus is there: a host may boot long before its controllers do."""

import logging
import threading
from typing import Any

from stx import rpc

LOG = logging.getLogger(__name__)

RETRY_S = 10.0
# One that still waits for the bus ends with the process.
STOP_S = 1.0


class Ear:
    """Serves what others may call of a manager. Neither start() nor stop() waits for the bus.

    Beside an embedded controller nobody can be called, and nothing is served.
    """

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: rpc.Server | None = None
        self._thread = threading.Thread(target=self._run, name="mtce-ear", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            server, self._server = self._server, None
        if server is not None:
            server.stop()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            server = rpc.Server(self._manager)
            try:
                server.start()
            except NotImplementedError:
                return
            except Exception as error:
                LOG.warning("This host cannot be called yet; its reports bring what there is to do: %s", error)
                self._stopping.wait(RETRY_S)
                continue
            with self._lock:
                if not self._stopping.is_set():
                    self._server = server
                    return
            server.stop()
