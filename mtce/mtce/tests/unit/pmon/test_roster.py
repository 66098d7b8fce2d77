# SPDX-License-Identifier: Apache-2.0
"""What concerns all processes at once; the rest is in test_monitor."""

from typing import Any

from mtce.pmon import cli, fsm, roster, state_file
from mtce.pmon.machine import Begin, Verb
from mtce.tests.unit.pmon.harness import MonitorTest, kill, wait_until


class RosterTest(MonitorTest):
    def test_a_defect_met_with_one_process_leaves_the_others_watched(self) -> None:
        step = fsm.step

        def defective(conf: Any, machine: Any, event: Any, *rest: Any) -> Any:
            if conf.name == "bad" and not isinstance(event, Begin):
                raise RuntimeError("a defect")
            return step(conf, machine, event, *rest)

        self.patch(fsm, "step", defective)
        self.conf("bad", command="sleep 1000")
        self.conf("good", command="sleep 1000")
        self.start()
        self.running_pid("good")
        self.assert_restarted_within_a_second("good")
        self.assertEqual("looking", self.state("bad"))

    def test_a_state_file_that_cannot_be_written_is_tried_again(self) -> None:
        self.patch(roster, "SAVE_RETRY_S", 0.05)
        obstacle = self.directory / "pmon.state.new"
        obstacle.mkdir()
        self.conf("sleeper", command="sleep 1000")
        self.start()
        pid = self.running_pid("sleeper")
        self.assertEqual({}, state_file.load(self.state_file))
        obstacle.rmdir()
        wait_until(lambda: state_file.load(self.state_file))
        self.assertEqual(pid, state_file.load(self.state_file)["sleeper"].identity.pid)

    def test_the_state_is_saved_as_it_changes(self) -> None:
        self.conf("sleeper", command="sleep 1000", debounce=60)
        self.start()
        kill(self.running_pid("sleeper"))
        wait_until(lambda: state_file.load(self.state_file)["sleeper"].failures == 1)

    def test_an_alarm_is_saved_before_it_is_told(self) -> None:
        known: list[bool] = []

        def raised(process: str, _severity: str, _text: str) -> None:
            saved = state_file.load(self.state_file)
            known.append(bool(saved) and saved[process].may_have_alarm)

        self.recorder.raise_process_fault = raised
        self.failing("broken")
        self.start()
        wait_until(lambda: known)
        self.assertEqual([True], known)

    def test_orders_are_bounded(self) -> None:
        self.patch(roster, "MAX_ORDERS", 1)
        self.conf("slow", command="sleep 1000", startuptime=600)
        self.start()
        self.assertRaises(cli.CliError, self.order, Verb.RESTART, "slow", 0.01)
        self.assertIn("1 orders are under way", self.order(Verb.RESTART, "slow")[1])

    def test_an_order_is_answered_when_the_monitor_ends(self) -> None:
        self.conf("slow", command="sleep 1000", startuptime=600)
        monitor = self.start()
        answers: list[tuple[bool, str]] = []
        monitor._call(lambda watched: watched.order("slow", "restart", lambda *answer: answers.append(answer)))
        monitor.stop()
        self.assertEqual([False], [is_ok for is_ok, _ in answers])
