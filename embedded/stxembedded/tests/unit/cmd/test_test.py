# SPDX-License-Identifier: Apache-2.0
"""How `stx test` chooses, runs and counts."""

import collections
import io
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import ClassVar

import fixtures
import subunit  # type: ignore[import-untyped]
from oslotest import base

from stx import exception
from stxembedded import checkout
from stxembedded.cmd import test
from stxembedded.cmd.test import Step

BROKEN = "import nothing_like_this\n"
MIXED = """
    import unittest

    class MixedTest(unittest.TestCase):
        def test_passes(self):
            pass

        @unittest.skip("not here")
        def test_is_skipped(self):
            pass

        def test_fails(self):
            self.fail()
"""


class ChooseTest(base.BaseTestCase):
    def names(self, *arguments: str) -> tuple[list[str], list[str]]:
        steps, filters = test.choose(arguments)
        return [step.name for step in steps], filters

    def test_without_arguments_everything_runs(self) -> None:
        self.assertEqual(self.names(), ([step.name for step in test.STEPS], []))

    def test_groups_and_steps_are_chosen_by_name(self) -> None:
        self.assertEqual(self.names("lint"), (["format", "style", "walls", "types"], []))
        self.assertEqual(self.names("walls", "unit"), (["walls", "unit"], []))

    def test_other_words_choose_among_the_tests(self) -> None:
        self.assertEqual(self.names("unit", "fm.tests"), (["unit"], ["fm.tests"]))
        self.assertEqual(self.names("fm.tests"), (["unit", "simulation", "functional", "lab"], ["fm.tests"]))


class RunTest(base.BaseTestCase):
    """One checkout for all of them, in which tests ran once already, because each run takes seconds."""

    root: ClassVar[Path]
    first: ClassVar[collections.Counter[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        directory = fixtures.TempDir()
        directory.setUp()
        cls.addClassCleanup(directory.cleanUp)
        cls.root = Path(directory.path)
        (cls.root / "tests").mkdir()
        (cls.root / "tests" / "__init__.py").touch()
        cls.first = cls.stestr(MIXED)

    @classmethod
    def stestr(cls, content: str, *filters: str) -> collections.Counter[str]:
        (cls.root / "tests" / "test_it.py").write_text(textwrap.dedent(content))
        step = Step("unit", "unit", ("stestr", "--test-path", "./tests", "run", "--serial"), is_stestr=True)
        with (cls.root / "output").open("wb") as output, fixtures.MonkeyPatch("subprocess.run", cls._quiet(output)):
            return test.run_step(cls.root, step, filters)

    @staticmethod
    def _quiet(output: io.BufferedWriter) -> object:
        run = subprocess.run
        return lambda *args, **kwargs: run(*args, **{"stdout": output, "stderr": output, **kwargs})

    def test_tests_are_counted_one_by_one(self) -> None:
        self.assertEqual(test.line(self.first), "1 passed, 1 failed, 1 skipped")

    def test_tests_that_cannot_be_collected_count_as_a_failure_whatever_the_last_run_was(self) -> None:
        self.assertEqual(test.line(self.stestr(BROKEN)), "0 passed, 1 failed, 0 skipped")

    def test_filter_that_fits_nothing_is_no_failure_of_the_step(self) -> None:
        self.assertEqual(test.line(self.stestr(MIXED, "nothing_like_this")), "0 passed, 0 failed, 0 skipped")

    def test_other_steps_count_as_one(self) -> None:
        python = Path(sys.executable).name
        for code, counted in ((0, "1 passed, 0 failed, 0 skipped"), (7, "0 passed, 1 failed, 0 skipped")):
            step = Step("it", "lint", (python, "-c", f"raise SystemExit({code})"))
            self.assertEqual(test.line(test.run_step(self.root, step, ["a filter"])), counted)

    def test_missing_program_is_told(self) -> None:
        refused = self.assertRaises(
            exception.ConfigurationError, test.run_step, self.root, Step("it", "lint", ("nothing-like-this",))
        )
        self.assertIn("nothing-like-this is not installed", refused.message)


class CountTest(base.BaseTestCase):
    def test_test_whose_worker_died_has_failed(self) -> None:
        stream = io.BytesIO()
        result = subunit.StreamResultToBytes(stream)
        result.status(test_id="a", test_status="inprogress")
        result.status(test_id="b", test_status="inprogress")
        result.status(test_id="b", test_status="success")
        self.assertEqual(test.line(test.count(stream.getvalue())), "1 passed, 1 failed, 0 skipped")


class TypesTest(base.BaseTestCase):
    def test_types_are_checked_in_the_modules_that_the_walls_keep_pure(self) -> None:
        modules = test.pure_modules(checkout.root())
        self.assertIn("-msysinv.states", modules)
        self.assertIn("-mfm.ledger", modules)
