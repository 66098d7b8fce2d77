# SPDX-License-Identifier: Apache-2.0
"""Actions that are asked for over the bus, and how they end."""

import queue
from typing import Any

from stx import exception, rpc
from sysinv import boot_files
from sysinv.db import api as db_api
from sysinv.tests.unit import base

ONLINE = {"availability": "online"}
IN_SERVICE = {"administrative": "unlocked", "operational": "enabled", "availability": "available"}


class RequestTest(base.SystemTest):
    def prepare(self) -> None:
        self.create()
        self.conductor.update_host_states(self.context, {"compute-0": ONLINE})

    def setUp(self) -> None:
        super().setUp()
        self.published: queue.Queue[rpc.Event] = queue.Queue()
        follower = rpc.Subscriber(self.published.put, "sysinv.")
        follower.start()
        self.addCleanup(follower.stop)
        self.empty_spool()

    def ask(self, action: str, hostname: str = "compute-0") -> dict[str, Any]:
        return self.conductor.request_action(self.context, self.host(hostname)["uuid"], action)

    def store(self, **changes: Any) -> None:
        self.conductor.update_host_states(self.context, {"compute-0": changes})

    def logs(self) -> list[tuple[str, str]]:
        return [(report.alarm_id, report.entity_instance_id) for report in self.faults()]

    def test_an_action_is_stored_and_shown(self) -> None:
        expected = {
            "action_number": 1,
            "action_taken": 0,
            "requested_action": "unlock",
            "ihost_action": "unlock",
            "task": "Unlocking",
        }
        told = self.ask("unlock")
        self.assertEqual(expected, {name: told[name] for name in expected})
        self.assertEqual(expected, {name: self.host("compute-0")[name] for name in expected})
        self.assertEqual("none", told["action"])

    def test_whoever_follows_hosts_is_told(self) -> None:
        self.ask("unlock")
        event = self.published.get(timeout=60)
        self.assertEqual(("sysinv.host.update", "Unlocking"), (event.kind, event.payload["task"]))

    def test_it_is_logged_once(self) -> None:
        self.ask("unlock")
        self.assertRaises(exception.Conflict, self.ask, "reboot")
        self.assertEqual([("200.021", "host=compute-0.command=unlock")], self.logs())

    def test_a_spool_that_is_full_keeps_no_host_from_being_locked(self) -> None:
        self.fill_spool()
        self.assertEqual("Unlocking", self.ask("unlock")["task"])

    def test_a_reason_against_it_is_told_and_nothing_is_stored(self) -> None:
        before = self.host("compute-0")
        text = "Cannot lock compute-0: it is locked already."
        self.assert_raises_with(exception.Invalid, text, self.ask, "lock")
        self.assertEqual((before, []), (self.host("compute-0"), self.logs()))

    def test_a_second_action_waits_for_the_first(self) -> None:
        self.ask("reboot")
        text = "Cannot unlock compute-0: the action reboot is in progress. Wait until it has ended, or ask for force-lock."
        self.assert_raises_with(exception.Conflict, text, self.ask, "unlock")

    def test_a_lock_in_progress_is_forced(self) -> None:
        self.store(**IN_SERVICE)
        self.ask("lock")
        self.store(action_taken=1, mtce_procedure="disable", task="Locking: waiting")
        told = self.ask("force-lock")
        self.assertEqual((2, 1, "Force Locking"), (told["action_number"], told["action_taken"], told["task"]))

    def test_mtce_ends_it(self) -> None:
        self.ask("reboot")
        self.store(action_taken=1, mtce_procedure="reboot", task="Rebooting: waiting for offline")
        self.assertEqual("reboot", self.host("compute-0")["ihost_action"])
        self.store(mtce_procedure=None, task=None)
        ended = self.host("compute-0")
        self.assertEqual((None, "reboot", None), (ended["ihost_action"], ended["requested_action"], ended["task"]))
        self.ask("unlock")

    def test_what_mtce_keeps_for_itself_is_no_news(self) -> None:
        self.store(mtce_stage="boot", mtce_attempts=2, mtce_boot_id="b", mtce_failures={"heartbeat": 1}, mtce_cause="heartbeat")
        self.store(task="Testing")
        self.assertEqual("Testing", self.published.get(timeout=60).payload["task"])
        self.assertEqual({"heartbeat": 1}, self.host("compute-0")["mtce_failures"])

    def test_a_host_that_is_unlocked_first_is_provisioned(self) -> None:
        self.assertIsNone(self.host("compute-0")["invprovision"])
        self.ask("unlock")
        self.store(action_taken=1, mtce_procedure="enable", administrative="unlocked")
        self.assertEqual(("provisioning", None), (self.host("compute-0")["invprovision"], self.host("compute-0")["ihost_action"]))
        self.store(operational="enabled", mtce_procedure=None)
        self.assertEqual("provisioned", self.host("compute-0")["invprovision"])

    def test_a_host_that_is_to_be_installed_again_is_served_by_the_installer(self) -> None:
        self.assertFalse(boot_files.is_to_be_installed(self.host("compute-0")))
        self.ask("reinstall")
        self.assertTrue(boot_files.is_to_be_installed(self.host("compute-0")))
        self.store(availability="offline", action_taken=1, mtce_procedure="reinstall")
        self.conductor.report_install_progress(self.context, self.host("compute-0")["uuid"], "installed", None)
        self.assertFalse(boot_files.is_to_be_installed(self.host("compute-0")))
        self.store(availability="online", mtce_procedure=None)
        installed = self.host("compute-0")
        self.assertEqual(("completed", "reinstalled"), (installed["install_state"], installed["action_state"]))

    def test_a_host_is_not_deleted_meanwhile(self) -> None:
        self.ask("reboot")
        text = "Cannot delete compute-0: The action reboot is in progress. Wait until it has ended, or ask for force-lock."
        delete = self.conductor.delete_host
        self.assert_raises_with(exception.Conflict, text, delete, self.context, self.host("compute-0")["uuid"])

    def test_partitions_that_are_being_changed_keep_it_locked(self) -> None:
        found = base.inventory_of_a_machine()
        for record, status in zip(found["partition"], (5, 3), strict=True):
            record["status"] = status
        self.report(self.host("compute-0")["uuid"], found)
        path = found["partition"][0]["device_path"]
        host_id = self.host("compute-0")["id"]
        self.assertEqual({host_id: [path]}, db_api.busy_partitions([host_id, host_id + 1]))
        self.assert_raises_with(exception.Invalid, f"are being changed: {path}.", self.ask, "unlock")

    def test_what_mtce_does_not_do_is_not_asked_of_it(self) -> None:
        for action in ("dance", ""):
            self.assert_raises_with(exception.Invalid, "mtce does not know the action", self.ask, action)

    def test_the_active_controller_stays_unlocked(self) -> None:
        self.assert_raises_with(exception.Invalid, "it is the active controller.", self.ask, "lock", "controller-0")


class SimplexTest(base.SystemTest):
    bootstrap = {"system_type": "All-in-one", "system_mode": "simplex"}

    def test_the_only_host_is_locked(self) -> None:
        told = self.conductor.request_action(self.context, self.host()["uuid"], "lock")
        self.assertEqual("Locking", told["task"])
