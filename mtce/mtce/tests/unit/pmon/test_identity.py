# SPDX-License-Identifier: Apache-2.0

import os

from mtce.pmon import identity
from mtce.pmon.identity import Identity, Pidfile
from mtce.tests.unit.pmon.harness import DirectoryTest, wait_until


class IdentityTest(DirectoryTest):
    def test_a_living_process_is_the_same_each_time(self) -> None:
        process = self.popen("sleep", "1000")
        found = identity.identify(process.pid)
        self.assertEqual(process.pid, found.pid)
        self.assertEqual(found, identity.identify(process.pid))
        self.assertNotEqual(found, identity.identify(os.getpid()))

    def test_a_zombie_is_no_living_process(self) -> None:
        process = self.popen("true")
        wait_until(lambda: identity.identify(process.pid) is None)
        self.assertIsNone(identity.open_process(process.pid))

    def test_a_name_with_brackets_and_spaces_does_not_confuse(self) -> None:
        script = self.script("a) S 1 (b", "#!/bin/sh\nsleep 1000\n")
        process = self.popen(str(script))
        wait_until(lambda: identity._names(process.pid) & {"a) S 1 (b"})
        self.assertGreater(identity.identify(process.pid).start_ticks, 1)

    def test_the_end_of_an_opened_process_is_seen(self) -> None:
        process = self.popen("sleep", "1000")
        found, pidfd = identity.open_process(process.pid)
        self.addCleanup(os.close, pidfd)
        self.assertEqual(process.pid, found.pid)
        self.assertFalse(identity.has_ended(pidfd))
        process.kill()
        wait_until(lambda: identity.has_ended(pidfd))

    def test_what_must_never_be_watched_is_refused(self) -> None:
        for pid in (-1, 0, 1, os.getpid(), 2**22 + 1):
            self.assertIsNone(identity.open_process(pid))


class PidfileTest(DirectoryTest):
    def test_the_first_number_counts(self) -> None:
        for text in ("17", "17\n", " 17 \nmore lines\n", "17\n4711\n"):
            self.assertEqual(17, self.read(text).pid)

    def test_a_second_line_counts_where_it_is_a_number_and_the_last(self) -> None:
        for text in ("17\n4711\n", "17\n4711"):
            self.assertEqual(4711, self.read(text).start_ticks)
        for text in ("17\n", "17 4711\n", "17\n/var/lib/data\n", "17\n4711\n5432\n", "17\n-1\n", "17\n" + "4" * 60):
            self.assertIsNone(self.read(text).start_ticks, text)

    def read(self, text: str) -> Pidfile:
        found = identity.read_pidfile(str(self.write("pid", text)))
        assert found is not None
        return found

    def test_what_is_no_number_or_no_file_is_no_pid(self) -> None:
        for text in ("", "\n", "x", "1.5", "\0"):
            self.assertIsNone(identity.read_pidfile(str(self.write("pid", text))))
        os.mkfifo(self.directory / "fifo")
        for path in (self.directory / "fifo", self.directory, self.directory / "absent"):
            self.assertIsNone(identity.read_pidfile(str(path)))

    def test_a_process_younger_than_the_file_is_not_the_one_meant(self) -> None:
        process = identity.identify(self.popen("sleep", "1000").pid)
        self.assertTrue(identity.is_stale(process, Pidfile(process.pid, None, 3600.0), "other"))
        self.assertFalse(identity.is_stale(process, Pidfile(process.pid, None, 0.0), "other"))
        self.assertFalse(identity.is_stale(process, Pidfile(process.pid, None, 3600.0), "sleep"))

    def test_the_time_of_its_start_proves_a_process_whatever_the_clock_says(self) -> None:
        process = identity.identify(self.popen("sleep", "1000").pid)
        self.assertFalse(identity.is_stale(process, Pidfile(process.pid, process.start_ticks, 3600.0), "other"))

    def test_another_number_in_the_second_line_proves_nothing(self) -> None:
        process = identity.identify(self.popen("sleep", "1000").pid)
        self.assertFalse(identity.is_stale(process, Pidfile(process.pid, 5432, 0.0), "other"))
        self.assertTrue(identity.is_stale(process, Pidfile(process.pid, 5432, 3600.0), "other"))

    def test_a_process_older_than_the_file_may_be_the_one_meant(self) -> None:
        self.assertFalse(identity.is_stale(Identity(os.getpid(), 0), Pidfile(os.getpid(), None, 10.0), "other"))
