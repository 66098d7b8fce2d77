# SPDX-License-Identifier: Apache-2.0
"""The watchdog's file."""

import pathlib

import fixtures
from oslotest import base

from mtce.watchdog import settings
from mtce.watchdog.settings import Settings, SettingsError


class SettingsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "watchdog.yaml"

    def refused(self, text: str) -> str:
        self.path.write_text(text)
        return str(self.assertRaises(SettingsError, settings.read, self.path))

    def test_without_a_file_all_is_as_usual(self) -> None:
        self.assertEqual(Settings(), settings.read(self.path))
        self.path.write_text("# nothing\n")
        self.assertEqual(Settings(), settings.read(self.path))

    def test_what_it_says_counts(self) -> None:
        self.path.write_text("members: [mtce-client, other]\nsilence_s: 30\nreset_command: [systemctl, reboot, --force]\n")
        found = settings.read(self.path)
        self.assertEqual(("mtce-client", "other"), found.members)
        self.assertEqual((30.0, ("systemctl", "reboot", "--force")), (found.silence_s, found.reset_command))

    def test_what_cannot_be_meant_is_refused(self) -> None:
        self.assertIn("silence_s", self.refused("silence_s: 0"))
        self.assertIn("device_timeout_s", self.refused("device_timeout_s: 10"))
        self.assertIn("silent", self.refused("silent: 1"))
        self.assertIn("no YAML", self.refused("members: ["))
