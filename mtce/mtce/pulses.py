# SPDX-License-Identifier: Apache-2.0
"""mtce-agent's end of the link to the heartbeat's process on its host."""

import contextlib
import logging
import math
import pathlib
import socket
import threading
import time
from collections.abc import Callable

import msgspec

from mtce.heartbeat import wire

LOG = logging.getLogger(__name__)

_RETRY_S = 0.5
# The process says something once a second. When it hangs, nothing is known any more.
SILENT_S = 5.0
_MOST_BYTES = 4 << 20


class Pulses:
    """Has hosts watched, and keeps what is said of them.

    :param path: of the process's socket
    :param news: called, in a thread of this, when something else is said
    :param clock: gives monotonic seconds
    :ivar facts: what was said last; None while nobody says anything: then nothing is known, and nobody is to blame
    """

    def __init__(self, path: pathlib.Path, news: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.facts: wire.Facts | None = None
        self._path = path
        self._news = news
        self._clock = clock
        # Since when somebody is to be watched; and when something was said last.
        self._wanted_at: float | None = None
        self._heard_at = -math.inf
        self._order: wire.Order | None = None
        self._lock = threading.Lock()
        self._link: socket.socket | None = None
        self._is_stopping = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mtce-pulses", daemon=True)
        self._decoder = msgspec.msgpack.Decoder(wire.Facts)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        self._wanted.set()
        self._shut()
        if self._thread.is_alive():
            self._thread.join(2 * _RETRY_S)

    def want(self, order: wire.Order) -> None:
        """Have these hosts watched, and no others; returns at once."""
        with self._lock:
            if order == self._order:
                return
            self._order = order
            link = self._link
        if not any(order.hosts.values()):
            self._wanted_at = None
        elif self._wanted_at is None:
            self._wanted_at = self._clock()
        self._wanted.set()
        if link is not None:
            self._say(link, order)

    def is_silent(self) -> bool:
        """Whether somebody is to be watched, and nothing was said for longer than SILENT_S."""
        return self._wanted_at is not None and self._clock() - max(self._wanted_at, self._heard_at) > SILENT_S

    def _run(self) -> None:
        is_away = False
        while not self._is_stopping.is_set():
            self._wanted.wait()
            try:
                self._serve()
            except (OSError, EOFError, msgspec.MsgspecError) as error:
                if not is_away and not self._is_stopping.is_set():
                    LOG.warning(
                        "Nobody is watched: mtce-heartbeat does not answer at %s: %s", self._path, error or "it has ended"
                    )
            is_away = self.facts is None
            if self.facts is not None:
                self.facts = None
                self._news()
            self._is_stopping.wait(_RETRY_S)

    def _serve(self) -> None:
        """:raises OSError, EOFError: when the process is away, or says nothing
        :raises msgspec.MsgspecError: when it is of another version
        """
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.closing(link):
            link.settimeout(SILENT_S)
            link.connect(str(self._path))
            with self._lock:
                self._link, order = link, self._order
            try:
                if order is not None:
                    self._say(link, order)
                while not self._is_stopping.is_set():
                    heard = link.recv(_MOST_BYTES)
                    if not heard:
                        raise EOFError
                    self._take(self._decoder.decode(heard))
            finally:
                with self._lock:
                    self._link = None

    def _take(self, facts: wire.Facts) -> None:
        self._heard_at = self._clock()
        is_news = facts != self.facts
        self.facts = facts
        if is_news:
            self._news()

    def _say(self, link: socket.socket, order: wire.Order) -> None:
        try:
            link.send(msgspec.msgpack.encode(order))
        except OSError as error:
            LOG.warning("mtce-heartbeat was not told whom to watch, and is asked anew: %s", error)
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            if self._link is not None:
                with contextlib.suppress(OSError):
                    self._link.shutdown(socket.SHUT_RDWR)
