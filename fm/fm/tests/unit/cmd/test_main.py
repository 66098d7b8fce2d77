# SPDX-License-Identifier: Apache-2.0
"""The processes, started as an operator starts them."""

import pathlib
import sqlite3
import subprocess
import sys

import fixtures

from stx import testing

_RUN = "import sys; from fm.cmd import main; sys.argv[0] = 'fm-dbsync'; main.dbsync()"


class DbsyncTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def run_dbsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, timeout=60)

    def test_it_makes_the_tables_and_ends(self) -> None:
        path = self.directory / "fm.sqlite"
        configuration = self.directory / "fm.conf"
        configuration.write_text(f"[fm_database]\nconnection = sqlite:///{path}\n")
        done = self.run_dbsync("--config-file", str(configuration))
        self.assertEqual(0, done.returncode, done.stderr)
        tables = {name for (name,) in sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.assertLessEqual({"alarm", "event_log", "event_suppression", "spool_position"}, tables)
        self.assertEqual(0o600, path.stat().st_mode & 0o777)

    def test_a_place_where_no_database_can_be_is_refused_with_the_option_that_names_it(self) -> None:
        configuration = self.directory / "fm.conf"
        configuration.write_text("[fm_database]\nconnection = sqlite:////dev/null/deep/fm.sqlite\n")
        done = self.run_dbsync("--config-file", str(configuration))
        told = "The fm database cannot be made in /dev/null/deep/fm.sqlite: Not a directory. Change [fm_database] connection."
        self.assertEqual((1, f"fm-dbsync: {told}\n"), (done.returncode, done.stderr))
