# SPDX-License-Identifier: Apache-2.0
"""The spool with real files and real processes."""

import concurrent.futures
import contextlib
import pathlib
import socket
import sqlite3
import stat
import subprocess
import sys
import threading

import fixtures

from fm import spool
from fm.tests.unit import base
from stx import exception, testing

# Appends numbers, and says each when it is safe. It says when it is ready, and starts at a line of input.
_APPENDER = """
import pathlib, sys
from fm import spool
print("ready", flush=True)
sys.stdin.readline()
# No power is cut; and nobody is turned away because the disk is busy.
spool.BUSY_S = 60.0
opened = spool.Spool(pathlib.Path(sys.argv[1]), 100_000)
opened._synchronous = "OFF"
for number in range(int(sys.argv[3])):
    opened.append([f"{sys.argv[2]} {number}".encode()])
    print(number, flush=True)
"""

# Appends while files may not grow, then when they may again.
_ON_A_FULL_DISK = """
import pathlib, resource, sys
from fm import spool
from stx import exception
opened = spool.Spool(pathlib.Path(sys.argv[1]), 100_000)
opened.append([b"before"])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
refused = 0
for _ in range(200):
    try:
        opened.append([b"x" * 4096])
    except exception.Unavailable as error:
        refused += 1
        text = error.message
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
opened.append([b"after"])
print(refused, text)
"""


class SpoolTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "spool"

    def open(self, limit: int = 1000) -> spool.Spool:
        opened = spool.Spool(self.directory, limit)
        self.addCleanup(opened.close)
        return opened

    def bodies(self) -> list[bytes]:
        return [body for _, body in self.open().read(1_000_000).reports]

    def appender(self, name: str, count: int) -> subprocess.Popen[str]:
        """A process that waits for the signal to start."""
        process = subprocess.Popen(
            [sys.executable, "-c", _APPENDER, str(self.directory), name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual("ready\n", process.stdout.readline())
        return process

    def signal(self, *processes: subprocess.Popen[str]) -> None:
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()


class OrderTest(SpoolTest):
    def test_reports_come_out_as_they_went_in(self) -> None:
        appending = self.open()
        appending.append([b"1", b"2"])
        appending.append([b"3"])
        self.assertEqual([b"1", b"2", b"3"], self.bodies())

    def test_read_gives_the_oldest_and_leaves_them(self) -> None:
        opened = self.open()
        opened.append([b"1", b"2", b"3"])
        self.assertEqual([(1, b"1"), (2, b"2")], opened.read(2).reports)
        self.assertEqual([(1, b"1"), (2, b"2")], opened.read(2).reports)

    def test_removed_reports_do_not_come_again(self) -> None:
        opened = self.open()
        opened.append([b"1", b"2", b"3"])
        opened.remove(opened.read(1).spool, 2)
        self.assertEqual([b"3"], self.bodies())

    def test_a_sequence_number_is_never_used_twice(self) -> None:
        opened = self.open()
        opened.append([b"1", b"2"])
        opened.remove(opened.read(1).spool, 2)
        opened.close()
        again = self.open()
        again.append([b"3"])
        self.assertEqual([(3, b"3")], again.read(10).reports)

    def test_threads_share_a_spool(self) -> None:
        opened = self.open(10_000)
        # No power is cut; a busy disk may take a second for each.
        opened._synchronous = "OFF"
        threads = [
            threading.Thread(target=lambda name=name: [opened.append([b"%d %d" % (name, number)]) for number in range(20)])
            for name in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        found = self.bodies()
        for name in range(4):
            mine = [body for body in found if body.startswith(b"%d " % name)]
            self.assertEqual([b"%d %d" % (name, number) for number in range(20)], mine)


class NameTest(SpoolTest):
    def test_the_name_stays(self) -> None:
        first = self.open()
        name = first.read(1).spool
        first.close()
        self.assertEqual(name, self.open().read(1).spool)

    def test_two_spools_have_different_names(self) -> None:
        other = spool.Spool(self.directory / "other", 1000)
        self.addCleanup(other.close)
        self.assertNotEqual(self.open().read(1).spool, other.read(1).spool)


class ReplacedTest(SpoolTest):
    def remove_files(self) -> None:
        for path in self.directory.glob("fm-spool.sqlite*"):
            path.unlink()

    def test_reports_after_the_file_was_removed_are_kept_in_a_new_one(self) -> None:
        opened = self.open()
        opened.append([b"lost"])
        self.remove_files()
        opened.append([b"kept"])
        self.assertEqual([b"kept"], self.bodies())
        self.assertEqual(opened.read(1).spool, self.open().read(1).spool)

    def test_what_was_read_of_the_removed_file_is_not_removed_from_the_new_one(self) -> None:
        opened = self.open()
        opened.append([b"lost", b"lost too"])
        old = opened.read(2).spool
        self.remove_files()
        opened.append([b"kept"])
        opened.remove(old, 2)
        self.assertEqual([b"kept"], self.bodies())

    def test_who_ends_later_does_not_harm_the_new_file(self) -> None:
        first, second = self.open(), self.open()
        first.append([b"lost"])
        second.append([b"lost too"])
        self.remove_files()
        second.append([b"kept"])
        first.close()
        second.append([b"kept too"])
        second.close()
        self.assertEqual([b"kept", b"kept too"], self.bodies())


class LimitTest(SpoolTest):
    def test_a_full_spool_refuses_with_a_sentence(self) -> None:
        opened = self.open(limit=3)
        opened.append([b"1", b"2"])
        self.assert_raises_with(
            exception.Unavailable,
            "2 fault reports wait for fm-manager and the spool takes no more. Check fm-manager.",
            opened.append,
            [b"3", b"4"],
        )
        self.assertEqual([b"1", b"2"], self.bodies())

    def test_the_last_place_is_given_away(self) -> None:
        opened = self.open(limit=3)
        opened.append([b"1", b"2"])
        opened.append([b"3"])
        self.assert_raises_with(exception.Unavailable, "3 fault reports wait", opened.append, [b"4"])

    def test_an_empty_spool_refuses_more_than_it_may_hold(self) -> None:
        self.assert_raises_with(exception.Unavailable, "0 fault reports wait", self.open(limit=2).append, [b"1", b"2", b"3"])

    def test_a_spool_takes_reports_again_when_some_are_delivered(self) -> None:
        opened = self.open(limit=3)
        opened.append([b"1", b"2", b"3"])
        opened.remove(opened.read(1).spool, 1)
        opened.append([b"4"])
        self.assertEqual([b"2", b"3", b"4"], self.bodies())

    def test_a_spool_that_cannot_be_written_says_where_it_is(self) -> None:
        self.directory.parent.joinpath("spool").write_text("not a directory")
        self.assert_raises_with(exception.Unavailable, str(self.directory), self.open().append, [b"1"])

    def test_a_file_that_is_no_spool_is_refused(self) -> None:
        self.directory.mkdir()
        (self.directory / "fm-spool.sqlite").write_bytes(b"something else entirely" * 100)
        self.assert_raises_with(exception.Unavailable, "could not be kept", self.open().append, [b"1"])

    def test_a_disk_that_was_full_does_no_lasting_harm(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _ON_A_FULL_DISK, str(self.directory)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(0, done.returncode, done.stderr)
        refused, _, text = done.stdout.partition(" ")
        self.assertGreater(int(refused), 0)
        self.assertIn("could not be kept", text)
        found = self.bodies()
        self.assertEqual((b"before", b"after"), (found[0], found[-1]))
        self.assertEqual(200 - int(refused), len(found) - 2)


class ProcessTest(SpoolTest):
    def test_processes_append_at_the_same_time(self) -> None:
        names = ["a", "b", "c", "d"]
        processes = [self.appender(name, 25) for name in names]
        # They make the spool together, too.
        self.signal(*processes)
        for process in processes:
            process.communicate(timeout=60)
            self.assertEqual(0, process.returncode)
        found = self.open().read(1000).reports
        self.assertEqual([*range(1, 101)], [sequence for sequence, _ in found])
        for name in names:
            mine = [body.decode() for _, body in found if body.decode().startswith(name)]
            self.assertEqual([f"{name} {number}" for number in range(25)], mine)

    def test_making_the_spool_waits_for_a_process_that_makes_it(self) -> None:
        self.directory.mkdir()
        with contextlib.closing(sqlite3.connect(self.directory / "fm-spool.sqlite", isolation_level=None)) as other:
            other.execute("CREATE TABLE something (x)")
            other.execute("BEGIN IMMEDIATE")
            appending = concurrent.futures.ThreadPoolExecutor(1)
            self.addCleanup(appending.shutdown)
            appended = appending.submit(self.open().append, [b"1"])
            self.assertRaises(TimeoutError, appended.result, 0.1)
            other.execute("COMMIT")
        appended.result(60)
        self.assertEqual([b"1"], self.bodies())

    def test_what_was_acknowledged_survives_a_kill(self) -> None:
        process = self.appender("a", 1_000_000)
        self.signal(process)
        acknowledged = [int(process.stdout.readline()) for _ in range(10)][-1]
        process.kill()
        acknowledged = max([acknowledged, *[int(line) for line in process.stdout.read().split()]])
        process.wait()
        found = self.bodies()
        self.assertEqual([b"a %d" % number for number in range(acknowledged + 1)], found[: acknowledged + 1])
        # It may have died between keeping a report and saying so.
        self.assertLessEqual(len(found), acknowledged + 2)

    def test_a_killed_process_holds_up_no_other(self) -> None:
        process = self.appender("a", 1_000_000)
        self.signal(process)
        process.stdout.readline()
        process.kill()
        process.wait()
        opened = self.open(limit=1_000_000)
        opened.append([b"mine"])
        self.assertEqual(b"mine", self.bodies()[-1])


class AccessTest(SpoolTest):
    def mode(self, path: pathlib.Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    def test_only_the_owner_reads_the_spool(self) -> None:
        with base.umask(0):
            opened = self.open()
            opened.append([b"1"])
        self.assertEqual(0o700, self.mode(self.directory))
        files = {path.name: oct(self.mode(path)) for path in self.directory.iterdir()}
        self.assertEqual(dict.fromkeys(("fm-spool.sqlite", "fm-spool.sqlite-shm", "fm-spool.sqlite-wal"), oct(0o600)), files)

    def test_a_report_is_in_the_file_when_append_returns(self) -> None:
        self.open().append([b"1"])
        with contextlib.closing(sqlite3.connect(self.directory / "fm-spool.sqlite")) as reader:
            self.assertEqual("wal", reader.execute("PRAGMA journal_mode").fetchone()[0])
            self.assertEqual([(b"1",)], reader.execute("SELECT body FROM report").fetchall())

    def test_appending_waits_for_the_disk_and_forgetting_does_not(self) -> None:
        full, normal = (2,), (1,)
        delivering = spool.Spool(self.directory, 1000, is_courier=True)
        self.addCleanup(delivering.close)
        modes = [opened._open().execute("PRAGMA synchronous").fetchone() for opened in (self.open(), delivering)]
        self.assertEqual([full, normal], modes)


class DoorbellTest(SpoolTest):
    def test_append_rings(self) -> None:
        opened = self.open()
        self.directory.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.bind(str(opened.doorbell))
            bell.settimeout(60)
            opened.append([b"1"])
            self.assertEqual(b"!", bell.recv(10))

    def test_append_does_not_wait_for_a_doorbell_that_nobody_answers(self) -> None:
        opened = self.open(limit=10_000)
        self.directory.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.bind(str(opened.doorbell))
            for number in range(300):
                opened.append([b"%d" % number])
        self.assertEqual(300, len(self.bodies()))
