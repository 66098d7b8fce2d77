# SPDX-License-Identifier: Apache-2.0
"""Answers a process monitor that asks over loopback UDP whether the process is well (spec mtce-sm.md A5.2, active monitoring)."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable

from oslo_config import cfg

from stx import exception

CONF = cfg.CONF

_LOOPBACK = "127.0.0.1"
_MAX_BYTES = 256
# The name of the process, a magic number, and a sequence number; the answer inverts every bit of the magic.
_QUESTION = re.compile(rb"([!-~]{1,64}) 0x504d4f4e ([0-9]{1,10})[\0\n]*", re.IGNORECASE)

pulse_opts = [
    cfg.PortOpt(
        "port",
        default=0,
        help="UDP port on loopback at which the process answers its process monitor for as long as all of its parts are at work. "
        "Give it the port that its drop-in file names, with mode = active there, so that a process that hangs is restarted too. "
        "0 answers nobody.",
    ),
]


CONF.register_opts(pulse_opts, group="pulse")


class Answerer:
    """Answers at a port while the process is healthy; silent when it is not, so that the process monitor restarts it.

    :param port: 0 answers nobody
    """

    def __init__(self, port: int, is_healthy: Callable[[], bool]) -> None:
        self._port = port
        self._is_healthy = is_healthy
        self._stopping = threading.Event()

    def start(self) -> None:
        """:raises exception.ConfigurationError: when the port cannot be had"""
        if not self._port:
            return
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            taken.bind((_LOOPBACK, self._port))
        except OSError as error:
            taken.close()
            raise exception.ConfigurationError(
                f"Cannot listen on UDP port {self._port} of {_LOOPBACK} ({error.strerror}). Free it, or choose another one."
            ) from error
        threading.Thread(target=self._run, args=(taken,), name="pulse", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        if self._port:
            # It wakes the thread.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", (_LOOPBACK, self._port))

    def _run(self, taken: socket.socket) -> None:
        with taken:
            while True:
                datagram, asker = taken.recvfrom(_MAX_BYTES)
                if self._stopping.is_set():
                    return
                reply = answer(datagram)
                if reply and self._is_healthy():
                    with contextlib.suppress(OSError):
                        taken.sendto(reply, asker)


def answer(datagram: bytes) -> bytes | None:
    """What is sent back, or None when the datagram is no question."""
    asked = _QUESTION.fullmatch(datagram)
    return b"%b 0xafb2b0b1 %b" % asked.groups() if asked else None
