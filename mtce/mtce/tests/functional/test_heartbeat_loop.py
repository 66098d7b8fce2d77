# SPDX-License-Identifier: Apache-2.0
"""The heartbeat's loop in a test's process: what it says to mtce-agent, and how often it turns for that."""

import pathlib
import socket

import fixtures
import msgspec
from oslotest import base

from mtce.heartbeat import wire
from mtce.heartbeat.loop import Link, Loop
from stx.datagrams import Keys
from stx.paths import Path, Paths


class LoopTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "heartbeat.sock"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.paths: Paths[wire.Body] = Paths(
            wire.Sender("ours", "controller-0"),
            wire.Receiver("ours", {}),
            [Path("mgmt", "127.0.0.1", port, device="lo"), Path("oam", "127.0.0.2", port, device="lo")],
        )
        self.link = Link(path)
        self.loop = Loop("controller-0", "boot", self.paths, self.link, lambda: True, lambda end: None)
        self.addCleanup(self.loop.close)
        self.agent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.agent.close)
        self.agent.connect(str(path))
        self.agent.setblocking(False)

    def order(self, hosts: int) -> None:
        order = wire.Order({"mgmt": {f"compute-{number}": "127.0.0.3" for number in range(hosts)}}, period_ms=50)
        self.agent.send(msgspec.msgpack.encode(order))

    def turn_until_told(self) -> tuple[wire.Facts, int]:
        """What is told next, and after how many turns."""
        for turns in range(1, 10_000):
            self.loop.turn()
            try:
                return msgspec.msgpack.decode(self.agent.recv(4 << 20), type=wire.Facts), turns
            except BlockingIOError:
                continue
        raise AssertionError("nothing was told")

    def test_it_turns_for_pulses_and_not_for_waiting(self) -> None:
        self.order(0)
        self.turn_until_told()
        _, turns = self.turn_until_told()
        # Twenty pulses a second.
        self.assertLess(turns, 60)

    def test_it_tells_systemd_once_a_second_that_it_goes_on(self) -> None:
        path = f"{self.useFixture(fixtures.TempDir()).path}/notify"
        self.useFixture(fixtures.EnvironmentVariable("NOTIFY_SOCKET", path))
        systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.addCleanup(systemd.close)
        systemd.bind(path)
        self.order(1)
        for _ in range(2):
            self.loop._look_at = 0.0
            self.loop.turn()
            self.assertEqual(b"WATCHDOG=1", systemd.recv(100))
        self.loop.turn()
        self.assertRaises(BlockingIOError, systemd.recv, 100)

    def test_thousands_of_hosts_that_are_all_silent_fit(self) -> None:
        self.order(3000)
        facts, _ = self.turn_until_told()
        while not facts.networks["mgmt"].ailing:
            facts, _ = self.turn_until_told()
        self.assertEqual(3000, len(facts.networks["mgmt"].ailing))

    def test_one_that_listens_to_nothing_is_waited_for_by_nobody(self) -> None:
        self.order(1)
        many = wire.Facts({}, {f"compute-{number}": "b" * 36 for number in range(3000)}, [])
        while self.link.agent is None:
            self.loop.turn()
        for _ in range(1000):
            self.link.tell(many)
        # It does not fit at all: that is said in the log.
        self.link.tell(wire.Facts({}, {"host": "b" * (8 << 20)}, []))

    def test_a_network_whose_pulses_do_not_leave_is_told_as_such_and_nobody_is_blamed(self) -> None:
        self.useFixture(fixtures.MockPatchObject(self.paths, "links", lambda: {"mgmt": False, "oam": True}))
        self.order(2)
        for _ in range(3):
            facts, _ = self.turn_until_told()
        self.assertEqual(wire.Network(False, {}), facts.networks["mgmt"])

    def test_what_is_forged_or_no_datagram_of_ours_is_counted_in_the_log_now_and_then(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        to = dict(self.paths.sockets)["mgmt"].getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"what?", to)
            # In another one's name.
            out.sendto(wire.Sender("ours", "compute-1").pack(wire.Answer("compute-0", 1, "boot", True, "mgmt"), Keys()), to)
        while sum(self.paths.dropped.values()) < 2:
            self.loop.turn()
        for _ in range(2):
            self.loop._look_at = 0.0
            self.loop.turn()
        self.assertEqual("Datagrams that were not taken, so far: 1 forged on mgmt, 1 malformed on mgmt.\n", log.output)

    def test_a_device_that_was_made_anew_is_listened_to_again(self) -> None:
        old = dict(self.paths.sockets)["mgmt"]
        new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(new.close)
        new.bind(("127.0.0.1", 0))
        new.setblocking(False)
        changes = [[("mgmt", old, new)], []]
        self.useFixture(fixtures.MockPatchObject(self.paths, "renew", lambda: changes.pop(0) if changes else []))
        heard: list[str] = []
        self.useFixture(fixtures.MockPatchObject(self.loop, "_receive", heard.append))
        self.loop._look_at = 0.0
        self.loop.turn()
        self.assertEqual(-1, old.fileno())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"x", new.getsockname())
        self.loop.turn()
        self.assertEqual(["mgmt"], heard)

    def test_names_that_somebody_makes_up_are_not_kept_for_ever(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.paths._MOST_HEARD", 10))
        self.paths.know("mgmt", "compute-0", "127.0.0.3")
        for number in range(25):
            self.paths._note("mgmt", f"forged-{number}", ("127.0.0.9", 1))
        self.assertLess(len(self.paths.heard_at), 11)
        known = self.paths._addresses["mgmt"]
        self.assertEqual((True, True), ("compute-0" in known, "forged-24" in known))
