# SPDX-License-Identifier: Apache-2.0
"""The monitor's two doors: questions to processes over loopback UDP, and orders over a UNIX datagram socket."""

import contextlib
import json
import logging
import os
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtce.pmon import pulse
from mtce.pmon.machine import Verb

LOG = logging.getLogger(__name__)

MAX_ORDER_BYTES = 4096
# Datagrams served at a time, so that a flood does not keep the monitor from its processes.
BATCH = 200
_LOOPBACK = "127.0.0.1"

Answer = Callable[[bool, str], None]


class PulseSocket:
    """Asks processes in active mode. It is opened when there is one."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self, port: int, on_answer: Callable[[str, int], None]) -> None:
        """Take the port, 0 for any; from now on answers are told as process and sequence.

        :raises OSError: when the port is taken
        """
        new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            new.bind((_LOOPBACK, port))
        except OSError:
            new.close()
            raise
        self._socket = new
        self._selector.register(new, selectors.EVENT_READ, lambda: self._take_answers(new, on_answer))

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def ask(self, process: str, port: int, sequence: int) -> None:
        # Where nobody listens, the missing answer says so.
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(pulse.question(process, sequence), (_LOOPBACK, port))

    def _take_answers(self, taken: socket.socket, on_answer: Callable[[str, int], None]) -> None:
        for _ in range(BATCH):
            try:
                datagram = taken.recv(pulse.MAX_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                # A refusal of an earlier question is told here.
                continue
            parsed = pulse.parse_answer(datagram)
            if parsed is not None:
                on_answer(*parsed)


class OrderSocket:
    """Takes `{"command": "restart", "process": "x"}`; answers `{"status": "pass", "text": ...}` or `{"status": "fail", ...}`.

    Who may write to the socket may command: it is the owner's alone (mode 0600).

    :raises OSError: when it cannot be made
    """

    def __init__(self, path: Path, selector: selectors.BaseSelector) -> None:
        self._path = path
        self._selector = selector
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            # The socket file takes this mode when it is bound, so that it is never open to others.
            os.fchmod(self._socket.fileno(), 0o600)
            self._socket.bind(str(path))
        except OSError:
            self._socket.close()
            raise

    def serve(self, order: Callable[[str, Verb, Answer], None]) -> None:
        """From now on tell orders as process, verb, and what to call with the result."""
        self._selector.register(self._socket, selectors.EVENT_READ, lambda: self._take_orders(order))

    def close(self) -> None:
        # Not registered before serve(), and closed once only.
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _take_orders(self, order: Callable[[str, Verb, Answer], None]) -> None:
        for _ in range(BATCH):
            try:
                datagram, sender = self._socket.recvfrom(MAX_ORDER_BYTES + 1)
            except BlockingIOError:
                return
            answer = self._answerer(sender)
            try:
                process, verb = parse_order(datagram)
            except ValueError as error:
                answer(False, str(error))
                continue
            order(process, verb, answer)

    def _answerer(self, sender: Any) -> Answer:
        def answer(is_ok: bool, text: str) -> None:
            if not sender:
                return
            try:
                self._socket.sendto(json.dumps({"status": "pass" if is_ok else "fail", "text": text}).encode(), sender)
            except OSError as error:
                LOG.warning("Whoever gave the order did not wait for the answer %r: %s", text, error.strerror)

        return answer


def parse_order(datagram: bytes) -> tuple[str, Verb]:
    """Process and verb of an order.

    :raises ValueError: with a message for the sender
    """
    usage = 'An order is {"command": "start", "stop" or "restart", "process": NAME}.'
    if len(datagram) > MAX_ORDER_BYTES:
        raise ValueError(f"The order is too long. {usage}")
    try:
        order = json.loads(datagram)
        process, verb = order["process"], Verb(order["command"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(f"The order is not understood. {usage}") from None
    if not isinstance(process, str):
        raise ValueError(f"The process must be a name. {usage}")
    return process, verb
