# SPDX-License-Identifier: Apache-2.0
"""Keeps the boards of all hosts: one thread for all of them, and a small process for each."""

import collections
import dataclasses
import functools
import heapq
import json
import logging
import math
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from mtce.boards import worker
from mtce.boards.course import Course
from mtce.boards.terms import Ask, BoardState, Effect, Kill, News, Open, Order, Sensed, Timing
from stx.boards import Kind, Login, Power

LOG = logging.getLogger(__name__)

# A process that is no longer needed takes leave of its board in this time.
_LEAVE_S = 2.0
# After the nursery ended by itself.
_NURSERY_AGAIN_S = 1.0
_CLOSE_S = 5.0


@dataclasses.dataclass(frozen=True)
class _Nursery:
    process: subprocess.Popen[bytes]
    control: socket.socket


@dataclasses.dataclass
class _Kept:
    """:ivar number: of its process; 0 when it has none
    :ivar moment: when it is looked at next
    """

    login: Login
    course: Course
    number: int = 0
    sock: socket.socket | None = None
    is_opened: bool = False
    moment: float = math.inf


class Boards:
    """The boards of all hosts. No call waits for one of them.

    :param news: called with a host whose state has changed, or was asked for; from another thread, for which it must not wait long
    :param connect: `module:function` by which a process opens its board
    """

    def __init__(
        self,
        news: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        timing: Timing | None = None,
        connect: str = "stx.boards:connect",
    ) -> None:
        self._news = news
        self._clock = clock
        self._timing = timing or Timing()
        self._connect = connect
        # When a host is to be looked at.
        self._moments: list[tuple[float, str]] = []
        self._todo: collections.deque[Callable[[], None]] = collections.deque()
        self._kept: dict[str, _Kept] = {}
        # Read by others while the thread writes: each value is whole.
        self._states: dict[str, BoardState | None] = {}
        self._sensed: dict[str, Sensed | None] = {}
        self._last_number = 0
        self._nursery: _Nursery | None = None
        self._nursery_at = -math.inf
        self._is_closing = False
        self._selector = selectors.DefaultSelector()
        self._waking, self._awaken = socket.socketpair()
        self._waking.setblocking(False)
        self._awaken.setblocking(False)
        self._selector.register(self._waking, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="boards", daemon=True)
        self._thread.start()

    def keep(self, logins: Mapping[str, Login]) -> None:
        """Keep these boards and no others, by the name of the host. What has not changed stays open."""
        wanted = dict(logins)
        self._later(lambda: self._keep(wanted))

    def order(self, host: str, token: str, order: Order) -> None:
        """Have something done to a host, once for each token. How it went is in the state.

        Of a host without a board, nothing becomes of it.
        """
        self._later(lambda: self._with(host, lambda course, now: course.order(token, order, now)))

    def withdraw(self, host: str, token: str) -> None:
        """Take an order back, as far as the board was not told it."""
        self._later(lambda: self._with(host, lambda course, now: course.withdraw(token, now)))

    def look(self, host: str) -> None:
        """Ask for the power of a host now. There is news even if it is as it was."""
        self._later(lambda: self._with(host, lambda course, now: course.look(now)))

    def sense(self, host: str, is_anew: bool = False) -> None:
        """Read the sensors of a host; there is news when it is done, or cannot be.

        :param is_anew: which there are is asked anew too
        """
        self._later(lambda: self._with(host, lambda course, now: course.sense(now, is_anew)))

    def state(self, host: str) -> BoardState | None:
        """None as long as nothing is known of it, and when it is not kept."""
        return self._states.get(host)

    def sensed(self, host: str) -> Sensed | None:
        """What its sensors showed when they were last read; readings are stx.boards.Reading."""
        return self._sensed.get(host)

    def close(self) -> None:
        self._later(self._close)
        self._thread.join(_CLOSE_S + 2 * _LEAVE_S)

    def _later(self, do: Callable[[], None]) -> None:
        self._todo.append(do)
        try:
            self._awaken.send(b".")
        except BlockingIOError:
            # It is awake.
            return
        except OSError:
            # They are closed.
            return

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select(self._wait_s()):
                if key.fileobj is self._waking:
                    self._waking.recv(4096)
                elif self._nursery is not None and key.fileobj is self._nursery.control:
                    self._nursery_ended(self._nursery)
                elif (kept := self._kept.get(key.data)) is not None and (sock := kept.sock) is key.fileobj and sock is not None:
                    self._guarded(functools.partial(self._hear, key.data, kept, sock))
            while self._todo and not self._is_closing:
                self._guarded(self._todo.popleft())
            if self._is_closing:
                return
            for host in self._due():
                self._guarded(functools.partial(self._with, host, lambda course, now: course.tick(now)))

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception:
            # What is wrong with one host must not leave all others without their boards.
            LOG.exception("Something was not done about boards")

    def _due(self) -> set[str]:
        """The hosts whose moment has come. Those of which it was another one since are in it too; they find nothing to do."""
        due, now = set(), self._clock()
        while self._moments and self._moments[0][0] <= now:
            due.add(heapq.heappop(self._moments)[1])
        return due & self._kept.keys()

    def _wait_s(self) -> float | None:
        return max(0.0, self._moments[0][0] - self._clock()) if self._moments else None

    def _with(self, host: str, event: Callable[[Course, float], list[Effect]]) -> None:
        kept = self._kept.get(host)
        if kept is None:
            LOG.warning("%s has no board that could be asked.", host)
            return
        effects = event(kept.course, self._clock())
        while effects:
            effects = self._carry_out(host, kept, effects)
        self._remember(host, kept)

    def _remember(self, host: str, kept: _Kept) -> None:
        moment = kept.course.next_moment()
        if moment < math.inf and moment != kept.moment:
            heapq.heappush(self._moments, (moment, host))
        kept.moment = moment

    def _carry_out(self, host: str, kept: _Kept, effects: list[Effect]) -> list[Effect]:
        """What comes of it."""
        further: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Open):
                further += self._open(host, kept)
            elif isinstance(effect, Kill):
                LOG.warning("The board of %s does not answer in time.", host)
                self._drop(kept, grace_s=0.0)
            elif isinstance(effect, Ask):
                further += self._send(kept, json.dumps({"verb": effect.verb, "power": effect.power}).encode())
        self._states[host], self._sensed[host] = kept.course.state, kept.course.sensed
        if any(isinstance(effect, News) for effect in effects):
            self._guarded(lambda: self._news(host))
        return further

    def _keep(self, wanted: Mapping[str, Login]) -> None:
        for host in [host for host, kept in self._kept.items() if wanted.get(host) != kept.login]:
            kept = self._kept[host]
            self._drop(kept, _LEAVE_S)
            if host not in wanted:
                del self._kept[host]
                self._states.pop(host, None)
                self._sensed.pop(host, None)
        for host, login in wanted.items():
            kept_now = self._kept.get(host)
            if kept_now is None:
                self._kept[host] = kept_now = _Kept(login, Course(self._clock(), self._timing_of(login)))
            elif kept_now.login != login:
                kept_now.login, kept_now.course = login, kept_now.course.resumed(self._clock(), self._timing_of(login))
                self._states[host], self._sensed[host] = kept_now.course.state, None
            kept_now.moment = math.inf
            self._remember(host, kept_now)

    def _timing_of(self, login: Login) -> Timing:
        is_quick = login.kind is Kind.IPMI
        return (
            dataclasses.replace(self._timing, call_s=min(self._timing.call_s, self._timing.ipmi_call_s))
            if is_quick
            else self._timing
        )

    def _open(self, host: str, kept: _Kept) -> list[Effect]:
        self._drop(kept, grace_s=_LEAVE_S)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._last_number += 1
            if not self._tell_nursery({"fork": self._last_number}, [theirs.fileno()]):
                ours.close()
                return kept.course.ended(self._clock())
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, worker.MOST_BYTES)
        kept.number, kept.sock, kept.is_opened = self._last_number, ours, False
        self._selector.register(ours, selectors.EVENT_READ, host)
        return self._send(kept, msgspec.json.encode(kept.login))

    def _send(self, kept: _Kept, message: bytes) -> list[Effect]:
        try:
            if kept.sock is not None:
                kept.sock.send(message)
                return []
        except OSError:
            self._drop(kept, grace_s=0.0)
        return kept.course.ended(self._clock())

    def _hear(self, host: str, kept: _Kept, sock: socket.socket) -> None:
        try:
            received = sock.recv(worker.MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._drop(kept, grace_s=0.0)
            self._with(host, lambda course, now: course.ended(now))
            return
        answer = msgspec.json.decode(received, type=worker.Answer)
        if answer.failure is not None:
            failure = answer.failure
            self._with(host, lambda course, now: course.failed(failure, answer.text, now))
        elif not kept.is_opened:
            kept.is_opened = True
            self._with(host, lambda course, now: course.opened(now))
        else:
            power = Power(answer.power) if answer.power else ""
            self._with(host, lambda course, now: course.answered(now, power, answer.readings))

    def _drop(self, kept: _Kept, grace_s: float) -> None:
        """Have nothing more to do with the process of a board: it takes leave, or is killed."""
        if kept.sock is None:
            return
        self._selector.unregister(kept.sock)
        kept.sock.close()
        kept.sock = None
        self._tell_nursery({"end": kept.number, "grace_s": grace_s}, [])

    def _tell_nursery(self, message: Mapping[str, object], descriptors: list[int]) -> bool:
        nursery = self._nursery = self._nursery or self._start_nursery()
        if nursery is None:
            return False
        try:
            socket.send_fds(nursery.control, [json.dumps(message).encode()], descriptors)
        except OSError:
            return False
        return True

    def _start_nursery(self) -> _Nursery | None:
        now = self._clock()
        if now < self._nursery_at + _NURSERY_AGAIN_S:
            return None
        self._nursery_at = now
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, "-P", "-m", "mtce.boards.nursery", self._connect]
        with theirs:
            try:
                started = subprocess.Popen(argv, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)
            except OSError as error:
                LOG.error("Boards cannot be reached: no process for them starts: %s", error)
                ours.close()
                return None
        self._selector.register(ours, selectors.EVENT_READ, None)
        return _Nursery(started, ours)

    def _nursery_ended(self, nursery: _Nursery) -> None:
        """Its workers end with it, and their boards are opened anew."""
        LOG.error("The process that starts those of boards has ended; there will be another one.")
        self._selector.unregister(nursery.control)
        nursery.control.close()
        self._nursery = None
        nursery.process.kill()
        nursery.process.wait()

    def _close(self) -> None:
        self._is_closing = True
        self._todo.clear()
        for kept in self._kept.values():
            if kept.sock is not None:
                kept.sock.close()
        if self._nursery is not None:
            self._nursery.control.close()
            try:
                self._nursery.process.wait(_CLOSE_S)
            except subprocess.TimeoutExpired:
                self._nursery.process.kill()
                self._nursery.process.wait()
        self._selector.close()
        self._waking.close()
        self._awaken.close()
