# SPDX-License-Identifier: Apache-2.0
"""What the gaps of a fault come to."""

from oslotest import base

from bench import failover_faults
from bench.failover_faults import Gaps


class GapsTest(base.BaseTestCase):
    def test_a_gap_begins_with_the_last_answer_before_the_fault(self) -> None:
        self.assertAlmostEqual(1.4, failover_faults.longest([9.9, 11.3, 11.4, 12.0], 10.0, 12.1))

    def test_a_gap_that_does_not_end_counts_until_the_end(self) -> None:
        self.assertAlmostEqual(5.1, failover_faults.longest([9.9], 10.0, 15.0))

    def test_figures_have_the_name_of_the_fault(self) -> None:
        found = failover_faults.figures("swact", [Gaps(0.1, 0.5, True, 0, 0), Gaps(0.3, 0.7, True, 1, 2)])
        self.assertEqual(
            (0.2, 0.6, 1, 2),
            tuple(
                found[f"swact_{key}"]
                for key in ("address_gap_median_s", "write_gap_median_s", "lost_writes", "double_holder_samples")
            ),
        )
        self.assertIn("swact", failover_faults.table({"swact": [Gaps(0.1, 0.5, True, 0, 0)]}))
