# SPDX-License-Identifier: Apache-2.0
"""The process that speaks to one board, forked by the nursery. It opens the board once: when that is over, so is the process."""

import ctypes
import importlib
import json
import signal
import socket
from collections.abc import Callable

import msgspec

from mtce.boards.terms import Failure, Verb
from stx import boards
from stx.boards import Board, BoardError, BootDevice, Login, LoginError, Power, UnreachableError

# A message is a packet. One that tells of many sensors is the largest.
MOST_BYTES = 262144
_PR_SET_PDEATHSIG = 1

Connect = Callable[[Login], Board]


class Answer(msgspec.Struct):
    """What a worker says; all is empty when it has only done something."""

    power: str = ""
    readings: list[boards.Reading] = []
    failure: Failure | None = None
    text: str = ""


def connect_named(name: str) -> Connect:
    """The function `module:name`."""
    module, _, function = name.partition(":")
    connect: Connect = getattr(importlib.import_module(module), function)
    return connect


def die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(sock: socket.socket, connect: Connect) -> None:
    """Open the board that the first message names, then answer each message by one, until there are no more."""
    received = sock.recv(MOST_BYTES)
    if not received:
        return
    try:
        board = connect(msgspec.json.decode(received, type=Login))
    except Exception as error:
        sock.send(msgspec.json.encode(_failure(error)))
        return
    sock.send(msgspec.json.encode(Answer()))
    try:
        while received := sock.recv(MOST_BYTES):
            try:
                answer = _do(board, **json.loads(received))
            except Exception as error:
                answer = _failure(error)
            sock.send(msgspec.json.encode(answer))
            if answer.failure in (Failure.UNREACHABLE, Failure.LOGIN):
                return
    finally:
        board.close()


def _do(board: Board, verb: str, power: str) -> Answer:
    if verb == Verb.POWER:
        return Answer(power=board.power())
    if verb == Verb.SENSORS:
        return Answer(readings=board.sensors())
    if verb == Verb.SWITCH:
        board.order(Power(power))
    elif verb == Verb.RESET:
        board.reset()
    else:
        board.set_boot_device(BootDevice.NETWORK)
    return Answer()


def _failure(error: Exception) -> Answer:
    if isinstance(error, LoginError):
        return Answer(failure=Failure.LOGIN, text=error.message)
    if isinstance(error, UnreachableError):
        return Answer(failure=Failure.UNREACHABLE, text=error.message)
    if isinstance(error, BoardError):
        return Answer(failure=Failure.REFUSED, text=error.message)
    # A library that a board has confused: another process may do better.
    return Answer(failure=Failure.UNREACHABLE, text=f"The library for boards failed: {type(error).__name__}: {error}"[:500])
