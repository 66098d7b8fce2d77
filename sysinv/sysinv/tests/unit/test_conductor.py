# SPDX-License-Identifier: Apache-2.0
"""sysinv-conductor over the bus."""

import concurrent.futures
import datetime
import queue
import uuid
from typing import Any

import ddt
import fixtures

from stx import context as stx_context
from stx import exception, paging, rpc, testing
from sysinv import client, conductor, defaults, inventory
from sysinv.db import api as db_api
from sysinv.tests.unit import base

INSTEAD = " Give another, or delete that host."


class ConductorTest(base.SystemTest):
    """A conductor whose events are followed."""

    def setUp(self) -> None:
        super().setUp()
        self.published: queue.Queue[rpc.Event] = queue.Queue()
        follower = rpc.Subscriber(self.published.put, "sysinv.")
        # One thread tells events in their order.
        with fixtures.MonkeyPatch("stx.rpc.WORKERS", 1):
            follower.start()
        self.addCleanup(follower.stop)

    def next_event(self) -> rpc.Event:
        return self.published.get(timeout=60)


class BootstrapTest(base.SystemTest):
    def test_the_first_controller_is_unlocked_and_provisioned(self) -> None:
        (made,) = db_api.all_hosts()
        expected = {
            "hostname": "controller-0",
            "personality": "controller",
            "subfunctions": "controller,worker",
            "administrative": "unlocked",
            "operational": "disabled",
            "availability": "offline",
            "invprovision": "provisioned",
            "isystem_uuid": db_api.get_system()["uuid"],
        }
        self.assertEqual(expected, {name: made[name] for name in expected})

    def test_the_system_is_as_the_options_say(self) -> None:
        made = db_api.get_system()
        self.assertEqual(
            ("starlingx", "All-in-one", "duplex", "UTC"),
            tuple(made[name] for name in ("name", "system_type", "system_mode", "timezone")),
        )

    def test_a_second_start_changes_nothing(self) -> None:
        before = (db_api.get_system(), db_api.all_hosts())
        self.platform.conf.config(group="bootstrap", system_name="another", system_type="Standard")
        conductor.Bootstrap().start()
        self.assertEqual(before, (db_api.get_system(), db_api.all_hosts()))


class StandardTest(base.SystemTest):
    bootstrap = {"system_type": "Standard"}

    def test_a_controller_of_a_standard_system_controls_only(self) -> None:
        self.assertEqual("controller", self.host()["subfunctions"])
        self.assertIsNone(db_api.get_system()["system_mode"])

    def test_storage_hosts_are_let_in(self) -> None:
        self.assertEqual("storage-0", self.create(personality="storage")["hostname"])


