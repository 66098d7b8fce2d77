# SPDX-License-Identifier: Apache-2.0
"""What operators have done to hosts (spec mtce-sm.md A2, C4)."""

import ddt

from stx.boards import Kind
from stxlab import topology
from tests.lab import management
from tests.lab.management import ALONE, BOARD_S, BOARDED, SERVICE_S, SOON_S, THIRD


@ddt.ddt
class HostManagementTest(management.ManagedTestCase):
    """Three computes, of which one has a board that the platform knows."""

    def test_a_host_that_is_unlocked_reboots_and_comes_into_service(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        self.await_alarms(ALONE, "200.001")
        # Else its tests may be over before anybody has seen that it is tested.
        self.to_test(ALONE, "sleep 5")
        before = self.boot_id(ALONE)
        seen, _ = self.after(ALONE, lambda: self.system("host-unlock", ALONE))
        self.addCleanup(self.locked, ALONE)
        self.await_service(ALONE)
        self.assertNotEqual(before, self.boot_id(ALONE))
        self.assertEqual("provisioned", (self.row(ALONE) or {})["invprovision"])
        self.wait_for("that is seen", lambda: seen.has("available"), SOON_S)
        # It may be back before it was missed.
        availabilities = [each for each in dict.fromkeys(state[2] for state in seen.states()) if each != "offline"]
        self.assertEqual(["online", "intest", "available"], availabilities, seen.states())
        self.assertLessEqual({"Reboot Request", "Testing"}, {state[3] for state in seen.states()})
        self.await_alarms(ALONE)

    def test_a_host_that_is_locked_goes_out_of_service_and_says_so(self) -> None:
        self.in_service(ALONE)
        before = self.boot_id(ALONE)
        self.assertEqual("Locking", self.system("host-lock", ALONE)["task"])
        self.wait_for("it is locked", lambda: self.state(ALONE) == ("locked", "disabled", "online"), SERVICE_S)
        self.assertEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE, "200.001")
        self.wait_for(
            "it knows", lambda: self.machine(ALONE).run(["ls", "-A", "/run/starlingx"]).split().count(".node_locked") == 1, 20.0
        )
        self.assertIn("locked already", self.refused("host-lock", ALONE))

    def test_a_test_that_fails_keeps_a_host_out_of_service_until_it_is_unlocked_again(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        script = self.to_test(ALONE, "exit 1")
        self.system("host-unlock", ALONE)
        self.addCleanup(self.locked, ALONE)
        self.wait_for("it has failed", lambda: self.state(ALONE) == ("unlocked", "disabled", "failed"), SERVICE_S)
        self.assertEqual("In-Test Failed, re-enabling", (self.row(ALONE) or {})["task"])
        self.await_alarms(ALONE, "200.004")
        self.machine(ALONE).run(["rm", "-f", script])
        # It is tried once more by itself.
        self.await_service(ALONE)
        self.await_alarms(ALONE)

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_board_resets_and_switches_a_host_that_is_locked(self, kind: Kind) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.assertIn("board management controller", self.refused("host-reset", BOARDED))
        self.with_board(BOARDED, kind)
        before = self.boot_id(BOARDED)
        self.system("host-reset", BOARDED)
        self.wait_for("the reset is over", lambda: not self.ihost_action(BOARDED), BOARD_S)
        self.wait_for("it is online", lambda: self.has_availability(BOARDED, "online"), SERVICE_S)
        self.assertNotEqual(before, self.boot_id(BOARDED))
        self.system("host-power-off", BOARDED)
        self.wait_for("it is off", lambda: self.has_availability(BOARDED, "power-off"), BOARD_S)
        self.assertFalse(self.machine(BOARDED).is_on)
        self.assertIn("powered off", self.refused("host-unlock", BOARDED))
        self.system("host-power-on", BOARDED)
        self.wait_for("it is online", lambda: self.has_availability(BOARDED, "online"), SERVICE_S)

    def test_a_host_is_rebooted_and_one_that_hangs_is_by_its_board(self) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.reboots(BOARDED, "host-reboot", BOARDED)
        self.with_board(BOARDED)
        self.assertEqual(0, self.command("hang", BOARDED)[0])
        self.wait_for("it is offline", lambda: self.has_availability(BOARDED, "offline"), SOON_S)
        self.reboots(BOARDED, "host-reboot", BOARDED)

    def test_a_forced_lock_has_a_board_reset_a_host_that_hangs(self) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.with_board(BOARDED)
        self.assertEqual(0, self.command("hang", BOARDED)[0])
        self.wait_for("it is offline", lambda: self.has_availability(BOARDED, "offline"), SOON_S)
        self.reboots(BOARDED, "host-lock", "--force", BOARDED)
        self.assertIsNone((self.row(BOARDED) or {})["task"])

    def test_a_host_that_was_out_of_reach_when_its_lock_was_forced_is_reset_when_it_is_back(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        before = self.boot_id(ALONE)
        for network in ("mgmt", "cluster"):
            self.assertEqual(0, self.command("cut", ALONE, network)[0])
        self.wait_for("it is offline", lambda: self.has_availability(ALONE, "offline"), SOON_S)
        self.system("host-lock", "--force", ALONE)
        self.wait_for("it is told", lambda: (self.row(ALONE) or {})["task"] == "Reboot/Reset Timeout", SOON_S)
        self.assertEqual(before, self.boot_id(ALONE))
        self.command("heal-all")
        self.wait_for("it is reset", lambda: (self.row(ALONE) or {})["task"] is None, SERVICE_S)
        self.wait_for("it is online", lambda: self.has_availability(ALONE, "online"), SERVICE_S)
        self.assertNotEqual(before, self.boot_id(ALONE))

    def test_what_a_board_does_not_do_is_tried_again_until_an_operator_wants_something_else(self) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.with_board(BOARDED)
        # Nobody has this one.
        self.system("host-update", BOARDED, f"bm_ip={topology.SUBNETS['mgmt'][-4]}")
        before = self.boot_id(BOARDED)
        seen, _ = self.after(BOARDED, lambda: self.system("host-power-off", BOARDED))

        def is_tried_again() -> bool:
            return "Power-Off Failed, retrying (1 of 10)" in [task for *_, task in seen.states()]

        try:
            self.wait_for("it is tried again", is_tried_again, BOARD_S, 0.5)
        except AssertionError as error:
            self.fail(f"{error}: {seen.states()}")
        self.assertRegex(self.refused("host-unlock", BOARDED), "power-off")
        self.reboots(BOARDED, "host-lock", "-f", BOARDED)
        self.wait_for("nothing is done", lambda: not (self.row(BOARDED) or {})["task"], SOON_S, 0.5)
        self.assertNotEqual(before, self.boot_id(BOARDED))

    def test_a_host_that_is_reinstalled_comes_back_with_an_empty_disk(self) -> None:
        self.locked(THIRD)
        self.online(THIRD)
        self.machine(THIRD).run(["touch", "/var/old"])
        self.system("host-reinstall", THIRD)
        self.wait_for("it is installed", lambda: (self.row(THIRD) or {})["task"] == "Reinstall Succeeded", 2 * SERVICE_S)
        self.wait_for("it is online", lambda: self.has_availability(THIRD, "online"), SERVICE_S)
        self.assertNotIn("old", self.machine(THIRD).run(["ls", "/var"]).split())
        self.wait_for("the action is over", lambda: not self.ihost_action(THIRD), SERVICE_S)
        self.assertEqual("reinstalled", (self.row(THIRD) or {})["action_state"])
