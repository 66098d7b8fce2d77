# SPDX-License-Identifier: Apache-2.0
"""The systemd units of the platform's processes."""

import configparser
import pathlib

from oslotest import base

import stxlab

UNITS = pathlib.Path(stxlab.__file__).parent / "image/files/etc/systemd/system"


class UnitTest(base.BaseTestCase):
    def test_a_heartbeat_that_hangs_is_started_again(self) -> None:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read(UNITS / "mtce-heartbeat.service")
        service = unit["Service"]
        self.assertEqual(("notify", "always"), (service["Type"], service["Restart"]))
        # It tells once a second that it goes on.
        self.assertTrue(2 <= int(service["WatchdogSec"]) <= 10)