class CreateTest(ConductorTest):
    def test_a_host_is_added_with_its_defaults(self) -> None:
        made = self.create(mgmt_mac=base.MAC)
        expected = {
            **defaults.host(made["software_load"]),
            "hostname": "compute-0",
            "personality": "worker",
            "subfunctions": "worker",
            "mgmt_mac": base.MAC,
            "mgmt_ip": "192.168.204.10",
            "action_state": "reinstalling",
        }
        del expected["bm_password"]
        stored = self.host("compute-0")
        self.assertEqual(expected, {name: stored[name] for name in expected})
        self.assertEqual((stored["id"], stored["uuid"]), (made["id"], made["uuid"]))

    def test_what_is_given_counts(self) -> None:
        made = self.create(hostname="edge", console="tty0", location={"locn": "rack 1"}, mgmt_ip="192.168.204.99", serialid=None)
        self.assertEqual(
            ("edge", "tty0", {"locn": "rack 1"}, "192.168.204.99", None),
            tuple(made[name] for name in ("hostname", "console", "location", "mgmt_ip", "serialid")),
        )

    def test_what_is_given_as_none_gets_its_default(self) -> None:
        made = self.create(hostname=None, console=None, boot_device=None, location=None)
        self.assertEqual(
            ("compute-0", "ttyS0,115200", "sda", {}),
            tuple(made[name] for name in ("hostname", "console", "boot_device", "location")),
        )

    def test_it_is_logged(self) -> None:
        self.create()
        (log,) = self.faults()
        self.assertEqual(
            ("log", "200.020", "host=compute-0.event=add", "Host compute-0 was added."),
            (log.operation, log.alarm_id, log.entity_instance_id, log.reason_text),
        )

    def test_it_is_published(self) -> None:
        made = self.create()
        event = self.next_event()
        self.assertEqual("sysinv.host.create", event.kind)
        expected = {
            "uuid": made["uuid"],
            "hostname": "compute-0",
            "personality": "worker",
            "administrative": "locked",
            "operational": "disabled",
            "availability": "offline",
            "task": None,
        }
        self.assertEqual(expected, event.payload)

    def test_a_spool_that_is_full_keeps_no_host_out(self) -> None:
        self.fill_spool()
        self.assertEqual("compute-0", self.create()["hostname"])
        self.assertEqual("sysinv.host.create", self.next_event().kind)

    def test_all_reasons_against_it_are_told(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "Cannot add the host x: The next storage must be named storage-0, not x. An All-in-one system has no storage hosts",
            self.create,
            personality="storage",
            hostname="x",
        )
        self.assertEqual([], self.faults())

    def test_what_is_taken_is_a_conflict(self) -> None:
        self.create(1)
        self.assert_raises_with(
            exception.Conflict,
            f"Cannot add the host compute-1: The MAC address 08:00:27:00:01:01 is taken already, by compute-0.{INSTEAD}",
            self.create,
            1,
        )

    def test_a_conflict_beside_another_fault_is_a_fault(self) -> None:
        self.create(1)
        self.assert_raises_with(exception.Invalid, "is taken already, by compute-0.", self.create, 1, hostname="a_b")

    def test_of_two_that_add_the_same_host_one_wins(self) -> None:
        def add(number: int) -> str:
            try:
                return str(self.create(1, hostname=f"edge-{number}")["hostname"])
            except exception.Conflict as error:
                return error.message

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            told = list(pool.map(add, range(6)))
        (winner,) = [each for each in told if each.startswith("edge-")]
        others = [each for each in told if each != winner]
        self.assertEqual([f"is taken already, by {winner}.{INSTEAD}"] * 5, [each[each.index("is taken") :] for each in others])
        self.assertEqual(["controller-0", winner], [host["hostname"] for host in db_api.all_hosts()])

    def test_many_at_once_get_different_names(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            names = list(pool.map(lambda number: self.create(number)["hostname"], range(12)))
        self.assertEqual({f"compute-{number}" for number in range(12)}, set(names))

    def test_a_host_that_another_writer_added_meanwhile_is_a_conflict(self) -> None:
        self.create(1)
        unaware = db_api.peers()[:1]
        self.useFixture(fixtures.MonkeyPatch("sysinv.db.api.peers", lambda: unaware))
        self.assert_raises_with(exception.Conflict, "is taken already. Look at `system host-list`.", self.create, 1)


class UpdateTest(ConductorTest):
    def update(self, reference: str, **changes: Any) -> dict[str, Any]:
        return self.conductor.update_host(self.context, self.host(reference)["uuid"], changes)

    def test_a_change_is_stored_and_published(self) -> None:
        changed = self.update("controller-0", location={"locn": "rack 1"}, serialid="7")
        self.assertEqual(({"locn": "rack 1"}, "7"), (changed["location"], changed["serialid"]))
        self.assertEqual(changed, {**changed, **{name: self.host()[name] for name in ("location", "serialid")}})
        self.assertEqual("sysinv.host.update", self.next_event().kind)

    def test_no_change_is_no_event(self) -> None:
        before = self.host()
        self.update("controller-0", hostname="controller-0", serialid=None)
        self.assertEqual(before, self.host())
        self.update("controller-0", serialid="7")
        self.assertEqual("7", self.host()["serialid"])
        self.next_event()
        self.assertTrue(self.published.empty())

    def test_a_refusal_names_the_host_and_changes_nothing(self) -> None:
        before = self.host()
        self.assert_raises_with(
            exception.Invalid,
            "Cannot change controller-0: console can be changed while the host is locked only. Lock controller-0 first.",
            self.update,
            "controller-0",
            console="tty0",
            serialid="7",
        )
        self.assertEqual(before, self.host())

    def test_a_discovered_host_gets_its_personality(self) -> None:
        found = self.discover()
        changed = self.conductor.update_host(self.context, found["uuid"], {"personality": "worker"})
        self.assertEqual(
            ("compute-0", "worker", "worker"), tuple(changed[name] for name in ("hostname", "personality", "subfunctions"))
        )
        self.assertEqual((found["uuid"], found["mgmt_mac"]), (changed["uuid"], changed["mgmt_mac"]))

    def test_a_discovered_host_that_cannot_be_that_is_named_by_its_id(self) -> None:
        found = self.discover()
        self.assert_raises_with(
            exception.Invalid,
            f"Cannot change host {found['id']}: An All-in-one system has no storage hosts",
            self.conductor.update_host,
            self.context,
            found["uuid"],
            {"personality": "storage"},
        )

    def discover(self) -> dict[str, Any]:
        system = db_api.get_system()
        db_api.create_host(
            {**defaults.host("26.11"), "uuid": str(uuid.uuid4()), "mgmt_mac": base.MAC, "forisystemid": system["id"]}
        )
        return db_api.all_hosts()[-1]

    def test_a_host_that_is_not_there_is_named(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_raises_with(
            exception.NotFound,
            f"There is no host {missing}.",
            self.conductor.update_host,
            self.context,
            missing,
            {"serialid": "7"},
        )


class DeleteTest(ConductorTest):
    def setUp(self) -> None:
        super().setUp()
        self.made = self.create()
        self.next_event()

    def delete(self) -> None:
        self.conductor.delete_host(self.context, self.made["uuid"])

    def test_a_host_goes_with_all_that_it_has(self) -> None:
        self.report(self.made["uuid"])
        self.next_event()
        self.delete()
        self.assertRaises(exception.NotFound, self.host, "compute-0")
        for kind in db_api.TABLES:
            self.assertEqual([], db_api.list_inventory(kind, paging.Page(10)), kind)
        self.assertEqual({}, db_api.get_digests(self.made["uuid"]))

    def test_its_alarms_are_cleared_and_the_command_is_logged(self) -> None:
        self.delete()
        told = [(report.operation, report.alarm_id, report.entity_instance_id) for report in self.faults()[1:]]
        self.assertEqual([("clear-all", "", "host=compute-0"), ("log", "200.021", "host=compute-0.command=delete")], told)

    def test_it_is_published(self) -> None:
        self.delete()
        expected = rpc.Event("sysinv.host.delete", {"uuid": self.made["uuid"], "hostname": "compute-0"})
        self.assertEqual(expected, self.next_event())

    def test_a_host_whose_alarms_cannot_be_cleared_stays(self) -> None:
        self.fill_spool()
        self.assert_raises_with(exception.Unavailable, "the spool takes no more", self.delete)
        self.assertEqual(self.made["uuid"], self.host("compute-0")["uuid"])

    def test_a_refusal_names_the_host(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "Cannot delete controller-0: controller-0 is the active controller and cannot be deleted. Swact first.",
            self.conductor.delete_host,
            self.context,
            self.host()["uuid"],
        )

    def test_an_unlocked_host_is_a_conflict(self) -> None:
        self.conductor.update_host_states(self.context, {"compute-0": {"administrative": "unlocked"}})
        self.assert_raises_with(exception.Conflict, "compute-0 is unlocked. Lock it first.", self.delete)

    def test_a_host_is_deleted_once(self) -> None:
        self.delete()
        self.assert_raises_with(exception.NotFound, self.made["uuid"], self.delete)

    def test_its_name_and_address_are_free_again(self) -> None:
        self.delete()
        again = self.create()
        self.assertEqual(("compute-0", self.made["mgmt_mac"]), (again["hostname"], again["mgmt_mac"]))
        self.assertGreater(again["id"], self.made["id"])


class StateTest(ConductorTest):
    def update_state(self, hostname: str = "controller-0", **changes: Any) -> list[str]:
        return self.conductor.update_host_states(self.context, {hostname: changes})

    def test_what_mtce_decides_is_stored_and_published(self) -> None:
        changes = {
            "administrative": "locked",
            "operational": "enabled",
            "availability": "degraded",
            "subfunction_oper": "enabled",
            "subfunction_avail": "available",
            "task": "Testing",
            "mtce_info": "x",
            "uptime": 77,
            "action_taken": 3,
            "mtce_procedure": "enable",
            "mtce_stage": "boot",
            "mtce_attempts": 2,
            "mtce_number": 4,
            "mtce_boot_id": "b",
            "mtce_failures": {"heartbeat": 1},
            "mtce_cause": "heartbeat",
        }
        self.assertEqual(set(client.STATE_FIELDS), set(changes))
        self.update_state(**changes)
        self.assertEqual(changes, {name: self.host()[name] for name in changes})
        event = self.next_event()
        self.assertEqual(
            ("sysinv.host.update", "enabled", "degraded"),
            (event.kind, event.payload["operational"], event.payload["availability"]),
        )

    def test_that_a_host_has_been_up_longer_is_stored_but_no_news(self) -> None:
        self.update_state(uptime=60)
        self.update_state(uptime=120, task="Testing")
        self.assertEqual("Testing", self.next_event().payload["task"])
        self.assertEqual((120, True), (self.host()["uptime"], self.published.empty()))

    def test_no_change_is_no_event(self) -> None:
        before = self.host()["updated_at"]
        self.update_state(operational="disabled")
        self.assertEqual(before, self.host()["updated_at"])
        self.update_state(task="Testing")
        self.next_event()
        self.assertTrue(self.published.empty())

    def test_what_mtce_does_not_decide_is_refused(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "mtce does not own the host's config_status, personality.",
            self.update_state,
            operational="enabled",
            config_status="x",
            personality="worker",
        )
        self.assertEqual("disabled", self.host()["operational"])

    def test_a_host_that_is_not_there_is_named(self) -> None:
        self.assertEqual(["edge"], self.update_state("edge", uptime=1))

    def test_states_of_many_hosts_are_stored_together(self) -> None:
        self.create()
        self.next_event()
        states = {"controller-0": {"task": "Testing"}, "compute-0": {"availability": "online"}, "edge": {"uptime": 1}}
        self.assertEqual(["edge"], self.conductor.update_host_states(self.context, states))
        self.assertEqual(["controller-0", "compute-0"], [self.next_event().payload["hostname"] for _ in range(2)])
        self.assertEqual(("Testing", "online"), (self.host()["task"], self.host("compute-0")["availability"]))


class InstallationTest(ConductorTest):
    def setUp(self) -> None:
        super().setUp()
        self.made = self.create()
        self.next_event()
        self.manager = conductor.Conductor()

    def tell(self, state: str, info: str | None = None, reference: str = "compute-0") -> None:
        self.conductor.report_install_progress(self.context, self.host(reference)["uuid"], state, info)

    def audit(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            self.manager.audit_installations(self.context)

    def state(self) -> tuple[str | None, str | None]:
        host = self.host("compute-0")
        return host["install_state"], host["install_state_info"]

    def test_from_the_installer_to_a_host_that_is_online(self) -> None:
        self.assertEqual((None, None), self.state())
        for told, info in (("preinstall", None), ("installing", "1/2"), ("installing", "2/2"), ("postinstall", None)):
            self.tell(told, info)
            self.assertEqual((told, info), self.state())
        self.tell("installed")
        self.assertEqual(("booting", None), self.state())
        self.conductor.update_host_states(self.context, {"compute-0": {"availability": "online"}})
        self.assertEqual(("completed", None), self.state())
        self.assertEqual("reinstalled", self.host("compute-0")["action_state"])

    def test_one_that_is_installed_again_before_anybody_sees_it_away_is_done(self) -> None:
        self.conductor.update_host_states(self.context, {"compute-0": {"availability": "online"}})
        self.conductor.request_action(self.context, self.host("compute-0")["uuid"], "reinstall")
        self.conductor.update_host_states(self.context, {"compute-0": {"uptime": 7}})
        self.assertEqual("reinstalling", self.host("compute-0")["action_state"])
        begun = {"action_taken": 1, "mtce_procedure": "reinstall", "mtce_stage": "tell", "task": "Reinstall Succeeded"}
        self.conductor.update_host_states(self.context, {"compute-0": begun})
        self.assertEqual("reinstalling", self.host("compute-0")["action_state"])
        self.conductor.update_host_states(self.context, {"compute-0": {"mtce_procedure": None, "mtce_stage": None, "task": None}})
        self.assertEqual("reinstalled", self.host("compute-0")["action_state"])

    def test_another_state_is_published_and_progress_is_not(self) -> None:
        self.tell("installing", "1/2")
        self.assertEqual("sysinv.host.update", self.next_event().kind)
        self.tell("installing", "2/2")
        self.tell("postinstall")
        self.next_event()
        self.assertTrue(self.published.empty())

    def test_an_installer_that_is_silent_has_failed(self) -> None:
        self.tell("installing", "1/2")
        self.next_event()
        self.audit(15)
        self.assertEqual(("installing", "1/2"), self.state())
        self.assertTrue(self.published.empty())
        self.audit()
        self.assertEqual(("failed", "1/2"), self.state())
        self.assertEqual("sysinv.host.update", self.next_event().kind)

    def test_a_host_that_boots_is_given_longer(self) -> None:
        self.tell("installed")
        self.audit(40)
        self.assertEqual("booting", self.state()[0])
        self.audit()
        self.assertEqual("failed", self.state()[0])

    def test_a_host_that_is_deleted_during_the_audit_is_no_error(self) -> None:
        self.tell("installing")
        hosts = db_api.all_hosts()
        self.conductor.delete_host(self.context, self.made["uuid"])
        with fixtures.MonkeyPatch("sysinv.db.api.all_hosts", lambda: hosts):
            self.audit()

    def test_an_unlocked_host_is_not_being_installed(self) -> None:
        self.assert_raises_with(
            exception.Conflict,
            "Cannot note the installation of controller-0: It is unlocked, so it is not being installed.",
            self.tell,
            "installing",
            reference="controller-0",
        )
        self.assertIsNone(self.host()["install_state"])


class SystemUpdateTest(ConductorTest):
    def test_the_system_is_changed_and_it_is_published(self) -> None:
        system_uuid = db_api.get_system()["uuid"]
        self.conductor.update_system(self.context, system_uuid, {"name": "edge", "contact": "me"})
        changed = db_api.get_system()
        self.assertEqual(("edge", "me"), (changed["name"], changed["contact"]))
        self.assertIsInstance(changed["updated_at"], datetime.datetime)
        expected = rpc.Event("sysinv.system.update", {"uuid": system_uuid, "changes": {"name": "edge", "contact": "me"}})
        self.assertEqual(expected, self.next_event())

    def test_a_system_keeps_a_name(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "Cannot change the system: name cannot be empty.",
            self.conductor.update_system,
            self.context,
            db_api.get_system()["uuid"],
            {"name": None},
        )

    def test_another_system_is_not_there(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_raises_with(
            exception.NotFound, f"no system {missing}", self.conductor.update_system, self.context, missing, {"name": "edge"}
        )


class RegisterTest(ConductorTest):
    def register(self, macs: list[str], hostname: str) -> client.Registration:
        return self.conductor.register_agent(self.context, macs, hostname)

    def test_a_host_is_known_by_one_of_its_addresses(self) -> None:
        made = self.create(mgmt_mac=base.MAC)
        found = self.register(["08:00:27:ff:ff:ff", base.MAC.upper()], "localhost")
        self.assertEqual((made["uuid"], "compute-0", {}), (found.host_uuid, found.hostname, found.digests))

    def test_a_host_without_address_is_known_by_its_name_and_gets_the_first(self) -> None:
        found = self.register(["08:00:27:FF:FF:FF", base.MAC], "controller-0")
        self.assertEqual((self.host()["uuid"], "controller-0"), (found.host_uuid, found.hostname))
        self.assertEqual("08:00:27:ff:ff:ff", self.host()["mgmt_mac"])

    def test_an_address_that_is_known_stays(self) -> None:
        self.create(mgmt_mac=base.MAC)
        self.register(["08:00:27:ff:ff:ff", base.MAC], "x")
        self.assertEqual(base.MAC, self.host("compute-0")["mgmt_mac"])

    def test_an_address_counts_more_than_a_name(self) -> None:
        made = self.create(mgmt_mac=base.MAC)
        self.assertEqual(made["uuid"], self.register([base.MAC], "controller-0").host_uuid)

    def test_a_host_without_ports_is_known_by_its_name(self) -> None:
        self.assertEqual("controller-0", self.register([], "controller-0").hostname)
        self.assertIsNone(self.host()["mgmt_mac"])

    def test_a_host_with_a_key_of_its_own_registers_as_itself_alone(self) -> None:
        self.create(mgmt_mac=base.MAC)
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.caller", lambda: "compute-0"))
        self.assertEqual("compute-0", self.register([base.MAC], "compute-0").hostname)
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.caller", lambda: "compute-7"))
        for macs, hostname in (([base.MAC], "compute-7"), ([], "compute-0")):
            self.assert_raises_with(
                exception.Forbidden, "compute-7 speaks for itself alone, and not for compute-0", self.register, macs, hostname
            )

    def test_a_machine_that_nobody_added_is_named(self) -> None:
        self.assert_raises_with(
            exception.NotFound,
            f"No host is known by the name localhost or one of the MAC addresses {base.MAC}. Add it with `system host-add`.",
            self.register,
            [base.MAC],
            "localhost",
        )

    def test_a_discovered_machine_without_personality_is_told_what_is_missing(self) -> None:
        db_api.create_host(base.discovered_row())
        number = db_api.all_hosts()[-1]["id"]
        expected = (
            f"This is host {number}, which was discovered and has no personality yet. Give it one: "
            f"system host-update {number} personality=..."
        )
        self.assert_raises_with(exception.NotFound, expected, self.register, [base.MAC], "localhost")
        self.assertEqual(base.MAC, db_api.all_hosts()[-1]["mgmt_mac"])

    def test_a_discovered_machine_with_a_name_is_known_by_its_address(self) -> None:
        db_api.create_host(base.discovered_row())
        named = self.conductor.update_host(self.context, db_api.all_hosts()[-1]["uuid"], {"personality": "worker"})
        for hostname in ("localhost", "compute-0"):
            found = self.register(["08:00:27:ff:ff:ff", base.MAC], hostname)
            self.assertEqual((named["uuid"], "compute-0"), (found.host_uuid, found.hostname))

    def test_a_machine_that_was_discovered_by_another_port_is_the_same_host(self) -> None:
        made = self.create(1)
        self.next_event()
        db_api.create_host(base.discovered_row())
        stray = db_api.all_hosts()[-1]
        self.assertEqual(made["uuid"], self.register([made["mgmt_mac"], base.MAC], "compute-0").host_uuid)
        self.assertEqual(["controller-0", "compute-0"], [host["hostname"] for host in db_api.all_hosts()])
        self.assertEqual(rpc.Event("sysinv.host.delete", {"uuid": stray["uuid"], "hostname": None}), self.next_event())

    def test_a_discovered_port_becomes_the_address_of_the_host_that_has_none(self) -> None:
        db_api.create_host(base.discovered_row())
        self.assertEqual("controller-0", self.register([base.MAC], "controller-0").hostname)
        self.assertEqual(base.MAC, self.host()["mgmt_mac"])
        self.assertEqual(1, len(db_api.all_hosts()))

    def test_of_two_hosts_with_its_addresses_the_one_with_its_name_is_meant(self) -> None:
        first, second = self.create(1), self.create(2)
        macs = [first["mgmt_mac"], second["mgmt_mac"]]
        self.assertEqual(second["uuid"], self.register(macs, "compute-1").host_uuid)
        self.assertEqual(first["uuid"], self.register(macs, "localhost").host_uuid)

    def test_it_learns_what_is_stored_of_it(self) -> None:
        self.report(self.host()["uuid"])
        expected = {kind: inventory.digest(records) for kind, records in base.INVENTORY.items()}
        self.assertEqual(expected, self.register([], "controller-0").digests)


class InventoryTest(ConductorTest):
    def setUp(self) -> None:
        super().setUp()
        self.uuid = self.host()["uuid"]

    def test_a_report_is_stored(self) -> None:
        self.report(self.uuid)
        stored = {
            kind: [{name: row[name] for name in record} for record, row in zip(records, self.rows(kind), strict=True)]
            for kind, records in base.INVENTORY.items()
        }
        self.assertEqual(base.INVENTORY, stored)

    def test_it_is_published(self) -> None:
        self.report(self.uuid)
        expected = rpc.Event("sysinv.inventory.update", {"host_uuid": self.uuid, "kinds": sorted(base.INVENTORY)})
        self.assertEqual(expected, self.next_event())

    def test_this_machine_is_stored(self) -> None:
        found = inventory.collect()
        self.report(self.uuid, found)
        self.assertEqual({kind: len(records) for kind, records in found.items()}, {kind: len(self.rows(kind)) for kind in found})

    def test_what_changed_is_changed_in_place(self) -> None:
        self.report(self.uuid)
        before = self.rows("disk")
        found = base.inventory_of_a_machine()
        found["disk"][0]["available_mib"] = 5
        self.report(self.uuid, found)
        after = self.rows("disk")
        self.assertEqual([5, before[1]["available_mib"]], [row["available_mib"] for row in after])
        for name in ("id", "uuid", "created_at"):
            self.assertEqual([row[name] for row in before], [row[name] for row in after])
        self.assertIsNotNone(after[0]["updated_at"])

    def test_what_did_not_change_is_not_written(self) -> None:
        self.report(self.uuid)
        before = {kind: self.rows(kind) for kind in base.INVENTORY}
        self.report(self.uuid)
        self.assertEqual(before, {kind: self.rows(kind) for kind in base.INVENTORY})

    def test_what_is_gone_is_removed(self) -> None:
        self.report(self.uuid)
        found = base.inventory_of_a_machine()
        del found["disk"][0], found["cpu"][1:]
        found["pci"] = []
        self.report(self.uuid, found)
        self.assertEqual(["/dev/sdb"], [row["device_node"] for row in self.rows("disk")])
        self.assertEqual([0], [row["cpu"] for row in self.rows("cpu")])
        self.assertEqual([], self.rows("pci"))

    def test_a_kind_that_is_not_reported_stays(self) -> None:
        self.report(self.uuid)
        self.report(self.uuid, {"pci": []})
        self.assertEqual(len(base.INVENTORY["disk"]), len(self.rows("disk")))

    def test_an_attribute_that_is_not_reported_any_more_is_empty(self) -> None:
        self.report(self.uuid)
        found = base.inventory_of_a_machine()
        del found["port"][0]["speed"]
        self.report(self.uuid, found)
        self.assertIsNone(self.rows("port")[0]["speed"])

    def test_what_is_not_a_column_is_passed_over(self) -> None:
        self.report(self.uuid, {"cpu": [{"cpu": 0, "colour": "red", "id": 777, "uuid": "x", "host_id": 99}]})
        (row,) = self.rows("cpu")
        self.assertNotEqual(777, row["id"])
        self.assertNotEqual("x", row["uuid"])

    def test_digests_are_kept_by_kind(self) -> None:
        self.report(self.uuid)
        found = {"disk": base.INVENTORY["disk"][:1]}
        self.report(self.uuid, found)
        digests = db_api.get_digests(self.uuid)
        self.assertEqual(set(base.INVENTORY), set(digests))
        self.assertEqual(inventory.digest(found["disk"]), digests["disk"])
        self.assertEqual(inventory.digest(base.INVENTORY["cpu"]), digests["cpu"])

    def test_hosts_have_their_own(self) -> None:
        other = self.create()
        self.report(self.uuid)
        self.report(other["uuid"], {"cpu": base.INVENTORY["cpu"][:1]})
        self.assertEqual((4, 1), (len(self.rows("cpu")), len(self.rows("cpu", "compute-0"))))

    def test_hosts_report_at_the_same_time(self) -> None:
        hosts = [self.create(number)["uuid"] for number in range(4)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.report, hosts * 2))
        for each in hosts:
            self.assertEqual(4, len(db_api.list_inventory("cpu", paging.Page(100), each)))

    def test_a_host_that_is_not_there_is_named(self) -> None:
        missing = str(uuid.uuid4())
        self.assert_raises_with(exception.NotFound, f"There is no host {missing}.", self.report, missing)


class DecidedTest(ConductorTest):
    """What the operator decides of a host's parts is kept over reports."""

    def setUp(self) -> None:
        super().setUp()
        self.uuid = self.host()["uuid"]
        self.report(self.uuid)

    def decide(self, kind: str, **values: Any) -> None:
        table, _ = db_api.TABLES[kind]

        @db_api.database.writer
        def write(connection: Any) -> None:
            connection.execute(table.update().values(**values))

        write()

    def test_a_host_with_a_key_of_its_own_reports_its_own_inventory_alone(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.caller", lambda: "compute-7"))
        self.assert_raises_with(
            exception.Forbidden,
            "compute-7 speaks for itself alone, and not for controller-0",
            self.conductor.report_inventory,
            self.context,
            self.host()["uuid"],
            {},
        )

    def report_again(self, kind: str, **changes: Any) -> None:
        found = base.inventory_of_a_machine()
        for record in found[kind]:
            record.update(changes)
        self.report(self.uuid, found)

    def test_the_function_of_a_cpu(self) -> None:
        self.assertEqual(
            ["Platform", "Platform", "Applications", "Applications"], [row["allocated_function"] for row in self.rows("cpu")]
        )
        self.decide("cpu", allocated_function="Vswitch")
        self.report_again("cpu", cpu_model="another")
        self.assertEqual({("Vswitch", "another")}, {(row["allocated_function"], row["cpu_model"]) for row in self.rows("cpu")})

    def test_the_memory_that_is_asked_for(self) -> None:
        self.decide("memory", platform_reserved_mib=1200, vm_hugepages_nr_2M_pending=7, vm_hugepages_nr_1G_pending=8)
        self.report_again("memory", memavail_mib=1, vm_hugepages_nr_2M=7)
        for row in self.rows("memory"):
            kept = (row["platform_reserved_mib"], row["vm_hugepages_nr_2M_pending"], row["vm_hugepages_nr_1G_pending"])
            self.assertEqual((1200, 7, 8), kept)
            self.assertEqual((1, 7), (row["memavail_mib"], row["vm_hugepages_nr_2M"]))

    def test_the_name_of_a_device_and_whether_it_is_used(self) -> None:
        self.decide("pci", name="accelerator", enabled=True)
        self.report_again("pci", driver="vfio-pci", name="pci_x", enabled=False)
        (row,) = self.rows("pci")
        self.assertEqual(("accelerator", True, "vfio-pci"), (row["name"], row["enabled"], row["driver"]))


@ddt.ddt
class MalformedTest(ConductorTest):
    def assert_refused(self, text: str, reports: dict[str, Any]) -> None:
        found = {kind: client.InventoryReport("a", records) for kind, records in reports.items()}
        self.assert_raises_with(
            exception.Invalid, text, self.conductor.report_inventory, self.context, self.host()["uuid"], found
        )
        self.assertEqual({}, db_api.get_digests(self.host()["uuid"]))

    def test_a_kind_that_is_none_is_named(self) -> None:
        self.assert_refused("There is no inventory of the kind 'sensor'.", {"cpu": [], "sensor": []})

    @ddt.data(
        ("cpu", {"core": 1}, "A cpu record lacks cpu."),
        ("disk", {"device_path": None}, "A disk record lacks device_path."),
        ("lldp_neighbour", {"port_name": "eth0"}, "A lldp_neighbour record lacks port_name or msap."),
    )
    @ddt.unpack
    def test_a_record_that_cannot_be_told_from_others_is_refused(self, kind: str, record: dict[str, Any], text: str) -> None:
        self.assert_refused(text, {kind: [record]})

    def test_records_that_are_the_same_thing_are_refused(self) -> None:
        self.assert_refused("Two port records have the same name.", {"port": [{"name": "eth0"}, {"name": "eth0", "mtu": 1}]})

    @ddt.data(
        ("cpu", {"cpu": "0"}, "The cpu of a cpu record cannot be '0'."),
        ("cpu", {"cpu": [0]}, "The cpu of a cpu record cannot be '[0]'."),
        ("cpu", {"cpu": 0, "core": {"a": 1}}, "The core of a cpu record cannot be"),
        ("port", {"name": "eth0", "dpdksupport": "yes"}, "The dpdksupport of a port record cannot be 'yes'."),
        ("port", {"name": "eth0", "driver": 7}, "The driver of a port record cannot be '7'."),
    )
    @ddt.unpack
    def test_a_value_of_another_kind_is_refused(self, kind: str, record: dict[str, Any], text: str) -> None:
        self.assert_refused(text, {"numa": [], kind: [record]})

    def test_a_report_of_another_form_is_refused(self) -> None:
        other = rpc.Client(client.TOPIC, client.VERSION, 20)
        for reports in ([], {"cpu": []}, {"cpu": {"digest": "a"}}, {"cpu": {"digest": "a", "records": [1]}}):
            self.assertRaises(
                exception.Invalid,
                other.call,
                self.context,
                "report_inventory",
                host_uuid=self.host()["uuid"],
                reports=reports,
            )


class ServiceTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.platform.conf.config(group="sysinv_database", connection=f"sqlite:///{self.platform.path}/new/sysinv.sqlite")

    def test_it_makes_its_system_and_serves(self) -> None:
        made = conductor.make_service()
        made.start()
        self.addCleanup(made.stop)
        (host,) = client.Conductor().get_hosts(stx_context.internal("test"))
        self.assertEqual("controller-0", host["hostname"])

    def test_before_its_system_is_made_it_asks_for_patience(self) -> None:
        db_api.database.migrate()
        self.addCleanup(db_api.database.reset)
        server = rpc.Server(conductor.Conductor())
        server.start()
        self.addCleanup(server.stop)
        self.assert_raises_with(
            exception.Unavailable,
            "The system's database is not filled yet.",
            client.Conductor().create_host,
            stx_context.internal("test"),
            {"personality": "worker"},
        )
