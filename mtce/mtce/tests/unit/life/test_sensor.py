# SPDX-License-Identifier: Apache-2.0
"""A host that is reset or power-cycled because a sensor is critical (spec mtce-sm.md A2.6, A6.2)."""

import unittest

import ddt

from mtce import rows
from mtce.life import machine, sensor
from mtce.life.model import Cause, Limits, Procedure, Stage
from mtce.tests.unit.life.test_enable import online
from mtce.tests.unit.life.test_recovery import cut, heal, in_service
from mtce.tests.unit.life.world import World
from sysinv import defaults

LIMITS = Limits()


def critical(world: World, wanted: Procedure = Procedure.POWER_CYCLE) -> None:
    """A sensor is critical, and wants this done."""
    world.wanted_by_sensor = wanted
    world.pass_s(0.5)


def until(world: World, stage: Stage | None, most_s: float = 1200.0) -> None:
    while world.life.stage is not stage:
        most_s -= 0.5
        assert most_s > 0, world.life
        world.pass_s(0.5)


def back_in_service(world: World) -> None:
    critical(world)
    until(world, None)
    assert world.life.is_in_service, world.life


def restart(world: World) -> None:
    """mtce-agent starts anew with what is stored."""
    row = defaults.host("26.11")
    world.life = rows.life_of({**row, **rows.changes(row, world.life)}, world.now)


