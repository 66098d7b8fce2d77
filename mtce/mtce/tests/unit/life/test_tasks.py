# SPDX-License-Identifier: Apache-2.0
"""What operators read of a host meanwhile: its task, word for word (spec mtce-sm.md A2)."""

import unittest
from collections.abc import Iterable

import ddt

from mtce.life.model import Limits
from mtce.tests.unit.life.test_enable import online
from mtce.tests.unit.life.test_recovery import cut, in_service
from mtce.tests.unit.life.world import World

_ALL_IN_ONE = {"personality": "controller", "is_all_in_one": True}


def tasks(world: World) -> list[str]:
    """One after another, each once."""
    found = [life.task for life in world.history if life.task]
    return list(dict.fromkeys(found))


@ddt.ddt
class TaskTest(unittest.TestCase):
    def assert_tasks(self, expected: Iterable[str], world: World) -> None:
        self.assertEqual(list(expected), tasks(world))

    def test_a_host_that_comes_into_service(self) -> None:
        world = online(**_ALL_IN_ONE)
        world.ask("unlock")
        world.pass_s(90.0)
        self.assert_tasks(["Reboot Request", "Booting", "Testing", "Enabling", "Enabling Worker Service"], world)

    @ddt.data(
        (False, "Unlocking active controller, please stand-by while it reboots"),
        (True, "Unlocking, please stand-by while the system gracefully reboots"),
    )
    @ddt.unpack
    def test_a_controller_that_unlocks_itself(self, is_simplex: bool, task: str) -> None:
        world = online(personality="controller", is_self=True, is_simplex=is_simplex)
        world.ask("unlock")
        world.pass_s(0.5)
        self.assert_tasks([task], world)

    def test_a_controller_that_is_locked(self) -> None:
        world = in_service(personality="controller")
        world.obeys = False
        world.ask("lock")
        world.pass_s(0.5)
        self.assert_tasks(["Disabling Controller"], world)

    def test_a_host_that_is_reset(self) -> None:
        world = online(board="good")
        world.ask("reset")
        world.pass_s(60.0)
        self.assert_tasks(["Reset Requested", "Resetting: waiting for offline"], world)

    @ddt.data(
        ("reset", "Reset Requested", "Reset Failed", 5),
        ("power-on", "Power-On Requested", "Power-On Failed", 10),
        ("power-off", "Power-Off Requested", "Power-Off Failed", 10),
    )
    @ddt.unpack
    def test_a_board_that_obeys_at_no_time(self, action: str, first: str, failed: str, times: int) -> None:
        world = online(board="lying")
        if action == "power-on":
            world.power_off()
            world.pass_s(10.0)
            world.history.clear()
        world.ask(action)
        world.pass_s(60.0)
        self.assert_tasks(
            [first, *(f"{failed}, retrying ({number} of {times})" for number in range(1, times + 1)), failed], world
        )

    def test_a_board_that_takes_its_time(self) -> None:
        world = online(board="dead")
        world.ask("power-off")
        world.pass_s(10.0)
        self.assert_tasks(["Power-Off Requested", "Powering Off"], world)
        world.pass_s(20.0)
        self.assertEqual("Power-Off Failed, retrying (1 of 10)", world.life.task)

    @ddt.data(("goenabled", "In-Test Timeout, re-enabling"), ("start", "Start Services Timeout, re-enabling"))
    @ddt.unpack
    def test_a_host_whose_tests_or_services_do_not_end(self, what: str, task: str) -> None:
        world = online(deaf_to=frozenset({what}))
        world.ask("unlock")
        world.pass_s(700.0)
        self.assertIn(task, tasks(world))

    @ddt.data(
        ("goenabled", "In-Test Failed, re-enabling", "In-Test Failure"),
        ("start", "Start Services Failed, re-enabling", "Service Failure"),
    )
    @ddt.unpack
    def test_a_host_whose_tests_or_services_fail(self, what: str, first: str, last: str) -> None:
        world = online(failing=frozenset({what}))
        world.ask("unlock")
        world.pass_s(300.0)
        self.assertIn(first, tasks(world))
        self.assertEqual(f"{last}, threshold reached, Lock/Unlock to retry", tasks(world)[-1])

    @ddt.data(
        ("goenabled-worker", True, "Worker In-Test Failed, re-enabling"),
        ("goenabled-worker", False, "Worker In-Test Timeout, re-enabling"),
        ("start-worker", True, "Worker Start Services Failed, re-enabling"),
        ("start-worker", False, "Worker Start Services Timeout, re-enabling"),
    )
    @ddt.unpack
    def test_a_controller_whose_worker_fails(self, what: str, ends: bool, task: str) -> None:
        world = online(**_ALL_IN_ONE, **{"failing" if ends else "deaf_to": frozenset({what})})
        world.ask("unlock")
        world.pass_s(800.0)
        self.assertIn(task, tasks(world))

    def test_a_host_whose_configuration_fails(self) -> None:
        world = online(config="failed")
        world.ask("unlock")
        world.pass_s(300.0)
        self.assertIn("Configuration Failed, re-enabling", tasks(world))
        self.assertEqual("Configuration failure, threshold reached, Lock/Unlock to retry", tasks(world)[-1])

    def test_a_host_that_does_not_come_up(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(1.0)
        world.power_off()
        world.pass_s(Limits().worker_boot_s + 60, 5.0)
        self.assertIn("Boot Failed, rebooting", tasks(world))

    def test_a_host_that_is_lost_as_soon_as_it_is_there(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(30.0)
        cut(world)
        world.pass_s(10.0)
        self.assertEqual("Enable Heartbeat Failure, re-enabling", tasks(world)[-1])

    def test_a_host_in_service_that_is_lost(self) -> None:
        world = in_service()
        cut(world)
        world.pass_s(10.0)
        self.assert_tasks(["Graceful Recovery", "Graceful Recovery Wait"], world)

    def test_a_host_that_has_rebooted_and_is_not_configured(self) -> None:
        world = in_service()
        world.config = "pending"
        world.reset()
        world.pass_s(Limits().worker_boot_s + 30, 1.0)
        self.assertIn("Graceful Recovery Failed", tasks(world))

    def test_a_host_in_service_that_is_lost_again(self) -> None:
        world = in_service()
        cut(world, "mgmt")
        world.pass_s(3.0)
        world.links["mgmt"] = True
        world.pass_s(3.0)
        cut(world, "mgmt")
        world.pass_s(2.0)
        self.assert_tasks(["Graceful Recovery", "Graceful Recovery Retry"], world)
