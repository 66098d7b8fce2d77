# SPDX-License-Identifier: Apache-2.0
"""Whom mtce-agent has watched, with a fake of the link to the heartbeat's process."""

from typing import Any
from unittest import mock

import fixtures

from fm import client as fm_client
from mtce import client, conf
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level, Thresholds
from mtce.heartbeats import Heartbeats
from mtce.sight import Watch
from mtce.teller import Teller
from sysinv.tests.unit import base


def in_service(name: str) -> dict[str, str]:
    return {"hostname": name, "administrative": "unlocked", "operational": "enabled", "availability": "available"}


class HeartbeatsTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        conf.register()
        self.orders: list[wire.Order] = []
        self.pulses: Any = mock.Mock(facts=None, want=self.orders.append, is_silent=lambda: False)
        self.watch = Watch()
        self.heartbeats = Heartbeats(self.pulses, Teller(fm_client.FaultReporter()))


class OrderTest(HeartbeatsTest):
    def order(self, **addresses: str) -> dict[str, dict[str, str]]:
        """What is ordered for hosts that report these addresses on the cluster network."""
        hosts = []
        for number, (name, address) in enumerate(addresses.items()):
            hosts.append({"hostname": name, "mgmt_ip": f"192.0.2.{number}", "infra_ip": None})
            self.watch.hear(client.HostReport(name, "boot", 0, {}, addresses={"cluster": address}), 0.0)
        self.heartbeats.order(hosts, self.watch, {}, 0.0)
        return self.orders[-1].hosts

    def test_hosts_are_watched_where_they_have_an_address(self) -> None:
        self.assertEqual(
            {"mgmt": {"a": "192.0.2.0", "b": "192.0.2.1"}, "cluster": {"a": "198.51.100.1"}}, self.order(a="198.51.100.1", b="")
        )

    def test_one_that_reports_no_address_keeps_no_other_from_being_watched(self) -> None:
        self.assertEqual(
            {"mgmt": {"a": "192.0.2.0", "b": "192.0.2.1"}, "cluster": {"b": "198.51.100.1"}},
            self.order(a="my-other-name", b="198.51.100.1"),
        )


class LogTest(HeartbeatsTest):
    def look(self, **levels: Level) -> str:
        """What is logged when hosts answer no better than this."""
        network = wire.Network(True, {name: (int(level), 10) for name, level in levels.items()})
        self.pulses.facts = wire.Facts({"mgmt": network}, {}, [])
        with fixtures.FakeLogger("mtce.heartbeats", format="%(levelname)s %(message)s") as log:
            self.heartbeats.look({"a": in_service("a")}, self.watch, 0.0)
        return log.output.strip()

    def test_a_host_in_service_that_is_lost_is_told_once(self) -> None:
        self.assertEqual("", self.look(a=Level.DEGRADED, b=Level.DEGRADED))
        self.assertEqual("WARNING a is lost on mgmt: it has missed 10 pulses", self.look(a=Level.LOST, b=Level.LOST))
        self.assertEqual("", self.look(a=Level.LOST))
        self.assertEqual("", self.look())


class SilenceTest(HeartbeatsTest):
    def silences(self, is_silent: bool, looks: int) -> list[tuple[str, str]]:
        """What is logged of them, ever, after so many more looks."""
        self.pulses.is_silent = lambda: is_silent
        for _ in range(looks):
            self.heartbeats.look({}, self.watch, 0.0)
        return [(each.operation, each.entity_instance_id) for each in self.faults() if each.alarm_id == "200.023"]

    def test_a_heartbeat_that_says_nothing_is_logged_once_until_it_does_again(self) -> None:
        told = ("log", f"host={self.platform.conf.conf.host}.service=heartbeat")
        self.assertEqual([], self.silences(False, looks=2))
        self.assertEqual([told], self.silences(True, looks=3))
        self.assertEqual([told], self.silences(False, looks=2))
        self.assertEqual([told, told], self.silences(True, looks=2))


