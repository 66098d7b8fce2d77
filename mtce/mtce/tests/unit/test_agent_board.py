# SPDX-License-Identifier: Apache-2.0
"""mtce-agent tells operators of boards that do not answer; its boards are fake ones."""

from unittest import mock

import fixtures

from mtce import agent
from mtce.boards import BoardState
from mtce.tests.unit.test_agent import AgentTest
from mtce.tests.unit.test_agent_sensor import BOARD
from stx import exception

ALARM = ("200.010", "host=compute-0")
WELL, SILENT = BoardState(True, "on", "", 0.0), BoardState(False, None, "It does not answer.", 0.0)


class LostBoardTest(AgentTest):
    def setUp(self) -> None:
        super().setUp()
        self.states = {"compute-0": WELL}
        self.start()
        self.create(**BOARD)
        self.tell_change("compute-0")
        self.pass_s(1)

    def start(self, *before: tuple[str, str]) -> None:
        self.agent = agent.Agent(self.clock, boards=mock.Mock(state=self.states.get))
        self.agent._teller.begin_with(before)

    def fall_silent(self) -> None:
        self.states["compute-0"] = SILENT
        self.agent.on_news("compute-0")
        self.pass_s(122)

    def told_of_board(self) -> list[tuple[str, str, str | None]]:
        found = [
            (str(each.operation), each.entity_instance_id, each.severity) for each in self.faults() if each.alarm_id == ALARM[0]
        ]
        self.empty_spool()
        return found

    def test_which_hosts_have_boards_is_known_once_they_are_read(self) -> None:
        self.assertTrue(self.agent.knows_boards)
        self.start()
        self.assertFalse(self.agent.knows_boards)
        with fixtures.MonkeyPatch("sysinv.db.api.boards", mock.Mock(side_effect=exception.Unavailable("Away."))):
            self.pass_s(1)
        self.assertFalse(self.agent.knows_boards)
        self.pass_s(6)
        self.assertTrue(self.agent.knows_boards)
        self.assertIn("compute-0", self.agent.boarded())

    def test_a_board_that_is_silent_for_two_minutes_has_an_alarm_until_it_answers(self) -> None:
        self.states["compute-0"] = SILENT
        self.agent.on_news("compute-0")
        self.pass_s(119)
        self.assertEqual([], self.told_of_board())
        self.pass_s(3)
        self.assertEqual([("set", ALARM[1], "warning")], self.told_of_board())
        self.pass_s(300)
        self.assertEqual([], self.told_of_board())
        self.states["compute-0"] = WELL
        self.agent.on_news("compute-0")
        self.pass_s(1)
        self.assertEqual([("clear", ALARM[1], None)], self.told_of_board())

    def test_a_host_that_has_its_board_no_more_has_no_alarm_about_it(self) -> None:
        self.fall_silent()
        self.told_of_board()
        self.conductor.update_host(self.context, self.host("compute-0")["uuid"], {"bm_type": "none"})
        self.tell_change("compute-0")
        self.pass_s(1)
        self.assertEqual([("clear", ALARM[1], None)], self.told_of_board())

    def test_a_board_that_answers_an_agent_that_has_just_started_has_no_alarm_of_the_one_before(self) -> None:
        self.fall_silent()
        self.told_of_board()
        self.start(ALARM)
        self.pass_s(10)
        self.assertEqual([], self.told_of_board())
        self.states["compute-0"] = WELL
        self.agent.on_news("compute-0")
        self.pass_s(1)
        self.assertEqual([("clear", ALARM[1], None)], self.told_of_board())
