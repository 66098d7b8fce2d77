# SPDX-License-Identifier: Apache-2.0
"""What programs of hosts are called."""

import os
import signal
import subprocess
import sys

import ddt
from oslotest import base

from stxlab import programs

HYBRID = """12:freezer:/stxlab/0a1b/hosts/compute-0
1:name=systemd:/stxlab/0a1b/hosts/compute-0/system.slice/lldpd.service
0::/
"""


@ddt.ddt
class NameTest(base.BaseTestCase):
    @ddt.unpack
    @ddt.data(
        ("lldpd", ["lldpd: monitor."], {"lldpd", "lldpd: monitor."}),
        ("postgres", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/x"], {"postgres"}),
        ("fm-manager", ["/opt/starlingx/bin/python", "/opt/starlingx/bin/fm-manager"], {"fm-manager"}),
        ("sysinv-conducto", ["/opt/bin/python3.11", "-I", "/opt/bin/sysinv-conductor"], {"sysinv-conductor", "sysinv-conducto"}),
        ("python", ["/opt/bin/python", "-W", "ignore", "-m", "stxembedded.keystone", "x"], {"stxembedded.keystone"}),
        ("python3", ["python3", "-c", "import time"], {"python3"}),
        ("bash", ["bash"], {"bash"}),
        ("kworker/0:1", [], {"kworker/0:1"}),
    )
    def test_a_program_is_known_by_its_own_name(self, comm: str, words: list[str], names: set[str]) -> None:
        self.assertEqual(names, programs.names_of(comm, words))

    def test_units_are_read_from_groups(self) -> None:
        self.assertEqual(["system.slice", "lldpd.service"], programs.units_of(HYBRID))
        self.assertEqual([], programs.units_of("0::/\n"))


class FindTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.children = [
            subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) for _ in range(2)
        ]
        for child in self.children:
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            assert child.stdin is not None
            self.addCleanup(child.stdin.close)
        self.pids = [child.pid for child in self.children]

    def test_only_those_of_the_name_are_found_and_only_among_the_candidates(self) -> None:
        name = os.path.basename(sys.executable)
        found = list(programs.find(self.pids[:1], os.getpid(), name))
        self.addCleanup(lambda: [os.close(program.descriptor) for program in found])
        self.assertEqual(1, len(found))
        self.assertEqual([], list(programs.find(self.pids, os.getpid(), "another")))

    def test_process_1_of_the_host_is_never_found(self) -> None:
        self.assertEqual([], list(programs.find(self.pids[:1], self.pids[0], os.path.basename(sys.executable))))

    def test_a_signal_to_one_that_has_ended_reaches_nobody(self) -> None:
        (found,) = programs.find(self.pids[:1], os.getpid(), os.path.basename(sys.executable))
        self.addCleanup(os.close, found.descriptor)
        found.send(signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, self.children[0].wait(60))
        found.send(signal.SIGKILL)
        self.assertIsNone(self.children[1].poll())

    def test_pids_that_are_gone_are_passed_over(self) -> None:
        self.children[0].kill()
        self.children[0].wait()
        self.assertEqual([], list(programs.find(self.pids[:1], os.getpid(), "x")))
