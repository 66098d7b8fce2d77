# SPDX-License-Identifier: Apache-2.0
"""How a host comes into service, and what becomes of one that fails on the way (spec mtce-sm.md A2.1, A2.2)."""

import unittest

import ddt

from mtce.life import machine
from mtce.life.model import Cause, Stage
from mtce.tests.unit.life.world import World


def online(**given: object) -> World:
    world = World(**given)  # type: ignore[arg-type]
    world.power_on()
    world.pass_s(25.0)
    assert world.life.availability == "online", world.life
    world.history.clear()
    return world


@ddt.ddt
class EnableTest(unittest.TestCase):
    def test_it_boots_tests_itself_starts_its_services_and_answers_for_a_while(self) -> None:
        world = online()
        boot = world.boot
        world.ask("unlock")
        world.pass_s(60.0)
        stages = list(dict.fromkeys(life.stage for life in world.history if life.stage is not None))
        self.assertEqual([Stage.END_BOOT, Stage.BOOT, Stage.GOENABLED, Stage.START, Stage.SOAK], stages)
        self.assertEqual(boot + 1, world.boot)
        self.assertEqual(("enabled", "available", ""), (world.life.operational, world.life.availability, world.life.task))

    def test_the_worker_of_a_controller_comes_after_the_controller(self) -> None:
        world = online(personality="controller", is_all_in_one=True)
        world.ask("unlock")
        world.pass_s(60.0)
        states = list(dict.fromkeys((life.operational, life.subfunction_oper) for life in world.history))
        self.assertEqual([("disabled", "disabled"), ("enabled", "disabled"), ("enabled", "enabled")], states)
        self.assertIn("Enabling Worker Service", {life.task for life in world.history})

    @ddt.data(
        ("goenabled", "In-Test Failed, re-enabling", "In-Test Failure, threshold reached, Lock/Unlock to retry"),
        ("start", "Start Services Failed, re-enabling", "Service Failure, threshold reached, Lock/Unlock to retry"),
    )
    @ddt.unpack
    def test_what_fails_twice_is_left_until_an_operator_locks_and_unlocks_it(self, task: str, first: str, last: str) -> None:
        world = online()
        world.failing = frozenset({task})
        world.ask("unlock")
        world.pass_s(300.0)
        self.assertIn(first, {life.task for life in world.history})
        self.assertEqual(("disabled", "failed", last), (world.life.operational, world.life.availability, world.life.task))
        self.assertTrue(machine.is_failed(world.life))
        world.failing = frozenset()
        world.pass_s(3600.0, 5.0)
        self.assertEqual("failed", world.life.availability)
        world.ask("lock")
        world.pass_s(10.0)
        world.ask("unlock")
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)
        self.assertFalse(machine.is_failed(world.life))

    def test_a_configuration_that_failed_keeps_it_out_of_service(self) -> None:
        world = online()
        world.config = "failed"
        world.ask("unlock")
        world.pass_s(45.0)
        self.assertEqual((Cause.CONFIGURATION, "failed"), (world.life.cause, world.life.availability))

    def test_one_that_does_not_reboot_is_reset_by_its_board(self) -> None:
        world = online(board="good", obeys=False)
        world.ask("unlock")
        world.pass_s(45.0)
        self.assertEqual(1, world.resets)
        world.obeys = True
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_hangs_and_whose_board_resets_nothing_is_left_at_last(self) -> None:
        world = online(board="lying")
        world.hangs = True
        world.ask("unlock")
        world.pass_s(60.0)
        self.assertGreater(20, world.life.number)
        world.pass_s(4 * 3600.0, 10.0)
        self.assertEqual("Enable Failure, threshold reached, Lock/Unlock to retry", world.life.task)

    def test_one_that_is_not_heard_of_again_is_waited_for_and_then_left(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(1.0)
        world.power_off()
        world.pass_s(4 * 3600.0, 10.0)
        self.assertIn("Boot Failed, rebooting", {life.task for life in world.history})
        self.assertEqual("Enable Failure, threshold reached, Lock/Unlock to retry", world.life.task)

    def test_one_whose_process_has_failed_is_reset_at_once_as_others_may_run_what_it_ran(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(60.0)
        boot = world.boot
        world.severities = frozenset({"critical"})
        world.pass_s(1.0)
        self.assertEqual(("failed", "reset"), (world.life.availability, machine.wanted(world.life, world.facts()).end_boot))
        world.severities = frozenset()
        world.pass_s(60.0)
        self.assertEqual((boot + 1, True), (world.boot, world.life.is_in_service))

    def test_a_worker_that_fails_again_and_again_leaves_its_controller_in_service(self) -> None:
        world = online(personality="controller", is_all_in_one=True)
        world.failing = frozenset({"start-worker"})
        boot = world.boot
        world.ask("unlock")
        world.pass_s(300.0)
        self.assertEqual(boot + 2, world.boot)
        life = world.life
        self.assertEqual((None, "enabled", "degraded"), (life.procedure, life.operational, life.availability))
        self.assertEqual(("disabled", "failed"), (life.subfunction_oper, life.subfunction_avail))
        self.assertEqual("Service Failure, threshold reached, Lock/Unlock to retry", life.task)
        world.failing = frozenset()
        world.ask("lock")
        world.pass_s(10.0)
        world.ask("unlock")
        world.pass_s(60.0)
        self.assertEqual(("enabled", "available"), (world.life.subfunction_oper, world.life.availability))

    def test_one_that_had_no_power_for_longer_than_anybody_waits_comes_back_with_it(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(60.0)
        world.power_off()
        world.pass_s(3 * 3600.0, 5.0)
        self.assertIn("threshold reached", world.life.task)
        world.power_on()
        world.pass_s(120.0)
        self.assertEqual((True, ""), (world.life.is_in_service, world.life.task))

    def test_one_whose_configuration_does_not_end_is_left(self) -> None:
        world = online()
        world.config = "pending"
        world.ask("unlock")
        world.pass_s(3 * 3600.0, 5.0)
        self.assertEqual((None, {"boot": 5}), (world.life.procedure, dict(world.life.failures)))
        self.assertIn("threshold reached", world.life.task)
        world.config = "passed"
        world.pass_s(120.0)
        self.assertTrue(world.life.is_in_service)

    def test_one_whose_process_fails_again_soon_after_is_left_alone(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(60.0)
        boot = world.boot
        for _ in range(2):
            world.severities = frozenset({"critical"})
            world.pass_s(1.0)
            world.severities = frozenset()
            world.pass_s(120.0)
        self.assertEqual((boot + 1, "failed"), (world.boot, world.life.availability))
        self.assertIn("threshold reached", world.life.task)

    def test_one_whose_process_fails_again_much_later_is_not(self) -> None:
        world = online()
        world.ask("unlock")
        world.pass_s(60.0)
        for _ in range(3):
            world.severities = frozenset({"critical"})
            world.pass_s(1.0)
            world.severities = frozenset()
            world.pass_s(3600.0, 5.0)
            self.assertTrue(world.life.is_in_service)

    def test_the_only_controller_stays_in_service_whatever_is_wrong_with_it(self) -> None:
        world = online(personality="controller", is_self=True, has_other=False)
        world.ask("unlock")
        world.pass_s(60.0)
        for change in ({"severities": frozenset({"critical"})}, {"config": "failed", "severities": frozenset({"major"})}):
            for name, value in change.items():
                setattr(world, name, value)
            world.pass_s(60.0)
            self.assertEqual(("enabled", "degraded"), (world.life.operational, world.life.availability))

    def test_the_only_controller_whose_configuration_fails_is_degraded_in_its_boot_until_it_is_configured(self) -> None:
        world = online(personality="controller", is_self=True, has_other=False, config="failed")
        boot = world.boot
        world.ask("unlock")
        for config in ("failed", "passed", "failed", "passed"):
            world.config = config
            world.pass_s(100.0)
            cause, availability = (Cause.CONFIGURATION, "degraded") if config == "failed" else (None, "available")
            self.assertEqual((boot + 1, "enabled"), (world.boot, world.life.operational))
            self.assertEqual((cause, availability), (world.life.cause, world.life.availability))

    def test_one_that_is_not_there_is_not_the_only_controller(self) -> None:
        world = online(personality="controller", has_other=False)
        world.ask("unlock")
        world.pass_s(1.0)
        world.power_off()
        world.pass_s(3600.0, 5.0)
        self.assertNotIn("enabled", {life.operational for life in world.history})

    def test_an_active_controller_that_fails_hands_over_before_it_is_taken_out_of_service(self) -> None:
        world = online(personality="controller")
        world.ask("unlock")
        world.pass_s(60.0)
        world.is_self, world.severities = True, frozenset({"critical"})
        world.pass_s(600.0)
        self.assertEqual(
            (Stage.HAND_OVER, "enabled", "degraded"), (world.life.stage, world.life.operational, world.life.availability)
        )
        self.assertEqual("Critical failure.Requesting SWACT to enabled standby controller", world.life.task)
        boot = world.boot
        world.is_self = False
        world.pass_s(1.0)
        self.assertEqual("failed", world.life.availability)
        world.severities = frozenset()
        world.pass_s(120.0)
        self.assertEqual((boot + 1, True), (world.boot, world.life.is_in_service))

    def test_one_that_is_well_again_meanwhile_or_alone_does_not(self) -> None:
        world = online(personality="controller")
        world.ask("unlock")
        world.pass_s(60.0)
        world.is_self, world.severities = True, frozenset({"critical"})
        world.pass_s(10.0)
        world.has_other = False
        world.pass_s(10.0)
        self.assertEqual((None, "degraded"), (world.life.stage, world.life.availability))
        world.severities = frozenset()
        world.pass_s(10.0)
        self.assertEqual((None, "available"), (world.life.stage, world.life.availability))

    def test_the_first_controller_of_all_comes_into_service_in_the_boot_that_it_is_in(self) -> None:
        world = World(personality="controller", is_self=True, has_other=False)
        world.life = world.life.changed(administrative="unlocked")
        world.power_on()
        world.pass_s(40.0)
        self.assertEqual((1, True), (world.boot, world.life.is_in_service))

    def test_one_that_must_not_be_rebooted_comes_into_service_without(self) -> None:
        world = online(may_reboot=False)
        world.ask("unlock")
        world.pass_s(30.0)
        self.assertEqual((1, True), (world.boot, world.life.is_in_service))
