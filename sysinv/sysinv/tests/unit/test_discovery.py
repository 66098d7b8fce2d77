# SPDX-License-Identifier: Apache-2.0
"""Machines that wait to be installed show up by themselves, and get a name."""

import concurrent.futures
import functools
import os
import pathlib
from typing import Any

import fixtures

from stx import context as stx_context
from stx import exception, testing
from sysinv import boot, client, conductor, dnsmasq, rules
from sysinv.db import api as db_api
from sysinv.tests.unit import base

ADDRESS = "169.254.202.115"


class DiscoveryCase(base.SystemTest):
    """A conductor that reads what dnsmasq's script noted."""

    def setUp(self) -> None:
        super().setUp()
        self.manager = conductor.Conductor()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.queue = dnsmasq.Queue(self.directory)

    def note(self, mac: str = base.MAC, action: str = "add", tags: str = "pxeboot") -> None:
        (self.directory / mac).write_text(f"{action} {mac} {ADDRESS} {tags}\n")

    def discover(self) -> None:
        conductor.discover(self.manager, self.context, self.queue)

    def discovered(self) -> list[dict[str, Any]]:
        return [host for host in db_api.all_hosts() if host["personality"] is None]

    def waiting(self) -> list[str]:
        return os.listdir(self.directory)


class DiscoverTest(DiscoveryCase):
    def test_a_machine_that_boots_from_the_network_becomes_a_host_without_a_name(self) -> None:
        self.note()
        self.discover()
        (found,) = self.discovered()
        expected = {
            "mgmt_mac": base.MAC,
            "hostname": None,
            "personality": None,
            "mgmt_ip": None,
            "administrative": "locked",
            "operational": "disabled",
            "availability": "offline",
            "action_state": None,
        }
        self.assertEqual(expected, {name: found[name] for name in expected})
        self.assertEqual([], self.waiting())

    def test_it_is_logged(self) -> None:
        self.note()
        self.discover()
        (log,) = self.faults()
        expected = (
            "200.020",
            f"host={base.MAC}.event=discovered",
            f"A host with the MAC address {base.MAC} was discovered.",
        )
        self.assertEqual(expected, (log.alarm_id, log.entity_instance_id, log.reason_text))

    def test_a_machine_that_had_its_lease_before_is_discovered_too(self) -> None:
        self.note(action="old", tags="known-othernet efi pxeboot")
        self.discover()
        self.assertEqual([base.MAC], [host["mgmt_mac"] for host in self.discovered()])

    def test_a_lease_of_the_management_network_discovers_nobody(self) -> None:
        self.note(tags="mgmt")
        self.discover()
        self.assertEqual([], self.discovered())
        self.assertEqual([], self.waiting())

    def test_a_machine_that_is_known_is_not_discovered_again(self) -> None:
        for _ in range(2):
            self.note()
            self.discover()
        (found,) = self.discovered()
        self.conductor.update_host(self.context, found["uuid"], {"personality": "worker"})
        self.note()
        self.discover()
        self.assertEqual(["controller-0", "compute-0"], [host["hostname"] for host in db_api.all_hosts()])

    def test_a_port_of_a_known_host_is_no_other_machine(self) -> None:
        self.report(self.host()["uuid"])
        self.note(base.INVENTORY["port"][1]["mac"])
        self.discover()
        self.assertEqual([], self.discovered())

    def test_two_machines_at_once_are_two_hosts(self) -> None:
        macs = [f"08:00:27:00:01:{number:02x}" for number in range(2)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda mac: self.manager.discover(self.context, mac), macs * 4))
        self.assertEqual(macs, sorted(host["mgmt_mac"] for host in self.discovered()))

    def test_a_deleted_machine_that_is_still_there_shows_up_again(self) -> None:
        made = self.create(1, mgmt_mac=base.MAC)
        self.conductor.delete_host(self.context, made["uuid"])
        self.note(action="old")
        self.discover()
        self.assertEqual([base.MAC], [host["mgmt_mac"] for host in self.discovered()])

    def test_what_was_told_of_a_machine_before_it_was_deleted_does_not_bring_it_back(self) -> None:
        self.manager.departed = functools.partial(conductor.depart, self.queue, self.directory / "none")
        made = self.create(1, mgmt_mac=base.MAC)
        port = base.INVENTORY["port"][1]["mac"]
        self.report(made["uuid"])
        for mac in (base.MAC, port):
            self.note(mac)

        taken = self.queue.take()
        lease = next(taken)
        # It had its turn first.
        self.manager.delete_host(self.context, made["uuid"])
        self.manager.discover(self.context, lease.mac, self.queue.is_noted)
        self.assertEqual(([], []), (self.discovered(), list(taken)))
        self.note()
        self.discover()
        self.assertEqual([base.MAC], [host["mgmt_mac"] for host in self.discovered()])

    def test_a_machine_that_is_deleted_while_it_is_told_of_stays_deleted(self) -> None:
        def log(*_: object, **__: object) -> None:
            for host in self.discovered():
                db_api.delete_host(host["uuid"])

        self.note()
        with fixtures.MonkeyPatch("sysinv.conductor.Conductor._log", log):
            self.discover()
        self.assertEqual(([], []), (self.discovered(), self.waiting()))

    def test_more_machines_than_anybody_has_are_passed_over(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("sysinv.rules.MAX_DISCOVERED", 2))
        for number in range(4):
            self.note(f"08:00:27:00:01:{number:02x}")
        self.discover()
        self.assertEqual(2, len(self.discovered()))
        self.assertEqual([], self.waiting())

    def test_a_machine_is_not_forgotten_while_the_database_is_away(self) -> None:
        def away(mac: str) -> bool:
            raise exception.Unavailable("The sysinv database does not answer.")

        self.note()
        with fixtures.MonkeyPatch("sysinv.db.api.is_known_mac", away):
            self.assertRaises(exception.Unavailable, self.discover)
        self.assertEqual(1, len(self.waiting()))
        self.discover()
        self.assertEqual(1, len(self.discovered()))
        self.assertEqual([], self.waiting())

    def test_a_spool_that_is_full_keeps_no_machine_out(self) -> None:
        self.fill_spool()
        self.note()
        self.discover()
        self.assertEqual(1, len(self.discovered()))


