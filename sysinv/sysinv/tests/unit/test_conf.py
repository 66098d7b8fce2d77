# SPDX-License-Identifier: Apache-2.0
"""The options."""

from stx import testing
from sysinv import conf


class OptionsTest(testing.TestCase):
    def test_every_option_is_listed_and_says_what_it_does(self) -> None:
        listed = conf.list_opts()
        groups = ["bootstrap", "sysinv_agent", "sysinv_api", "sysinv_conductor", "sysinv_database"]
        self.assertEqual(groups, [group for group, _ in listed])
        for group, options in listed:
            for option in options:
                self.assertGreater(len(option.help or ""), 20, f"[{group}] {option.name}")
