# SPDX-License-Identifier: Apache-2.0
"""How other components report faults."""

import datetime
import uuid

import ddt
import msgspec

from fm import client, faults
from fm.tests.unit import base
from stx import exception


class ReporterTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.reporter = client.FaultReporter()
        self.spool = client.open_spool()
        self.addCleanup(self.spool.close)

    def kept(self) -> list[faults.Report]:
        return [msgspec.json.decode(body, type=faults.Report) for _, body in self.spool.read(100).reports]


class FaultReporterTest(ReporterTest):
    def test_each_call_keeps_a_report(self) -> None:
        self.reporter.set_fault("200.006", "host=compute-1.process=sshd", "it failed", "major", suppression=False)
        self.reporter.clear_fault("200.006", "host=compute-1.process=sshd")
        self.reporter.clear_all("host=compute-1")
        self.reporter.log("200.022", "host=compute-1.state=enabled", "compute-1 is now enabled.")
        shown = [
            (kept.operation, kept.alarm_id, kept.entity_instance_id, kept.severity, kept.suppression) for kept in self.kept()
        ]
        self.assertEqual(
            [
                ("set", "200.006", "host=compute-1.process=sshd", "major", False),
                ("clear", "200.006", "host=compute-1.process=sshd", None, None),
                ("clear-all", "", "host=compute-1", None, None),
                ("log", "200.022", "host=compute-1.state=enabled", None, None),
            ],
            shown,
        )

    def test_a_report_says_when_it_was_made_in_utc(self) -> None:
        before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self.reporter.clear_all("host=compute-1")
        made = datetime.datetime.fromisoformat(self.kept()[0].timestamp)
        self.assertLessEqual(before, made)
        self.assertLess(made - before, datetime.timedelta(minutes=1))

    def test_every_report_has_a_name_of_its_own(self) -> None:
        for _ in range(3):
            self.reporter.clear_all("host=compute-1")
        self.assertEqual(3, len({uuid.UUID(kept.uuid) for kept in self.kept()}))

    def test_a_malformed_report_is_refused_at_once(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "The fault report is malformed: alarm_id '200' is not of the form 200.006.",
            self.reporter.set_fault,
            "200",
            "host=compute-1",
            "it failed",
        )
        self.assertEqual([], self.kept())

    def test_a_full_spool_is_told_to_the_reporter(self) -> None:
        self.platform.conf.config(group="fm", spool_limit=1000)
        self.reporter.report([client.clear_all("host=compute-1")] * 1000)
        self.assert_raises_with(
            exception.Unavailable,
            "1000 fault reports wait for fm-manager and the spool takes no more. Check fm-manager.",
            self.reporter.clear_all,
            "host=compute-1",
        )

    def test_reports_need_neither_manager_nor_database(self) -> None:
        self.platform.conf.config(group="fm_database", connection="sqlite:////nowhere/fm.sqlite")
        self.reporter.clear_all("host=compute-1")
        self.assertEqual(1, len(self.kept()))


@ddt.ddt
class ReportTest(base.DatabaseTest):
    @ddt.data(
        client.set_alarm("200.006", "host=compute-1", "it failed", "minor", inhibit_alarms=True, keep_existing=True),
        client.clear("200.006", "host=compute-1"),
        client.clear_all("host=compute-1"),
        client.log("200.022", "host=compute-1.state=enabled", "compute-1 is now enabled."),
    )
    def test_a_report_is_the_same_after_its_way(self, report: faults.Report) -> None:
        self.assertEqual(report, msgspec.json.decode(msgspec.json.encode(report), type=faults.Report))
