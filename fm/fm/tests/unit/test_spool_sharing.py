# SPDX-License-Identifier: Apache-2.0
"""A spool that one process has open several times, while others come and go."""

import pathlib
import subprocess
import sys

import fixtures

from fm.spool import Spool
from stx import testing

_APPEND = "import pathlib, sys; from fm.spool import Spool; s = Spool(pathlib.Path(sys.argv[1]), 100000); s.append([b'theirs']); s.close()"
_READ = "import pathlib, sys; from fm.spool import Spool; print(len(Spool(pathlib.Path(sys.argv[1]), 100000).read(1000).reports))"


class SharedSpoolTestCase(testing.TestCase):
    def elsewhere(self, code: str, directory: pathlib.Path) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(directory)], capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def test_what_one_connection_does_is_seen_by_all_after_another_process_has_come_and_gone(self) -> None:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "spool"
        courier, reporter = Spool(directory, 100000), Spool(directory, 100000)
        self.addCleanup(courier.close)
        self.addCleanup(reporter.close)
        courier.append([b"first"])
        # Opened while the other connection of this process holds its locks: they must survive that.
        reporter.append([b"second"])
        self.elsewhere(_APPEND, directory)
        courier.remove(courier.read(1).spool, 2)
        reporter.append([b"fourth"])
        self.assertEqual([b"theirs", b"fourth"], [body for _, body in courier.read(10).reports])
        self.assertEqual([b"theirs", b"fourth"], [body for _, body in reporter.read(10).reports])
        self.assertEqual("2", self.elsewhere(_READ, directory).strip())
