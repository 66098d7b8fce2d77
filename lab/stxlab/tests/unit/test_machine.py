# SPDX-License-Identifier: Apache-2.0
"""What is on a host's disk, with directories in place of the disk and nothing mounted."""

import subprocess
from pathlib import Path

import fixtures
from oslotest import base

from stxlab import hostoptions, machine


class DiskTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.disk, self.seed = self.directory / "disk", self.directory / "seed"

    def power_on(self, **files: str) -> None:
        """:param files: what the lab gives, by name"""
        self.seed.mkdir()
        for name, content in files.items():
            (self.seed / name).write_text(content)
        environment = {
            "PATH": "/usr/bin:/bin",
            "SEED": str(self.seed),
            "DISK_MOUNT": str(self.disk),
            "WIPED": hostoptions.WIPED,
        }
        script = f"set -eu\nLOWER= ROOT=\nmount() {{ :; }}\n{machine._DISK}\nfill_disk\nassemble"
        subprocess.run(["/bin/sh", "-c", script], env=environment, check=True, timeout=60)

    def held(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.disk / "upper").iterdir()}

    def write(self, name: str, content: str = "") -> None:
        """As the host does."""
        (self.disk / "upper" / name).write_text(content)

    def test_what_the_lab_gives_is_put_there_once(self) -> None:
        self.power_on(hostname="a")
        self.assertEqual({"hostname": "a"}, self.held())
        self.assertFalse(self.seed.exists())
        self.write("hostname", "b")
        self.power_on(server="1")
        self.assertEqual({"hostname": "b", "server": "1"}, self.held())

    def test_a_disk_that_was_wiped_holds_what_the_lab_gave_and_nothing_else(self) -> None:
        self.power_on(hostname="a")
        self.power_on(server="1")
        self.write("hostname", "b")
        self.write("data", "x")
        self.write(hostoptions.WIPED)
        self.power_on(server="2")
        self.assertEqual({"hostname": "a", "server": "2"}, self.held())

    def test_every_part_is_in_what_starts_a_host(self) -> None:
        self.assertIn(machine._DISK, machine._START)
        self.assertNotIn("@", machine._START)
        subprocess.run(["/bin/sh", "-n", "-c", machine._START], check=True, timeout=60)
