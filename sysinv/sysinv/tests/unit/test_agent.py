# SPDX-License-Identifier: Apache-2.0
"""sysinv-agent against a real conductor, with a machine that changes as told."""

import queue
from typing import Any

import fixtures

from stx import exception, rpc
from sysinv import agent
from sysinv.db import api as db_api
from sysinv.tests.unit import base


class AgentTest(base.SystemTest):
    """:ivar machine: what the agent finds"""

    def setUp(self) -> None:
        super().setUp()
        self.machine = base.inventory_of_a_machine()
        self.published: queue.Queue[rpc.Event] = queue.Queue()
        follower = rpc.Subscriber(self.published.put, "sysinv.inventory.")
        follower.start()
        self.addCleanup(follower.stop)
        self.agent = agent.Agent("controller-0", self.collect)

    def collect(self) -> dict[str, list[dict[str, Any]]]:
        return self.machine

    def reported(self) -> list[str]:
        """The kinds of the next report."""
        return list(self.published.get(timeout=60).payload["kinds"])

    def assert_nothing_was_reported(self) -> None:
        """What is reported next is what changes now."""
        self.machine["pci"][0]["driver"] += "-next"
        self.agent.audit()
        self.assertEqual(["pci"], self.reported())


class AuditTest(AgentTest):
    def test_all_is_reported_at_first(self) -> None:
        self.agent.audit()
        self.assertEqual(sorted(self.machine), self.reported())
        self.assertEqual(set(self.machine), set(db_api.get_digests(self.host()["uuid"])))
        self.assertEqual(2, len(self.rows("disk")))

    def test_nothing_is_reported_when_nothing_changed(self) -> None:
        self.agent.audit()
        self.reported()
        for _ in range(3):
            self.agent.audit()
        self.assert_nothing_was_reported()

    def test_only_what_changed_is_reported(self) -> None:
        self.agent.audit()
        self.reported()
        self.machine["disk"].pop()
        self.machine["port"][0]["speed"] = 100
        self.agent.audit()
        self.assertEqual(["disk", "port"], self.reported())
        self.assertEqual((1, 100), (len(self.rows("disk")), self.rows("port")[0]["speed"]))
        self.agent.audit()
        self.assert_nothing_was_reported()

    def test_a_change_back_is_reported_too(self) -> None:
        self.agent.audit()
        self.reported()
        disk = self.machine["disk"].pop()
        self.agent.audit()
        self.assertEqual(["disk"], self.reported())
        self.machine["disk"].append(disk)
        self.agent.audit()
        self.assertEqual(["disk"], self.reported())
        self.assertEqual(2, len(self.rows("disk")))

    def test_free_memory_is_told_every_sixth_round(self) -> None:
        for free in range(14):
            self.machine["memory"][0]["memavail_mib"] = free
            self.agent.audit()
            if free in (0, 6, 12):
                self.assertEqual(["memory"] if free else sorted(self.machine), self.reported())
        self.assert_nothing_was_reported()
        self.assertEqual(12, self.rows("memory")[0]["memavail_mib"])

    def test_memory_that_is_gone_is_told_at_once(self) -> None:
        self.agent.audit()
        self.reported()
        self.machine["memory"][0]["memtotal_mib"] = 16000
        self.agent.audit()
        self.assertEqual(["memory"], self.reported())

    def test_what_could_not_be_read_stays_as_it_is_stored(self) -> None:
        self.agent.audit()
        self.reported()
        disks = self.machine.pop("disk")
        self.agent.audit()
        self.assertEqual(2, len(self.rows("disk")))
        self.machine["disk"] = disks
        self.agent.audit()
        self.assert_nothing_was_reported()

    def test_an_agent_that_starts_again_tells_only_what_is_different(self) -> None:
        self.agent.audit()
        self.reported()
        self.machine["cpu"].pop()
        agent.Agent("controller-0", self.collect).audit()
        # Free memory is told at every start.
        self.assertEqual(["cpu", "memory"], self.reported())

    def test_the_host_is_found_by_its_ports(self) -> None:
        made = self.create(mgmt_mac="08:00:27:00:00:02")
        self.agent.audit()
        self.assertEqual(made["uuid"], self.published.get(timeout=60).payload["host_uuid"])

    def test_ports_without_address_do_no_harm(self) -> None:
        for port in self.machine["port"]:
            port["mac"] = None
        self.agent.audit()
        self.assertEqual(sorted(self.machine), self.reported())
        self.assertIsNone(self.host()["mgmt_mac"])

    def test_a_machine_without_ports_is_reported(self) -> None:
        del self.machine["port"]
        self.agent.audit()
        self.assertEqual(sorted(self.machine), self.reported())


class ErrorTest(AgentTest):
    def fail_to_store(self, times: int) -> None:
        store = db_api.store_inventory

        def stumble(*arguments: Any) -> bool:
            nonlocal times
            times -= 1
            if times >= 0:
                raise exception.Unavailable("the database is away")
            return store(*arguments)

        self.useFixture(fixtures.MonkeyPatch("sysinv.db.api.store_inventory", stumble))

    def test_a_machine_that_nobody_added_is_not_reported(self) -> None:
        self.agent = agent.Agent("localhost", self.collect)
        self.assert_raises_with(exception.NotFound, "Add it with `system host-add`.", self.agent.audit)
        made = self.create(mgmt_mac=base.MAC)
        self.agent.audit()
        self.assertEqual(made["uuid"], self.published.get(timeout=60).payload["host_uuid"])

    def test_what_was_not_stored_is_told_again(self) -> None:
        self.fail_to_store(1)
        self.assertRaises(exception.Unavailable, self.agent.audit)
        self.agent.audit()
        self.assertEqual(sorted(self.machine), self.reported())
        self.assertEqual(2, len(self.rows("disk")))

    def test_a_change_that_was_not_stored_is_told_again(self) -> None:
        self.agent.audit()
        self.reported()
        self.fail_to_store(1)
        self.machine["disk"].pop()
        self.assertRaises(exception.Unavailable, self.agent.audit)
        self.agent.audit()
        self.assertIn("disk", self.reported())
        self.assertEqual(1, len(self.rows("disk")))

    def test_a_host_that_was_added_anew_is_reported_anew(self) -> None:
        first = self.create(mgmt_mac=base.MAC)
        self.agent.audit()
        self.reported()
        self.conductor.delete_host(self.context, first["uuid"])
        second = self.create(mgmt_mac=base.MAC)
        self.machine["disk"].pop()
        self.assertRaises(exception.NotFound, self.agent.audit)
        self.agent.audit()
        told = self.published.get(timeout=60).payload
        self.assertEqual((second["uuid"], sorted(self.machine)), (told["host_uuid"], told["kinds"]))


class ServiceTest(AgentTest):
    def test_it_tries_again_soon_until_the_host_is_added(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("sysinv.agent._FIRST_REPORT_RETRY_S", 0.01))
        self.platform.conf.config(host="localhost")
        self.platform.conf.config(group="sysinv_agent", audit_period=3600)
        made = agent.make_service(self.collect)
        made.start()
        self.addCleanup(made.stop)
        self.create(mgmt_mac=base.MAC)
        self.assertEqual(sorted(self.machine), self.reported())
        self.assertTrue(made.is_healthy())
