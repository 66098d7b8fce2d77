# SPDX-License-Identifier: Apache-2.0
"""The README's tour, typed as it stands there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from oslotest import base

from stx import testing
from stxembedded import config
from tests.functional import deployment

ROOT = pathlib.Path(__file__).parents[2]
DEADLINE_S = 600
# Who types takes longer than the platform needs to notice; a script waits for it.
AWAITED = {"fm alarm-list": "200.006", "system host-list -c hostname -c availability": "degraded"}
_PROMPT = "    $ "


def commands(text: str) -> list[str]:
    """The commands behind the prompts, each with the lines of its here-document."""
    found: list[str] = []
    end: str | None = None
    for line in text.splitlines():
        if end is not None:
            found[-1] += "\n" + line.removeprefix("    ")
            end = None if line.strip() == end else end
        elif line.startswith(_PROMPT):
            found.append(line.removeprefix(_PROMPT))
            here = re.search(r"<<(\w+)$", line)
            end = here.group(1) if here else None
    return found


class ReadmeTestCase(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="stx-readme-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        data = self.home / ".local" / "share" / "starlingx"
        data.mkdir(parents=True)
        # The ports that the README shows may be taken on this machine; the platform keeps to those that it finds here.
        ports = {service: testing.free_port() for service in config.PORTS}
        (data / "layout.json").write_text(json.dumps({"shape": "simplex", "address": "127.0.0.1", "ports": ports}))
        self.environment = {**os.environ, "HOME": str(self.home)}
        for name in ("STX_DATA_DIR", "XDG_DATA_HOME"):
            self.environment.pop(name, None)
        # Not ./stx, which may find first that something is to be installed, and fail at it.
        self.addCleanup(self.run_in_shell, f"{deployment.PROGRAMS / 'stx'} down")

    def run_in_shell(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def test_every_command_of_the_tour_works_and_the_alarm_is_there(self) -> None:
        # The cloud that follows is typed by a test of the lab.
        typed = commands((ROOT / "README.rst").read_text().partition("\nA cloud on your laptop\n")[0])
        self.assertIn("./stx up", typed)
        self.assertLessEqual(AWAITED.keys(), set(typed))
        script = "set -e\n"
        for number, command in enumerate(typed):
            if command in AWAITED:
                script += f"until {command} | grep {AWAITED[command]} > /dev/null; do sleep 0.5; done\n"
            script += f"echo '>>> {number}'\n{command}\n"
        ran = self.run_in_shell(script)
        self.assertEqual(0, ran.returncode, ran.stdout[-3000:] + ran.stderr[-3000:])
        shown = dict(zip(typed, re.split(r">>> \d+\n", ran.stdout)[1:], strict=True))
        self.assertIn("unlocked       | enabled     | available", shown["system host-list"])
        self.assertIn("200.006", shown["fm alarm-list"])
        self.assertIn("degraded", shown["system host-list -c hostname -c availability"])
        [back] = [text for command, text in shown.items() if command.endswith("done; ./stx status")]
        self.assertIn("controller   running", back)