class AvoidanceTest(HeartbeatsTest):
    NAMES = ("a", "b", "c")

    def look(self, *answered: str, now: float = 0.0, level: Level = Level.LOST) -> list[str]:
        """Nobody answers any more; gives who is spared.

        :param answered: who has ever
        """
        lost = wire.Network(True, {name: (int(level), 100) for name in self.NAMES})
        self.pulses.facts = wire.Facts({"mgmt": lost}, dict.fromkeys(answered, "boot"), [])
        self.heartbeats.look({name: in_service(name) for name in self.NAMES}, self.watch, now)
        return [name for name in self.NAMES if self.heartbeats.is_spared(name)]

    def report(self) -> None:
        for name in self.NAMES:
            self.watch.hear(client.HostReport(name, "boot", 0, {}), self.watch.listened_s)

    def test_many_that_are_missed_are_spared(self) -> None:
        self.report()
        self.assertEqual(["a", "b"], self.look("a", "b"))

    def test_four_pulses_that_are_missed_count_and_three_do_not(self) -> None:
        self.report()
        self.assertEqual((Level.CLEAR, Level.MINOR), (Thresholds().level(3), Thresholds().level(4)))
        self.assertEqual([], self.look("a", "b", level=Level.CLEAR))
        self.assertEqual(["a", "b"], self.look("a", "b", level=Level.MINOR))

    def period_ms(self, now: float) -> int:
        """Of the pulses that are ordered."""
        self.heartbeats.order([], self.watch, {}, now)
        return self.orders[-1].period_ms

    def test_pulses_are_four_times_slower_while_many_are_spared_and_for_three_seconds_more(self) -> None:
        self.report()
        self.look(now=0.0)
        self.assertEqual(100, self.period_ms(0.0))
        self.look("a", "b", now=1.0)
        self.assertEqual([400, 400], [self.period_ms(now) for now in (1.0, 1000.0)])
        self.look("a", now=1000.0)
        self.assertEqual([400, 400, 100], [self.period_ms(now) for now in (1000.0, 1002.9, 1003.0)])

    def avoided(self) -> list[tuple[str, str]]:
        """What is logged of it."""
        return [(each.entity_instance_id, each.reason_text or "") for each in self.faults() if each.alarm_id == "200.020"]

    def test_its_begin_and_its_end_are_logged(self) -> None:
        host = f"host={self.platform.conf.conf.host}"
        self.report()
        self.look("a", "b")
        entered = (f"{host}.event=mnfa_enter", "Many hosts do not answer together (a, b): none is failed for it.")
        self.assertEqual([entered], self.avoided())
        self.assertEqual([], self.look("a"))
        self.assertEqual([entered, (f"{host}.event=mnfa_exit", "Still missing: a.")], self.avoided())

    def test_those_that_are_missing_for_too_long_are_given_up(self) -> None:
        self.platform.conf.config(group="mtce", mnfa_timeout=100)
        self.report()
        self.look("a", "b", now=0.0)
        self.look("a", "b", now=99.0)
        self.assertEqual(frozenset(), self.heartbeats.given_up)
        self.assertEqual([], self.look("a", "b", now=100.0))
        self.assertEqual(frozenset({"a", "b"}), self.heartbeats.given_up)
        self.assertIn("mnfa_exit", self.avoided()[-1][0])

    def test_those_that_report_and_have_nothing_to_answer_with_make_no_many(self) -> None:
        self.report()
        self.assertEqual([], self.look("a"))

    def test_those_that_are_silent_altogether_are_missed_whether_or_not_they_have_answered(self) -> None:
        self.report()
        self.watch.listened_s = 60.0
        self.assertEqual(["a", "b", "c"], self.look())

    def test_they_are_spared_until_they_are_heard_when_the_heartbeat_process_goes_and_comes(self) -> None:
        """Their last reports are of a moment before, and the new process knows of nobody."""
        hosts = {name: in_service(name) for name in self.NAMES}
        self.report()
        self.look("a", "b", "c")
        self.pulses.facts = None
        for now in (1.0, 60.0):
            self.watch.listened_s = now
            self.heartbeats.look(hosts, self.watch, now)
            self.assertEqual([True, True, True], [self.heartbeats.is_spared(name) for name in self.NAMES])
            self.watch.hear(client.HostReport("c", "boot", 0, {}), now)
        self.watch.listened_s = 61.0
        self.pulses.facts = wire.Facts({"mgmt": wire.Network(True, {})}, {}, [])
        self.heartbeats.look(hosts, self.watch, 61.0)
        self.assertEqual([True, True, False], [self.heartbeats.is_spared(name) for name in self.NAMES])
        self.pulses.facts = wire.Facts({"mgmt": wire.Network(True, {})}, {"a": "boot"}, [])
        self.heartbeats.look(hosts, self.watch, 62.0)
        self.assertEqual(2, len(self.avoided()))
        self.assertIn("Still missing: b.", self.avoided()[-1][1])

    def test_hosts_that_do_not_report_are_not_many_where_nothing_sends_pulses(self) -> None:
        self.watch.listened_s = 60.0
        self.heartbeats.look({name: in_service(name) for name in self.NAMES}, self.watch, 60.0)
        self.assertEqual([], self.avoided())

    def test_it_begins_anew_when_losses_are_to_mean_something_else(self) -> None:
        self.platform.conf.config(group="mtce", mnfa_timeout=100)
        self.report()
        self.look("a", "b", now=0.0)
        self.platform.conf.config(group="mtce", heartbeat_failure_action="degrade")
        self.assertEqual(["a", "b"], self.look("a", "b", now=90.0))
        self.assertEqual(["a", "b"], self.look("a", "b", now=189.0))
        self.assertEqual([], self.look("a", "b", now=190.0))
        self.platform.conf.config(group="mtce", heartbeat_failure_action="alarm")
        self.assertEqual([], self.look("a", "b", now=191.0))
        # None of them is failed for a loss of before.
        self.platform.conf.config(group="mtce", heartbeat_failure_action="fail")
        self.assertEqual(["a", "b"], self.look("a", "b", now=192.0))

    def test_a_host_that_is_to_be_reset_is_told_over_other_networks_where_it_is_lost_on_mgmt(self) -> None:
        self.look("a")
        hosts = [{"hostname": name, "mgmt_ip": "192.0.2.1", "infra_ip": None} for name in ("a", "b", "d")]
        reset = client.Wish(is_locked=True, boot_id="boot", end=client.End.RESET)
        wishes = {"a": reset, "b": client.Wish(boot_id="boot"), "c": client.Wish(), "d": reset}
        self.heartbeats.order(hosts, self.watch, wishes, 0.0)
        self.assertEqual({"a": wire.Ending("boot", is_locked=True)}, self.orders[-1].endings)
