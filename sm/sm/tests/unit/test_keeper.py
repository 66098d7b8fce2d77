# SPDX-License-Identifier: Apache-2.0
"""What a voter keeps over restarts."""

import os
import pathlib
import stat

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

    def test_what_is_the_same_is_not_written_again(self) -> None:
        kept = lease.Kept(5, "controller-0", RECORD)
        there = keeper.Keeper(self.directory)
        there.keep(kept)
        before = os.stat(self.directory / "lease.json").st_ino
        there.keep(kept)
        self.assertEqual(before, os.stat(self.directory / "lease.json").st_ino)

    def test_nobody_else_reads_it(self) -> None:
        keeper.Keeper(self.directory).keep(lease.Kept(5, None, RECORD))
        self.assertEqual(0o700, stat.S_IMODE(self.directory.stat().st_mode))
        self.assertEqual(0o600, stat.S_IMODE((self.directory / "lease.json").stat().st_mode))

    def test_each_start_has_a_greater_number_whatever_the_clock_says(self) -> None:
        there = keeper.Keeper(self.directory)
        numbers = [there.next_start(clock) for clock in (1000.0, 1000.0, 5.0, 2000.0)]
        self.assertEqual(sorted(set(numbers)), numbers)
        self.assertGreater(keeper.Keeper(self.directory).next_start(0.0), numbers[-1])

    def test_a_disk_that_was_lost_begins_after_what_others_have_heard(self) -> None:
        self.assertGreater(keeper.Keeper(self.directory).next_start(1_700_000_000.0), 1_600_000_000)
