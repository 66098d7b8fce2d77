# SPDX-License-Identifier: Apache-2.0
"""The guard of the process monitor, with real processes."""

import stat

from mtce import guard
from mtce.tests.unit import test_host
from mtce.tests.unit.pmon import harness
from stx import exception


class GuardTest(test_host.ProcessTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="mtce_guard", conf_dir=[str(self.conf_dir)])
        self.describe("mtce-client")

    def start(self) -> guard.Guard:
        running = guard.Guard()
        running.start()
        self.addCleanup(running.stop)
        return running

    def test_it_starts_its_charge(self) -> None:
        running = self.start()
        self.assertTrue(harness.is_alive(self.pid("mtce-client")))
        self.assertTrue(running.is_healthy())

    def test_it_starts_it_again_when_it_dies(self) -> None:
        self.start()
        self.pid("mtce-client", other_than=self.kill("mtce-client"))

    def test_it_raises_the_alarm_when_it_does_not_stay_up(self) -> None:
        # Once it counts as stable it may fail as often again.
        self.describe("mtce-client", debounce=600)
        self.start()
        self.pid("mtce-client", other_than=self.kill("mtce-client"))
        self.kill("mtce-client")
        entity = "host=controller-0.process=mtce-client"
        harness.wait_until(lambda: ("set", "200.006", entity, "major") in self.faults())

    def test_its_charge_lives_on_and_is_taken_over(self) -> None:
        first = guard.Guard()
        first.start()
        pid = self.pid("mtce-client")
        first.stop()
        self.assertFalse(first.is_healthy())
        self.start()
        self.assertEqual(pid, self.pid("mtce-client"))
        self.assertTrue(harness.is_alive(pid))

    def test_a_second_guard_is_refused(self) -> None:
        self.start()
        error = self.assertRaises(exception.ConfigurationError, guard.Guard().start)
        self.assertIn("Another process monitor uses", error.message)

    def test_only_the_owner_sees_its_state(self) -> None:
        self.start()
        self.assertEqual(0o700, stat.S_IMODE((self.platform.path / "guard").stat().st_mode))

    def test_the_service_runs_one(self) -> None:
        made = guard.make_service()
        made.start()
        self.addCleanup(made.stop)
        self.pid("mtce-client")
        self.assertTrue(made.is_healthy())
