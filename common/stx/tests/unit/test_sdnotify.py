# SPDX-License-Identifier: Apache-2.0
"""Tests of what a process tells systemd, on a real notification socket."""

import pathlib
import socket
import threading
import time

import fixtures

from stx import sdnotify, testing

DEADLINE_S = 60.0


class SdnotifyTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "notify")

    def listen(self, address: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind(address)
        sock.settimeout(DEADLINE_S)
        return sock

    def systemd(self, watchdog_us: int = 0) -> socket.socket:
        self.useFixture(fixtures.EnvironmentVariable("NOTIFY_SOCKET", str(self.path)))
        self.useFixture(fixtures.EnvironmentVariable("WATCHDOG_USEC", str(watchdog_us)))
        return self.listen(str(self.path))

    def watch(self, is_healthy: bool) -> threading.Event:
        """Start a watchdog; gives an event that is set when it has looked at the process's health twice."""
        asked_once, asked_twice = threading.Event(), threading.Event()

        def answer() -> bool:
            (asked_twice if asked_once.is_set() else asked_once).set()
            return is_healthy

        watchdog = sdnotify.Watchdog(answer)
        watchdog.start()
        # What it is about to tell is not for the next test.
        self.addCleanup(self.join)
        self.addCleanup(watchdog.stop)
        return asked_twice

    def join(self) -> None:
        for thread in [thread for thread in threading.enumerate() if thread.name == "watchdog"]:
            thread.join(DEADLINE_S)

    def test_systemd_is_told_of_readiness_and_of_stopping(self) -> None:
        systemd = self.systemd()

        sdnotify.ready()
        sdnotify.stopping()

        self.assertEqual([b"READY=1", b"STOPPING=1"], [systemd.recv(100) for _ in range(2)])

    def test_a_loop_that_tells_that_it_goes_on_does_not_wait_for_a_systemd_that_hangs(self) -> None:
        systemd = self.systemd()
        self.useFixture(fixtures.Timeout(int(DEADLINE_S), gentle=True))
        for _ in range(10_000):
            sdnotify.alive()
        self.assertEqual(b"WATCHDOG=1", systemd.recv(100))

    def test_a_socket_in_the_abstract_namespace_is_reached_too(self) -> None:
        name = f"{self.path}-abstract"
        self.useFixture(fixtures.EnvironmentVariable("NOTIFY_SOCKET", f"@{name}"))
        systemd = self.listen(f"\0{name}")

        sdnotify.ready()

        self.assertEqual(b"READY=1", systemd.recv(100))

    def test_without_systemd_nothing_happens(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("NOTIFY_SOCKET"))
        systemd = self.listen(str(self.path))
        systemd.setblocking(False)

        sdnotify.ready()

        self.assertRaises(BlockingIOError, systemd.recv, 100)

    def test_a_socket_that_went_away_is_no_error(self) -> None:
        self.systemd()
        self.path.unlink()

        sdnotify.ready()

        self.assertFalse(self.path.exists())

    def test_a_healthy_process_is_reported_twice_per_watchdog_period(self) -> None:
        systemd = self.systemd(watchdog_us=100_000)
        begun = time.monotonic()

        self.watch(is_healthy=True)

        self.assertEqual([b"WATCHDOG=1"] * 3, [systemd.recv(100) for _ in range(3)])
        self.assertGreaterEqual(time.monotonic() - begun, 0.15)

    def test_an_unhealthy_process_is_not_reported(self) -> None:
        systemd = self.systemd(watchdog_us=20_000)
        systemd.setblocking(False)

        self.assertTrue(self.watch(is_healthy=False).wait(DEADLINE_S))

        self.assertRaises(BlockingIOError, systemd.recv, 100)

    def test_a_stopped_watchdog_is_silent(self) -> None:
        systemd = self.systemd(watchdog_us=20_000)
        watchdog = sdnotify.Watchdog(lambda: True)
        watchdog.start()
        systemd.recv(100)

        watchdog.stop()
        threads = [thread for thread in threading.enumerate() if thread.name == "watchdog"]
        for thread in threads:
            thread.join(DEADLINE_S)

        self.assertEqual([], [thread for thread in threads if thread.is_alive()])

    def test_without_a_watchdog_period_nobody_watches(self) -> None:
        self.systemd()

        self.assertFalse(self.watch(is_healthy=True).wait(0.05))
