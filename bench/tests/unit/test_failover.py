# SPDX-License-Identifier: Apache-2.0
"""Tests of what is made of the things that were seen of a failover."""

import re

from oslotest import base

from bench import failover

FAILED, OTHER = "02:4c:ab:00:00:00", "02:4c:ab:00:00:01"
FAULT = 100.0


def asked(sent: float, *macs: str) -> failover.Sample:
    """A question that was answered a millisecond later."""
    return failover.Sample(sent, tuple((mac, sent + 0.001) for mac in macs))


def row(number: int, begun: float, server: str = "old") -> failover.Row:
    """One that was acknowledged after two milliseconds."""
    return failover.Row(number, begun, begun + 0.002, server)


SAMPLES = [asked(99.99, FAILED), asked(100.0, FAILED), asked(100.5), asked(101.0, OTHER), asked(101.005, OTHER)]
ROWS = [row(1, 99.98), row(2, 99.99), row(4, 101.2, "new"), row(5, 101.3, "new")]


def evaluate(samples=SAMPLES, rows=ROWS, present=(1, 2, 4, 5)) -> failover.Outcome:
    return failover.evaluate(samples, rows, present, FAULT, FAILED)


class EvaluateTest(base.BaseTestCase):
    def test_the_address_is_back_when_another_host_answers_first(self):
        self.assertAlmostEqual(1.001, evaluate().address_s)

    def test_writes_are_back_when_another_server_acknowledges_first(self):
        self.assertAlmostEqual(1.202, evaluate().write_s)

    def test_last_answers_and_acknowledgements_of_the_host_that_fails_do_not_count(self):
        outcome = evaluate([asked(100.001, FAILED)], [row(1, 99.9), row(2, 100.001)])
        self.assertEqual((None, None), (outcome.address_s, outcome.write_s))

    def test_a_row_that_was_begun_before_the_fault_does_not_count(self):
        self.assertIsNone(evaluate(rows=[row(1, 99.9), failover.Row(2, 99.99, 101.0, "new")]).write_s)

    def test_an_answer_of_the_other_host_before_the_fault_does_not_count(self):
        self.assertIsNone(evaluate([asked(99.9, OTHER)]).address_s)

    def test_acknowledged_rows_that_are_not_there_are_lost(self):
        self.assertEqual((0, 2), (evaluate().lost_writes, evaluate(present=(1, 5)).lost_writes))

    def test_rows_without_acknowledgement_that_are_there_are_no_loss(self):
        self.assertEqual(0, evaluate(present=(1, 2, 3, 4, 5, 6)).lost_writes)

    def test_two_hosts_that_answer_the_same_question_are_two_holders(self):
        self.assertEqual(2, evaluate([*SAMPLES, asked(102, FAILED, OTHER), asked(103, OTHER, FAILED)]).double_holder_samples)

    def test_two_answers_of_one_host_are_one_holder(self):
        self.assertEqual(0, evaluate([asked(102, OTHER, OTHER), asked(103, FAILED)]).double_holder_samples)


class FiguresTest(base.BaseTestCase):
    def test_times_are_told_as_least_median_and_most(self):
        figures = failover.figures([failover.Outcome(a, a + 1, 0, 0) for a in (0.5, 0.3, 0.43219)])
        self.assertEqual([0.3, 0.432, 0.5], [figures[f"power_off_address_{what}_s"] for what in ("min", "median", "max")])
        self.assertEqual([1.3, 1.432, 1.5], [figures[f"power_off_write_{what}_s"] for what in ("min", "median", "max")])

    def test_losses_and_double_holders_of_all_runs_are_added(self):
        figures = failover.figures([failover.Outcome(1, 1, 2, 3), failover.Outcome(1, 1, 4, 5)])
        self.assertEqual((2, 6, 8), (figures["runs"], figures["lost_writes"], figures["double_holder_samples"]))

    def test_a_failover_that_did_not_end_leaves_no_time_to_tell(self):
        figures = failover.figures([failover.Outcome(1.0, None, 0, 0), failover.Outcome(1.0, 2.0, 0, 0)])
        self.assertEqual((1.0, None), (figures["power_off_address_median_s"], figures["power_off_write_median_s"]))

    def test_the_table_has_a_line_for_each_product_and_says_when_it_never_came_back(self):
        first, second = failover.Outcome(0.3, 0.4, 0, 0), failover.Outcome(1.0, None, 0, 0)
        _, *lines = failover.table({"one": failover.figures([first]), "two": failover.figures([second])}).splitlines()
        self.assertEqual(["one", "two"], [line.split()[0] for line in lines])
        self.assertEqual(["0.300 / 0.300 / 0.300", "0.400 / 0.400 / 0.400"], re.findall(r"\S+ / \S+ / \S+", lines[0]))
        self.assertIn("never / never / never", lines[1])
