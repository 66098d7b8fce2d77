# SPDX-License-Identifier: Apache-2.0
"""The kernel's watchdog, with a file in place of its device and a recorder in place of its ioctl."""

import errno
import fcntl
import os
import pathlib
import struct

import fixtures
from oslotest import base

from mtce.watchdog.device import Device

# linux/watchdog.h
WDIOC_SETTIMEOUT = 0xC0045706


class DeviceTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "watchdog"
        self.path.touch()
        self.asked: list[tuple[str, int, bytes]] = []
        self.useFixture(fixtures.MonkeyPatch("fcntl.ioctl", self.ioctl))

    def ioctl(self, descriptor: int, request: int, argument: bytes) -> None:
        self.assertEqual(os.O_WRONLY, fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE)
        self.asked.append((os.readlink(f"/proc/self/fd/{descriptor}"), request, argument))

    def refuse(self, *_: object) -> None:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    def test_it_is_opened_and_told_how_long_to_wait(self) -> None:
        Device(str(self.path), 300).disarm()
        self.assertEqual([(str(self.path), WDIOC_SETTIMEOUT, struct.pack("i", 300))], self.asked)

    def test_it_is_kicked_and_let_go_of_with_the_letter_that_stops_it(self) -> None:
        device = Device(str(self.path), 300)
        device.kick()
        device.kick()
        self.assertEqual(b"\0\0", self.path.read_bytes())
        device.disarm()
        self.assertEqual(b"\0\0V", self.path.read_bytes())

    def test_it_is_closed_once_and_kicked_no_more(self) -> None:
        device = Device(str(self.path), 300)
        device.disarm()
        device.disarm()
        device.kick()
        self.assertEqual(b"V", self.path.read_bytes())
        held = [os.readlink(link) for link in pathlib.Path("/proc/self/fd").iterdir() if link.is_symlink()]
        self.assertNotIn(str(self.path), held)

    def test_one_that_takes_no_time_is_kicked_all_the_same(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fcntl.ioctl", self.refuse))
        device = Device(str(self.path), 300)
        device.kick()
        device.disarm()
        self.assertEqual(b"\0V", self.path.read_bytes())

    def test_one_that_cannot_be_opened_is_told_and_done_without(self) -> None:
        log = self.useFixture(fixtures.FakeLogger("mtce.watchdog.device"))
        device = Device(str(self.path.parent), 300)
        device.kick()
        device.disarm()
        self.assertEqual(f"{self.path.parent} cannot be used: Is a directory\n", log.output)
