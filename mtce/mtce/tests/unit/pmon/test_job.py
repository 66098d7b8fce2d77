# SPDX-License-Identifier: Apache-2.0

import selectors

from mtce.pmon.job import Job
from mtce.pmon.launch import LaunchError
from mtce.tests.unit.pmon.harness import DirectoryTest, wait_until


class JobTest(DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        self.ends: list[tuple[int | None, bytes]] = []

    def job(self, *argv: str, is_heard: bool = False) -> Job:
        return Job(self.selector, argv, lambda code, output: self.ends.append((code, output)), is_heard=is_heard)

    def serve(self) -> None:
        """Until no job is left."""

        def is_served() -> bool:
            for key, _ in self.selector.select(0.0):
                key.data()
            return not self.selector.get_map()

        wait_until(is_served)

    def test_the_end_of_a_program_is_told_once(self) -> None:
        self.job("sh", "-c", "echo out; exit 4")
        self.serve()
        self.assertEqual([(4, b"")], self.ends)

    def test_what_it_writes_is_told_where_it_is_heard(self) -> None:
        self.job("sh", "-c", "echo out; echo err >&2", is_heard=True)
        self.serve()
        self.assertEqual([(0, b"out\nerr\n")], self.ends)

    def test_no_more_than_the_begin_of_it_is_kept(self) -> None:
        self.job("head", "-c", "100000", "/dev/zero", is_heard=True)
        self.serve()
        self.assertEqual(4096, len(self.ends[0][1]))

    def test_the_end_of_a_cancelled_program_is_not_told(self) -> None:
        job = self.job("sh", "-c", "sleep 1000 & wait")
        job.cancel()
        self.serve()
        self.assertEqual([], self.ends)
        wait_until(lambda: not self.marked())

    def test_a_program_that_cannot_be_run_leaves_nothing_behind(self) -> None:
        self.assertRaises(LaunchError, self.job, "/nowhere", is_heard=True)
        self.assertEqual(0, len(self.selector.get_map()))
