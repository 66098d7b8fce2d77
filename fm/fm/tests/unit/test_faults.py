# SPDX-License-Identifier: Apache-2.0
"""What a fault report may say."""

from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from fm import faults
from fm.tests.unit import base
from stx import testing

_VALUE = st.text(alphabet="abc0-/: .", min_size=1, max_size=12).map(lambda text: text.strip(".") or "x")


@ddt.ddt
class CheckTest(testing.TestCase):
    def assert_malformed(self, text: str, operation: faults.Operation, **attributes: Any) -> None:
        error = self.assertRaises(faults.MalformedError, faults.check, base.report(operation, **attributes))
        self.assertIn(text, str(error))

    @ddt.data("set", "clear", "clear-all", "log")
    def test_a_well_formed_report_passes(self, operation: faults.Operation) -> None:
        faults.check(base.report(operation))

    @ddt.data("set", "clear", "clear-all", "log")
    def test_the_entity_must_be_named(self, operation: faults.Operation) -> None:
        self.assert_malformed("entity_instance_id is empty", operation, entity="")

    @ddt.data("", "200", "200.06", "2000.006", "200-006", "200.006\n", "٢٠٠.٠٠٦")
    def test_an_alarm_id_has_two_groups_of_three_digits(self, alarm_id: str) -> None:
        for operation in ("set", "clear", "log"):
            self.assert_malformed("is not of the form 200.006", operation, alarm_id=alarm_id)

    @ddt.data(None, "")
    def test_alarms_and_logs_say_what_happened(self, text: str | None) -> None:
        for operation in ("set", "log"):
            self.assert_malformed("reason_text is empty", operation, reason_text=text)

    @ddt.data("fatal", "", "not-applicable", "CRITICAL")
    def test_an_alarm_has_one_of_four_severities(self, severity: str) -> None:
        self.assert_malformed("is not one of critical, major, minor, warning", "set", severity=severity)

    def test_a_log_may_be_without_severity(self) -> None:
        faults.check(base.report("log", severity=faults.NOT_APPLICABLE))

    def test_the_severity_of_a_log_is_a_known_word(self) -> None:
        self.assert_malformed("severity 'fatal' is not one of", "log", severity="fatal")

    def test_the_severity_may_be_left_to_the_catalogue(self) -> None:
        faults.check(base.report("set", severity=None))

    def test_the_alarm_type_is_one_of_the_standard(self) -> None:
        self.assert_malformed("alarm_type 'plumbing' is not one of other,", "set", alarm_type="plumbing")

    @ddt.data("entity_instance_id", "reason_text", "probable_cause", "proposed_repair_action")
    def test_a_text_has_at_most_255_characters(self, name: str) -> None:
        argument = "entity" if name == "entity_instance_id" else name
        faults.check(base.report("set", **{argument: "é" * 255}))
        self.assert_malformed(f"{name} has 256 characters; 255 are allowed", "set", **{argument: "é" * 256})

    @ddt.data(("200.004", None), (None, "host=a"), ("200.004", ""), ("", "host=a"), ("", ""))
    def test_a_root_is_named_by_id_and_entity(self, root: tuple[str | None, str | None]) -> None:
        self.assert_malformed("give both or neither", "set", root_alarm_id=root[0], root_entity_instance_id=root[1])

    def test_a_root_has_an_id_and_an_entity_like_any_alarm(self) -> None:
        faults.check(base.report("set", root_alarm_id="200.004", root_entity_instance_id="host=a"))
        named = {"root_alarm_id": "200.04", "root_entity_instance_id": "host=a"}
        self.assert_malformed("root_alarm_id '200.04' is not of the form", "set", **named)
        long = {"root_alarm_id": "200.004", "root_entity_instance_id": "x" * 256}
        self.assert_malformed("root_entity_instance_id has 256 characters", "set", **long)

    def test_an_alarm_is_not_its_own_root(self) -> None:
        named = {"root_alarm_id": "200.006", "root_entity_instance_id": "host=a.process=b"}
        self.assert_malformed("name the alarm itself", "set", entity="host=a.process=b", **named)

    @ddt.data("entity_instance_id", "reason_text", "probable_cause", "proposed_repair_action")
    def test_a_text_has_no_nul(self, name: str) -> None:
        argument = "entity" if name == "entity_instance_id" else name
        self.assert_malformed(f"{name} contains a NUL character", "set", **{argument: "a\0b"})

    @ddt.data("", "yesterday", "2026-13-01T00:00:00", "2026-11-23T10:00:00+01:00", "2026-11-23T10:00:00Z")
    def test_the_timestamp_is_utc_without_suffix(self, timestamp: str) -> None:
        for operation in ("set", "clear", "clear-all", "log"):
            self.assert_malformed("is not a time such as", operation, timestamp=timestamp)

    @ddt.data("", "x", "6a2a0f5e-8d1f-5a55-9a66", "6a2a0f5e-8d1f-5a55-9a66-1d2f1f0c7b11-and-more")
    def test_the_uuid_is_one(self, text: str) -> None:
        self.assert_malformed("is not a uuid", "set", uuid=text)


