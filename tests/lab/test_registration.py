# SPDX-License-Identifier: Apache-2.0
"""How hosts become known to the platform, what it knows of them then, and what is refused (spec sysinv.md 1.8.1, 6.1)."""

import time
from collections.abc import Mapping
from typing import Any

import ddt

from tests.lab import platform

COMPUTE, BLANK, BLANK_TOO, CONTROLLER, STORAGE = "compute-0", "compute-1", "compute-2", "controller-1", "storage-0"
# Twice as long as the conductor waits at the most to look at what dnsmasq tells.
NOTICED_S = 4.0
# It has other disks than COMPUTE, another number of processors, and a port less.
NEW_SERVER = 9


class DiscoveryTest(platform.PlatformTestCase):
    def test_blank_hosts_that_are_powered_on_together_are_discovered_once_each(self) -> None:
        for name in (BLANK, BLANK_TOO):
            self.blank(name)
        known = {row["uuid"] for row in self.rows()}
        self.power_on(BLANK, BLANK_TOO)
        for name in (BLANK, BLANK_TOO):
            self.wait_for(f"{name} is discovered", lambda name=name: self.is_discovered(name), platform.REGISTER_S)
        found = [row for row in self.rows() if row["uuid"] not in known]
        self.assertEqual(
            sorted(self.wanted.host(name).mac("mgmt") for name in (BLANK, BLANK_TOO)), sorted(row["mgmt_mac"] for row in found)
        )
        listed = {host["id"]: host for host in self.system("host-list")}
        for row in found:
            self.assertEqual(
                {
                    "id": row["id"],
                    "hostname": None,
                    "personality": None,
                    "administrative": "locked",
                    "operational": "disabled",
                    "availability": "offline",
                },
                listed[row["id"]],
            )

    def test_a_discovered_host_that_is_named_comes_online_with_its_inventory(self) -> None:
        self.blank(COMPUTE)
        row = self.discovered(COMPUTE)
        named = self.name(COMPUTE)
        self.assertEqual((row["uuid"], COMPUTE, "offline"), (named["uuid"], named["hostname"], named["availability"]))
        self.assert_comes_online(COMPUTE)
        self.assertEqual(row["uuid"], self.system("host-show", COMPUTE)["uuid"])

    def test_a_host_that_is_deleted_and_added_again_is_installed_again(self) -> None:
        before = self.online(COMPUTE)
        self.machine(COMPUTE).power_off()
        self.delete(COMPUTE)
        self.wipe(COMPUTE)
        self.discovered(COMPUTE)
        self.assertNotEqual(before["uuid"], self.name(COMPUTE)["uuid"])
        self.assert_comes_online(COMPUTE)

    def test_a_host_that_is_deleted_while_it_is_on_comes_back_as_a_blank_machine(self) -> None:
        before = self.online(COMPUTE)
        self.machine(COMPUTE).run(["touch", "/var/old"])
        self.delete(COMPUTE)
        self.wait_for("it is discovered", lambda: self.is_discovered(COMPUTE), platform.REGISTER_S)
        self.assertNotEqual(before["uuid"], self.name(COMPUTE)["uuid"])
        self.assert_comes_online(COMPUTE)
        self.assertNotIn("old", self.machine(COMPUTE).run(["ls", "/var"]).split())

    def test_a_second_controller_gets_its_name_by_itself(self) -> None:
        self.blank(CONTROLLER)
        row = self.discovered(CONTROLLER)
        self.assertEqual(CONTROLLER, self.system("host-update", str(row["id"]), "personality=controller")["hostname"])
        self.assert_comes_online(CONTROLLER)

    def test_a_host_that_was_added_before_it_is_powered_on_is_the_one_that_comes(self) -> None:
        self.blank(STORAGE)
        added = self.system("host-add", "-p", "storage", "-m", self.wanted.host(STORAGE).mac("mgmt"))
        self.assertEqual((STORAGE, "offline"), (added["hostname"], added["availability"]))
        known = {row["uuid"] for row in self.rows()}
        self.power_on(STORAGE)
        self.assert_comes_online(STORAGE)
        self.assertEqual(known, {row["uuid"] for row in self.rows()})

    def test_a_host_that_was_deleted_but_is_on_is_discovered_again(self) -> None:
        self.discovered(BLANK)
        # It shows up before its system has started.
        self.wait_for("it runs", lambda: self.machine(BLANK).state() in ("running", "degraded"), platform.REGISTER_S)
        self.delete(BLANK)
        self.assertIsNone(self.row(BLANK))
        self.machine(BLANK).run(["networkctl", "renew", "pxeboot"])
        self.wait_for("it is discovered again", lambda: self.is_discovered(BLANK))

    def test_a_host_that_was_deleted_while_it_was_off_stays_away_until_it_is_on_again(self) -> None:
        self.discovered(BLANK)
        self.machine(BLANK).power_off()
        self.delete(BLANK)
        known = "/opt/platform/config/dnsmasq/dnsmasq.hosts"
        self.add("-n", "lab-1", "-p", "worker")
        # dnsmasq reads its files again then, and tells of all leases that it has.
        self.wait_for("dnsmasq knows the other one", lambda: platform.ADDED in self.machine(platform.FIRST).run(["cat", known]))
        time.sleep(NOTICED_S)
        self.assertIsNone(self.row(BLANK))
        self.power_on(BLANK)
        self.wait_for("it is discovered", lambda: self.is_discovered(BLANK), platform.REGISTER_S)

    def assert_comes_online(self, name: str) -> None:
        self.wait_for(f"{name} is online", lambda: self.has_availability(name, "online"), platform.REGISTER_S)
        self.wait_for(
            f"{name} has its inventory", lambda: self.inventory(name) == self.made_up(name), platform.REGISTER_S, period_s=0.5
        )
        shown = self.system("host-show", name)
        states = ("personality", "administrative", "operational", "availability", "install_state")
        self.assertEqual(
            [self.wanted.host(name).personality, "locked", "disabled", "online", "completed"], [shown[state] for state in states]
        )
        self.assertEqual(shown["mgmt_ip"], self.own_address(name))

    def own_address(self, name: str) -> str:
        """Which address a host has on the management network, as it says itself."""
        said = self.machine(name).run(["ip", "-4", "-oneline", "address", "show", "mgmt"])
        return said.partition("inet ")[2].partition("/")[0]


