# SPDX-License-Identifier: Apache-2.0
"""mtce-agent has Service Management swact; whoever is asked here is not Service Management."""

from typing import Any
from unittest import mock

import ddt
import fixtures

from mtce import handover
from mtce.tests.unit.test_agent import AgentTest
from stx import exception
from sysinv import client as sysinv_client


@ddt.ddt
class SwactTest(AgentTest):
    def setUp(self) -> None:
        super().setUp()
        self.request = mock.Mock(side_effect=self.note)
        self.useFixture(fixtures.MockPatchObject(handover, "request", self.request))
        self.nudged = mock.Mock()
        self.agent.nudge_handover = self.nudged
        self.stored: list[str] = []
        self.refusal = ""
        self.hear()
        self.pass_s(1)

    def note(self, host: str, is_forced: bool = False) -> None:
        self.stored.append(self.host(host)["task"])
        if self.refusal:
            raise handover.Refused(self.refusal)

    def swact(self, action: str = "swact") -> None:
        self.ask("controller-0", action)
        self.pass_s(2)

    @ddt.data(("swact", False), ("force-swact", True))
    @ddt.unpack
    def test_it_is_asked_for_once_when_that_is_stored(self, action: str, is_forced: bool) -> None:
        self.swact(action)
        self.nudged.assert_called()
        for _ in range(3):
            self.agent.hand_over()
            self.pass_s(1)
        self.request.assert_called_once_with("controller-0", is_forced=is_forced)
        self.assertEqual((["Swact: In-Progress"], "Swact: In-Progress"), (self.stored, self.host()["task"]))
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_a_refusal_is_told_and_is_the_end_of_it(self) -> None:
        self.refusal = "controller-1 does not have all data yet."
        self.swact()
        self.agent.hand_over()
        self.pass_s(1)
        host: dict[str, Any] = self.host()
        self.assertEqual(("Swact: Did Not Complete", None), (host["task"], host["ihost_action"]))
        texts = [each.reason_text for each in self.faults() if each.alarm_id == "200.021"]
        self.assertEqual(f"The swact of controller-0 does not begin: {self.refusal}", texts[-1])

    def test_another_one_may_be_asked_for_while_the_refusal_is_read(self) -> None:
        self.test_a_refusal_is_told_and_is_the_end_of_it()
        self.refusal = ""
        self.swact()
        self.agent.hand_over()
        self.assertEqual((2, "Swact: In-Progress"), (self.request.call_count, self.host()["task"]))

    def test_a_conductor_that_is_away_for_a_moment_costs_no_swact(self) -> None:
        self.ask("controller-0", "swact")
        for _ in range(3):
            with mock.patch.object(sysinv_client.Conductor, "update_host_states", side_effect=exception.Unavailable("away")):
                self.clock.now += 1
                self.assertRaises(exception.Unavailable, self.agent.step)
            self.agent.hand_over()
            self.request.assert_not_called()
        self.pass_s(2)
        self.agent.hand_over()
        self.assertEqual((1, ["Swact: In-Progress"]), (self.request.call_count, self.stored))

    def test_an_answer_that_is_lost_is_no_refusal(self) -> None:
        self.request.side_effect = exception.Unavailable("nobody has answered")
        self.swact()
        self.agent.hand_over()
        self.pass_s(2)
        self.assertEqual("Swact: In-Progress", self.host()["task"])

    def test_nothing_is_asked_for_by_one_that_finds_a_swact_in_progress(self) -> None:
        self.swact()
        self.agent._requests = handover.Requests()
        self.agent.hand_over()
        self.pass_s(1)
        self.request.assert_not_called()
        self.assertEqual("Swact: Did Not Complete", self.host()["task"])
