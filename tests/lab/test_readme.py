# SPDX-License-Identifier: Apache-2.0
"""The README's cloud, typed as it stands there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from oslotest import base as oslo_base

from tests.lab import base

DEADLINE_S = 900
SECTION = re.compile(r"^A cloud on your laptop\n=+\n(.*?)^The house\n=+\n", re.MULTILINE | re.DOTALL)


class ReadmeTest(oslo_base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        if reason := base.missing():
            self.skipTest(reason)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stxlab-readme-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.run_in_shell, "./stx lab down")

    def run_in_shell(self, script: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "STX_LAB_DIR": str(self.directory / "lab")}
        return subprocess.run(
            ["bash", "-c", script],
            cwd=base.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def test_every_command_works_and_the_picture_is_there(self) -> None:
        section = SECTION.search((base.ROOT / "README.rst").read_text())
        assert section is not None
        typed = [line.removeprefix("    $ ") for line in section.group(1).splitlines() if line.startswith("    $ ")]
        self.assertIn("sudo ./stx lab down", typed)
        # Whoever runs this is root already, and other runs have their own files.
        commands = [command.removeprefix("sudo ").replace("/tmp/", f"{self.directory}/") for command in typed]
        script = "set -e\n" + "".join(f"echo '>>> {number}'\n{command}\n" for number, command in enumerate(commands))
        ran = self.run_in_shell(script)
        self.assertEqual(0, ran.returncode, ran.stdout[-3000:] + ran.stderr[-3000:])
        self.assertRegex(ran.stdout, r"compute-1 +\| worker +\| locked +\| disabled +\| online ")
        self.assertRegex(ran.stderr, r"compute-1 is locked disabled online")
        events = [json.loads(line) for line in (self.directory / "one-host/timeline.jsonl").read_text().splitlines()]
        self.assertTrue([event for event in events if event["host"] == "compute-0" and event["what"] == "power-off"], events[:20])
        self.assertIn("<svg", (self.directory / "one-host/timeline.html").read_text())
