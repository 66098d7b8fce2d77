# SPDX-License-Identifier: Apache-2.0
"""The numbers that Host Management goes by, as operators of StarlingX know them (spec mtce-sm.md A1, A2, A6)."""

import ddt
from oslotest import base

from mtce import agent, conf, sight
from mtce.heartbeat import avoidance, loop
from mtce.heartbeat.accounting import Thresholds
from mtce.life.model import Cause, FailureAction, Limits
from mtce.watchdog.settings import Settings

CAUSES = (Cause.CONFIGURATION, Cause.GOENABLED, Cause.SERVICES, Cause.HEARTBEAT)


@ddt.ddt
class TunablesTest(base.BaseTestCase):
    @ddt.data(
        ("mtce", "heartbeat_period", 100, "milliseconds"),
        ("mtce", "heartbeat_degrade_threshold", 6, "pulses"),
        ("mtce", "heartbeat_failure_threshold", 10, "pulses"),
        ("mtce", "heartbeat_failure_action", "fail", ""),
        ("mtce", "mnfa_threshold", 2, "hosts"),
        ("mtce", "mnfa_timeout", 0, "seconds"),
        ("mtce", "worker_boot_timeout", 720, "seconds"),
        ("mtce", "controller_boot_timeout", 1200, "seconds"),
        ("mtce", "power_cycle_cool_off", 300, "seconds"),
        ("mtce_host", "goenabled_timeout", 600, "seconds"),
        ("mtce_host", "services_timeout", 300, "seconds"),
        ("mtce_resources", "audit_period", 30, "seconds"),
        ("mtce_resources", "start_delay", 10, "seconds"),
        ("mtce_resources", "cpu", [80, 90, 95], "percent"),
        ("mtce_resources", "memory", [70, 80, 90], "as `cpu`"),
        ("mtce_resources", "file_systems", [70, 80, 90], "as `cpu`"),
    )
    @ddt.unpack
    def test_an_option_has_this_number_in_this_unit(self, group: str, name: str, number: object, unit: str) -> None:
        (option,) = [option for option in dict(conf.list_opts())[group] if option.name == name]
        self.assertEqual(number, option.default)
        self.assertIn(unit, option.help.lower())

    @ddt.data(
        # Counted from when a host is asked: what it needs to answer comes on top.
        ("goenabled_s", 600 + 3),
        ("services_s", 10 + 300 + 5),
        ("worker_boot_s", 720),
        ("controller_boot_s", 1200),
        ("ready_s", 60),
        ("soak_s", 11),
        ("grace_s", 5),
        ("offline_s", 46 / 10),
        ("recoveries", 2),
        ("reboots", 5),
        ("board_s", 20),
        ("power_retries", 10),
        ("reset_retries", 5),
        ("reset_offline_s", 150),
        ("force_lock_s", 2 * 20 * (2 + 1)),
        ("install_s", 2400),
        ("cold_start_s", 1800),
        ("swact_s", 120),
        ("cool_off_s", 300),
        ("hold_off_s", 300),
        ("online_s", 900),
        ("monitor_s", 900),
        ("failure_action", FailureAction.FAIL),
    )
    @ddt.unpack
    def test_a_limit_is_this(self, name: str, number: float) -> None:
        self.assertEqual(number, getattr(Limits(), name))

    def test_a_host_is_left_as_it_is_after_the_second_failure_and_tried_again_before_that(self) -> None:
        limits = Limits()
        self.assertEqual([2, 2, 2, 2], [limits.attempts[cause] for cause in CAUSES])
        self.assertEqual([30, 30, 30, 600], [limits.retry_s[cause] for cause in CAUSES])
        self.assertEqual(3, limits.attempts[Cause.SENSOR])

    def test_the_limits_that_hold_by_default_are_those(self) -> None:
        conf.register()
        self.assertEqual(Limits(), agent.limits(conf.CONF.mtce))

    def test_pulses_are_counted_by_these(self) -> None:
        self.assertEqual(Thresholds(minor=4, degrade=6, failure=10, repeat=100, recover=10), Thresholds())
        self.assertEqual((4, 3.0, 100), (avoidance.BACKOFF, avoidance.RESTORE_S, loop.UNMONITORED))

    def test_a_cold_start_is_known_by_these(self) -> None:
        self.assertEqual((15 * 60, 20, 600), (agent._COLD_UPTIME_S, agent._COLD_S, agent._COLD_ALL_IN_ONE_S))

    def test_an_agent_does_what_comes_again_at_these_seconds(self) -> None:
        self.assertEqual((30, 60, 120), (agent.HAND_OVER_S, agent._UPTIME_S, sight.BOARD_LOST_S))

    def test_the_watchdog_waits_for_five_times_thirty_seconds_and_the_kernel_for_five_minutes(self) -> None:
        given = Settings()
        self.assertEqual((5 * 30, 300, 300), (given.silence_s, given.device_timeout_s, given.last_resort_s))
