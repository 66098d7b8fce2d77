# SPDX-License-Identifier: Apache-2.0
"""How others see that mtce-client is well."""

import os
import socket
import time

import fixtures

from mtce import liveness
from mtce.cmd import heartbeat
from mtce.liveness import Alive
from mtce.tests.unit.pmon import harness
from mtce.watchdog import loop, settings


class AliveTest(harness.DirectoryTest):
    def test_it_checks_in_with_the_watchdog_and_says_what_is_lost(self) -> None:
        self.assertEqual(loop.SOCKET, liveness.WATCHDOG)
        self.assertIn(liveness.MEMBER, settings.Settings().members)
        self.assertLess(liveness.MAX_BYTES, loop.MAX_BYTES)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as watchdog:
            watchdog.bind(str(self.directory / liveness.WATCHDOG))
            watchdog.settimeout(60)
            alive = Alive(self.directory, lambda: True, lambda: "sshd is lost")
            alive.start()
            self.addCleanup(alive.stop)
            self.assertEqual(b"mtce-client\nsshd is lost", watchdog.recv(1000))

    def test_the_file_is_the_one_that_the_heartbeat_looks_at_in_time(self) -> None:
        self.assertEqual(heartbeat.ALIVE, liveness.ALIVE)
        self.assertLess(3 * liveness.PERIOD_S, heartbeat.ALIVE_S)

    def test_it_is_touched_again_and_again_while_all_is_well_and_no_longer(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mtce.liveness.PERIOD_S", 0.01))
        is_well, asked = [True], [0]

        def is_healthy() -> bool:
            asked[0] += 1
            return is_well[0]

        alive = Alive(self.directory, is_healthy)
        alive.start()
        self.addCleanup(alive.stop)
        file = self.directory / liveness.ALIVE
        harness.wait_until(file.exists)
        file.unlink()
        harness.wait_until(file.exists)
        is_well[0] = False
        self.rest(asked)
        file.unlink()
        self.rest(asked)
        self.assertFalse(file.exists())

    def rest(self, asked: list[int]) -> None:
        """Until it has looked twice more."""
        seen = asked[0]
        harness.wait_until(lambda: asked[0] > seen + 2)


class TouchedTest(harness.DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.now = 1000.0
        self.file = self.directory / "alive"
        self.touched = heartbeat.Touched(self.file, lambda: self.now)

    def test_one_that_was_never_touched_is_not(self) -> None:
        self.assertFalse(self.touched.of_late())

    def test_one_that_is_touched_no_longer_is_so_for_a_while(self) -> None:
        self.file.touch()
        self.assertTrue(self.touched.of_late())
        self.now += heartbeat.ALIVE_S
        self.assertFalse(self.touched.of_late())

    def test_what_time_it_was_touched_at_does_not_count(self) -> None:
        self.file.touch()
        for jump_s in (3600, -3600):
            os.utime(self.file, (0, time.time() + jump_s))
            self.assertTrue(self.touched.of_late())
            self.now += heartbeat.ALIVE_S
            self.assertFalse(self.touched.of_late())
