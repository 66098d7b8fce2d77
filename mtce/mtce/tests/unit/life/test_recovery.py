# SPDX-License-Identifier: Apache-2.0
"""A host in service that does not answer, or has booted by itself (spec mtce-sm.md A2.3)."""

import dataclasses
import unittest

from mtce.life import machine
from mtce.life.model import Board, FailureAction, Limits, Procedure, Stage
from mtce.tests.unit.life.world import LOSS_S, OFF_S, World


def in_service(**given: object) -> World:
    world = World(**given)  # type: ignore[arg-type]
    world.power_on()
    world.pass_s(25.0)
    world.ask("unlock")
    world.pass_s(60.0)
    assert world.life.is_in_service, world.life
    world.history.clear()
    world.resets = 0
    return world


def cut(world: World, *networks: str) -> None:
    for network in networks or ("mgmt", "cluster"):
        world.links[network] = False


def heal(world: World) -> None:
    world.links.update(mgmt=True, cluster=True)


class BlipTest(unittest.TestCase):
    def test_a_cable_that_is_out_for_three_seconds_changes_no_boot_and_fails_nobody(self) -> None:
        for board in ("none", "good"):
            world = in_service(board=board)
            boot = world.boot
            cut(world, "mgmt")
            world.pass_s(3.0)
            heal(world)
            world.pass_s(30.0)
            self.assertEqual(boot, world.boot)
            self.assertNotIn("failed", {life.availability for life in world.history})
            self.assertTrue(world.life.is_in_service)
            self.assertIsNone(world.life.procedure)

    def test_one_that_is_asked_when_losses_are_to_fail_nobody_any_more_stays_in_service(self) -> None:
        world = in_service()
        cut(world)
        world.pass_s(3.0)
        self.assertEqual(Stage.ASK, world.life.stage)
        world.limits = Limits(failure_action=FailureAction.ALARM)
        world.pass_s(10.0)
        self.assertEqual((None, "", True), (world.life.procedure, world.life.task, world.life.is_in_service))

    def test_one_that_is_lost_again_and_again_is_enabled_anew(self) -> None:
        world = in_service()
        boot = world.boot
        for losses in range(1, 4):
            self.assertEqual(boot, world.boot)
            cut(world, "mgmt")
            world.pass_s(3.0)
            self.assertEqual(losses < 3, world.life.is_in_service)
            heal(world)
            world.pass_s(2.0)
        world.pass_s(120.0)
        self.assertGreater(world.boot, boot)
        self.assertTrue(world.life.is_in_service)

    def test_the_second_network_of_a_plain_controller_keeps_it_from_nothing(self) -> None:
        world = in_service(personality="controller")
        boot = world.boot
        cut(world)
        world.pass_s(3.0)
        world.links["mgmt"] = True
        world.pass_s(60.0)
        self.assertEqual((boot, None, True), (world.boot, world.life.procedure, world.life.is_in_service))
        world.ask("force-lock")
        world.pass_s(60.0)
        world.ask("unlock")
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)

    def test_the_second_network_of_a_plain_controller_alone_fails_nobody(self) -> None:
        world = in_service(personality="controller")
        cut(world, "cluster")
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)
        worker = in_service()
        cut(worker, "cluster")
        worker.pass_s(8.0)
        self.assertEqual("failed", worker.life.availability)

    def test_one_whose_board_does_not_answer_either_is_not_failed_for_a_blip(self) -> None:
        world = in_service(board="dead")
        boot = world.boot
        cut(world)
        world.pass_s(3.0)
        self.assertEqual(Stage.FENCE, world.life.stage)
        heal(world)
        world.pass_s(30.0)
        self.assertEqual((boot, None, True), (world.boot, world.life.procedure, world.life.is_in_service))
        self.assertNotIn("failed", {life.availability for life in world.history})

    def test_one_that_is_lost_again_and_again_is_enabled_anew_whatever_its_board_does(self) -> None:
        world = in_service(board="dead")
        boot = world.boot
        for _ in range(4):
            cut(world)
            world.pass_s(3.0)
            heal(world)
            world.pass_s(3.0)
        world.pass_s(120.0)
        self.assertGreater(world.boot, boot)

    def test_one_that_answers_again_is_fenced_all_the_same_while_its_board_is_at_it(self) -> None:
        world = in_service(board="lying")
        cut(world)
        world.pass_s(3.0)
        heal(world)
        world.pass_s(8.0)
        self.assertEqual((Procedure.ENABLE, False), (world.life.procedure, world.life.is_in_service))