@ddt.ddt
class RefusalTest(platform.PlatformTestCase):
    """What is refused changes nothing, and the message says what to change."""

    def setUp(self) -> None:
        super().setUp()
        self.waiting = self.discovered(BLANK)

    def name_it(self, *attributes: str) -> tuple[str, ...]:
        return ("host-update", str(self.waiting["id"]), *attributes)

    def test_the_mac_address_of_a_host_that_has_a_name_is_refused(self) -> None:
        known = self.add("-n", "lab-1", "-p", "worker")
        reason = f"The MAC address {known['mgmt_mac']} is taken already, by lab-1. Give another, or delete that host."
        self.assertEqual(
            f"Cannot add the host lab-2: {reason}",
            self.refused("host-add", "-n", "lab-2", "-p", "worker", "-m", known["mgmt_mac"]),
        )

    def test_the_mac_address_of_a_host_that_waits_for_a_name_names_it(self) -> None:
        added = self.system("host-add", "-n", BLANK, "-p", "worker", "-m", self.waiting["mgmt_mac"])
        self.addCleanup(self.blank, BLANK)
        self.assertEqual((self.waiting["uuid"], BLANK), (added["uuid"], added["hostname"]))
        self.assertEqual(self.waiting["uuid"], self.row(BLANK)["uuid"])

    def test_a_name_that_another_host_has_is_refused(self) -> None:
        self.add("-n", "lab-1", "-p", "worker")
        reason = "The name lab-1 is taken already, by lab-1. Give another, or delete that host."
        self.assertEqual(
            f"Cannot add the host lab-1: {reason}",
            self.refused("host-add", "-n", "lab-1", "-p", "worker", "-m", "02:4c:ab:77:77:78"),
        )
        self.assertEqual(
            f"Cannot change host {self.waiting['id']}: {reason}",
            self.refused(*self.name_it("personality=worker", "hostname=lab-1")),
        )

    def test_a_personality_that_does_not_exist_is_refused_with_those_that_do(self) -> None:
        said = self.refused(*self.name_it("personality=gateway", "hostname=lab-1"))
        self.assertIn("personality cannot be 'gateway'", said)
        added = self.refused("host-add", "-n", "lab-1", "-p", "gateway", "-m", "02:4c:ab:77:77:77")
        self.assertIn("invalid choice: 'gateway'", added)
        for text in (said, added):
            for personality in ("controller", "worker", "compute", "storage"):
                self.assertIn(personality, text)

    def test_a_third_controller_is_refused(self) -> None:
        if self.row(CONTROLLER) is None:
            self.add("-p", "controller")
        there_are = "There are 2 controllers already (controller-0, controller-1)"
        reason = f"{there_are}; a system has two at the most. Use worker, or delete one of them."
        self.assertEqual(
            f"Cannot add the host controller-2: {reason}", self.refused("host-add", "-p", "controller", "-m", "02:4c:ab:77:77:78")
        )
        self.assertEqual(
            f"Cannot change host {self.waiting['id']}: {reason}", self.refused(*self.name_it("personality=controller"))
        )

    @ddt.data(
        ("personality=storage", "hostname=lab-1", r"The next storage must be named storage-\d, not lab-1."),
        ("personality=worker", "hostname=storage-7", "is kept for another personality; choose another, such as compute-0."),
        ("personality=worker", "hostname=controller", "is the active controller's; choose another, such as compute-0."),
        ("personality=worker", "hostname=Lab_1", "use small letters, digits and inner hyphens"),
        ("hostname=lab-1", "location=here", "Give the hostname together with the personality."),
    )
    def test_a_name_that_the_host_cannot_have_is_refused(self, words: tuple[str, str, str]) -> None:
        *attributes, reason = words
        self.assertRegex(self.refused(*self.name_it(*attributes)), reason)

    def test_a_host_without_mac_address_or_without_personality_is_refused(self) -> None:
        self.assertIn("give mgmt_mac", self.refused("host-add", "-n", "lab-1", "-p", "worker"))
        self.assertIn(
            "A host needs a personality: controller, worker or storage.",
            self.refused("host-add", "-n", "lab-1", "-m", "02:4c:ab:77:77:77"),
        )


