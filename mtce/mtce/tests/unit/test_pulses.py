# SPDX-License-Identifier: Apache-2.0
"""mtce-agent's end of the link to the heartbeat's process, with a real socket."""

import pathlib
import socket
import tempfile
import threading

import fixtures
import msgspec
from oslotest import base

from mtce.heartbeat import wire
from mtce.pulses import Pulses

LIMIT_S = 60.0
ORDER = wire.Order({"mgmt": {"compute-0": "192.0.2.5"}})
FACTS = wire.Facts({"mgmt": wire.Network(True, {})}, {"compute-0": "a-boot"}, [])


class PulsesTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "heartbeat.sock"
        self.useFixture(fixtures.MonkeyPatch("mtce.pulses.SILENT_S", LIMIT_S))
        self.news = threading.Semaphore(0)
        self.told: list[wire.Facts | None] = []
        self.now = 0.0
        self.pulses = Pulses(self.path, self.hear_news, lambda: self.now)
        self.pulses.start()
        self.addCleanup(self.pulses.stop)

    def listen(self) -> socket.socket:
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(listener.close)
        listener.settimeout(LIMIT_S)
        listener.bind(str(self.path))
        listener.listen(1)
        return listener

    def accept(self, listener: socket.socket) -> socket.socket:
        link, _ = listener.accept()
        self.addCleanup(link.close)
        link.settimeout(LIMIT_S)
        return link

    def hear(self, link: socket.socket) -> wire.Order:
        return msgspec.msgpack.decode(link.recv(1 << 16), type=wire.Order)

    def hear_news(self) -> None:
        self.told.append(self.pulses.facts)
        self.news.release()

    def await_news(self) -> None:
        self.assertTrue(self.news.acquire(timeout=LIMIT_S))

    def test_it_says_what_is_wanted_and_keeps_what_it_hears(self) -> None:
        link = self._linked()
        link.send(msgspec.msgpack.encode(FACTS))
        self.await_news()
        self.assertEqual(FACTS, self.pulses.facts)

    def test_what_is_said_again_is_no_news(self) -> None:
        link = self._linked()
        for facts in (FACTS, FACTS, msgspec.structs.replace(FACTS, unmonitored=["compute-0"])):
            link.send(msgspec.msgpack.encode(facts))
        self.await_news()
        self.await_news()
        self.assertFalse(self.news.acquire(blocking=False))

    def test_what_is_wanted_otherwise_is_said_at_once_and_the_same_not_again(self) -> None:
        link = self._linked()
        slower = msgspec.structs.replace(ORDER, period_ms=400)
        for order in (ORDER, slower):
            self.pulses.want(order)
        self.assertEqual(slower, self.hear(link))

    def test_nothing_is_known_when_the_process_is_gone_and_one_that_comes_is_asked_anew(self) -> None:
        listener = self.listen()
        self.pulses.want(ORDER)
        first = self.accept(listener)
        self.hear(first)
        first.send(msgspec.msgpack.encode(FACTS))
        self.await_news()
        first.close()
        self.await_news()
        self.assertIsNone(self.pulses.facts)
        self.assertEqual(ORDER, self.hear(self.accept(listener)))

    def test_nothing_is_known_when_the_process_says_nothing_or_something_else(self) -> None:
        for last, silent_s in ((b"another version", LIMIT_S), (b"", 3.0)):
            self.useFixture(fixtures.MonkeyPatch("mtce.pulses.SILENT_S", silent_s))
            self.told.clear()
            link = self._linked()
            link.send(msgspec.msgpack.encode(FACTS))
            self.await_news()
            if last:
                link.send(last)
            self.await_news()
            self.assertEqual([FACTS, None], self.told)

    def test_one_that_comes_later_is_found(self) -> None:
        self.pulses.want(ORDER)
        self.assertEqual(ORDER, self.hear(self.accept(self.listen())))

    def test_it_is_silent_when_it_has_said_nothing_for_too_long_to_one_that_wants_hosts_watched(self) -> None:
        self.now = 100.0
        self.assertFalse(self.pulses.is_silent())
        link = self._linked()
        self.assertFalse(self.pulses.is_silent())
        self.now += LIMIT_S + 1.0
        self.assertTrue(self.pulses.is_silent())
        # A link to a process that hangs can be made, and says nothing of it.
        link.send(msgspec.msgpack.encode(FACTS))
        self.await_news()
        self.now += LIMIT_S - 1.0
        self.assertFalse(self.pulses.is_silent())
        self.now += 2.0
        self.assertTrue(self.pulses.is_silent())
        self.pulses.want(wire.Order({"mgmt": {}}))
        self.assertFalse(self.pulses.is_silent())
        self.pulses.want(ORDER)
        self.now += LIMIT_S - 1.0
        self.assertFalse(self.pulses.is_silent())

    def _linked(self) -> socket.socket:
        listener = self.listen()
        self.pulses.want(ORDER)
        link = self.accept(listener)
        self.assertEqual(ORDER, self.hear(link))
        return link
