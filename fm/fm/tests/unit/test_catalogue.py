# SPDX-License-Identifier: Apache-2.0
"""The catalogue that is shipped, what it refuses, and what it adds to a report."""

import datetime
import importlib.resources
import re

import ddt

from fm import catalogue, faults
from fm.tests.unit import base
from stx import testing

_THRESHOLDS = (*faults.SEVERITIES, "none")
CAUSES = """
unknown adaptor-error application-subsystem-failure bandwidth-reduced call-establishment-error communication-protocol-error
communication-subsystem-failure configuration-or-customization-error congestion corrupt-data cpu-cycles-limit-exceeded
dataset-or-modem-error degraded-signal dte-dce-interface-error enclosure-door-open equipment-malfunction excessive-vibration
file-error fire-detected flood-detected framing-error heating-ventilation-cooling-system-problem humidity-unacceptable
io-device-error input-device-error lan-error leak-detected local-node-transmission-error loss-of-frame loss-of-signal
material-supply-exhausted multiplexer-problem out-of-memory output-device-error performance-degraded power-problem
processor-problem pump-failure queue-size-exceeded receive-failure receiver-failure remote-node-transmission-error
resource-at-or-nearing-capacity response-time-excessive retransmission-rate-excessive software-error
software-program-abnormally-terminated software-program-error storage-capacity-problem temperature-unacceptable
threshold-crossed timing-problem toxic-leak-detected transmit-failure transmitter-failure underlying-resource-unavailable
version-mismatch duplicate-information information-missing information-modification-detected information-out-of-sequence
unexpected-information denial-of-service out-of-service procedural-error unspecified-reason cable-tamper intrusion-detection
authentication-failure breach-of-confidentiality non-repudiation-failure unauthorized-access-attempt delayed-information
key-expired out-of-hours-activity configuration-out-of-date configuration-provisioning-required certificate-expiration
"""


