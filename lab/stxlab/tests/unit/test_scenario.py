# SPDX-License-Identifier: Apache-2.0
"""Scenarios: read strictly, and judged by what was seen."""

import pathlib

import ddt
import yaml
from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab import scenario, verbs
from stxlab.scenario import Condition, ScenarioError, Sights

SHIPPED = pathlib.Path(scenario.__file__).with_name("scenarios")
GOOD = """
name: A host fails
description: >
  And comes
  back.
hosts: [controller-0, compute-0]
settle: 2s
steps:
  - at: 5s
    do: power-off compute-0
  - wait until: host compute-0 state off|frozen
    within: 1.5m
  - after: 500ms
    expect: host controller-0 mgmt hears compute-0
    for: 4s
  - run: test -e /etc/hosts
    host: compute-0
    exit code: 1
"""
HEAD = "name: x\nhosts: [a, b]\nsteps:\n"


@ddt.ddt
class ParseTest(base.BaseTestCase):
    def test_what_is_written_is_what_is_read(self) -> None:
        read = scenario.parse(GOOD)
        self.assertEqual(("A host fails", "And comes back.", ("controller-0", "compute-0"), 2.0), _head(read))
        order, wait, expect, run = read.steps
        self.assertEqual((5.0, verbs.parse("power-off compute-0")), (order.at_s, order.order))
        assert wait.condition is not None
        self.assertEqual((("off", "frozen"), 90.0, False), (wait.condition.values, wait.within_s, wait.is_expectation))
        self.assertEqual((None, 0.5, 4.0, 3.0, True), (expect.at_s, expect.after_s, expect.holds_s, expect.within_s, True))
        self.assertEqual(("test -e /etc/hosts", "compute-0", 1), (run.command, run.host, run.exit_code))

    @ddt.data("2024-02-30", "2024-12-31", "2024-12-31 23:59:60")
    def test_a_name_may_look_like_a_date(self, name: str) -> None:
        self.assertEqual(name, scenario.parse(f"name: {name}\nhosts: [a]\nsteps: [{{do: heal-all}}]").name)

    @ddt.unpack
    @ddt.data(
        ("", "the file as a whole: Expected `object`"),
        ("steps: [", "line 1: this is no YAML"),
        ("name: x\nhosts: [a]\nsteps: []", "steps: there is none"),
        ("name: x\nhosts: []\nsteps: [{do: heal-all}]", "hosts: name those"),
        ("name: x\nhosts: [a]", "missing required field `steps`"),
        ("name: [x]\nhosts: [a]\nsteps: []", "name: Expected `str`"),
        ("name: x\nname: y\n", "line 2: name is there twice"),
        ("? [a]\n: b\n", "line 1: a key is a word"),
        (GOOD.replace("settle: 2s", "settle: soon"), "settle: soon is no duration"),
        (f"{HEAD}- do: hang a\n  color: red", "step 1 (line 4): Object contains unknown field `color`"),
        (f"{HEAD}- do: hang a\n- wait: x", "step 2 (line 5): Object contains unknown field `wait`"),
        (f"{HEAD}- at: 5s", "step 1 (line 4): a step has one of do, wait until, expect, run; this one has none"),
        (f"{HEAD}- do: hang a\n  run: x", "this one has do and run"),
        (f"{HEAD}- do: hang a\n  at: 5", "step 1 (line 4): 5 is no duration: write a number and its unit, as in 500ms, 5s, 2m"),
        (f"{HEAD}- do: hang a\n  at: 5 days", "5 days is no duration"),
        (f"{HEAD}- do: hang a\n  at: 5s\n  after: 5s", "a step has `at` or `after`, not both"),
        (f"{HEAD}- do: hang a\n\n- do: hang c", "step 2 (line 6): c is not among the scenario's hosts: a, b"),
        (f"{HEAD}- do: hang", "the following arguments are required: HOST"),
        (f"{HEAD}- do: hang a\n  within: 5s", "`within` belongs to wait until or expect or run, not to do"),
        (f"{HEAD}- run: ls", "`run` needs a `host`"),
        (f"{HEAD}- expect: host a is well", "'host a is well' is no condition: write host NAME state"),
        (f"{HEAD}- expect: host a state up", "there is no state up; there are: on, off"),
        (f"{HEAD}- expect: host a mgmt hears c", "c is not among"),
    )
    def test_what_is_wrong_is_told_with_its_place(self, text: str, reason: str) -> None:
        refused = self.assertRaises(ScenarioError, scenario.parse, text)
        self.assertIn(reason, str(refused))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "hosts", "steps", "do", "at"]), inner)
            ),
            max_leaves=12,
        )
    )
    def test_nothing_but_a_scenario_is_taken_for_one(self, content: object) -> None:
        try:
            read = scenario.parse(yaml.safe_dump(content))
        except ScenarioError:
            return
        self.assertTrue(read.steps)

    def test_those_that_are_shipped_can_be_read(self) -> None:
        names = [path.stem for path in sorted(SHIPPED.glob("*.yaml"))]
        self.assertLessEqual({"one-host", "partition", "slow-link"}, set(names))
        for name in names:
            self.assertTrue(scenario.parse((SHIPPED / f"{name}.yaml").read_text()).description, name)


