# SPDX-License-Identifier: Apache-2.0
"""How `stx bench` finds and runs measurements."""

import argparse
import contextlib
import io
import json
import signal
from pathlib import Path

import fixtures
from oslotest import base

from stx import exception
from stxembedded.cmd import bench

MEASUREMENT = '''"""How fast nothing is.

More about it.
"""

def main(json: bool) -> dict:
    return {"nothing_per_s": 3.5}
'''


ENDED = MEASUREMENT.replace(
    "    return",
    """
    import os, pathlib, signal
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        pathlib.Path(__file__).with_suffix(".ended").touch()
    return""",
)


class BenchTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        root = self.root = Path(self.useFixture(fixtures.TempDir()).path)
        (root / "bench").mkdir()
        (root / "bench" / "no-thing.py").write_text(MEASUREMENT)
        (root / "bench" / "load.py").write_text("def main() -> None: ...\n")
        self.useFixture(fixtures.MonkeyPatch("stxembedded.checkout.root", lambda: root))
        self.useFixture(fixtures.MonkeyPatch("sys.path", []))

    def bench(self, name: str | None, is_json: bool = False) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(bench.run(argparse.Namespace(name=name, json=is_json)), 0)
        return out.getvalue()

    def test_without_a_name_measurements_are_listed_and_nothing_else(self) -> None:
        self.assertEqual(self.bench(None), "no-thing  How fast nothing is.\n")

    def test_figures_are_printed(self) -> None:
        self.assertEqual(self.bench("no-thing"), "nothing_per_s: 3.5\n")

    def test_figures_are_one_json_object_for_programs(self) -> None:
        self.assertEqual(json.loads(self.bench("no-thing", is_json=True)), {"nothing_per_s": 3.5})

    def test_unknown_name_is_told_with_those_that_there_are(self) -> None:
        refused = self.assertRaises(exception.NotFound, self.bench, "load")
        self.assertIn("There are: no-thing", refused.message)

    def test_a_measurement_that_is_told_to_end_ends_what_it_has_started(self) -> None:
        (self.root / "bench" / "long.py").write_text(ENDED)
        ended = self.assertRaises(SystemExit, self.bench, "long")
        self.assertEqual(128 + signal.SIGTERM, ended.code)
        self.assertTrue((self.root / "bench" / "long.ended").exists())
