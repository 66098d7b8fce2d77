# SPDX-License-Identifier: Apache-2.0
"""What mtce-agent sees of a host: its reports, the pulses that it answers, its board."""

from typing import Any

import ddt

from mtce import client, conf, sight
from mtce.boards import BoardState, Result
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level
from mtce.life.model import Facts, Life
from stx import testing
from stx.boards import Power
from sysinv import defaults

NETWORKS = {"mgmt": {"compute-0": "192.0.2.5"}, "cluster": {"compute-0": "198.51.100.5"}}
IN_SERVICE = Life(administrative="unlocked", operational="enabled", availability="available")


def row(**changes: Any) -> dict[str, Any]:
    states = {"administrative": "unlocked", "operational": "enabled", "availability": "available"}
    return {
        **defaults.host("26.11"),
        "hostname": "compute-0",
        "personality": "worker",
        "subfunctions": "worker",
        **states,
        **changes,
    }


def pulses(boot_id: str = "a-boot", is_asked: bool = True, unmonitored: bool = False, **levels: Level) -> wire.Facts:
    """:param levels: by network"""
    ailing = {network: {"compute-0": (int(level), 10)} if level else {} for network, level in levels.items()}
    return wire.Facts(
        {network: wire.Network(is_asked, ailing.get(network, {})) for network in NETWORKS},
        {"compute-0": boot_id} if boot_id else {},
        ["compute-0"] if unmonitored else [],
    )