@ddt.ddt
class PowerCycleTest(unittest.TestCase):
    def test_a_host_in_service_has_failed_at_once_and_comes_back_when_it_has_cooled(self) -> None:
        world = in_service(board="good")
        boot = world.boot
        critical(world)
        life = world.life
        self.assertEqual(("unlocked", "disabled", "failed"), (life.administrative, life.operational, life.availability))
        self.assertEqual((Cause.SENSOR, True), (life.cause, machine.is_failed(life)))
        until(world, Stage.COOL_OFF)
        begun = world.now
        until(world, Stage.POWER)
        self.assertEqual(LIMITS.cool_off_s, world.now - begun)
        until(world, None)
        self.assertEqual(
            (boot + 1, "available", "", None), (world.boot, world.life.availability, world.life.task, world.life.cause)
        )
        self.assertEqual(["power-off", "power-on"], [order for order, _ in world.orders])
        stages = list(dict.fromkeys(life.stage for life in world.history if life.stage is not None))
        self.assertEqual([Stage.FENCE, Stage.COOL_OFF, Stage.POWER, Stage.BOOT, Stage.GOENABLED, Stage.START, Stage.SOAK], stages)
        tasks = list(dict.fromkeys(life.task for life in world.history if life.task.startswith("Critical")))
        whats = ("powering off", "cooling off", "powering on", "waiting for the host")
        self.assertEqual([f"Critical Event Power-Cycle 1; {what}" for what in whats], tasks)

    def test_a_locked_host_is_off_for_as_long_and_is_locked_and_online_again(self) -> None:
        world = online(board="good")
        boot = world.boot
        critical(world)
        until(world, Stage.COOL_OFF)
        self.assertEqual("power-off", world.life.availability)
        until(world, None)
        life = world.life
        self.assertEqual(("locked", "online", "", None), (life.administrative, life.availability, life.task, life.cause))
        self.assertEqual((boot + 1, ["power-off", "power-on"]), (world.boot, [order for order, _ in world.orders]))

    def test_sensors_are_held_off_until_it_has_been_in_service_for_a_while(self) -> None:
        world = in_service(board="good")
        self.assertFalse(sensor.is_held_off(world.life, LIMITS, world.now))
        back_in_service(world)
        self.assertTrue(all(sensor.is_held_off(life, LIMITS, life.since) for life in world.history))
        world.pass_s(LIMITS.hold_off_s - 1)
        self.assertTrue(sensor.is_held_off(world.life, LIMITS, world.now))
        world.pass_s(1)
        self.assertFalse(sensor.is_held_off(world.life, LIMITS, world.now))
        self.assertTrue(sensor.is_on_probation(world.life))
        world.pass_s(LIMITS.monitor_s)
        self.assertFalse(sensor.is_on_probation(world.life))

    @ddt.data("unlocked", "locked")
    def test_a_sensor_that_is_critical_again_and_again_leaves_it_off(self, administrative: str) -> None:
        world = in_service(board="good") if administrative == "unlocked" else online(board="good")
        for attempt in (1, 2, 3):
            critical(world)
            self.assertEqual(f"Critical Event Power-Cycle {attempt}; powering off", world.life.task)
            until(world, None)
            world.pass_s(LIMITS.hold_off_s + LIMITS.monitor_s - 1, 0.5)
        critical(world)
        self.assertEqual("Critical Event Power-Cycle 3; too many, powering down", world.life.task)
        world.pass_s(5 * 3600.0, 5.0)
        self.assertEqual((administrative, False, None), (world.life.administrative, world.is_on, world.life.procedure))
        self.assertEqual("Critical Event Power-Cycle 3; too many, powered off until an operator powers it on", world.life.task)
        self.assertEqual("failed" if administrative == "unlocked" else "power-off", world.life.availability)
        restart(world)
        world.pass_s(3600.0, 5.0)
        self.assertFalse(world.is_on)
        world.ask("lock" if administrative == "unlocked" else "power-on")
        world.pass_s(60.0)
        self.assertEqual((0, ""), (world.life.failures.get(Cause.SENSOR, 0), world.life.task))
        world.ask("power-on")
        world.pass_s(60.0)
        world.ask("unlock")
        world.pass_s(120.0)
        self.assertTrue(world.life.is_in_service)

    def test_a_locked_one_that_was_left_off_and_is_switched_on_by_hand_is_counted_anew(self) -> None:
        world = online(board="good")
        world.life = world.life.changed(failures={Cause.SENSOR: 3})
        critical(world)
        until(world, None)
        world.power_on()
        world.pass_s(30.0)
        self.assertEqual(("online", "", {}), (world.life.availability, world.life.task, world.life.failures))

    def test_a_board_that_does_not_switch_it_off_is_told_again_and_costs_attempts_in_the_end(self) -> None:
        world = in_service(board="lying")
        critical(world)
        world.pass_s(LIMITS.power_retries * LIMITS.board_s - 1)
        self.assertEqual(LIMITS.power_retries, len(world.orders))
        self.assertEqual("Critical Event Power-Cycle 1; powering off", world.life.task)
        world.pass_s(2.0)
        self.assertEqual("Critical Event Power-Cycle 2; powering off", world.life.task)
        world.pass_s(600.0)
        self.assertEqual((Stage.POWER_DOWN, True), (world.life.stage, world.is_on))
        world.board = "good"
        world.pass_s(30.0)
        self.assertEqual((None, False), (world.life.stage, world.is_on))

    def test_one_that_is_not_heard_of_again_is_power_cycled_again(self) -> None:
        world = in_service(board="good")
        critical(world)
        cut(world)
        until(world, Stage.BOOT)
        world.pass_s(LIMITS.online_s - 1)
        self.assertEqual("Critical Event Power-Cycle 1; waiting for the host", world.life.task)
        world.pass_s(1.5)
        self.assertEqual("Critical Event Power-Cycle 2; cooling off", world.life.task)
        heal(world)
        until(world, None)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_is_switched_on_while_it_cools_is_switched_off_again(self) -> None:
        world = in_service(board="good")
        critical(world)
        until(world, Stage.COOL_OFF)
        world.pass_s(200.0)
        world.power_on()
        until(world, Stage.FENCE)
        until(world, Stage.COOL_OFF)
        begun = world.now
        until(world, Stage.POWER)
        self.assertEqual(LIMITS.cool_off_s, world.now - begun)

    def test_after_a_restart_of_the_agent_a_stage_begins_anew(self) -> None:
        world = in_service(board="good")
        critical(world)
        until(world, Stage.COOL_OFF)
        world.pass_s(LIMITS.cool_off_s - 10)
        restart(world)
        world.pass_s(LIMITS.cool_off_s - 1)
        self.assertEqual((Stage.COOL_OFF, False), (world.life.stage, world.is_on))
        until(world, None)
        self.assertTrue(world.life.is_in_service)
        world.pass_s(LIMITS.hold_off_s)
        restart(world)
        self.assertTrue(sensor.is_held_off(world.life, LIMITS, world.now))

    @ddt.data("lock", "force-lock")
    def test_an_operator_locks_one_that_cools_and_it_stays_off(self, action: str) -> None:
        world = in_service(board="good")
        critical(world)
        until(world, Stage.COOL_OFF)
        world.ask(action)
        world.pass_s(3600.0, 5.0)
        self.assertEqual(("locked", "power-off", False), (world.life.administrative, world.life.availability, world.is_on))

    def test_one_that_has_become_the_active_controller_is_not_switched_off(self) -> None:
        world = in_service(board="lying", personality="controller")
        boot = world.boot
        critical(world)
        world.is_self, world.board = True, "good"
        world.pass_s(60.0)
        self.assertEqual((boot, True), (world.boot, world.life.is_in_service))

    def test_one_whose_board_is_gone_comes_back_without_it(self) -> None:
        world = in_service(board="lying")
        critical(world)
        world.board = "none"
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)

    def test_another_failure_does_not_have_power_cycles_counted_anew(self) -> None:
        world = in_service(board="good")
        back_in_service(world)
        world.severities = frozenset({"critical"})
        world.pass_s(2.0)
        world.severities = frozenset()
        world.pass_s(300.0)
        self.assertEqual((True, 1), (world.life.is_in_service, world.life.failures.get(Cause.SENSOR)))


