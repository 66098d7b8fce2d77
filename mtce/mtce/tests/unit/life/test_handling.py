# SPDX-License-Identifier: Apache-2.0
"""What operators have done to a host (spec mtce-sm.md A2.4, A2.6)."""

import unittest

import ddt

from mtce.life import machine
from mtce.life.model import Limits
from mtce.tests.unit.life.test_enable import online
from mtce.tests.unit.life.test_recovery import in_service


@ddt.ddt
class HandlingTest(unittest.TestCase):
    def test_a_lock_stops_services_and_leaves_the_boot(self) -> None:
        world = in_service()
        boot = world.boot
        world.ask("lock")
        world.pass_s(5.0)
        self.assertEqual(
            ("locked", "disabled", "online"), (world.life.administrative, world.life.operational, world.life.availability)
        )
        self.assertEqual(boot, world.boot)
        self.assertTrue(machine.wanted(world.life, world.facts()).is_locked)

    def test_services_that_do_not_stop_keep_nobody_from_a_lock(self) -> None:
        world = in_service()
        world.obeys = False
        world.ask("lock")
        world.pass_s(Limits().services_s - 5)
        self.assertEqual("unlocked", world.life.administrative)
        world.pass_s(10.0)
        self.assertEqual("locked", world.life.administrative)

    @ddt.data("none", "good")
    def test_a_forced_lock_ends_the_boot(self, board: str) -> None:
        world = in_service(board=board)
        boot = world.boot
        world.ask("force-lock")
        world.pass_s(0.5)
        self.assertEqual(("unlocked", "disabled"), (world.life.administrative, world.life.operational))
        self.assertEqual("Force Lock Reset in Progress", world.life.task)
        world.pass_s(60.0)
        self.assertEqual(("locked", "online"), (world.life.administrative, world.life.availability))
        self.assertEqual(boot + 1, world.boot)

    @ddt.data("none", "dead", "lying")
    def test_a_forced_lock_of_a_host_that_does_nothing_ends_all_the_same_and_says_so(self, board: str) -> None:
        world = in_service(board=board)
        boot = world.boot
        world.obeys = False
        world.ask("force-lock")
        world.pass_s(Limits().force_lock_s + 5)
        self.assertEqual(
            ("locked", "online", "Reboot/Reset Timeout"), (world.life.administrative, world.life.availability, world.life.task)
        )
        self.assertEqual(boot, world.boot)
        world.obeys = True
        world.pass_s(60.0)
        self.assertEqual((boot + 1, "online", ""), (world.boot, world.life.availability, world.life.task))
        world.pass_s(600.0)
        self.assertEqual(boot + 1, world.boot)

    def test_a_forced_lock_has_the_board_reset_a_host_that_is_cut_off(self) -> None:
        world = in_service(board="good")
        world.is_spared = True
        world.links.update(mgmt=False, cluster=False)
        world.pass_s(30.0)
        boot, resets = world.boot, world.resets
        world.ask("force-lock")
        world.pass_s(30.0)
        self.assertEqual((boot + 1, resets + 1), (world.boot, world.resets))
        self.assertEqual(("locked", "offline", ""), (world.life.administrative, world.life.availability, world.life.task))

    def test_a_forced_lock_has_the_board_reset_a_locked_host_that_hangs(self) -> None:
        world = online(board="good")
        world.hangs = True
        world.pass_s(30.0)
        world.ask("force-lock")
        world.pass_s(60.0)
        self.assertEqual((1, "online", ""), (world.resets, world.life.availability, world.life.task))

    @ddt.data("none", "dead")
    def test_a_host_that_was_out_of_reach_when_its_lock_was_forced_ends_its_boot_when_it_is_back(self, board: str) -> None:
        world = in_service(board=board)
        world.is_spared = True
        world.links.update(mgmt=False, cluster=False)
        world.pass_s(30.0)
        boot = world.boot
        world.ask("force-lock")
        world.pass_s(30.0)
        self.assertEqual(
            ("locked", "offline", "Reboot/Reset Timeout", boot),
            (world.life.administrative, world.life.availability, world.life.task, world.boot),
        )
        world.links.update(mgmt=True, cluster=True)
        world.pass_s(60.0)
        self.assertEqual((boot + 1, "online", ""), (world.boot, world.life.availability, world.life.task))

    def test_nothing_is_left_to_end_of_a_host_that_was_switched_off(self) -> None:
        world = online()
        world.power_off()
        world.pass_s(30.0)
        world.ask("force-lock")
        world.pass_s(5.0)
        self.assertEqual("Reboot/Reset Timeout", world.life.task)
        world.power_on()
        world.pass_s(60.0)
        self.assertEqual((2, 0, "online", ""), (world.boot, world.resets, world.life.availability, world.life.task))

    def test_a_forced_lock_takes_the_place_of_a_reinstallation_that_does_not_end(self) -> None:
        world = online(board="good")
        world.ask("reinstall")
        world.pass_s(5.0)
        world.hangs = True
        world.pass_s(300.0)
        world.ask("force-lock")
        world.pass_s(60.0)
        self.assertEqual((None, "online"), (world.life.procedure, world.life.availability))

    def test_a_reboot_is_over_when_the_host_is_back(self) -> None:
        world = online()
        boot = world.boot
        world.ask("reboot")
        world.pass_s(1.0)
        self.assertEqual("Rebooting", world.life.task)
        world.pass_s(60.0)
        self.assertEqual((boot + 1, "online", None), (world.boot, world.life.availability, world.life.procedure))

    def test_a_host_that_does_not_reboot_is_told_again_and_then_given_up(self) -> None:
        world = online(obeys=False)
        world.ask("reboot")
        world.pass_s(300.0)
        tasks = [life.task for life in world.history]
        self.assertIn("Reboot Failed, retrying (1 of 5)", tasks)
        self.assertIn("Reboot Failed, try again when host is 'online'", tasks)
        self.assertEqual(("", None), (world.life.task, world.life.procedure))

    def test_a_host_that_does_not_reboot_is_reset_by_its_board(self) -> None:
        world = online(board="good", obeys=False)
        boot = world.boot
        world.ask("reboot")
        world.pass_s(Limits().reboot_s + 60)
        self.assertEqual((boot + 1, 1, "online", ""), (world.boot, world.resets, world.life.availability, world.life.task))

    def test_a_host_that_hangs_is_rebooted_by_its_board(self) -> None:
        world = online(board="good")
        boot = world.boot
        world.hangs = True
        world.pass_s(30.0)
        world.ask("reboot")
        world.pass_s(60.0)
        self.assertEqual((boot + 1, 1, "online", ""), (world.boot, world.resets, world.life.availability, world.life.task))

    @ddt.data("none", "dead", "lying", "good")
    def test_a_host_that_cannot_be_reached_to_reboot_is_soon_given_up(self, board: str) -> None:
        world = online(board=board)
        if board == "good":
            world.power_off()
        else:
            world.hangs = True
        world.pass_s(30.0)
        world.ask("reboot")
        world.pass_s(180.0)
        self.assertIn("Reboot Failed, try again when host is 'online'", {life.task for life in world.history})
        self.assertEqual(("", None, 0), (world.life.task, world.life.procedure, world.resets))

    def test_a_board_that_does_nothing_is_told_again_and_then_given_up(self) -> None:
        world = online(board="lying")
        world.ask("reset")
        world.pass_s(60.0)
        tasks = [life.task for life in world.history]
        self.assertIn("Reset Failed, retrying (5 of 5)", tasks)
        self.assertIn("Reset Failed", tasks)
        self.assertEqual(("", None), (world.life.task, world.life.procedure))

    def test_a_reset_is_over_when_the_boot_is(self) -> None:
        world = online(board="good")
        boot = world.boot
        world.ask("reset")
        world.pass_s(60.0)
        self.assertEqual((boot + 1, "online", None), (world.boot, world.life.availability, world.life.procedure))

    def test_power_goes_off_and_on(self) -> None:
        world = online(board="good")
        world.ask("power-off")
        world.pass_s(10.0)
        self.assertEqual((False, "power-off"), (world.is_on, world.life.availability))
        world.pass_s(3600.0, 5.0)
        self.assertEqual("power-off", world.life.availability)
        world.ask("power-on")
        world.pass_s(40.0)
        self.assertEqual((True, "online"), (world.is_on, world.life.availability))
        world.history.clear()
        world.ask("power-on")
        world.pass_s(2.0)
        self.assertIn("Power Already On", {life.task for life in world.history})

    @ddt.data("reset", "power-off", "power-on")
    def test_what_needs_a_board_is_told_so_where_there_is_none(self, action: str) -> None:
        world = online()
        world.ask(action)
        world.pass_s(1.0)
        self.assertEqual("Request Failed, Management Controller Not Provisioned", world.life.task)
        world.pass_s(30.0)
        self.assertEqual(("", None), (world.life.task, world.life.procedure))

    def test_a_reinstallation_is_over_when_the_host_is_back_and_tells_how_it_went(self) -> None:
        world = online()
        boot = world.boot
        world.ask("reinstall")
        world.pass_s(60.0)
        self.assertEqual(boot + 1, world.boot)
        self.assertIn("Reinstall Succeeded", {life.task for life in world.history})

    def test_a_host_that_comes_back_as_it_was_is_not_reinstalled(self) -> None:
        world = online(installer="silent")
        world.ask("reinstall")
        world.pass_s(120.0)
        tasks = {life.task for life in world.history}
        self.assertIn("Reinstall Failed", tasks)
        self.assertNotIn("Reinstall Succeeded", tasks)
        self.assertEqual(("online", None), (world.life.availability, world.life.procedure))

    def test_what_an_installer_tells_late_counts(self) -> None:
        world = online(installer="silent")
        world.ask("reinstall")
        world.pass_s(40.0)
        world.is_installed = True
        world.pass_s(10.0)
        self.assertEqual("Reinstall Succeeded", world.life.task)

    def test_an_installation_that_has_failed_is_not_waited_for(self) -> None:
        world = online(installer="failing")
        world.ask("reinstall")
        world.pass_s(10.0)
        self.assertEqual("Reinstall Failed", world.life.task)

    def test_a_host_that_may_not_reboot_is_not_reinstalled(self) -> None:
        world = online(may_reboot=False)
        world.ask("reinstall")
        world.pass_s(120.0)
        self.assertNotIn("Reinstall Succeeded", {life.task for life in world.history})
        self.assertEqual((1, None), (world.boot, world.life.procedure))

    def test_a_reinstallation_that_never_ends_has_failed(self) -> None:
        world = online()
        world.ask("reinstall")
        world.pass_s(1.0)
        world.power_off()
        limits = Limits()
        world.pass_s(limits.worker_boot_s + limits.install_s + 60, 5.0)
        self.assertIn("Reinstall Failed", {life.task for life in world.history})

    @ddt.data("reboot", "reset", "reinstall", "power-on", "power-off")
    def test_what_is_for_locked_hosts_is_dropped_by_one_in_service(self, action: str) -> None:
        world = in_service(board="good")
        boot = world.boot
        world.life = world.life.changed(task="Rebooting")
        world.ask(action)
        world.pass_s(60.0)
        self.assertEqual((boot, True, ""), (world.boot, world.life.is_in_service, world.life.task))
