# SPDX-License-Identifier: Apache-2.0
"""Connections of the HTTP server on which a request must arrive in time: a few slow senders must not hold all threads.

cheroot bounds the wait for each piece of a request only, so that a byte every few seconds would hold a thread for hours.
"""

import _pyio as io
import socket
import time
from typing import Any

from cheroot import makefile, server

# For a request's line, headers and body together, in seconds from its first byte.
ARRIVAL_S = 20.0


class _Incoming(socket.SocketIO):
    """What arrives on a socket, until the deadline (monotonic seconds)."""

    deadline = float("inf")

    def __init__(self, sock: socket.socket, mode: Any) -> None:
        super().__init__(sock, mode)
        self._incoming = sock

    def readinto(self, buffer: Any) -> int | None:
        idle_s = self._incoming.gettimeout()
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            # cheroot tells this from other errors by the text.
            raise TimeoutError("timed out")
        self._incoming.settimeout(left_s if idle_s is None else min(left_s, idle_s))
        try:
            return super().readinto(buffer)
        finally:
            self._incoming.settimeout(idle_s)


class _Reader(makefile.StreamReader):
    def __init__(self, incoming: _Incoming, size: int) -> None:
        io.BufferedReader.__init__(self, incoming, size)
        self.bytes_read = 0


class _Request(server.HTTPRequest):
    def parse_request(self) -> None:
        self.conn.incoming.deadline = time.monotonic() + ARRIVAL_S
        super().parse_request()


class Connection(server.HTTPConnection):
    """One connection; its requests come one after another."""

    RequestHandlerClass = _Request
    incoming: _Incoming

    def __init__(self, http_server: Any, sock: socket.socket, make_file: Any = makefile.MakeFile) -> None:
        super().__init__(http_server, sock, self._open)

    def _open(self, sock: socket.socket, mode: Any, size: int) -> Any:
        if "r" not in mode:
            return makefile.MakeFile(sock, mode, size)
        self.incoming = _Incoming(sock, mode)
        return _Reader(self.incoming, size)
