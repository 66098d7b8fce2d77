# SPDX-License-Identifier: Apache-2.0
"""Collects the unit tests of all rooms for stestr, which looks in one folder."""

import pathlib
import unittest

import hypothesis

# On a machine that is busy an example may take any time, and so may making it up.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

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
