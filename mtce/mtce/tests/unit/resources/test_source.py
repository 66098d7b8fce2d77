# SPDX-License-Identifier: Apache-2.0
"""The resources of the machine that the test runs on."""

import pathlib

from oslotest import base

from mtce.resources.source import Source
from mtce.tests.unit.pmon import harness


class SourceTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.source = Source()

    def test_processors_are_known_from_the_second_look_on(self) -> None:
        self.assertIsNone(self.source.cpu_percent([]))
        found: list[float | None] = []

        def is_known() -> bool:
            found.append(self.source.cpu_percent([]))
            return found[-1] is not None

        harness.wait_until(is_known)
        self.assertTrue(0 <= (found[-1] or 0) <= 100)

    def test_some_memory_is_used(self) -> None:
        self.assertTrue(0 < (self.source.memory_percent() or 0) < 100)

    def test_file_systems_are_directories_with_a_use(self) -> None:
        for place, percent in self.source.file_systems().items():
            self.assertTrue(pathlib.Path(place).exists())
            self.assertTrue(0 <= percent <= 100)
        self.assertEqual([], [place for place in self.source.file_systems() if place.startswith(("/proc", "/sys", "/dev/"))])

    def test_the_loopback_device_has_a_link(self) -> None:
        self.assertTrue(self.source.links()["lo"].is_up)
