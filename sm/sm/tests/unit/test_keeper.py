# SPDX-License-Identifier: Apache-2.0
"""What a voter keeps over restarts."""

import errno
import os
import pathlib
import select
import stat
import threading
import time
from unittest import mock

import fixtures
from oslotest import base

from sm import keeper, lease

RECORD = lease.Record(4, 2, frozenset({"controller-0", "compute-0"}), frozenset({"controller-0"}))


class KeeperTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "sm"

    def test_what_is_kept_is_there_at_the_next_start(self) -> None:
        kept = lease.Kept(5, "controller-0", RECORD)
        self.assertEqual(lease.Kept(), keeper.Keeper(self.directory).kept)
        keeper.Keeper(self.directory).keep(kept)
        self.assertEqual(kept, keeper.Keeper(self.directory).kept)

    def pages(self) -> list[bytes]:
        content = (self.directory / keeper.FILE).read_bytes()
        return [content[:4096], content[4096:]]

    def test_what_is_the_same_is_not_written_again(self) -> None:
        kept = lease.Kept(5, "controller-0", RECORD)
        there = keeper.Keeper(self.directory)
        there.keep(kept)
        there.next_start(5.0)
        before = self.pages()
        there.keep(kept)
        self.assertEqual(before, self.pages())

    def test_nobody_else_reads_it(self) -> None:
        keeper.Keeper(self.directory).keep(lease.Kept(5, None, RECORD))
        self.assertEqual(0o700, stat.S_IMODE(self.directory.stat().st_mode))
        self.assertEqual(0o600, stat.S_IMODE((self.directory / keeper.FILE).stat().st_mode))
        self.assertEqual([keeper.FILE], os.listdir(self.directory))

    def test_a_page_that_was_torn_leaves_the_one_before(self) -> None:
        there = keeper.Keeper(self.directory)
        for term in range(4):
            there.keep(lease.Kept(term, "controller-0", RECORD))
        whole = self.pages()
        for which, term in ((0, 2), (1, 3)):
            torn = list(whole)
            torn[which] = whole[which][:100] + bytes(3996)
            (self.directory / keeper.FILE).write_bytes(b"".join(torn))
            self.assertEqual(term, keeper.Keeper(self.directory).kept.term, f"page {which}")

    def test_a_file_that_cannot_be_read_is_not_taken_for_none(self) -> None:
        self.directory.mkdir()
        (self.directory / keeper.FILE).write_bytes(bytes(8192))
        refused = self.assertRaises(keeper.DamagedError, keeper.Keeper, self.directory)
        self.assertIn("remove the file while they are up", str(refused))

    def test_what_does_not_fit_a_page_is_refused_and_changes_nothing(self) -> None:
        there = keeper.Keeper(self.directory)
        there.keep(lease.Kept(5, None, RECORD))
        many = frozenset(f"compute-{number}" for number in range(500))
        self.assertRaises(OSError, there.keep, lease.Kept(6, None, lease.Record(5, 0, many, many)))
        self.assertEqual(5, there.kept.term)
        self.assertEqual(5, keeper.Keeper(self.directory).kept.term)

    def test_file_systems_that_know_no_way_past_their_cache_are_written_through_it(self) -> None:
        there, real = keeper.Keeper(self.directory), os.open
        there.keep(lease.Kept(5, None, RECORD))

        def refuse(path: str, flags: int, *more: int) -> int:
            if flags & os.O_DIRECT:
                raise OSError(errno.EINVAL, "Invalid argument")
            return real(path, flags, *more)

        with mock.patch.object(os, "open", refuse):
            there.keep(lease.Kept(6, None, RECORD))
        self.assertEqual(6, keeper.Keeper(self.directory).kept.term)

    def test_each_start_has_a_greater_number_whatever_the_clock_says(self) -> None:
        there = keeper.Keeper(self.directory)
        numbers = [there.next_start(clock) for clock in (1000.0, 1000.0, 5.0, 2000.0)]
        self.assertEqual(sorted(set(numbers)), numbers)
        self.assertGreater(keeper.Keeper(self.directory).next_start(0.0), numbers[-1])

    def test_a_disk_that_was_lost_begins_after_what_others_have_heard(self) -> None:
        self.assertGreater(keeper.Keeper(self.directory).next_start(1_700_000_000.0), 1_600_000_000)

    def test_one_process_writes_and_others_are_told_so(self) -> None:
        there = keeper.Keeper(self.directory)
        there.claim()
        refused = self.assertRaises(keeper.TakenError, keeper.Keeper(self.directory).claim)
        self.assertIn("Another process of Service Management is at work", str(refused))
        there.keep(lease.Kept(5, None, RECORD))
        there.close()
        after = keeper.Keeper(self.directory)
        after.claim()
        self.addCleanup(after.close)
        self.assertEqual(5, after.kept.term)

    def test_what_was_stored_while_one_waited_counts(self) -> None:
        first, second = keeper.Keeper(self.directory), keeper.Keeper(self.directory)
        first.claim()

        def end(_: float) -> None:
            first.keep(lease.Kept(5, None, RECORD))
            first.close()

        with mock.patch.object(time, "sleep", end):
            second.claim(10.0)
        self.addCleanup(second.close)
        self.assertEqual(5, second.kept.term)


class BackgroundTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keeper = keeper.Keeper(pathlib.Path(self.useFixture(fixtures.TempDir()).path))
        self.background = keeper.Background(self.keeper)
        self.addCleanup(self.background.close)

    def end(self) -> lease.Kept:
        self.assertTrue(select.select([self.background.descriptor], [], [], 60.0)[0])
        return self.background.end()

    def test_what_is_begun_is_told_when_it_is_on_the_disk(self) -> None:
        kept = lease.Kept(5, "controller-0", RECORD)
        self.background.begin(kept)
        self.assertEqual(kept, self.end())
        # There is nothing more to do.
        self.background.begin(kept)
        self.assertEqual([], select.select([self.background.descriptor], [], [], 0.0)[0])

    def test_one_thing_is_stored_at_a_time(self) -> None:
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        keep = self.keeper.keep

        def slow(kept: lease.Kept) -> None:
            go_on.wait(60.0)
            keep(kept)

        with mock.patch.object(self.keeper, "keep", slow):
            for term in range(3):
                self.background.begin(lease.Kept(term, None, RECORD))
            self.assertEqual(-1, self.keeper.kept.term)
            go_on.set()
            self.assertEqual(0, self.end().term)
            self.background.begin(lease.Kept(2, None, RECORD))
            self.assertEqual(2, self.end().term)

    def test_what_cannot_be_stored_is_told_and_may_be_tried_again(self) -> None:
        kept = lease.Kept(5, None, RECORD)
        with mock.patch.object(self.keeper, "keep", side_effect=OSError(errno.EIO, "I/O error")):
            self.background.begin(kept)
            self.assertRaises(OSError, self.end)
        self.background.begin(kept)
        self.assertEqual(kept, self.end())
