# SPDX-License-Identifier: Apache-2.0
"""Which hosts there are, as mtce-agent reads them, and what becomes of those that are deleted."""

from typing import Any
from unittest import mock

import fixtures

from mtce import agent, client, departed
from mtce.tests.unit.test_agent import AgentTest
from stx import exception, rpc
from sysinv.db import api as db_api


class HostsTest(AgentTest):
    """How the agent learns of hosts that come and go."""

    def test_hosts_are_read_again_every_half_minute(self) -> None:
        self.pass_s(1)
        self.create()
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual("offline", self.state("compute-0")[2])
        self.pass_s(30)
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual("online", self.state("compute-0")[2])

    def test_what_strangers_say_is_forgotten(self) -> None:
        self.hear("stranger")
        self.pass_s(32)
        self.assertIsNone(self.agent._watch.last("stranger"))

    def test_hosts_are_read_at_once_when_one_changed(self) -> None:
        self.pass_s(1)
        self.create()
        self.tell_change("compute-0")
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual("online", self.state("compute-0")[2])

    def test_a_host_whose_end_was_told_is_forgotten(self) -> None:
        made = self.create()
        self.pass_s(31)
        self.assertIn(made["uuid"], self.agent._hosts)
        self.conductor.delete_host(self.context, made["uuid"])
        self.agent.on_host_event(rpc.Event("sysinv.host.delete", {"uuid": made["uuid"]}))
        self.agent.step()
        self.assertNotIn(made["uuid"], self.agent._hosts)

    def delete(self, is_told: bool) -> None:
        """compute-0, after it was heard in the boot `boot`."""
        made = self.create()
        self.tell_change("compute-0")
        self.hear("compute-0")
        self.pass_s(1)
        self.conductor.delete_host(self.context, made["uuid"])
        if is_told:
            self.agent.on_host_event(rpc.Event("sysinv.host.delete", {"uuid": made["uuid"]}))
        self.pass_s(32)

    def test_a_host_that_is_deleted_is_to_wipe_its_disks_in_this_boot_and_for_a_while(self) -> None:
        self.delete(is_told=True)
        wiped = client.Wish(is_locked=True, boot_id="boot", end=client.End.WIPE)
        self.assertEqual(wiped, self.say("compute-0"))
        self.clock.now += departed.PATIENCE_S
        self.assertEqual(client.Wish(), self.say("compute-0"))

    def test_one_whose_end_is_told_while_hosts_are_read_is_to_wipe_its_disks_too(self) -> None:
        made = self.create()
        self.tell_change("compute-0")
        self.hear("compute-0")
        self.pass_s(1)
        told = rpc.Event("sysinv.host.delete", {"uuid": made["uuid"]})
        read = self.agent._conductor.get_hosts

        def read_while_it_goes(*arguments: Any) -> list[dict[str, Any]]:
            found = read(*arguments)
            self.agent.on_host_event(told)
            return found

        with mock.patch.object(self.agent._conductor, "get_hosts", read_while_it_goes):
            self.tell_change("controller-0")
            self.agent.step()
        self.conductor.delete_host(self.context, made["uuid"])
        self.agent.step()
        self.assertEqual(client.End.WIPE, self.say("compute-0").end)

    def test_one_that_is_gone_without_having_been_deleted_is_left_alone(self) -> None:
        self.delete(is_told=False)
        self.assertEqual(client.Wish(), self.say("compute-0"))

    def test_one_that_is_added_again_is_not_wiped(self) -> None:
        self.delete(is_told=True)
        self.create()
        self.tell_change("compute-0")
        self.pass_s(1)
        self.assertEqual("", self.say("compute-0").boot_id)

    def test_a_host_that_gets_the_name_of_a_deleted_one_has_said_nothing_yet(self) -> None:
        made = self.create()
        self.hear("compute-0")
        self.pass_s(31)
        self.hear("compute-0")
        self.conductor.delete_host(self.context, made["uuid"])
        self.create()
        self.tell_change("compute-0")
        self.pass_s(1)
        self.assertEqual("offline", self.state("compute-0")[2])
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual("online", self.state("compute-0")[2])

    def test_a_host_that_was_deleted_keeps_no_other_back(self) -> None:
        first, _ = self.create(1), self.create(2)
        self.pass_s(1)
        self.conductor.delete_host(self.context, first["uuid"])
        for name in ("compute-0", "compute-1"):
            self.hear(name)
        self.pass_s(1)
        self.assertEqual("online", self.state("compute-1")[2])
        self.pass_s(1)
        self.assertEqual(["controller-0", "compute-1"], [host["hostname"] for host in self.agent._hosts.values()])


class ReadingTest(AgentTest):
    def test_a_change_while_hosts_are_read_is_not_missed(self) -> None:
        read, changed = db_api.all_hosts, []

        def read_while_one_comes(uuids: list[str] | None = None) -> list[dict[str, Any]]:
            found = read(uuids)
            if not changed:
                changed.append(True)
                self.create()
                self.tell_change("compute-0")
            return found

        self.useFixture(fixtures.MonkeyPatch("sysinv.db.api.all_hosts", read_while_one_comes))
        self.hear("compute-0")
        self.pass_s(1)
        self.pass_s(1)
        self.assertEqual("online", self.state("compute-0")[2])

    def test_hosts_that_could_not_be_read_are_read_at_the_next_step(self) -> None:
        self.pass_s(1)
        self.create()
        self.hear("compute-0")
        self.tell_change("compute-0")
        with fixtures.MonkeyPatch("sysinv.db.api.all_hosts", _fail):
            self.assertRaises(exception.Unavailable, self.agent.step)
        self.agent.step()
        self.assertEqual("online", self.state("compute-0")[2])

    def test_boards_that_cannot_be_learned_of_keep_no_host_from_being_decided_on_and_are_learned_of_soon(self) -> None:
        kept: list[dict[str, Any]] = []
        boards = mock.Mock(keep=kept.append, state=lambda name: None)
        self.agent = agent.Agent(self.clock, boards=boards)
        self.hear()
        with fixtures.MonkeyPatch("sysinv.db.api.boards", _fail):
            self.pass_s(3)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
        self.assertEqual([], kept)
        self.pass_s(6)
        self.assertEqual([{}], kept)


def _fail(uuids: list[str] | None = None) -> None:
    raise exception.Unavailable("the database is away")