class LostTest(unittest.TestCase):
    def failed_after_s(self, world: World) -> float:
        begun = world.now
        while world.life.availability != "failed":
            world.pass_s(0.1, 0.1)
            self.assertLess(world.now - begun, 60.0)
        return world.now - begun

    def test_without_a_board_a_host_has_failed_after_the_grace_time_and_not_before(self) -> None:
        world = in_service()
        world.power_off()
        self.assertAlmostEqual(LOSS_S + Limits().grace_s, self.failed_after_s(world), delta=0.3)

    def test_one_that_only_the_second_network_reaches_is_reset_over_that(self) -> None:
        world = in_service()
        boot = world.boot
        cut(world, "mgmt")
        world.pass_s(8.0)
        self.assertEqual("failed", world.life.availability)
        world.pass_s(OFF_S + 30.0)
        self.assertGreater(world.boot, boot)
        self.assertFalse(world.life.is_in_service)
        heal(world)
        world.pass_s(60.0)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_was_left_while_it_was_out_of_reach_does_not_run_on_when_it_is_back(self) -> None:
        for may_reboot in (True, False):
            world = in_service(may_reboot=may_reboot)
            boot = world.boot
            cut(world)
            world.pass_s(3 * 3600.0, 5.0)
            self.assertIn("threshold reached", world.life.task)
            heal(world)
            world.pass_s(120.0)
            self.assertEqual((may_reboot, True), (world.boot > boot, world.life.is_in_service))

    def test_with_a_board_it_has_no_power_before_it_has_failed_and_gets_it_back(self) -> None:
        world = in_service(board="good")
        world.hangs = True
        self.assertLess(self.failed_after_s(world), LOSS_S + 1)
        self.assertEqual(1, world.cuts)
        world.pass_s(60.0)
        self.assertTrue(world.is_on)
        self.assertTrue(world.life.is_in_service)

    def test_a_controller_whose_worker_is_just_coming_fails_as_soon(self) -> None:
        for stage in (Stage.WORKER_GOENABLED, Stage.WORKER_START):
            world = in_service(personality="controller", is_all_in_one=True)
            world.life = world.life.to(stage, procedure=Procedure.ENABLE, subfunction_oper="disabled", since=world.now)
            world.obeys = False
            world.power_off()
            self.assertAlmostEqual(LOSS_S + Limits().grace_s, self.failed_after_s(world), delta=0.3)

    def test_where_one_network_alone_is_watched_it_may_be_the_cable(self) -> None:
        world = in_service(board="good", watched=1)
        cut(world)
        world.pass_s(LOSS_S + 3.0)
        self.assertTrue(world.is_on)
        self.assertEqual(Stage.ASK, world.life.stage)
        self.assertGreater(self.failed_after_s(world), 1.0)

    def test_one_whose_power_is_gone_has_failed_at_once(self) -> None:
        world = in_service(board="good", watched=1)
        world.power_off()
        self.assertLess(self.failed_after_s(world), LOSS_S + 1)

    def test_a_board_that_is_not_reached_keeps_it_from_failing_for_a_moment_only(self) -> None:
        world = in_service(board="dead")
        world.power_off()
        limits = Limits()
        self.assertLess(self.failed_after_s(world), LOSS_S + limits.grace_s + limits.fence_s + 1)

    def test_a_board_that_refuses_is_no_reason_to_tell_earlier_that_it_has_failed(self) -> None:
        world = in_service(board="lying")
        cut(world)
        self.assertGreaterEqual(self.failed_after_s(world), LOSS_S + Limits().fence_s)

    def test_a_board_that_has_not_cut_the_power_yet_is_not_told_otherwise(self) -> None:
        world = in_service(board="dead")
        world.hangs = True
        self.failed_after_s(world)
        for is_on, order in ((None, ""), (True, ""), (False, "power-on")):
            facts = dataclasses.replace(world.facts(), board=Board(is_on))
            self.assertEqual(order, machine.wanted(world.life, facts).order)

    def test_the_worker_of_a_controller_that_was_lost_has_not_failed_while_it_is_tested(self) -> None:
        world = in_service(personality="controller", is_all_in_one=True)
        world.power_off()
        world.pass_s(10.0)
        self.assertEqual("failed", world.life.subfunction_avail)
        world.power_on()
        world.pass_s(90.0)
        self.assertEqual("available", world.life.subfunction_avail)
        self.assertNotIn(("enabled", "failed"), {(life.operational, life.subfunction_avail) for life in world.history})

    def test_one_that_comes_back_without_having_booted_is_made_to(self) -> None:
        world = in_service()
        boot = world.boot
        cut(world)
        world.pass_s(30.0)
        self.assertEqual("failed", world.life.availability)
        heal(world)
        world.pass_s(120.0)
        self.assertGreater(world.boot, boot)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_is_enabled_anew_and_comes_back_without_having_booted_is_made_to_at_once(self) -> None:
        world = in_service()
        boot = world.boot
        world.life = world.life.changed(attempts=Limits().recoveries + 1, procedure=Procedure.RECOVER, stage=Stage.ASK)
        cut(world)
        world.pass_s(10.0)
        self.assertEqual((Procedure.ENABLE, Stage.BOOT), (world.life.procedure, world.life.stage))
        heal(world)
        world.pass_s(OFF_S + 1.0)
        self.assertFalse(world.is_up)
        world.pass_s(60.0)
        self.assertEqual((boot + 1, True), (world.boot, world.life.is_in_service))

    def test_one_that_never_comes_back_stays_failed_and_is_waited_for(self) -> None:
        world = in_service()
        world.power_off()
        world.pass_s(5000.0, 5.0)
        self.assertEqual("failed" if world.life.stage is Stage.RETURN else world.life.availability, world.life.availability)
        self.assertFalse(world.life.is_in_service)
        world.power_on()
        world.pass_s(2000.0, 2.0)
        self.assertTrue(world.life.is_in_service or "threshold reached" in world.life.task, world.life)

    def test_one_that_boots_by_itself_is_tested_before_it_is_in_service_again(self) -> None:
        world = in_service()
        world.reset()
        world.pass_s(90.0)
        stages = [life.stage for life in world.history]
        self.assertIn(Stage.GOENABLED, stages)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_answers_in_another_boot_has_booted_whatever_it_reports(self) -> None:
        for was_lost in (False, True):
            world = in_service()
            world.links.update(mgmt=not was_lost, cluster=not was_lost)
            world.pass_s(3.0)
            facts = dataclasses.replace(world.facts(), is_alive=True, lost=0, is_mgmt_lost=False, boot_id="another", report=None)
            life = machine.step(world.life, facts, world.limits, world.now)
            self.assertEqual((Stage.BOOT, "disabled"), (life.stage, life.operational))


