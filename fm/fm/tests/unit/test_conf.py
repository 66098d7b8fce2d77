# SPDX-License-Identifier: Apache-2.0
"""The options."""

from fm import conf
from stx import testing


class OptionsTest(testing.TestCase):
    def test_every_option_is_listed_and_says_what_it_does(self) -> None:
        listed = conf.list_opts()
        self.assertEqual(["fm", "fm_notify", "fm_api", "fm_database"], [group for group, _ in listed])
        for group, options in listed:
            for option in options:
                self.assertGreater(len(option.help or ""), 20, f"[{group}] {option.name}")