@ddt.ddt
class SightsTest(base.BaseTestCase):
    @ddt.unpack
    @ddt.data(
        (("power", "a", "", "off"), "host a state off", True),
        (("power", "a", "", "off"), "host a state on", False),
        (("power", "a", "", "starting"), "host a state on", True),
        (("power", "a", "", "running"), "host a state degraded|running", True),
        (("power", "b", "", "off"), "host a state off", False),
        (("reach", "a", "mgmt", "slow, 120 ms"), "host a mgmt slow", True),
        (("reach", "a", "mgmt", "no address"), "host a mgmt answers|no address", True),
        (("reach", "a", "oam", "silent"), "host a mgmt silent", False),
        (("hears", "a", "mgmt", "hears all"), "host a mgmt hears b", True),
        (("hears", "a", "mgmt", "does not hear b, c"), "host a mgmt hears b", False),
        (("hears", "a", "mgmt", "does not hear b, c"), "host a mgmt does-not-hear c", True),
        (("hears", "a", "mgmt", "does not hear compute-10"), "host a mgmt hears compute-1", True),
        (("hears", "a", "mgmt", "hears nobody"), "host a mgmt does-not-hear b", True),
        (("hears", "a", "mgmt", "is off"), "host a mgmt hears b", False),
        (("state", "a", "", "unlocked-disabled-failed, Rebooting"), "host a availability failed", True),
        (("state", "a", "", "unlocked-disabled-power-off"), "host a availability power-off", True),
        (("state", "a", "", "unlocked-disabled-failed"), "host a operational enabled", False),
        (("state", "a", "", "unlocked-disabled-failed"), "host a administrative unlocked", True),
    )
    def test_a_condition_holds_or_not(self, event: tuple[str, str, str, str], text: str, holds: bool) -> None:
        sights = Sights()
        sights.see(*event)
        self.assertEqual(holds, sights.hold(scenario.condition(text)))

    def test_what_was_never_seen_does_not_hold(self) -> None:
        for text in ("host a state off", "host a mgmt silent", "host a mgmt does-not-hear b", "host a availability failed"):
            self.assertFalse(Sights().hold(scenario.condition(text)), text)

    def test_what_was_seen_last_counts(self) -> None:
        sights = Sights()
        sights.see("power", "a", "", "off")
        sights.see("power", "a", "", "running")
        self.assertEqual("running", sights.seen(Condition("", "a", "state", ())))


def _head(read: scenario.Scenario) -> tuple[object, ...]:
    return read.name, read.description, read.hosts, read.settle_s
