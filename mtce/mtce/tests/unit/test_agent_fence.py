# SPDX-License-Identifier: Apache-2.0
"""Hosts that are fenced or spared: what mtce-agent has boards do, and takes back."""

import math
from unittest import mock

from mtce import agent, boards
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level
from mtce.tests.unit.test_agent import AgentTest
from mtce.tests.unit.test_agent_sensor import BOARD, FakeBoards
from mtce.tests.unit.test_agent_silence import TwoComputesTest


class DeadBoards(FakeBoards):
    """No board answers; what was ordered is still to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: dict[str, str] = {}
        self.answer = boards.BoardState(False, None, "", 0.0)

    def state(self, host: str) -> boards.BoardState | None:
        return self.answer

    def order(self, host: str, token: str, order: boards.Order) -> None:
        self.pending[host] = token

    def withdraw(self, host: str, token: str) -> None:
        if self.pending.get(host) == token:
            del self.pending[host]


class BoardsTest(TwoComputesTest):
    """Both have a board that does not answer."""

    def setUp(self) -> None:
        self.boards = DeadBoards()
        super().setUp()
        for number, name in enumerate(self.NAMES):
            self.conductor.update_host(self.context, name, {**BOARD, "bm_ip": f"192.0.2.{number + 1}"})
            self.tell_change(name)
        self.pass_s(1)

    def start(self, uptime_s: float = math.inf) -> None:
        super().start(uptime_s)
        self.agent._boards = self.boards

    def fence(self) -> None:
        self.pulses.facts = self.seen("compute-0")
        self.live(7, "compute-1")
        self.assertEqual(("fence", {"compute-0"}), (self.host("compute-0")["mtce_stage"], set(self.boards.pending)))

    def test_one_that_answers_again_is_not_cut_off_later(self) -> None:
        self.fence()
        self.pulses.facts = self.seen()
        self.live(15)
        self.assertEqual({}, self.boards.pending)
        self.assertEqual(("unlocked", "enabled", "available"), self.state("compute-0"))

    def test_what_its_board_said_before_it_was_lost_is_no_answer(self) -> None:
        self.boards.answer = boards.BoardState(True, "on", "", self.clock.now)
        self.live(5)
        self.fence()
        self.pulses.facts = self.seen()
        self.live(15)
        self.assertEqual(("unlocked", "enabled", "available"), self.state("compute-0"))

    def test_one_that_nobody_looks_at_any_more_is_not_cut_off_later(self) -> None:
        self.fence()
        self.pulses.facts = None
        self.live(1)
        self.assertEqual({}, self.boards.pending)

    def test_one_that_is_locked_meanwhile_is_not_cut_off_later(self) -> None:
        self.fence()
        self.ask("compute-0", "lock")
        self.live(2)
        self.assertEqual({}, self.boards.pending)

    def test_one_that_reports_to_another_agent_is_not_cut_off_later(self) -> None:
        self.fence()
        self.said.pop("compute-0")
        self.start()
        self.pulses.facts = None
        self.live(1, "compute-1")
        self.live(3)
        self.assertEqual({}, self.boards.pending)

    def test_those_that_are_given_up_are_not_spared_again_while_they_are_fenced(self) -> None:
        self.platform.conf.config(group="mtce", mnfa_timeout=100)
        self.pulses.facts = self.seen(*self.NAMES)
        self.live(120, "controller-0")
        self.assertEqual({("unlocked", "disabled", "failed")}, {self.state(name) for name in self.NAMES})
        entered = [each for each in self.faults() if each.entity_instance_id.endswith("mnfa_enter")]
        self.assertEqual(1, len(entered))


class ColdStartTest(AgentTest):
    """compute-0, which has a board, was in service when the controller's boot began, and does not answer."""

    def setUp(self) -> None:
        super().setUp()
        self.create(**BOARD)
        self.ask("compute-0", "unlock")
        for name in ("controller-0", "compute-0"):
            self.hear(name)
        self.pass_s(1)
        assert self.state("compute-0")[1] == "enabled"
        self.said.clear()

    def start(self, uptime_s: float) -> None:
        lost = wire.Network(True, {"compute-0": (int(Level.LOST), 50)})
        self.boards = FakeBoards()
        self.agent = agent.Agent(
            self.clock,
            pulses=mock.Mock(facts=wire.Facts({"mgmt": lost}, {}, []), is_silent=lambda: False),
            boards=self.boards,  # type: ignore[arg-type]
            uptime_s=uptime_s,
        )
        self.agent._teller.begin_with(())

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self.hear()
            self.pass_s(1)

    def test_a_host_is_neither_fenced_nor_its_board_told_anything_and_may_boot_half_an_hour_longer(self) -> None:
        self.start(uptime_s=899.0)
        self.live(30)
        self.assertEqual("failed", self.state("compute-0")[2])
        # The system has started, and the host is still one of those that come late.
        self.clock.now += 720 + 1800 - 40
        self.live(2)
        self.assertEqual("recover", self.host("compute-0")["mtce_procedure"])
        self.assertEqual([], self.boards.ordered)
        self.live(30)
        self.assertEqual("enable", self.host("compute-0")["mtce_procedure"])

    def test_it_is_when_only_the_agent_has_just_begun(self) -> None:
        self.start(uptime_s=900.0)
        self.live(30)
        self.assertIn(("compute-0", "power-off"), self.boards.ordered)
