# SPDX-License-Identifier: Apache-2.0
"""A socket of the controller itself, over which tools ask and tell: one request, one answer, JSON."""

import contextlib
import json
import os
import pathlib
import socket
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]

NAME = "control.sock"
MOST_BYTES = 65536
DEADLINE_S = 5.0


class ControlError(Exception):
    """It was not done; the message says why."""


class Control:
    """The answering side.

    :param answer: gives what is answered to a request; raises ControlError
    :param watch: called with a file descriptor that is to be watched, and what to call when it can be read
    """

    def __init__(
        self,
        path: pathlib.Path,
        answer: Callable[[Answer], Answer],
        watch: Callable[[int, Callable[[], None]], None],
        ignore: Callable[[int], None],
    ) -> None:
        self._path = path
        self._answer = answer
        self._watch = watch
        self._ignore = ignore
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        old = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(old)
        self._listener.listen(16)
        self._listener.setblocking(False)
        watch(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """After whoever watches it has ended."""
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            made, _ = self._listener.accept()
            made.setblocking(False)
            self._watch(made.fileno(), lambda: self._serve(made))

    def _serve(self, made: socket.socket) -> None:
        self._ignore(made.fileno())
        with made, contextlib.suppress(OSError):
            made.send(json.dumps(self._answered(made.recv(MOST_BYTES))).encode())

    def _answered(self, asked: bytes) -> Answer:
        try:
            request = json.loads(asked)
            if not isinstance(request, dict):
                raise ControlError("A request has names and values.")
            return {"answer": self._answer(request)}
        except ControlError as error:
            return {"error": str(error)}
        except ValueError:
            return {"error": "This is no request."}


def ask(run_path: pathlib.Path, **request: Any) -> Answer:
    """Ask the controller's process.

    :raises ControlError: when it refuses, or is not there
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        made.settimeout(DEADLINE_S)
        try:
            made.connect(str(run_path / NAME))
            made.send(json.dumps(request).encode())
            heard = made.recv(MOST_BYTES)
        except OSError as error:
            raise ControlError(f"Service Management does not answer on this host ({error}). Is sm.service at work?") from error
    answer = json.loads(heard or b'{"error": "Service Management has ended."}')
    if "error" in answer:
        raise ControlError(answer["error"])
    found: Answer = answer["answer"]
    return found