class SimplexTest(DiscoveryCase):
    bootstrap = {"system_type": "All-in-one", "system_mode": "simplex"}

    def test_a_simplex_system_discovers_nobody(self) -> None:
        self.note()
        self.discover()
        self.assertEqual(["controller-0"], [host["hostname"] for host in db_api.all_hosts()])


class NameTest(DiscoveryCase):
    """A discovered host gets its personality under the rules of a new host."""

    bootstrap = {"system_type": "Standard"}

    def setUp(self) -> None:
        super().setUp()
        self.note()
        self.discover()
        (self.found,) = self.discovered()
        self.empty_spool()

    def name(self, **changes: Any) -> dict[str, Any]:
        return self.conductor.update_host(self.context, self.found["uuid"], changes)

    def refused(self, kind: type[exception.StxException], text: str, **changes: Any) -> None:
        self.assert_raises_with(kind, text, self.name, **changes)
        self.assertEqual(self.found, self.discovered()[0])

    def test_it_gets_name_subfunctions_and_address_and_waits_for_its_installation(self) -> None:
        named = self.name(personality="compute", hostname="rack7-a")
        expected = {
            "hostname": "rack7-a",
            "personality": "worker",
            "subfunctions": "worker",
            "mgmt_ip": "192.168.204.10",
            "mgmt_mac": base.MAC,
            "action_state": "reinstalling",
            "id": self.found["id"],
        }
        self.assertEqual(expected, {name: named[name] for name in expected})

    def test_that_it_was_added_is_logged(self) -> None:
        self.name(personality="storage")
        self.assertEqual(["host=storage-0.event=add"], [log.entity_instance_id for log in self.faults()])

    def test_other_changes_are_no_addition(self) -> None:
        self.name(serialid="7")
        self.assertEqual([], self.faults())
        self.assertIsNone(self.discovered()[0]["mgmt_ip"])

    def test_an_address_that_was_given_before_stays(self) -> None:
        self.name(mgmt_ip="192.168.204.99")
        self.assertEqual("192.168.204.99", self.name(personality="worker")["mgmt_ip"])

    def test_the_second_controller_has_its_own_address(self) -> None:
        named = self.name(personality="controller")
        self.assertEqual(("controller-1", "192.168.204.4"), (named["hostname"], named["mgmt_ip"]))

    def test_a_third_controller_is_refused(self) -> None:
        self.create(1, personality="controller")
        text = "There are 2 controllers already (controller-0, controller-1); a system has two at the most."
        self.refused(exception.Invalid, text, personality="controller")

    def test_a_name_that_is_another_personalitys_is_refused(self) -> None:
        for personality, hostname, text in (
            ("controller", "boss", "The next controller must be named controller-1, not boss."),
            ("storage", "storage-7", "The next storage must be named storage-0, not storage-7."),
            ("worker", "controller-1", "The name controller-1 is kept for another personality"),
            ("worker", "pxecontroller", "The name pxecontroller is the active controller's"),
        ):
            self.refused(exception.Invalid, text, personality=personality, hostname=hostname)

    def test_what_another_host_has_is_a_conflict(self) -> None:
        self.create(1, hostname="edge")
        self.refused(exception.Conflict, "The name edge is taken already, by edge.", personality="worker", hostname="edge")
        text = "The management address 192.168.204.10 is taken already, by edge."
        self.refused(exception.Conflict, text, personality="worker", mgmt_ip="192.168.204.10")

    def test_an_address_that_no_host_can_have_is_refused(self) -> None:
        text = "10.0.0.9 is not an address for hosts of the management network 192.168.204.0/24."
        self.refused(exception.Invalid, text, personality="worker", mgmt_ip="10.0.0.9")
        self.refused(exception.Invalid, text, mgmt_ip="10.0.0.9")
        text = "The management address 192.168.204.2 is kept for the active controller."
        self.refused(exception.Conflict, text, personality="worker", mgmt_ip="192.168.204.2")

    def test_an_unknown_personality_is_refused_with_those_that_there_are(self) -> None:
        text = "There is no personality 'network': use controller, worker (or compute) or storage."
        self.refused(exception.Invalid, text, personality="network")

    def test_a_host_that_is_added_by_its_mac_address_is_the_discovered_one(self) -> None:
        self.name(serialid="7")
        added = self.create(1, mgmt_mac=base.MAC, hostname="edge", console="tty0")
        expected = {"id": self.found["id"], "hostname": "edge", "mgmt_ip": "192.168.204.10", "console": "tty0", "serialid": "7"}
        self.assertEqual(expected, {name: added[name] for name in expected})
        self.assertEqual([], self.discovered())
        self.assertEqual(["host=edge.event=add"], [log.entity_instance_id for log in self.faults()])

    def test_it_is_the_discovered_one_once(self) -> None:
        self.create(1, mgmt_mac=base.MAC)
        text = f"The MAC address {base.MAC} is taken already, by compute-0."
        self.assert_raises_with(exception.Conflict, text, self.create, 1, mgmt_mac=base.MAC)

    def test_adding_it_under_no_rule_is_refused_as_any_other(self) -> None:
        text = "Cannot add the host boss: The next controller must be named controller-1, not boss."
        wanted = {"mgmt_mac": base.MAC, "personality": "controller", "hostname": "boss"}
        self.assert_raises_with(exception.Invalid, text, self.create, 1, **wanted)
        text = "A host needs a personality: controller, worker or storage."
        self.assert_raises_with(exception.Invalid, text, self.create, 1, mgmt_mac=base.MAC, personality=None)
        self.assertEqual(self.found, self.discovered()[0])

    def test_it_may_be_deleted(self) -> None:
        self.conductor.delete_host(self.context, self.found["uuid"])
        self.assertEqual([], self.discovered())
        self.assertEqual([], self.faults())

    def test_its_address_is_free_again_when_it_is_deleted(self) -> None:
        self.name(personality="worker")
        self.assertEqual("192.168.204.11", self.create(1)["mgmt_ip"])
        self.conductor.delete_host(self.context, self.found["uuid"])
        self.assertEqual("192.168.204.10", self.create(2)["mgmt_ip"])


