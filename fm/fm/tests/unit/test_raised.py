# SPDX-License-Identifier: Apache-2.0
"""The catalogue and the components: what one raises the other has, and the other way round."""

import ast
import collections
import functools
import pathlib
from collections.abc import Iterator

import fm
from fm import catalogue, faults
from fm.tests.unit import base
from stx import testing

_TOP = pathlib.Path(fm.__file__).parents[2]


def _sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of a component, with the name of the component's room."""
    for package in _TOP.glob("*/*/__init__.py"):
        room = package.relative_to(_TOP).parts[0]
        if room in ("common", "client", "tests"):
            continue
        for path in package.parent.rglob("*.py"):
            parts = path.relative_to(package.parent).parts
            # The REST service passes on what others say, and the face names what others raise.
            if "tests" not in parts and (room, parts[0]) not in (("fm", "api"), ("fm", "client.py")):
                yield room, ast.parse(path.read_text(encoding="utf-8"))


def _texts(module: ast.Module) -> Iterator[str]:
    return (node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@functools.cache
def raised() -> dict[str, set[str]]:
    """By id, the components that have it in their code."""
    found = collections.defaultdict(set)
    for room, module in _sources():
        for text in _texts(module):
            if faults.ALARM_ID.fullmatch(text):
                found[text].add(room)
    return found


class RaisedTest(testing.TestCase):
    def test_every_id_that_a_component_raises_is_in_the_catalogue_as_raised_by_it(self) -> None:
        expected = {alarm_id: sorted(rooms) for alarm_id, rooms in raised().items()}
        told = {alarm_id: sorted(entry.raised_by) for alarm_id, entry in catalogue.load().items() if alarm_id in expected}
        self.assertEqual(expected, told)
        self.assertEqual([], [alarm_id for alarm_id in expected if catalogue.load()[alarm_id].planned])

    def test_every_id_that_is_not_planned_is_raised(self) -> None:
        told = {alarm_id for alarm_id, entry in catalogue.load().items() if not entry.planned}
        self.assertEqual(set(), told - raised().keys())

    def test_what_is_raised_has_an_example_that_is_taken_and_what_is_planned_has_none(self) -> None:
        for alarm_id, entry in catalogue.load().items():
            self.assertEqual(entry.planned, not entry.example, alarm_id)
            if entry.example:
                operation: faults.Operation = "set" if entry.type == "alarm" else "log"
                catalogue.check(base.report(operation, entry.example, alarm_id=alarm_id))

    def test_everything_has_somebody_who_is_to_raise_it(self) -> None:
        self.assertEqual([], [alarm_id for alarm_id, entry in catalogue.load().items() if not entry.raised_by])
