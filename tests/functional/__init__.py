# SPDX-License-Identifier: Apache-2.0
"""Tests of whole deployments, through what their users have: REST, commands, signals. Collects those of the rooms too."""

import pathlib
import unittest

_TOP = pathlib.Path(__file__).parents[2]


def load_tests(loader: unittest.TestLoader, standard: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    suite = unittest.TestSuite()
    for room, package in (("embedded", "stxembedded"), ("mtce", "mtce"), ("sm", "sm")):
        tests = _TOP / room / package / "tests/functional"
        suite.addTests(unittest.TestLoader().discover(str(tests), top_level_dir=str(_TOP / room)))
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
        suite.addTests(loader.loadTestsFromName(f"{__name__}.{path.stem}"))
    return suite
