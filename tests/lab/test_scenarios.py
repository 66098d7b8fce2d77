# SPDX-License-Identifier: Apache-2.0
"""Scenarios that are shipped, played on a lab that runs the platform."""

import pathlib

import fixtures

from stxlab import timeline
from stxlab.player import EVENTS_FILE, PAGE_FILE
from tests.lab import platform

HOST = "compute-0"


class OneHostTest(platform.PlatformTestCase):
    def test_a_host_that_fails_and_comes_back_is_seen_to_do_so_by_the_platform(self) -> None:
        self.online(HOST)
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        code, said = self.command("scenario", "run", "one-host", "--timeline", str(directory))
        self.assertEqual(0, code, said)
        self.assertIn("10 of 10 steps passed", said)
        self.assertIn("<svg", (directory / PAGE_FILE).read_text())
        events = [timeline.read(line) for line in (directory / EVENTS_FILE).read_text().splitlines()]
        self.assertEqual(sorted(event.time_s for event in events), [event.time_s for event in events])
        told = [event.what for event in events if event.host == HOST and event.kind in ("order", "state")]
        online, offline = "locked-disabled-online", "locked-disabled-offline"
        self.assertEqual([online, "power-off", offline, "power-on", online], told)
        others = [event.what for event in events if event.host == platform.FIRST and event.kind in ("state", "reach")]
        self.assertEqual(5, len(others), others)
        self.assertEqual({"unlocked-enabled-available", "answers"}, set(others))