@ddt.ddt
class RefusalTest(unittest.TestCase):
    @ddt.data(Procedure.RESET, Procedure.POWER_CYCLE)
    def test_nothing_is_done_to_the_active_controller_the_last_one_or_without_a_board_that_answers(
        self, wanted: Procedure
    ) -> None:
        for given in ({"is_self": True}, {"has_other": False}, {"board": "none"}, {"board": "dead"}):
            world = in_service(**{"personality": "controller", "board": "good", **given})
            critical(world, wanted)
            self.assertEqual((True, None), (world.life.is_in_service, world.life.procedure), given)

    @ddt.data(Procedure.RESET, Procedure.POWER_CYCLE)
    def test_a_host_that_is_off_is_not_switched_on_for_a_sensor(self, wanted: Procedure) -> None:
        world = online(board="good")
        world.ask("power-off")
        world.pass_s(30.0)
        critical(world, wanted)
        world.pass_s(900.0)
        self.assertFalse(world.is_on)

    @ddt.data(Procedure.RESET, Procedure.POWER_CYCLE)
    def test_what_is_being_done_goes_on(self, wanted: Procedure) -> None:
        world = online(board="good")
        world.ask("reboot")
        world.pass_s(1.0)
        self.assertFalse(sensor.may_recover(world.life))
        critical(world, wanted)
        self.assertIs(Procedure.REBOOT, world.life.procedure)


class ResetTest(unittest.TestCase):
    def test_a_host_in_service_is_reset_and_comes_back_as_after_any_failure(self) -> None:
        world = in_service(board="good")
        critical(world, Procedure.RESET)
        self.assertEqual(("failed", Cause.SENSOR), (world.life.availability, world.life.cause))
        world.pass_s(60.0)
        self.assertEqual((1, True, {}), (world.resets, world.life.is_in_service, world.life.failures))

    def test_a_locked_one_is_reset_and_stays_locked(self) -> None:
        world = online(board="good")
        critical(world, Procedure.RESET)
        self.assertIs(Procedure.RESET, world.life.procedure)
        world.pass_s(60.0)
        self.assertEqual((1, "locked", "online"), (world.resets, world.life.administrative, world.life.availability))
