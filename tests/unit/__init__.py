# SPDX-License-Identifier: Apache-2.0
"""Collects the unit tests of all rooms for stestr, which looks in one folder."""

import pathlib
import unittest

_TOP = pathlib.Path(__file__).parents[2]
# The folder that a package's imports begin in, and the package's unit tests.
ROOMS = {
    "common": "stx/tests/unit",
    "fm": "fm/tests/unit",
    "sysinv": "sysinv/tests/unit",
    "sm": "sm/tests/unit",
    "mtce": "mtce/tests/unit",
    "client": "stxclient/tests/unit",
    "embedded": "stxembedded/tests/unit",
    "lab": "stxlab/tests/unit",
    ".": "bench/tests/unit",
}


def load_tests(loader: unittest.TestLoader, standard: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    suite = unittest.TestSuite()
    for room, tests in ROOMS.items():
        top = _TOP / room
        suite.addTests(unittest.TestLoader().discover(str(top / tests), top_level_dir=str(top)))
    return suite