@ddt.ddt
class EntityTest(testing.TestCase):
    @ddt.data(
        ("host=controller-0", "host"),
        ("host=controller-0.port=eth0", "host.port"),
        ("host=controller-0.filesystem=/var/lib/a.b/c", "host.filesystem"),
        ("host=node.example.org", "host"),
        ("host=node.example.org.process=a.out", "host.process"),
        ("service_domain=controller.service_group=cloud-services.host=controller-1", "service_domain.service_group.host"),
        ("host=compute-0,agent=1f0c,bgp-peer=10.0.0.1", "host.agent.bgp-peer"),
        ("host=compute-0.ntp", "host"),
        ("host=.port=eth0", "host.port"),
        ("cinder_io_monitor", "cinder_io_monitor"),
    )
    @ddt.unpack
    def test_the_type_of_an_entity_is_its_names_without_values(self, entity: str, expected: str) -> None:
        self.assertEqual(expected, faults.entity_type(entity))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["host", "port", "file-system", "service_group"]), _VALUE), min_size=1, max_size=4))
    def test_values_may_hold_dots(self, parts: list[tuple[str, str]]) -> None:
        entity = ".".join(f"{name}={value}" for name, value in parts)
        self.assertEqual(".".join(name for name, _ in parts), faults.entity_type(entity))

    @ddt.data(
        ("host=compute-1", "host=compute-1", True),
        ("host=compute-1.process=a", "host=compute-1", True),
        ("host=compute-10", "host=compute-1", False),
        ("host=compute-10.process=a", "host=compute-1", False),
        ("host=compute-1", "host=compute-1.process=a", False),
        ("host=compute-1", "host=compute", False),
    )
    @ddt.unpack
    def test_an_entity_is_within_itself_and_what_contains_it(self, entity: str, parent: str, expected: bool) -> None:
        self.assertIs(expected, faults.is_within(entity, parent))


@ddt.ddt
class StatusTest(testing.TestCase):
    @ddt.data(
        ("critical", "critical", True),
        ("major", "critical", False),
        ("major", "major", True),
        ("critical", "warning", True),
        ("warning", "warning", True),
        ("warning", "minor", False),
        ("critical", "none", False),
        ("not-applicable", "warning", False),
    )
    @ddt.unpack
    def test_an_alarm_affects_from_its_types_threshold_up(self, severity: str, threshold: str, expected: bool) -> None:
        self.assertIs(expected, faults.affects(severity, threshold))

    @ddt.data(
        ((0, 0, 0), "OK"), ((0, 0, 1), "degraded"), ((0, 1, 0), "degraded"), ((1, 0, 0), "critical"), ((2, 3, 4), "critical")
    )
    @ddt.unpack
    def test_the_status_is_that_of_the_worst_alarm(self, counts: tuple[int, int, int], expected: str) -> None:
        self.assertEqual(expected, faults.status(*counts))
