# SPDX-License-Identifier: Apache-2.0
"""The processes, started as an operator starts them."""

import pathlib
import sqlite3
import subprocess
import sys

import fixtures

from stx import testing

_RUN = "import sys; from sysinv.cmd import main; sys.argv[0] = 'sysinv-dbsync'; main.dbsync()"


class DbsyncTest(testing.TestCase):
    def test_it_makes_the_tables_and_ends(self) -> None:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path, configuration = directory / "sysinv.sqlite", directory / "sysinv.conf"
        configuration.write_text(f"[sysinv_database]\nconnection = sqlite:///{path}\n")
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "--config-file", str(configuration)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(0, done.returncode, done.stderr)
        tables = {name for (name,) in sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.assertLessEqual({"i_system", "i_host", "i_icpu", "host_inventory"}, tables)
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