class ShippedTest(testing.TestCase):
    """Every entry can make an alarm or log that is valid."""

    def test_every_id_is_well_formed(self) -> None:
        for alarm_id in catalogue.load():
            self.assertRegex(alarm_id, r"\A[0-9]{3}\.[0-9]{3}\Z")

    def test_every_id_is_there_once_and_in_order(self) -> None:
        text = importlib.resources.files("fm").joinpath("catalogue.yaml").read_text(encoding="utf-8")
        written = re.findall(r'^"([0-9.]+)":', text, re.MULTILINE)
        self.assertEqual(written, sorted(catalogue.load()))

    def test_the_published_ids_are_there(self) -> None:
        instances = {f"700.{number}" for number in range(101, 218)}
        strategies = {f"900.{kind}{number:02}" for kind in range(1, 7) for number in (1, 2, 3, *range(11, 22))}
        self.assertLessEqual(instances | strategies, catalogue.load().keys())
        # With them 337 that releases have published, and six that hosts and controllers report beside them.
        self.assertEqual(337 + 6, len(catalogue.load()))

    def test_every_severity_is_known(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertTrue(entry.severity, alarm_id)
            self.assertLessEqual(set(catalogue.all_of(entry.severity)), set(faults.SEVERITIES), alarm_id)

    def test_every_type_is_known(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertTrue(entry.alarm_type, alarm_id)
            self.assertLessEqual(set(catalogue.all_of(entry.alarm_type)), set(faults.ALARM_TYPES), alarm_id)

    def test_every_cause_is_known(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertIn(entry.probable_cause, CAUSES.split(), alarm_id)

    def test_every_threshold_is_a_severity_or_none(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertIn(entry.mgmt_affecting, _THRESHOLDS, alarm_id)
            self.assertIn(entry.degrade_affecting, _THRESHOLDS, alarm_id)

    def test_service_affecting_is_said_of_every_severity(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            if isinstance(entry.service_affecting, dict):
                self.assertEqual(set(entry.severity), set(entry.service_affecting), alarm_id)

    def test_every_text_fits(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            for text in (entry.description, entry.probable_cause, entry.proposed_repair_action):
                self.assertLessEqual(len(text), faults.MAX_TEXT, alarm_id)
            self.assertTrue(entry.description, alarm_id)

    def test_every_alarm_says_how_to_repair_it(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertEqual(entry.type == "alarm", bool(entry.proposed_repair_action), alarm_id)

    def test_what_only_alarms_have_no_log_has(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            if entry.type == "log":
                flags = (entry.suppression, entry.mgmt_affecting, entry.degrade_affecting, entry.inhibit_alarms)
                self.assertEqual((False, "none", "none", False), flags, alarm_id)


@ddt.ddt
class ValuesTest(testing.TestCase):
    """The published attributes of some ids (spec fm.md 10)."""

    @ddt.data(
        ("200.001", "alarm", "warning", "operational-violation", "out-of-service", True, False, "warning", "none", True),
        (
            "200.006",
            "alarm",
            ["critical", "major", "minor"],
            "operational-violation",
            "unknown",
            {"critical": True, "major": True, "minor": False},
            True,
            "warning",
            "major",
            False,
        ),
        ("200.020", "log", "warning", "other", "unspecified-reason", True, False, "none", "none", False),
        ("200.021", "log", "warning", "other", "unspecified-reason", False, False, "none", "none", False),
        ("200.022", "log", ["warning", "critical"], "other", "unspecified-reason", True, False, "none", "none", False),
        ("200.024", "log", "warning", "other", "unspecified-reason", False, False, "none", "none", False),
        ("300.002", "alarm", ["critical", "major"], "equipment", "loss-of-signal", True, False, "warning", "critical", False),
        ("400.003", "alarm", "critical", "processing-error", "key-expired", True, False, "critical", "none", False),
        ("700.017", "alarm", "minor", "processing-error", "procedural-error", True, True, "none", "none", False),
        ("700.212", "log", "major", "equipment", "unspecified-reason", False, False, "none", "none", False),
        ("900.402", "alarm", "major", "equipment", "unspecified-reason", True, True, "warning", "none", False),
        ("900.403", "alarm", "critical", "equipment", "underlying-resource-unavailable", True, True, "warning", "none", False),
        ("900.613", "log", "critical", "equipment", "unspecified-reason", False, False, "none", "none", False),
    )
    @ddt.unpack
    def test_an_entry_has_the_published_values(self, alarm_id: str, *expected: object) -> None:
        entry = catalogue.load()[alarm_id]
        shown = (
            entry.type,
            entry.severity,
            entry.alarm_type,
            entry.probable_cause,
            entry.service_affecting,
            entry.suppression,
            entry.mgmt_affecting,
            entry.degrade_affecting,
            entry.inhibit_alarms,
        )
        self.assertEqual(expected, shown)


@ddt.ddt
class CheckTest(testing.TestCase):
    def assert_refused(self, text: str, report: faults.Report) -> None:
        with self.assertRaisesRegex(faults.MalformedError, re.escape(text)):
            catalogue.check(report)

    @ddt.data(
        ("100.104", "host=compute-0.filesystem=/mnt/a.b=c"),
        ("100.104", "host=compute-0.volumegroup=nova-local"),
        ("100.114", "host=compute-0.ntp"),
        ("100.114", "host=compute-0.ntp=2001:db8::1"),
        ("200.001", "host=compute-0.example.org"),
        ("200.005", "host=compute-0.network=Management"),
        ("200.007", "host=compute-0.sensor=P1.Temp = high"),
        ("300.016", "host=compute-0,agent=a,bgp-peer=b"),
        ("500.200", "system.certificate.k8sRootCA"),
        ("800.002", "image=a, instance=b"),
        ("800.100", "cinder_io_monitor"),
        ("800.103", "compute-0.lvmthinpool=cgts-vg/pool"),
        ("900.001", "host=controller"),
    )
    @ddt.unpack
    def test_an_entity_of_the_published_form_is_taken(self, alarm_id: str, entity: str) -> None:
        catalogue.check(base.report(alarm_id=alarm_id, entity=entity))

    @ddt.data(
        ("100.104", "host=compute-0"),
        ("100.104", "host=compute-0.filesystem="),
        ("200.001", "host="),
        ("200.001", "host=compute-0.process=sshd"),
        ("200.001", "compute-0"),
        ("200.001", "host=compute-0=1"),
        ("200.001", "Host=compute-0"),
        ("200.005", "host=compute-0.network=management"),
        ("200.006", "host=compute-0.process=sshd.thread=1"),
        ("200.006", "process=sshd.host=compute-0"),
        ("900.001", "host=controller-0"),
    )
    @ddt.unpack
    def test_an_entity_of_another_form_is_refused_with_the_form(self, alarm_id: str, entity: str) -> None:
        for operation in ("set", "log"):
            report = base.report(operation, entity, alarm_id=alarm_id)
            text = f"entity_instance_id {entity!r} is not what {alarm_id} is about: make it "
            self.assert_refused(text, report)

    def test_of_several_forms_all_are_told(self) -> None:
        text = "make it host=<host>.ntp or host=<host>.ntp=<server>"
        self.assert_refused(text, base.report(alarm_id="100.114", entity="ntp"))

    def test_an_alarm_may_be_written_as_a_log(self) -> None:
        catalogue.check(base.report("log"))

    def test_a_log_is_not_set(self) -> None:
        report = base.report(alarm_id="200.022", entity="host=compute-0.state=enabled")
        self.assert_refused("alarm_id 200.022 is that of a log", report)

    def test_whatever_may_be_cleared(self) -> None:
        catalogue.check(base.report("clear", "nonsense", alarm_id="999.001"))
        catalogue.check(base.report("clear-all", "nonsense"))


class CompleteTest(testing.TestCase):
    def test_what_a_report_leaves_out_comes_from_the_catalogue(self) -> None:
        alarm = catalogue.complete(base.report("set", "host=compute-1.process=sshd", severity=None))
        self.assertEqual(
            {
                "alarm_id": "200.006",
                "alarm_state": "set",
                "entity_type_id": "host.process",
                "entity_instance_id": "host=compute-1.process=sshd",
                "timestamp": datetime.datetime(2026, 11, 23, 10, 0, 0, 1),
                "severity": "critical",
                "reason_text": "a process has failed",
                "alarm_type": "operational-violation",
                "probable_cause": "unknown",
                "proposed_repair_action": catalogue.load()["200.006"].proposed_repair_action,
                "service_affecting": True,
                "suppression": True,
                "inhibit_alarms": False,
                "root_alarm_id": None,
                "root_entity_instance_id": None,
            },
            alarm,
        )

    def test_of_several_types_the_first_is_taken(self) -> None:
        alarm = catalogue.complete(base.report("set", "image=a", alarm_id="800.002"))
        self.assertEqual("physical-violation", alarm["alarm_type"])

    def test_what_a_report_says_counts_more_than_the_catalogue(self) -> None:
        said = {
            "severity": "minor",
            "alarm_type": "equipment",
            "probable_cause": "power-problem",
            "proposed_repair_action": "",
            "service_affecting": True,
            "suppression": False,
            "inhibit_alarms": True,
        }
        alarm = catalogue.complete(base.report("set", **said))
        self.assertEqual(said, {name: alarm[name] for name in said})

    def test_whether_service_is_affected_follows_from_the_severity(self) -> None:
        affected = [
            catalogue.complete(base.report("set", severity=severity))["service_affecting"]
            for severity in ("critical", "major", "minor")
        ]
        self.assertEqual([True, True, False], affected)