class ReplacementTest(platform.PlatformTestCase):
    def test_a_host_that_is_off_for_good_stays_in_the_inventory(self) -> None:
        before, parts = self.online(COMPUTE), self.inventory(COMPUTE)
        self.machine(COMPUTE).power_off()
        self.wait_for("it is offline", lambda: self.has_availability(COMPUTE, "offline"), platform.SILENCE_S)
        shown = self.system("host-show", COMPUTE)
        states = ("administrative", "operational", "availability")
        self.assertEqual(["locked", "disabled", "offline"], [shown[state] for state in states])
        self.assertEqual(_lasting(before), _lasting(shown))
        self.assertEqual(parts, self.inventory(COMPUTE))

    def test_a_host_that_comes_back_as_another_server_has_its_parts_and_no_others(self) -> None:
        before = self.online(COMPUTE)
        self.assertEqual(self.made_up(COMPUTE), self.inventory(COMPUTE))
        self.machine(COMPUTE).power_off()
        self.assertEqual(0, self.command("hardware", COMPUTE, "--server", str(NEW_SERVER))[0])
        old, new = self.made_up(COMPUTE), self.made_up(COMPUTE, NEW_SERVER)
        for kind in old:
            self.assertNotEqual(set(), old[kind] - new[kind], f"the {kind} of the servers are too much alike")
        self.power_on(COMPUTE)
        self.wait_for("its new disks are there", lambda: self.inventory(COMPUTE)["disks"] == new["disks"], platform.REGISTER_S)
        self.assertEqual(new, self.inventory(COMPUTE))
        self.assertEqual(_lasting(before), _lasting(self.system("host-show", COMPUTE)))


def _lasting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "uuid", "hostname", "personality", "mgmt_mac", "mgmt_ip", "created_at")}
