# SPDX-License-Identifier: Apache-2.0
"""Which alarms of a host are on."""

import unittest
from collections.abc import Mapping

import ddt

from fm import client as fm_client
from fm.tests.unit.base import catalogued
from mtce import alarms
from mtce.heartbeat.accounting import Level
from mtce.life.model import Cause, FailureAction, Life

IN_SERVICE = Life(administrative="unlocked", operational="enabled", availability="available")


def on(
    life: Life = IN_SERVICE,
    levels: Mapping[str, Level] = {},
    action: FailureAction = FailureAction.FAIL,
    is_monitored: bool | None = True,
    is_board_lost: bool | None = False,
) -> dict[str, str]:
    found = alarms.of_host("compute-0", life, levels, action, is_monitored, is_board_lost)
    catalogued([fm_client.set_alarm(*key, alarm.text, alarm.severity) for key, alarm in found.items() if alarm is not None])
    return {f"{alarm_id} {entity}": alarm.severity for (alarm_id, entity), alarm in found.items() if alarm is not None}


@ddt.ddt
class AlarmsTest(unittest.TestCase):
    def test_a_host_in_service_that_is_well_has_none(self) -> None:
        self.assertEqual({}, on(levels={"mgmt": Level.MINOR, "cluster": Level.CLEAR}))

    def test_a_locked_host_has_that_one_and_none_about_pulses(self) -> None:
        self.assertEqual({"200.001 host=compute-0": "warning"}, on(Life(), {"mgmt": Level.LOST}))

    @ddt.data(
        ("mgmt", Level.DEGRADED, "200.005", "Management", "major"),
        ("cluster", Level.LOST, "200.009", "Infrastructure", "critical"),
    )
    @ddt.unpack
    def test_pulses_that_are_missed_are_told_by_network(
        self, network: str, level: Level, number: str, called: str, severity: str
    ) -> None:
        self.assertEqual({f"{number} host=compute-0.network={called}": severity}, on(levels={network: level}))

    def test_without_pulses_none_is_missed(self) -> None:
        self.assertEqual({}, on(levels={"mgmt": Level.LOST}, action=FailureAction.NONE))
        self.assertNotEqual({}, on(levels={"mgmt": Level.LOST}, action=FailureAction.ALARM))

    def test_a_host_that_failed_has_one_and_one_more_for_its_configuration(self) -> None:
        failed = Life(administrative="unlocked", availability="failed", cause=Cause.BOOT)
        self.assertEqual({"200.004 host=compute-0": "critical"}, on(failed))
        self.assertEqual(
            {"200.004 host=compute-0": "critical", "200.011 host=compute-0": "critical"},
            on(failed.changed(cause=Cause.CONFIGURATION)),
        )

    def test_a_controller_whose_worker_failed_has_that_one(self) -> None:
        self.assertEqual({"200.013 host=compute-0": "critical"}, on(IN_SERVICE.changed(subfunction_avail="failed")))

    def test_what_is_not_known_is_neither_on_nor_off(self) -> None:
        found = alarms.of_host("compute-0", IN_SERVICE, {}, FailureAction.FAIL, None, None)
        self.assertEqual(set(), {alarm_id for alarm_id, _ in found} & {"200.005", "200.006", "200.009", "200.010"})

    def test_a_monitor_and_a_board_that_are_not_heard_are_told(self) -> None:
        self.assertEqual(
            {"200.006 host=compute-0.process=pmond": "major", "200.010 host=compute-0": "warning"},
            on(is_monitored=False, is_board_lost=True),
        )
