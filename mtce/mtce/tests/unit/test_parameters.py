# SPDX-License-Identifier: Apache-2.0
"""How hosts are watched, by what an operator applies."""

import itertools
from typing import Any
from unittest import mock

import fixtures

from fm import client as fm_client
from mtce import agent, heartbeats, parameters, process, sight, teller
from mtce.heartbeat import wire
from mtce.life.model import FailureAction
from stx import exception, rpc
from sysinv.db import service_parameters as db_parameters
from sysinv.tests.unit import base


class ParametersTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="mtce", mnfa_threshold=7)
        self.parameters = parameters.Parameters(self.conductor, self.context, teller.Teller(fm_client.FaultReporter()))

    def set(self, **values: str) -> None:
        uuids = {row["name"]: row["uuid"] for row in db_parameters.all_parameters("platform")}
        for name, value in values.items():
            self.conductor.update_service_parameter(self.context, uuids[name], {"value": value})

    def apply(self, **values: str) -> None:
        self.set(**values)
        self.conductor.apply_service_parameters(self.context, "platform")

    def told(self) -> list[tuple[str, str]]:
        return [(each.entity_instance_id, each.reason_text or "") for each in self.faults() if each.alarm_id == "200.024"]

    def test_there_is_one_for_each_name_that_the_conductor_gives(self) -> None:
        self.apply()
        (section,) = self.conductor.get_applied_parameters(self.context, parameters.SERVICE).values()
        self.assertEqual(set(parameters.NAMES), section.keys())
        self.assertRaises(AttributeError, lambda: self.parameters.report_timeout)

    def test_before_any_was_applied_the_options_hold(self) -> None:
        self.set(mnfa_threshold="5")
        self.assertFalse(self.parameters.take_over())
        self.assertEqual((7, 100), (self.parameters.mnfa_threshold, self.parameters.heartbeat_period))
        self.platform.conf.config(group="mtce", mnfa_threshold=8)
        self.assertEqual(8, self.parameters.mnfa_threshold)

    def test_what_was_applied_before_the_start_holds_from_the_first_step_and_is_no_news(self) -> None:
        self.apply(mnfa_threshold="5")
        self.assertFalse(self.parameters.take_over())
        self.assertEqual(5, self.parameters.mnfa_threshold)
        self.assertEqual([], self.told())

    def test_what_is_applied_holds_when_it_is_taken_over_and_is_logged(self) -> None:
        self.parameters.take_over()
        self.apply(mnfa_threshold="5", heartbeat_failure_action="alarm")
        self.parameters.read()
        self.assertEqual(7, self.parameters.mnfa_threshold)
        self.assertTrue(self.parameters.take_over())
        self.assertEqual((5, "alarm"), (self.parameters.mnfa_threshold, self.parameters.heartbeat_failure_action))
        host = self.platform.conf.conf.host
        self.assertEqual(
            [
                (f"host={host}.config=heartbeat_failure_action", "heartbeat_failure_action changed from fail to alarm"),
                (f"host={host}.config=mnfa_threshold", "mnfa_threshold changed from 7 to 5"),
            ],
            self.told(),
        )
        self.parameters.read()
        self.assertFalse(self.parameters.take_over())
        self.assertEqual(2, len(self.told()))

    def test_while_the_conductor_is_away_what_is_known_holds(self) -> None:
        self.apply(mnfa_threshold="5")
        with mock.patch.object(self.conductor, "get_applied_parameters", side_effect=exception.Unavailable("away")):
            self.assertRaises(exception.Unavailable, self.parameters.take_over)
        self.parameters.take_over()
        with mock.patch.object(self.conductor, "get_applied_parameters", side_effect=exception.Unavailable("away")):
            self.assertRaises(exception.Unavailable, self.parameters.read)
            self.assertFalse(self.parameters.take_over())
        self.assertEqual(5, self.parameters.mnfa_threshold)

    def test_a_log_that_finds_no_room_keeps_nothing_from_holding(self) -> None:
        self.parameters.take_over()
        self.apply(mnfa_threshold="5")
        self.fill_spool()
        self.parameters.read()
        self.assertTrue(self.parameters.take_over())
        self.assertEqual(5, self.parameters.mnfa_threshold)

    def test_only_the_event_that_these_were_applied_counts(self) -> None:
        def event(kind: str, **payload: Any) -> rpc.Event:
            return rpc.Event(kind, payload)

        self.assertTrue(parameters.is_about(event("sysinv.service_parameter.apply", service="platform")))
        self.assertFalse(parameters.is_about(event("sysinv.service_parameter.apply", service="horizon")))
        self.assertFalse(parameters.is_about(event("sysinv.host.update", uuid="a")))

    def test_the_limits_of_a_host_follow(self) -> None:
        self.apply(worker_boot_timeout="900", controller_boot_timeout="1500", heartbeat_failure_action="degrade")
        self.parameters.take_over()
        found = agent.limits(self.parameters)
        self.assertEqual((900, 1500, FailureAction.DEGRADE), (found.worker_boot_s, found.controller_boot_s, found.failure_action))

    def test_a_running_agent_takes_over_what_is_applied(self) -> None:
        # There is no fm-manager to ask.
        self.useFixture(fixtures.MockPatchObject(agent.Agent, "learn_alarms"))
        made = process.make_service()
        made.start()
        self.addCleanup(made.stop)
        values = itertools.cycle(("5", "6"))

        def is_told() -> bool:
            # What it reads first is no change.
            self.apply(mnfa_threshold=next(values))
            return any(
                text in ("mnfa_threshold changed from 5 to 6", "mnfa_threshold changed from 6 to 5") for _, text in self.told()
            )

        base.wait_until(is_told)

    def test_pulses_follow(self) -> None:
        orders: list[wire.Order] = []
        pulses: Any = mock.Mock(facts=None, want=orders.append, is_silent=lambda: False)
        told = teller.Teller(fm_client.FaultReporter())
        watched = heartbeats.Heartbeats(pulses, told, self.parameters)
        host = {"hostname": "compute-0", "mgmt_ip": "192.0.2.5", "infra_ip": None}

        def ordered() -> tuple[dict[str, str], int, int, int]:
            self.parameters.read()
            self.parameters.take_over()
            watched.order([host], sight.Watch(self.parameters), {}, 0.0)
            order = orders[-1]
            return order.hosts["mgmt"], order.period_ms, order.thresholds.degrade, order.thresholds.failure

        self.assertEqual(({"compute-0": "192.0.2.5"}, 100, 6, 10), ordered())
        self.apply(heartbeat_period="200", heartbeat_degrade_threshold="20", heartbeat_failure_threshold="30")
        self.assertEqual(({"compute-0": "192.0.2.5"}, 200, 20, 30), ordered())
        self.apply(heartbeat_failure_action="none")
        self.assertEqual({}, ordered()[0])
