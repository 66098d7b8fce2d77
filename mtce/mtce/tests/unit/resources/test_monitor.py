# SPDX-License-Identifier: Apache-2.0
"""The resource monitor with made-up readings, a clock of the test's, and a real spool."""

import contextlib
from collections.abc import Collection

import fixtures
import msgspec

from fm import client as fm_client
from fm.tests.unit.base import catalogued
from mtce.resources.links import Link
from mtce.resources.monitor import Resources
from mtce.resources.source import Source
from mtce.tests.unit.pmon import harness
from stx import exception, testing


class MadeUp(Source):
    def __init__(self) -> None:
        super().__init__()
        self.cpu: float | None = 10.0
        self.memory: float | None = 10.0
        self.uses = {"/": 10.0}
        self.found = {"eth0": Link("eth0", True)}
        self.has_failed = False

    def cpu_percent(self, cpus: Collection[int]) -> float | None:
        if self.has_failed:
            raise OSError(5, "Input/output error")
        return self.cpu

    def memory_percent(self) -> float | None:
        return self.memory

    def file_systems(self) -> dict[str, float]:
        return self.uses

    def links(self) -> dict[str, Link]:
        return self.found


class ResourcesTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.source, self.now, self.changes, self.seen = MadeUp(), 0.0, 0, 0
        self.resources = self.make()

    def make(self) -> Resources:
        return Resources(self.count, self.source, lambda: self.now)

    def count(self) -> None:
        self.changes += 1

    def audit(self, times: int = 2, period_s: float = 30.0) -> None:
        for _ in range(times):
            self.now += period_s
            self.resources.step()

    def told(self) -> list[tuple[str, str, str, str | None]]:
        """What Fault Management was told since the last call."""
        with contextlib.closing(fm_client.open_spool()) as spool:
            kept = [msgspec.json.decode(body, type=fm_client.Report) for _, body in spool.read(1000).reports]
        kept, self.seen = kept[self.seen :], len(kept)
        return [(each.operation, each.alarm_id, each.entity_instance_id, each.severity) for each in catalogued(kept)]


class AlarmTest(ResourcesTest):
    def test_nothing_is_read_before_the_start_delay_is_over(self) -> None:
        self.source.uses["/"] = 95.0
        self.audit(2, period_s=4.0)
        self.assertEqual(frozenset(), self.resources._gauges.subjects)

    def test_a_full_file_system_has_an_alarm_after_two_looks_and_degrades_the_host(self) -> None:
        self.source.uses["/"] = 95.0
        self.audit(1)
        self.assertEqual([], self.told())
        self.audit(1)
        entity = "host=controller-0.filesystem=/"
        self.assertIn(("set", "100.104", entity, "critical"), self.told())
        self.assertEqual({entity: "critical"}, self.resources.degrading)
        self.assertEqual(1, self.changes)
        self.source.uses["/"] = 50.0
        self.audit()
        self.assertEqual([("clear", "100.104", entity, None)], self.told())
        self.assertEqual(({}, 2), (self.resources.degrading, self.changes))

    def test_each_resource_has_its_alarm(self) -> None:
        self.source.cpu, self.source.memory = 91.0, 71.0
        self.audit()
        told = self.told()
        self.assertIn(("set", "100.101", "host=controller-0", "major"), told)
        self.assertIn(("set", "100.103", "host=controller-0", "minor"), told)
        self.assertEqual({}, self.resources.degrading)

    def test_alarms_that_an_earlier_time_may_have_left_are_cleared_once(self) -> None:
        self.audit()
        self.assertEqual({("clear", alarm) for alarm in ("100.101", "100.103", "100.104")}, {each[:2] for each in self.told()})
        self.audit()
        self.assertEqual([], self.told())

    def test_one_that_is_ignored_may_be_full(self) -> None:
        self.platform.conf.config(group="mtce_resources", ignored_file_systems=["/"])
        self.source.uses["/"] = 100.0
        self.audit()
        self.assertEqual([], [each for each in self.told() if each[0] == "set"])

    def test_thresholds_can_be_taken_away(self) -> None:
        self.platform.conf.config(group="mtce_resources", cpu=[])
        self.source.cpu = 100.0
        self.audit()
        self.assertEqual([], [each for each in self.told() if each[0] == "set"])

    def test_what_cannot_be_read_keeps_its_alarm_and_others_go_on(self) -> None:
        self.source.cpu = 91.0
        self.audit()
        self.told()
        self.source.has_failed, self.source.memory = True, 91.0
        self.audit()
        self.assertEqual([("set", "100.103", "host=controller-0", "critical")], self.told())

    def test_a_spool_that_is_full_is_tried_again(self) -> None:
        self.source.uses["/"] = 95.0

        def refuse(*_: object) -> None:
            raise exception.Unavailable("full")

        with fixtures.MonkeyPatch("fm.client.FaultReporter.report", refuse):
            self.audit(3)
        self.assertEqual([], self.told())
        self.audit(1)
        self.assertIn(("set", "100.104", "host=controller-0.filesystem=/", "critical"), self.told())

    def test_thresholds_that_make_no_sense_are_refused(self) -> None:
        self.platform.conf.config(group="mtce_resources", memory=[90.0, 80.0])
        self.assert_raises_with(exception.ConfigurationError, "[mtce_resources] memory", self.make)


