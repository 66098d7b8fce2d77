# SPDX-License-Identifier: Apache-2.0
"""One turn after another, with a clock of the test's, a real socket, and a file in place of the kernel's device."""

import pathlib
import socket

import fixtures
from oslotest import base

from mtce.cmd import watchdog
from mtce.watchdog import loop
from mtce.watchdog.device import Device
from mtce.watchdog.loop import Loop
from mtce.watchdog.quorum import Quorum
from mtce.watchdog.settings import Settings

SILENCE_S = 100.0


class LoopTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.device_file = self.directory / "device"
        self.device_file.touch()
        self.now, self.resets, self.works = 0.0, [], True
        self.loop = self.make()

    def make(self) -> Loop:
        quorum = Quorum(["mtce-client"], SILENCE_S, 10.0, loop.heard_in_this_boot(self.directory))
        made = Loop(self.directory, quorum, 10.0, Device(str(self.device_file), 300), self.reset, lambda: self.now)
        self.addCleanup(self.close, made)
        return made

    def close(self, made: Loop) -> None:
        if made._socket.fileno() >= 0:
            made.close()

    def reset(self, reason: str) -> bool:
        self.resets.append((self.now, reason))
        return self.works

    def say(self, text: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(text.encode(), str(self.directory / loop.SOCKET))

    def turn(self, times: int = 1, said: str = "") -> None:
        for _ in range(times):
            self.now += 10.0
            if said:
                self.say(said)
            self.loop.turn()

    def test_a_host_whose_member_checks_in_is_left_alone_and_the_kernel_kicked(self) -> None:
        self.turn(50, "mtce-client\n")
        self.assertEqual([], self.resets)
        self.assertEqual(b"\0" * 50, self.device_file.read_bytes())

    def test_one_whose_member_falls_silent_is_started_anew_and_the_kernel_no_longer_kicked(self) -> None:
        self.turn(1, "mtce-client\n")
        self.turn(10)
        self.assertEqual([], self.resets)
        self.turn()
        self.assertEqual([(120.0, "mtce-client has said nothing for 100 s")], self.resets)
        self.loop.close()
        self.assertEqual(b"\0" * 11, self.device_file.read_bytes())

    def test_a_reset_that_does_not_work_is_tried_again(self) -> None:
        self.works = False
        self.turn(1, "mtce-client\n")
        self.turn(20)
        self.assertEqual([120.0, 180.0], [at for at, _ in self.resets])

    def test_a_complaint_is_enough_at_once(self) -> None:
        self.turn(1, "mtce-client\nsshd cannot be kept running")
        self.assertEqual([(10.0, "sshd cannot be kept running")], self.resets)

    def test_a_locked_host_is_left_alone(self) -> None:
        (self.directory / ".node_locked").touch()
        self.turn(1, "mtce-client\nsshd cannot be kept running")
        self.turn(50)
        self.assertEqual([], self.resets)

    def test_a_watchdog_that_is_started_again_knows_who_was_there(self) -> None:
        self.turn(1, "mtce-client\n")
        self.loop.close()
        self.assertEqual(b"\0V", self.device_file.read_bytes())
        self.loop = self.make()
        self.turn(12)
        self.assertEqual(1, len(self.resets))

    def test_strangers_and_nonsense_change_nothing(self) -> None:
        for text in ("stranger", "", "x" * 1000, "\n\n"):
            self.turn(1, text or "\0")
        self.turn(50)
        self.assertEqual([], self.resets)

    def test_only_its_owner_can_check_in(self) -> None:
        self.assertEqual(0o600, (self.directory / loop.SOCKET).stat().st_mode & 0o777)

    def test_it_is_stuck_when_it_turns_no_more(self) -> None:
        self.turn()
        self.now += 100.0
        self.assertFalse(self.loop.is_stuck())
        self.now += 1.0
        self.assertTrue(self.loop.is_stuck())

    def test_a_host_without_a_device_of_the_kernel_s_is_watched_all_the_same(self) -> None:
        for path in ("", str(self.directory / "none")):
            device = Device(path, 300)
            device.kick()
            device.disarm()


class ResetTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.console = self.directory / "console"
        self.console.touch()

    def reset(self, *command: str) -> bool:
        return watchdog.Reset(Settings(console=str(self.console), reset_command=command))("it hangs")

    def test_the_last_words_go_to_the_console(self) -> None:
        self.assertTrue(self.reset("true"))
        self.assertIn("started anew: it hangs", self.console.read_text())

    def test_a_command_that_does_not_work_is_told(self) -> None:
        self.assertFalse(self.reset("false"))
        self.assertFalse(self.reset("/no/such/program"))

    def test_without_a_command_a_process_that_systemd_has_not_started_resets_nothing(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mtce.ending.Runner.run", self.fail))
        self.useFixture(fixtures.MonkeyPatch("mtce.ending.Runner.detach", self.fail))
        self.assertFalse(self.reset())
