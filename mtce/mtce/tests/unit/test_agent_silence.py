# SPDX-License-Identifier: Apache-2.0
"""Hosts that are silent, and what an agent makes of them that has just begun."""

import math
from typing import Any
from unittest import mock

import fixtures
import msgspec

from mtce import agent, client
from mtce.heartbeat import wire
from mtce.heartbeat.accounting import Level
from mtce.life.model import Limits
from mtce.tests.unit.test_agent import TIMEOUT_S, AgentTest
from stx import exception
from sysinv import client as sysinv_client
from sysinv.db import service_parameters as db_parameters


class SilenceTest(AgentTest):
    """controller-0 was in service."""

    def setUp(self) -> None:
        super().setUp()
        self.hear()
        self.pass_s(1)

    def test_a_host_in_time_is_well(self) -> None:
        for _ in range(5):
            self.pass_s(TIMEOUT_S - 1.5)
            self.hear()
            self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
        self.assertNotIn("set", self.alarms())

    def test_a_timeout_may_be_shorter_than_a_step(self) -> None:
        self.platform.conf.config(group="mtce", report_timeout=0.5)
        for _ in range(3):
            self.clock.now += 0.9
            self.hear()
            self.pass_s(0.1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_silence_degrades_and_raises_the_alarm_of_the_monitor(self) -> None:
        self.pass_s(TIMEOUT_S)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        self.assertIn(("set", "200.006", "host=controller-0.process=pmond", "major"), self.told())

    def test_what_follows_from_the_failure_of_a_host_names_it(self) -> None:
        self.pass_s(TIMEOUT_S)
        roots = {each.alarm_id: (each.root_alarm_id, each.root_entity_instance_id) for each in self.faults()}
        self.assertEqual(("200.004", "host=controller-0"), roots["200.006"])

    def test_the_alarm_is_raised_once(self) -> None:
        for _ in range(5):
            self.pass_s(TIMEOUT_S)
        self.assertEqual(1, self.alarms().count("set"))

    def test_its_return_clears_the_alarm(self) -> None:
        self.pass_s(TIMEOUT_S)
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
        self.assertEqual(["set", "clear"], self.alarms())

    def test_what_had_failed_before_the_silence_still_counts(self) -> None:
        self.create(personality="controller")
        self.ask("controller-1", "unlock")
        self.hear("controller-1")
        self.hear(sm="critical")
        self.pass_s(1)
        self.pass_s(TIMEOUT_S)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())

    def test_a_lock_clears_the_alarm(self) -> None:
        self.pass_s(TIMEOUT_S)
        self.ask("controller-0", "lock")
        self.pass_s(1)
        self.assertEqual("clear", self.alarms()[-1])
        self.assertEqual(("locked", "disabled", "offline"), self.state())

    def test_a_pause_of_the_agent_is_no_silence_of_the_hosts(self) -> None:
        self.clock.now += 3600
        self.agent.step()
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
        self.assertNotIn("set", self.alarms())
        self.pass_s(TIMEOUT_S)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())

    def test_a_pause_of_the_agent_does_not_excuse_a_host_that_was_silent_before(self) -> None:
        self.pass_s(TIMEOUT_S)
        self.clock.now += 3600
        self.agent.step()
        self.assertEqual(["set"], self.alarms())

    def test_a_spool_that_is_full_does_not_keep_the_state_back(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.pass_s(1)
        self.fill_spool()
        self.pass_s(TIMEOUT_S)
        self.assertEqual(["degraded", "degraded"], [self.state("controller-0")[2], self.state("compute-0")[2]])

    def test_a_spool_that_takes_nothing_is_tried_once_a_step(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.hear()
        self.pass_s(1)
        tries: list[Any] = []

        def refuse(_reporter: Any, reports: Any) -> None:
            tries.append(reports)
            raise exception.Unavailable("the spool is locked")

        with fixtures.MonkeyPatch("fm.client.FaultReporter.report", refuse):
            self.pass_s(TIMEOUT_S - 2)
            self.assertEqual([], tries)
            self.pass_s(2)
        self.assertEqual(2, len(tries))
        self.assertEqual(["degraded", "degraded"], [self.state("controller-0")[2], self.state("compute-0")[2]])
        self.pass_s(1)
        self.assertEqual(2, self.alarms().count("set"))

    def test_an_alarm_that_was_not_taken_is_told_again(self) -> None:
        self.fill_spool()
        self.pass_s(TIMEOUT_S)
        self.empty_spool()
        self.pass_s(1)
        self.assertEqual(["set"], self.alarms())


class PulsesTest(AgentTest):
    def test_one_that_neither_answers_nor_reports_fails_though_it_has_not_answered_since_the_heartbeat_began(self) -> None:
        lost = wire.Network(True, {"compute-0": (int(Level.LOST), 100)})
        self.agent = agent.Agent(self.clock, pulses=mock.Mock(facts=wire.Facts({"mgmt": lost}, {}, [])))
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.pass_s(TIMEOUT_S - 1)
        self.assertEqual("available", self.state("compute-0")[2])
        self.pass_s(1 + Limits().grace_s + 1)
        self.assertEqual(("unlocked", "disabled", "failed"), self.state("compute-0"))


class RestartTest(AgentTest):
    """controller-0 was in service when an agent before this one ended, which had raised an alarm."""

    def setUp(self) -> None:
        super().setUp()
        self.agent._teller.begin_with([("200.006", "host=controller-0.process=pmond")])
        self.conductor.update_host_states(self.context, {"controller-0": {"operational": "enabled", "availability": "available"}})

    def test_a_host_is_given_time_to_be_heard(self) -> None:
        self.pass_s(TIMEOUT_S - 1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
        self.assertEqual([], self.alarms())

    def test_a_host_that_was_degraded_stays_so_until_it_is_heard(self) -> None:
        self.conductor.update_host_states(self.context, {"controller-0": {"availability": "degraded"}})
        self.pass_s(TIMEOUT_S - 1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_a_locked_host_is_given_time_to_be_heard(self) -> None:
        self.create()
        self.conductor.update_host_states(self.context, {"compute-0": {"availability": "online"}})
        self.pass_s(TIMEOUT_S - 1)
        self.assertEqual(("locked", "disabled", "online"), self.state("compute-0"))
        self.pass_s(1)
        self.assertEqual(("locked", "disabled", "offline"), self.state("compute-0"))

    def test_a_host_that_is_to_end_its_boot_is_not_taken_for_off_before_it_could_be_heard(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.pass_s(1)
        self.say("compute-0", may_reboot=True)
        self.ask("compute-0", "force-lock")
        self.pass_s(1)
        self.said.clear()
        self.agent = agent.Agent(self.clock)
        self.pass_s(1)
        self.assertEqual("force-lock", self.host("compute-0")["mtce_procedure"])
        wish = self.say("compute-0", may_reboot=True)
        self.assertEqual(("boot", client.End.RESET), (wish.boot_id, wish.end))
        self.pass_s(1 + 2 * TIMEOUT_S)
        self.assertIsNone(self.host("compute-0")["mtce_procedure"])

    def test_an_alarm_of_before_is_cleared_when_the_silent_host_is_locked(self) -> None:
        self.ask("controller-0", "lock")
        self.pass_s(TIMEOUT_S)
        self.assertEqual(["clear"], self.alarms())

    def test_a_host_that_stays_silent_is_degraded(self) -> None:
        self.pass_s(TIMEOUT_S)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        self.assertEqual(["set"], self.alarms())

    def test_an_alarm_of_before_is_cleared_by_the_first_report(self) -> None:
        self.hear()
        self.pass_s(1)
        self.hear()
        self.pass_s(1)
        self.assertEqual(["clear"], self.alarms())


class AlarmsBeforeTest(AgentTest):
    """What was on before this agent began to listen."""

    def setUp(self) -> None:
        super().setUp()
        self.agent._teller._before = None
        self.hear()
        self.pass_s(1)

    def test_nothing_is_cleared_until_it_is_known(self) -> None:
        self.assertEqual([], self.alarms())
        self.pass_s(TIMEOUT_S)
        self.assertEqual(["set"], self.alarms())

    def test_what_was_on_and_should_not_be_is_cleared_and_nothing_else(self) -> None:
        faults = [{"alarm_id": "200.006", "entity_instance_id": "host=controller-0.process=pmond"}]
        found = {"200.006": faults}
        with fixtures.MonkeyPatch("fm.client.Manager.get_faults", lambda _self, _context, alarm_id: found.get(alarm_id, [])):
            self.agent.learn_alarms()
        self.pass_s(1)
        self.assertEqual([("clear", "200.006")], [each[:2] for each in self.told() if each[0] == "clear"])

    def test_what_was_on_about_sensors_is_for_those_that_follow_them(self) -> None:
        faults = [{"alarm_id": "200.015", "entity_instance_id": "host=compute-0.sensorgroup=server fans"}]
        found, told = {"200.015": faults}, mock.Mock()
        self.agent.begin_sensors_with = told
        with fixtures.MonkeyPatch("fm.client.Manager.get_faults", lambda _self, _context, alarm_id: found.get(alarm_id, [])):
            self.agent.learn_alarms()
        told.assert_called_once_with([("200.015", "host=compute-0.sensorgroup=server fans")])


class TwoComputesTest(AgentTest):
    """Two computes in service, watched on one network."""

    NAMES = ("compute-0", "compute-1")

    def setUp(self) -> None:
        super().setUp()
        for number, name in enumerate(self.NAMES):
            self.create(mgmt_mac=f"08:00:27:00:02:0{number}")
            self.ask(name, "unlock")
        self.start()
        self.live(20)
        assert {self.state(name) for name in self.NAMES} == {("unlocked", "enabled", "available")}

    def start(self, uptime_s: float = math.inf) -> None:
        """Another agent, to which they have answered nothing but pulses."""
        self.pulses = mock.Mock(facts=self.seen())
        self.agent = agent.Agent(self.clock, pulses=self.pulses, uptime_s=uptime_s)
        self.agent._teller.begin_with(())

    def seen(self, *lost: str, answered: tuple[str, ...] = NAMES) -> wire.Facts:
        network = wire.Network(True, {name: (int(Level.LOST), 50) for name in lost})
        return wire.Facts({"mgmt": network}, dict.fromkeys(answered, "boot"), [])

    def live(self, seconds: int, *names: str) -> None:
        """These report, by default all."""
        for _ in range(seconds):
            for name in ("controller-0", *(names or self.NAMES)):
                self.hear(name)
            self.pass_s(1)

    def heartbeat_alarms(self) -> list[tuple[str, str]]:
        return [(str(each.operation), each.entity_instance_id) for each in self.faults() if each.alarm_id == "200.005"]


class TogetherTest(TwoComputesTest):
    def test_hosts_that_are_spared_are_so_over_a_restart(self) -> None:
        self.pulses.facts = self.seen(*self.NAMES)
        self.live(60, "controller-0")
        self.said.clear()
        self.start()
        self.pulses.facts = self.seen(*self.NAMES, answered=())
        self.live(60, "controller-0")
        self.assertEqual({("unlocked", "enabled", "degraded")}, {self.state(name) for name in self.NAMES})
        self.assertEqual({"Graceful Recovery Wait"}, {self.host(name)["task"] for name in self.NAMES})

    def test_a_host_whose_process_monitor_hangs_though_it_answers_has_an_alarm_until_it_is_heard(self) -> None:
        self.pulses.facts = msgspec.structs.replace(self.seen(), unmonitored=["compute-0"])
        self.live(2)
        entity = "host=compute-0.process=pmond"
        self.assertEqual([("set", "200.006", entity, "major")], [each for each in self.told() if each[1] == "200.006"])
        self.assertEqual(["degraded", "available"], [self.state(name)[2] for name in self.NAMES])
        self.pulses.facts = self.seen()
        self.live(2)
        self.assertEqual(["set", "clear"], self.alarms())
        self.assertEqual("available", self.state("compute-0")[2])

    def test_an_alarm_about_pulses_goes_when_none_are_sent_any_more(self) -> None:
        self.platform.conf.config(group="mtce", heartbeat_failure_action="alarm")
        self.pulses.facts = self.seen("compute-0")
        self.live(5)
        self.assertEqual([("set", "host=compute-0.network=Management")], self.heartbeat_alarms())
        self.empty_spool()
        (parameter,) = [row for row in db_parameters.all_parameters("platform") if row["name"] == "heartbeat_failure_action"]
        self.conductor.update_service_parameter(self.context, parameter["uuid"], {"value": "none"})
        self.conductor.apply_service_parameters(self.context, "platform")
        self.agent.parameters.read()
        # A step that has only news to look at.
        self.clock.now += 0.3
        self.agent.step()
        self.pulses.facts = None
        self.live(5)
        self.assertEqual([("clear", "host=compute-0.network=Management")], self.heartbeat_alarms())

    def test_an_alarm_about_the_controller_that_has_taken_over_goes(self) -> None:
        self.start()
        entity = "host=controller-0.network=Management"
        self.agent._teller.begin_with([("200.005", entity)])
        self.live(2)
        self.assertEqual([("clear", entity)], self.heartbeat_alarms())

    def test_a_system_that_starts_cold_is_looked_at_before_the_time_for_that_counts(self) -> None:
        self.said.clear()
        self.start(uptime_s=60.0)
        with mock.patch.object(sysinv_client.Conductor, "get_hosts", side_effect=exception.Unavailable("Away.")):
            for _ in range(620):
                self.clock.now += 1.0
                self.assertRaises(exception.Unavailable, self.agent.step)
        self.pulses.facts = self.seen("compute-0")
        self.live(10, "compute-1")
        self.assertIn("compute-0", self.agent._cold)
