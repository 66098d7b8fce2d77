# SPDX-License-Identifier: Apache-2.0
"""Tests of counting memory."""

import os

from oslotest import base

from bench import memory

ROLLUP = """\
55d0c0a00000-7ffd1a5f2000 ---p 00000000 00:00 0                          [rollup]
Rss:              131072 kB
Pss:               81920 kB
Shared_Clean:      10240 kB
"""


class MemoryTest(base.BaseTestCase):
    def test_the_kernels_kibibytes_become_mebibytes(self):
        self.assertEqual((128.0, 80.0), memory.parse_rollup(ROLLUP))

    def test_this_process_is_in_the_sum_of_its_group(self):
        own = memory.of_process_group(os.getpgrp())
        self.assertGreater(own.rss_mib, 1)
        self.assertGreaterEqual(own.rss_mib, own.pss_mib)

    def test_a_group_without_processes_holds_nothing(self):
        self.assertEqual((0, 0), memory.of_process_group(2**30))
