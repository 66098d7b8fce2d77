# SPDX-License-Identifier: Apache-2.0
"""How others see that mtce-client is well."""

import socket

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
            watchdog.settimeout(10)
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
