# SPDX-License-Identifier: Apache-2.0
"""What service parameters may be."""

from typing import Any

import hypothesis
from hypothesis import strategies as st

from stx import testing
from sysinv import parameter_rules
from sysinv.parameter_rules import Choice, Whole

PARAMETERS = {parameter.name: parameter for parameter in parameter_rules.MAINTENANCE.parameters}
VALUES = st.one_of(
    st.integers(-200, 90_000).map(str), st.sampled_from(("fail", "degrade", "alarm", "none")), st.text(max_size=300)
)


def rows(**values: str) -> list[dict[str, Any]]:
    """The maintenance parameters, at their defaults or as given."""
    found = [{**row, "personality": None, "resource": None} for row in parameter_rules.mandatory()]
    return [{**row, "value": values.get(row["name"], row["value"])} for row in found]


def row(name: str, /, **values: Any) -> dict[str, Any]:
    return {**next(each for each in rows() if each["name"] == name), **values}


def reasons(refusals: list[Any]) -> str:
    return " ".join(refusal.reason for refusal in refusals)


class SchemaTest(testing.TestCase):
    def test_the_eight_public_names_are_there_with_defaults_that_may_be_applied(self) -> None:
        self.assertEqual(
            {
                "worker_boot_timeout": "720",
                "controller_boot_timeout": "1200",
                "heartbeat_period": "100",
                "heartbeat_failure_action": "fail",
                "heartbeat_failure_threshold": "10",
                "heartbeat_degrade_threshold": "6",
                "mnfa_threshold": "2",
                "mnfa_timeout": "0",
            },
            {row["name"]: row["value"] for row in parameter_rules.mandatory()},
        )
        self.assertEqual([], parameter_rules.check_apply("platform", rows()))

    def test_a_number_is_from_its_range_or_one_of_the_others(self) -> None:
        for name, good, bad in (
            ("worker_boot_timeout", (720, 1800), (719, 1801)),
            ("controller_boot_timeout", (1200, 1800), (1199, 1801)),
            ("heartbeat_period", (100, 1000), (99, 1001)),
            ("heartbeat_failure_threshold", (10, 100), (9, 101)),
            ("heartbeat_degrade_threshold", (4, 100), (3, 101)),
            ("mnfa_threshold", (2, 100), (1, 101)),
            ("mnfa_timeout", (0, 100, 86400), (1, 99, 86401)),
        ):
            for value in good:
                self.assertEqual([], parameter_rules.check_update(row(name), {"value": str(value)}))
            for value in bad:
                self.assertIn(name, reasons(parameter_rules.check_update(row(name), {"value": str(value)})))

    def test_a_refusal_says_what_it_may_be(self) -> None:
        for name, value, expected in (
            ("mnfa_timeout", "50", "mnfa_timeout cannot be '50': it is 0 or 100 to 86400 seconds."),
            ("heartbeat_failure_action", "Fail", "'Fail': it is one of fail, degrade, alarm, none."),
            ("mnfa_threshold", "\u0663", "it is 2 to 100."),
            ("mnfa_threshold", "9" * 300, "at most 255 characters"),
            ("mnfa_threshold", None, "mnfa_threshold is a text"),
        ):
            self.assertIn(expected, reasons(parameter_rules.check_update(row(name), {"value": value})))

    @hypothesis.given(st.sampled_from(sorted(PARAMETERS)), VALUES)
    def test_what_is_accepted_is_read_back_and_all_else_is_refused(self, name: str, value: str) -> None:
        kind = PARAMETERS[name].kind
        is_accepted = not parameter_rules.check_update(row(name), {"value": value})
        if isinstance(kind, Choice):
            self.assertEqual(value in kind.words, is_accepted)
        elif is_accepted:
            self.assertTrue(kind.least <= int(value) <= kind.most or int(value) in kind.also)
        if is_accepted:
            self.assertEqual(kind.read(value), parameter_rules.effective("platform", rows(**{name: value}))["maintenance"][name])

    @hypothesis.given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(-10, 30_000))
    def test_a_whole_number_is_read_where_it_is_in_range(self, least: int, more: int, number: int) -> None:
        kind = Whole(least, least + more)
        try:
            self.assertEqual(number, kind.read(str(number)))
            is_read = True
        except ValueError:
            is_read = False
        self.assertEqual(least <= number <= least + more, is_read)


class SectionTest(testing.TestCase):
    @hypothesis.given(st.integers(4, 100), st.integers(10, 100))
    def test_a_host_is_degraded_no_later_than_it_fails(self, degrade: int, failure: int) -> None:
        found = rows(heartbeat_degrade_threshold=str(degrade), heartbeat_failure_threshold=str(failure))
        self.assertEqual(degrade > failure, bool(parameter_rules.check_apply("platform", found)))

    def test_all_that_is_wrong_is_told_when_it_is_applied(self) -> None:
        told = reasons(parameter_rules.check_apply("platform", rows(mnfa_threshold="1", mnfa_timeout="1")))
        self.assertIn("mnfa_threshold", told)
        self.assertIn("mnfa_timeout", told)

    def test_a_service_that_has_none_is_refused(self) -> None:
        self.assertIn("no service horizon", reasons(parameter_rules.check_apply("horizon", [])))

    def test_what_this_release_does_not_know_is_not_effective(self) -> None:
        found = [*rows(mnfa_threshold="1"), row("mnfa_timeout", name="older"), row("mnfa_timeout", section="config")]
        effective = parameter_rules.effective("platform", found)
        self.assertEqual({"maintenance"}, effective.keys())
        self.assertEqual(PARAMETERS.keys() - {"mnfa_threshold"}, effective["maintenance"].keys())
        self.assertEqual([], parameter_rules.check_apply("platform", [*rows(), row("mnfa_timeout", name="older")]))


class ChangeTest(testing.TestCase):
    def test_a_parameter_is_added_where_its_section_knows_it_and_it_is_not_there(self) -> None:
        def told(section: str, values: dict[str, str], existing: list[dict[str, Any]], **more: str) -> str:
            return reasons(parameter_rules.check_create("platform", section, values, existing, **more))

        self.assertEqual("", told("maintenance", {"mnfa_threshold": "3"}, []))
        self.assertIn("already", told("maintenance", {"mnfa_threshold": "3"}, rows()))
        self.assertIn("no parameter nothing", told("maintenance", {"nothing": "3"}, []))
        self.assertIn("cannot be '1'", told("maintenance", {"mnfa_threshold": "1"}, []))
        self.assertIn("no section config", told("config", {"mnfa_threshold": "3"}, []))
        self.assertIn("at least one", told("maintenance", {}, []))
        self.assertIn("whole system", told("maintenance", {"mnfa_threshold": "3"}, [], personality="worker"))

    def test_only_its_value_changes(self) -> None:
        same = {"name": "mnfa_threshold", "personality": None, "resource": None, "value": "3"}
        self.assertEqual([], parameter_rules.check_update(row("mnfa_threshold"), same))
        for changes in ({"name": "mnfa_timeout"}, {"personality": "worker"}, {"resource": "a::b"}):
            self.assertIn("stays", reasons(parameter_rules.check_update(row("mnfa_threshold"), changes)))

    def test_a_mandatory_one_stays_and_one_of_another_release_goes(self) -> None:
        self.assertIn("mandatory", reasons(parameter_rules.check_delete(row("mnfa_threshold"))))
        other = row("mnfa_threshold", name="older")
        self.assertEqual([], parameter_rules.check_delete(other))
        self.assertIn("does not know", reasons(parameter_rules.check_update(other, {"value": "1"})))
