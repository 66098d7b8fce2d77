# SPDX-License-Identifier: Apache-2.0
"""How processes beside the one that holds an in-process message bus reach it: frames of JSON through a UNIX socket."""

import contextlib
import logging
import os
import select
import socket
import socketserver
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import oslo_messaging

LOG = logging.getLogger(__name__)

FRAME_LIMIT = 16 * 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
DRAIN_S = 0.5


class Frame(msgspec.Struct):
    """One request, as it also passes through a hub's socket."""

    exchange: str
    topic: str
    server: str | None
    fanout: bool
    ctxt: dict[str, Any]
    message: dict[str, Any]
    wait: bool
    timeout: float | None


class _Answer(msgspec.Struct):
    reply: Any = None
    failure: Any = None
    timed_out: str | None = None


def _write(sock: socket.socket, value: Any) -> None:
    data = msgspec.json.encode(value)
    if len(data) > FRAME_LIMIT:
        raise oslo_messaging.MessageDeliveryFailure(f"a message of {len(data)} bytes is over the limit of {FRAME_LIMIT}")
    sock.sendall(struct.pack("!I", len(data)) + data)


def _read_exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(65536, size - len(data)))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def _read(sock: socket.socket, kind: type) -> Any:
    (size,) = struct.unpack("!I", _read_exactly(sock, 4))
    if size > FRAME_LIMIT:
        raise ValueError(f"a frame of {size} bytes is over the limit of {FRAME_LIMIT}")
    return msgspec.json.decode(_read_exactly(sock, size), type=kind)


class _Handler(socketserver.BaseRequestHandler):
    server: "Server"

    def handle(self) -> None:
        credentials = self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        uid = struct.unpack("3i", credentials)[1]
        if uid not in (0, os.getuid()):
            LOG.warning("Refused a message bus connection from user id %d", uid)
            return
        try:
            while True:
                frame = _read(self.request, Frame)
                with self.server.answering():
                    try:
                        answer = _Answer(*self.server.send(frame))
                    except oslo_messaging.MessagingException as error:
                        answer = _Answer(timed_out=str(error))
                    _write(self.request, answer)
        except (EOFError, OSError):
            pass
        except (ValueError, RecursionError, msgspec.MsgspecError, oslo_messaging.MessagingException) as error:
            LOG.warning("Dropped a message bus connection: %s", error)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, send: Callable[[Frame], tuple[Any, Any]]) -> None:
        self.send = send
        self._answering = 0
        self._changed = threading.Condition()
        remove_stale_socket(path)
        mask = os.umask(0o177)
        try:
            super().__init__(path, _Handler)
        finally:
            os.umask(mask)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 60}, name="inproc-hub", daemon=True).start()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        with self._changed:
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def drain(self) -> None:
        """Let answers that are there leave before the process ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, DRAIN_S)

    def close(self) -> None:
        # It wakes serve_forever, which shutdown() waits for, out of its long poll.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self.server_close()


def remove_stale_socket(path: str) -> None:
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass


class Remote:
    """The bus as seen from another process: one connection a thread, opened again when the hub was restarted."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._local = threading.local()

    def send(self, frame: Frame) -> tuple[Any, Any]:
        sock = getattr(self._local, "sock", None)
        if sock is None or _is_closed(sock):
            sock = self._connect()
        # The hub ends a call itself at its deadline; the margin only bounds the wait for a hub that hangs.
        sock.settimeout((frame.timeout or 0) + CONNECT_TIMEOUT_S)
        try:
            _write(sock, frame)
            answer = _read(sock, _Answer)
        except (OSError, EOFError, ValueError, msgspec.MsgspecError) as error:
            self._local.sock = None
            sock.close()
            raise oslo_messaging.MessagingTimeout(f"the controller closed its message bus {self._path}: {error!r}") from error
        if answer.timed_out:
            raise oslo_messaging.MessagingTimeout(answer.timed_out)
        return answer.reply, answer.failure

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_TIMEOUT_S)
        try:
            sock.connect(self._path)
        except OSError as error:
            sock.close()
            raise oslo_messaging.MessageDeliveryFailure(f"no controller answers at {self._path}: {error.strerror}") from error
        self._local.sock = sock
        return sock


def _is_closed(sock: socket.socket) -> bool:
    """Whether the peer has gone since the last answer, so that nothing is written into a dead connection."""
    readable, _, _ = select.select([sock], [], [], 0)
    # An idle connection has nothing to read; what makes it readable is its end.
    return bool(readable)
