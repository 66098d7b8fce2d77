# SPDX-License-Identifier: Apache-2.0
"""The options."""

from oslo_config import cfg
from oslo_config import fixture as config_fixture

from fm import conf
from stx import testing


class OptionsTest(testing.TestCase):
    def test_every_option_is_listed_and_says_what_it_does(self) -> None:
        listed = conf.list_opts()
        self.assertEqual(["fm", "fm_notify", "fm_api", "fm_database"], [group for group, _ in listed])
        for group, options in listed:
            for option in options:
                self.assertGreater(len(option.help or ""), 20, f"[{group}] {option.name}")

    def test_a_syslog_is_a_path_or_a_host_with_a_port_that_there_can_be(self) -> None:
        options = self.useFixture(config_fixture.Config(cfg.ConfigOpts()))
        options.register_opts(conf.notify_opts, group="fm_notify")
        for good in ("", "/dev/log", "log.example:1", "192.0.2.1:65535", "[::1]:514"):
            options.config(group="fm_notify", syslog=good)
        for bad in ("log.example", "log.example:0", "log.example:65536", "log.example:99999", ":514"):
            self.assertRaises(ValueError, options.config, group="fm_notify", syslog=bad)