@ddt.ddt
class SightTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf.register()
        self.platform = self.useFixture(testing.Platform())
        self.watch = sight.Watch()
        self.now = 1000.0

    def hear(self, boot_id: str = "a-boot", **said: Any) -> None:
        self.watch.hear(client.HostReport("compute-0", boot_id, 1, said.pop("failed", {}), **said), self.watch.listened_s)

    def see(
        self, seen: wire.Facts | None = None, host: dict[str, Any] | None = None, board: BoardState | None = None, **more: Any
    ) -> sight.Sight:
        has_board = board is not None or more.pop("has_board", False)
        return self.watch.see(
            host or row(),
            more.get("life", IN_SERVICE),
            self.now,
            seen,
            NETWORKS,
            has_board,
            board,
            more.get("alarm", False),
            Facts,
        )

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.watch.listened_s += seconds

    def test_one_that_answers_on_a_network_is_alive_in_the_boot_that_it_answers_in(self) -> None:
        self.hear()
        found = self.see(pulses(mgmt=Level.LOST)).facts
        self.assertEqual(
            (True, "a-boot", 2, 1, True), (found.is_alive, found.boot_id, found.watched, found.lost, found.is_mgmt_lost)
        )

    def test_a_report_of_another_boot_than_the_one_that_answers_says_nothing(self) -> None:
        self.hear("the-boot-before")
        found = self.see(pulses()).facts
        self.assertEqual(("a-boot", None), (found.boot_id, found.report))

    def test_one_that_is_lost_everywhere_is_silent_from_then_on(self) -> None:
        self.hear()
        for after_s, silent_s in ((0.0, 0.0), (3.0, 3.0)):
            self.wait(after_s)
            found = self.see(pulses(mgmt=Level.LOST, cluster=Level.LOST)).facts
            self.assertEqual((False, silent_s), (found.is_alive, found.silent_s))
        self.assertTrue(self.watch.is_waiting("compute-0"))
        self.assertTrue(self.see(pulses()).facts.is_alive)
        self.assertFalse(self.watch.is_waiting("compute-0"))

    def test_where_pulses_do_not_leave_this_host_nobody_is_lost(self) -> None:
        self.hear()
        found = self.see(pulses(is_asked=False, mgmt=Level.LOST, cluster=Level.LOST)).facts
        self.assertEqual((True, 0), (found.is_alive, found.watched))

    def test_one_that_reports_and_has_never_answered_goes_by_its_reports(self) -> None:
        self.hear()
        found = self.see(pulses(boot_id="", mgmt=Level.LOST, cluster=Level.LOST)).facts
        self.assertEqual((True, 0), (found.is_alive, found.watched))

    def test_one_of_which_nothing_was_ever_heard_is_lost_after_the_time_of_a_report(self) -> None:
        seen = pulses(boot_id="", mgmt=Level.LOST, cluster=Level.LOST)
        self.assertEqual(0, self.see(seen).facts.lost)
        self.wait(15.0)
        found = self.see(seen).facts
        self.assertEqual((2, 2, False), (found.watched, found.lost, found.is_alive))

    @ddt.data(("fail", True), ("degrade", True), ("alarm", False))
    @ddt.unpack
    def test_missed_pulses_degrade_where_they_are_to(self, action: str, is_degraded: bool) -> None:
        self.platform.conf.config(group="mtce", heartbeat_failure_action=action)
        self.hear()
        found = self.see(pulses(mgmt=Level.DEGRADED))
        self.assertEqual((is_degraded, Level.DEGRADED), (found.facts.is_degraded, found.levels["mgmt"]))

    def test_a_monitor_that_says_nothing_degrades(self) -> None:
        self.hear()
        self.assertIs(True, self.see(pulses()).is_monitored)
        self.assertIs(False, self.see(pulses(unmonitored=True)).is_monitored)
        self.wait(15.0)
        found = self.see(pulses())
        self.assertEqual((False, True), (found.is_monitored, found.facts.is_degraded))

    def test_of_one_that_is_lost_or_out_of_service_the_monitor_is_not_the_question(self) -> None:
        self.hear()
        self.wait(15.0)
        self.assertIs(True, self.see(pulses(mgmt=Level.LOST, cluster=Level.LOST)).is_monitored)
        self.assertIs(True, self.see(pulses(), row(operational="disabled"), life=Life()).is_monitored)

    def test_what_a_sensor_shows_degrades(self) -> None:
        self.hear()
        self.assertTrue(self.see(pulses(), alarm=True).facts.is_degraded)

    def test_a_resource_that_is_used_up_degrades_at_the_worst_and_a_process_may_fail_its_host(self) -> None:
        for said, severities in (
            ({"resources": {"host=compute-0.filesystem=/": "critical"}}, {"major"}),
            ({"failed": {"libvirtd": "critical"}, "resources": {"host=compute-0": "minor"}}, {"critical", "minor"}),
        ):
            self.hear(**said)
            report = self.see(pulses()).facts.report
            assert report is not None
            self.assertEqual(severities, report.severities)

    def test_power_that_a_board_tells_of_counts_unless_it_was_long_before_the_host_fell_silent(self) -> None:
        self.hear()
        gone = pulses(mgmt=Level.LOST, cluster=Level.LOST)
        self.see(gone)
        for asked_at, is_on in ((self.now - 20, None), (self.now + 1, False)):
            found = self.see(gone, board=BoardState(True, Power.OFF, "", asked_at)).facts.board
            assert found is not None
            self.assertIs(is_on, found.is_on)

    def test_a_board_that_is_not_known_yet_is_one_that_tells_nothing(self) -> None:
        found = self.see(has_board=True).facts.board
        assert found is not None
        self.assertEqual((None, ""), (found.is_on, found.token))
        self.assertIsNone(self.see().facts.board)

    def test_how_an_order_went_is_seen(self) -> None:
        board = BoardState(True, Power.ON, "", self.now, Result("7.3", True, ""))
        found = self.see(board=board).facts.board
        assert found is not None
        self.assertEqual(("7.3", True), (found.token, found.is_done))

    def test_a_board_counts_as_lost_after_two_minutes(self) -> None:
        board = BoardState(False, None, "it does not answer", self.now)
        told = []
        for after_s in (0.0, 119.0, 1.0):
            self.wait(after_s)
            told.append(self.see(board=board).is_board_lost)
        self.assertEqual([None, None, True], told)
        self.assertIs(False, self.see(board=BoardState(True, Power.ON, "", self.now)).is_board_lost)

    def test_of_a_board_that_nobody_has_asked_yet_nothing_is_said(self) -> None:
        self.assertIsNone(self.see(has_board=True).is_board_lost)
        self.assertIs(False, self.see(has_board=False).is_board_lost)

    def test_a_report_is_news_when_more_than_time_has_passed(self) -> None:
        self.hear()
        self.assertFalse(self.watch.hear(client.HostReport("compute-0", "a-boot", 9, {}), 1.0))
        self.assertTrue(self.watch.hear(client.HostReport("compute-0", "a-boot", 9, {"sshd": "major"}), 1.0))

    def test_what_a_host_said_is_not_said_by_another_one_of_its_name(self) -> None:
        self.watch.meet({"one": row()})
        self.hear()
        self.assertEqual([], self.watch.meet({"one": row()}))
        self.assertEqual(["compute-0"], self.watch.meet({"other": row()}))
        self.assertIsNone(self.watch.last("compute-0"))
