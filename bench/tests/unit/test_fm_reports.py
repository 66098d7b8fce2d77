# SPDX-License-Identifier: Apache-2.0
"""What is made of what the reporting process prints."""

from oslotest import base

from bench import fm_reports


class Printing:
    """A platform whose process prints this, whatever it is given."""

    def __init__(self, text):
        self.text = text

    def python(self, code, *arguments):
        self.code, self.arguments = code, arguments
        return self.text


class RatesTest(base.BaseTestCase):
    def test_rates_are_reports_by_the_seconds_until_accepted_and_until_stored(self):
        platform = Printing("0.5 2.0\n")
        self.assertEqual((200.0, 50.0), fm_reports.many(platform, "set", range(1000, 1100)))
        self.assertEqual(("set", "1000", "1100", "100", "1"), platform.arguments)

    def test_a_storm_is_of_one_number(self):
        platform = Printing("1 10\n")
        self.assertEqual((5000.0, 500.0), fm_reports.same(platform, 7, 5000))
        self.assertEqual(("set", "7", "5007", "100", "0"), platform.arguments)

    def test_latencies_are_sorted_each_by_itself(self):
        platform = Printing("2 10\n1 30\n3 20\n")
        self.assertEqual(([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]), fm_reports.singly(platform, range(3)))

    def test_what_the_process_is_given_is_python(self):
        for run in (lambda platform: fm_reports.same(platform, 0, 1), lambda platform: fm_reports.singly(platform, range(1))):
            platform = Printing("1 1\n")
            run(platform)
            compile("if True:\n" + platform.code, "given", "exec")