class ManyTest(unittest.TestCase):
    def test_one_that_is_spared_is_degraded_and_not_failed_however_long_it_takes(self) -> None:
        world = in_service(board="good")
        boot = world.boot
        world.is_spared = True
        cut(world)
        world.pass_s(600.0)
        self.assertEqual(
            ("enabled", "degraded", "Graceful Recovery Wait"), (world.life.operational, world.life.availability, world.life.task)
        )
        heal(world)
        world.is_spared = False
        world.pass_s(30.0)
        self.assertEqual((boot, "available"), (world.boot, world.life.availability))

    def test_one_that_is_still_missing_when_the_others_are_back_has_the_grace_time_then(self) -> None:
        world = in_service()
        world.is_spared = True
        cut(world)
        world.pass_s(60.0)
        world.is_spared = False
        world.pass_s(Limits().grace_s - 1)
        self.assertTrue(world.life.is_in_service)
        world.pass_s(2.0)
        self.assertEqual("failed", world.life.availability)

    def test_one_that_was_spared_for_too_long_fails_at_once_and_is_fenced(self) -> None:
        for board in ("none", "good"):
            world = in_service(board=board)
            world.is_spared = True
            cut(world)
            world.pass_s(100.0)
            world.is_spared, world.is_given_up = False, True
            world.pass_s(1.0)
            self.assertEqual("failed", world.life.availability)
            self.assertEqual(board == "good", world.cuts == 1)

    def test_one_that_was_asked_before_mtce_agent_began_is_not_judged_before_anybody_looks(self) -> None:
        world = in_service()
        world.is_spared = True
        cut(world)
        world.pass_s(10.0)
        # The new one has heard of nobody yet.
        facts = dataclasses.replace(world.facts(), watched=0, lost=0, is_mgmt_lost=False, silent_s=0.0, is_spared=False)
        life = world.life.changed(since=world.now)
        for second in range(60):
            life = machine.step(life, facts, world.limits, world.now + second)
        self.assertEqual((Stage.ASK, True), (life.stage, life.is_in_service))
        seen = dataclasses.replace(facts, watched=2, lost=2, is_mgmt_lost=True, silent_s=60.0)
        for second in range(60, 70):
            life = machine.step(life, seen, world.limits, world.now + second)
        self.assertEqual("failed", life.availability)

    def test_one_with_a_board_has_the_grace_time_too(self) -> None:
        world = in_service(board="good")
        world.is_spared = True
        cut(world)
        world.pass_s(60.0)
        world.is_spared = False
        world.pass_s(Limits().grace_s - 3)
        heal(world)
        world.pass_s(30.0)
        self.assertEqual((0, "available", None), (world.cuts, world.life.availability, world.life.procedure))

    def test_one_that_is_lost_again_and_again_is_spared_as_often(self) -> None:
        world = in_service()
        boot = world.boot
        world.is_spared = True
        for _ in range(8):
            cut(world)
            world.pass_s(3.0)
            heal(world)
            world.pass_s(2.0)
        world.is_spared = False
        world.pass_s(30.0)
        self.assertEqual((boot, "available", None), (world.boot, world.life.availability, world.life.procedure))
        self.assertNotIn("failed", {life.availability for life in world.history})

    def test_nothing_is_reset_while_the_whole_system_starts(self) -> None:
        world = in_service(board="good")
        world.is_cold_start = True
        world.power_off()
        world.pass_s(10.0)
        world.power_on()
        world.pass_s(120.0)
        self.assertEqual(0, world.resets)
        self.assertTrue(world.life.is_in_service)

    def test_one_that_is_lost_while_the_whole_system_starts_is_not_fenced(self) -> None:
        for is_cold_start, orders in ((True, []), (False, ["power-off", "power-on"])):
            world = in_service(board="good", is_cold_start=is_cold_start)
            world.orders.clear()
            world.hangs = True
            world.pass_s(60.0)
            self.assertEqual(orders, [order for order, _ in world.orders])
            self.assertEqual(is_cold_start, world.life.stage is Stage.RETURN)

    def test_one_that_is_lost_while_the_whole_system_starts_may_take_half_an_hour_longer_to_boot(self) -> None:
        limits = Limits()
        for personality, boot_s in (("worker", limits.worker_boot_s), ("controller", limits.controller_boot_s)):
            for is_cold_start, longer_s in ((True, 1800.0), (False, 0.0)):
                world = in_service(personality=personality, is_cold_start=is_cold_start)
                world.obeys = False
                world.power_off()
                world.pass_s(boot_s + longer_s)
                self.assertEqual((Procedure.RECOVER, Stage.RETURN), (world.life.procedure, world.life.stage))
                world.pass_s(LOSS_S + limits.grace_s + 1.0)
                self.assertEqual(Procedure.ENABLE, world.life.procedure)
