# SPDX-License-Identifier: Apache-2.0
"""The process that forks one worker for each board: `python -m mtce.boards.nursery MODULE:FUNCTION`, called by the keeper.

It has the large libraries loaded, opens nothing itself and has one thread, so that a fork is cheap and safe. The keeper speaks to it
over its standard input, a socket. A number names a worker: `{"fork": 7}` comes with the worker's own socket, `{"end": 7, "grace_s": 2}`
kills it unless it ends by itself until then. When the keeper is gone, so are all workers.
"""

import contextlib
import gc
import hmac
import importlib
import json
import logging
import math
import os
import select
import signal
import socket
import ssl
import sys
import time

from mtce.boards import worker

# What a worker needs to speak to a board.
_LIBRARIES = ("pyghmi.ipmi.command", "sushy", "stx.boards.ipmi", "stx.boards.redfish")
_GRACE_S = 1.0
_MOST_BYTES = 4096


class Nursery:
    def __init__(self, control: socket.socket, connect: worker.Connect) -> None:
        self._control = control
        self._connect = connect
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        # By number, a descriptor of the worker's process; by that, when it is killed.
        self._workers: dict[int, int] = {}
        self._kill_at: dict[int, float] = {}

    def run(self) -> None:
        is_open = True
        while is_open or self._workers:
            for descriptor, _ in self._poll.poll(self._wait_ms()):
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._hear():
                    is_open = False
                    self._poll.unregister(self._control)
                    for started in self._workers.values():
                        self._kill_at.setdefault(started, time.monotonic() + _GRACE_S)
            now = time.monotonic()
            for started in [started for started, at in self._kill_at.items() if at <= now]:
                self._kill_at[started] = math.inf
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(started, signal.SIGKILL)

    def _wait_ms(self) -> float | None:
        at = min(self._kill_at.values(), default=math.inf)
        return None if at == math.inf else max(0.0, (at - time.monotonic()) * 1000 + 1)

    def _hear(self) -> bool:
        """Whether there is a keeper."""
        received, descriptors, _, _ = socket.recv_fds(self._control, _MOST_BYTES, 1)
        if not received:
            return False
        message = json.loads(received)
        if "fork" in message:
            self._fork(message["fork"], descriptors[0])
        elif (started := self._workers.get(message["end"])) is not None:
            self._kill_at[started] = time.monotonic() + message["grace_s"]
        return True

    def _fork(self, number: int, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                worker.die_with_parent()
                # Of the others it shall know nothing.
                self._control.close()
                for started in self._workers.values():
                    os.close(started)
                worker.serve(socket.socket(fileno=descriptor), self._connect)
                code = 0
            finally:
                os._exit(code)
        os.close(descriptor)
        self._workers[number] = started = os.pidfd_open(pid)
        self._poll.register(started, select.POLLIN)

    def _reap(self, started: int) -> None:
        self._poll.unregister(started)
        os.waitid(os.P_PIDFD, started, os.WEXITED)
        os.close(started)
        self._kill_at.pop(started, None)
        self._workers = {number: other for number, other in self._workers.items() if other != started}


def _warm_up() -> None:
    """Load what a worker would load for itself at its first packet: it is half of a worker's memory otherwise."""
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    socket.getaddrinfo("127.0.0.1", 623, type=socket.SOCK_DGRAM)
    hmac.digest(b"key", b"data", "sha256")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(ImportError):
        from cryptography.hazmat.primitives import ciphers

        cipher = ciphers.Cipher(ciphers.algorithms.AES(bytes(16)), ciphers.modes.CBC(bytes(16)))
        cipher.encryptor().update(bytes(16))


def main() -> None:
    # The keeper ends it; a terminal's interrupt is the keeper's to hear.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # What libraries log may be too much; what matters is in their errors.
    logging.getLogger().addHandler(logging.NullHandler())
    _warm_up()
    connect = worker.connect_named(sys.argv[1])
    # Objects that are never collected stay where they are, in memory that all workers share.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as control:
        # A worker that prints or reads has nothing to do with it.
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        Nursery(control, connect).run()


if __name__ == "__main__":
    main()
