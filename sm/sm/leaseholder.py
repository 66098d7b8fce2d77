# SPDX-License-Identifier: Apache-2.0
"""The lease's loop in a process of its own, so that nothing that services do ever delays it, and the link between the two.

They speak over a pair of sockets: what is wanted goes one way, what is seen the other. When the process with the services ends, or says
nothing for too long, the lease is let go.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable

import msgspec

from sm.daemon import Loop, View, Wish
from stx.realtime import prefer

LOG = logging.getLogger(__name__)

REPEAT_S = 0.5
# Longer than a disk may keep the other process waiting that it writes to.
SILENT_S = 10.0
_MOST_BYTES = 1 << 17


class Leaseholder:
    """The services' end of the link.

    :param make: makes the loop, in the other process
    :param clock: gives monotonic seconds
    """

    def __init__(self, make: Callable[[Callable[[View], None]], Loop], clock: Callable[[], float] = time.monotonic) -> None:
        self.view = View()
        self._clock = clock
        self._wish = Wish(wants_lease=False)
        self._sent_at = -REPEAT_S
        self._decoder = msgspec.msgpack.Decoder(View)
        self._link, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # What is there now is for both; counting references would copy it.
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            self._link.close()
            _live(make, other)
        gc.unfreeze()
        other.close()
        self._link.setblocking(False)

    @property
    def descriptor(self) -> int:
        return self._link.fileno()

    @property
    def repeat_at(self) -> float:
        """When the other process is to be told again that somebody is here."""
        return self._sent_at + REPEAT_S

    def want(self, wish: Wish) -> None:
        """Tell what is wanted; what was told a moment ago is not told again."""
        if wish == self._wish and self._clock() < self.repeat_at:
            return
        self._wish = wish
        self._sent_at = self._clock()
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._link.send(msgspec.msgpack.encode(wish))

    def hear(self) -> None:
        """Take in what is seen.

        :raises EOFError: when the other process has ended
        """
        while True:
            try:
                heard = self._link.recv(_MOST_BYTES)
            except BlockingIOError:
                return
            except ConnectionError:
                heard = b""
            if not heard:
                self.view = View()
                raise EOFError("the lease's process has ended")
            self.view = self._decoder.decode(heard)

    def close(self, deadline_s: float = 5.0) -> None:
        """Let the lease go, and wait until the other process has ended; one that a disk keeps is left to end when that lets it."""
        self._link.close()
        if not self._ends_within(deadline_s):
            os.kill(self.pid, signal.SIGKILL)
            self._ends_within(deadline_s)

    def _ends_within(self, deadline_s: float) -> bool:
        deadline = time.monotonic() + deadline_s
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


class _Far:
    """The lease's end of the link."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._link.setblocking(False)
        self._decoder = msgspec.msgpack.Decoder(Wish)
        self.heard_at = time.monotonic()

    def show(self, view: View) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._link.send(msgspec.msgpack.encode(view))

    def hear(self, loop: Loop) -> None:
        try:
            heard = self._link.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            heard = b""
        if not heard:
            loop.stop()
            return
        self.heard_at = time.monotonic()
        loop.want(self._decoder.decode(heard))


def _live(make: Callable[[Callable[[View], None]], Loop], link: socket.socket) -> None:
    code = 1
    try:
        # Only the end of the other process, after it has stopped services, ends this one.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        far = _Far(link)
        loop = make(far.show)
        loop.watch(link.fileno(), lambda: far.hear(loop))
        prefer()
        loop.run(lambda: time.monotonic() - far.heard_at < SILENT_S)
        code = 0
    except BaseException:
        LOG.exception("The lease's process ends")
    finally:
        os._exit(code)