class RuleTest(testing.TestCase):
    def test_a_discovered_host_is_found_by_its_address(self) -> None:
        found, named = {"mgmt_mac": "a", "personality": None}, {"mgmt_mac": "b", "personality": "worker"}
        hosts = [named, found, {"mgmt_mac": None, "personality": None}]
        self.assertEqual(found, rules.find_discovered("a", hosts))
        for mac in ("b", "c", "", None):
            self.assertIsNone(rules.find_discovered(mac, hosts))


class ServiceTest(testing.TestCase):
    """The service as it runs."""

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        path = self.platform.path
        self.platform.conf.config(group="sysinv_database", connection=f"sqlite:///{path}/new/sysinv.sqlite")
        self.platform.conf.config(group="bootstrap", system_mode="duplex")
        self.useFixture(fixtures.MonkeyPatch("sysinv.conductor._STEP_S", 0.02))

    def configure(self, **options: Any) -> None:
        self.platform.conf.config(group="sysinv_conductor", **options)

    def start(self) -> None:
        made = conductor.make_service()
        made.start()
        self.addCleanup(made.stop)
        self.assertTrue(made.is_healthy())

    def test_a_machine_that_is_noted_is_discovered_named_and_has_its_files(self) -> None:
        path = self.platform.path
        self.configure(dnsmasq_path=str(path / "dnsmasq"), tftp_path=str(path / "tftp"))
        self.start()
        queue = path / "dnsmasq" / boot.QUEUE
        base.wait_until(queue.is_dir)
        (queue / base.MAC).write_text(f"add {base.MAC} {ADDRESS} pxeboot\n")
        base.wait_until(lambda: len(db_api.all_hosts()) == 2)
        client.Conductor().update_host(
            stx_context.internal("test"), db_api.all_hosts()[1]["uuid"], {"personality": "worker", "hostname": "edge"}
        )
        base.wait_until((path / "tftp" / boot.PXELINUX / "01-08-00-27-00-00-01").exists)
        self.assertIn(f"{base.MAC},edge,192.168.204.10,1d", (path / "dnsmasq" / boot.HOSTS).read_text())

    def test_without_dnsmasq_nothing_is_written(self) -> None:
        before = {path.name for path in self.platform.path.iterdir()}
        self.start()
        self.assertEqual({"new"}, {path.name for path in self.platform.path.iterdir()} - before)

    def test_a_subnet_that_is_none_keeps_it_from_starting(self) -> None:
        for options in ({"management_subnet": "x"}, {"management_start": 300}, {"pxeboot_subnet": "10.0.0.0/31"}):
            self.configure(**{"management_subnet": "10.0.0.0/24", "management_start": 10, **options})
            made = conductor.make_service()
            self.addCleanup(db_api.database.reset)
            self.assert_raises_with(exception.ConfigurationError, "[sysinv_conductor] management_subnet or", made.start)