class RestartTest(ResourcesTest):
    def test_an_alarm_that_is_on_is_not_told_again_and_degrades_at_once(self) -> None:
        self.source.uses["/"] = 95.0
        self.audit()
        self.told()
        self.resources = self.make()
        self.assertEqual({"host=controller-0.filesystem=/": "critical"}, self.resources.degrading)
        self.audit(4)
        self.assertEqual([], [each for each in self.told() if each[1] == "100.104"])

    def test_the_alarm_of_what_went_away_meanwhile_is_cleared(self) -> None:
        self.source.uses["/data"] = 95.0
        self.audit()
        self.told()
        del self.source.uses["/data"]
        self.resources = self.make()
        self.audit()
        self.assertIn(("clear", "100.104", "host=controller-0.filesystem=/data", None), self.told())

    def test_alarms_of_a_monitor_that_is_turned_off_are_cleared_and_degrade_nothing(self) -> None:
        self.source.uses["/"] = self.source.cpu = 95.0
        self.audit()
        self.told()
        self.platform.conf.config(group="mtce_resources", enabled=False)
        self.resources = self.make()
        self.assertEqual({}, self.resources.degrading)
        expected = [("clear", "100.101", "host=controller-0", None), ("clear", "100.104", "host=controller-0.filesystem=/", None)]
        self.audit(1)
        self.assertEqual(expected, self.told())
        self.audit(2)
        self.assertEqual([], self.told())

    def test_alarms_of_a_resource_that_is_taken_out_are_cleared(self) -> None:
        self.source.uses["/"] = self.source.cpu = 95.0
        self.audit()
        self.told()
        self.platform.conf.config(group="mtce_resources", cpu=[], ignored_file_systems=["/"])
        self.resources = self.make()
        self.audit()
        told = self.told()
        self.assertIn(("clear", "100.101", "host=controller-0", None), told)
        self.assertIn(("clear", "100.104", "host=controller-0.filesystem=/", None), told)
        self.assertEqual({}, self.resources.degrading)

    def test_a_file_that_cannot_be_read_is_as_none(self) -> None:
        (self.platform.path / "resources.json").write_text("{")
        self.resources = self.make()
        self.assertEqual({}, self.resources.degrading)


class NetworkTest(ResourcesTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="mtce_resources", networks={"mgmt": "eth0", "infra": "eth1", "data": "eth2"})
        self.source.found["eth1"] = Link("eth1", True)
        self.resources = self.make()

    def test_a_lost_link_is_told_after_two_looks_which_come_often(self) -> None:
        self.audit()
        self.told()
        self.source.found["eth1"] = Link("eth1", False)
        self.audit(2, period_s=5.0)
        expected = [
            ("set", "100.110", "host=controller-0.port=eth1", "major"),
            ("set", "100.111", "host=controller-0.interface=eth1", "critical"),
        ]
        self.assertEqual(expected, self.told())
        self.assertEqual({"major", "critical"}, set(self.resources.degrading.values()))

    def test_a_network_that_is_watched_no_more_keeps_no_alarm(self) -> None:
        self.source.found["eth1"] = Link("eth1", False)
        self.audit()
        self.told()
        self.platform.conf.config(group="mtce_resources", networks={})
        self.resources = self.make()
        self.audit()
        self.assertIn(("clear", "100.110", "host=controller-0.port=eth1", None), self.told())


class ThreadTest(ResourcesTest):
    def test_it_looks_by_itself_until_it_is_stopped(self) -> None:
        self.platform.conf.config(group="mtce_resources", start_delay=0.0, audit_period=0.1)
        self.source.uses["/"] = 95.0
        resources = Resources(self.count, self.source)
        resources.start()
        self.addCleanup(resources.stop)
        harness.wait_until(lambda: resources.degrading)
        self.assertTrue(resources.is_healthy())

    def test_where_it_is_turned_off_it_clears_by_itself_what_is_on(self) -> None:
        self.source.uses["/"] = 95.0
        self.audit()
        self.told()
        self.platform.conf.config(group="mtce_resources", enabled=False)
        resources = self.make()
        resources.start()
        self.addCleanup(resources.stop)
        harness.wait_until(lambda: resources._told.alarms == {})
        self.assertEqual([("clear", "100.104", "host=controller-0.filesystem=/", None)], self.told())

    def test_where_it_is_turned_off_it_is_well_and_looks_at_nothing(self) -> None:
        self.platform.conf.config(group="mtce_resources", enabled=False)
        self.resources.start()
        self.assertTrue(self.resources.is_healthy())
        self.assertFalse(self.resources._worker.is_healthy())
