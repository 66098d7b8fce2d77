# SPDX-License-Identifier: Apache-2.0
"""The files of a board controller."""

import os
import pathlib
import subprocess

import fixtures
from oslotest import base

from stxembedded import process
from stxlab import board_files, layout, topology

HOSTS = topology.make("standard", 1).hosts
COMPUTE = HOSTS[2]


class NetworkTest(base.BaseTestCase):
    def test_the_board_answers_at_its_address_to_one_user(self) -> None:
        content = board_files.network(COMPUTE, "S3cret", pathlib.Path("/lab/chassis"))
        self.assertIn("addr 192.0.2.132 623\n", content)
        users = [line.split() for line in content.splitlines() if line.strip().startswith("user ")]
        self.assertEqual([["user", "2", "true", '"admin"', '"S3cret"', "admin", "10", "md5"]], users)

    def test_a_place_with_blanks_stays_one_word_for_the_shell(self) -> None:
        content = board_files.network(COMPUTE, "S3cret", pathlib.Path("/my lab/chassis"))
        self.assertIn("chassis_control \"'/my lab/chassis'\"\n", content)

    def test_hosts_are_told_apart_and_stay_who_they_are(self) -> None:
        self.assertEqual(len(HOSTS), len({board_files.identity(host) for host in HOSTS}))
        self.assertEqual(board_files.identity(HOSTS[0]), board_files.identity(topology.make("simplex").hosts[0]))


class CommandsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lines = board_files.commands(COMPUTE, pathlib.Path("/lab/sensors")).splitlines()

    def test_sensors_are_read_from_files_in_their_own_unit(self) -> None:
        self.assertIn('sensor_add 0x20 0 3 4 1 poll 500 file "/lab/sensors/fan-1" div=50', self.lines)

    def test_only_thresholds_that_there_are_can_be_passed(self) -> None:
        self.assertIn("sensor_set_threshold 0x20 0 1 settable 111000 105 95 85 0 0 0", self.lines)
        self.assertIn("sensor_set_threshold 0x20 0 3 settable 000111 255 255 255 10 20 30", self.lines)

    def test_the_board_is_there_when_all_of_it_is(self) -> None:
        self.assertEqual("mc_enable 0x20", self.lines[-1])


class FruTest(base.BaseTestCase):
    def test_the_areas_add_up_to_nothing(self) -> None:
        for host in HOSTS:
            data = board_files.fru(host)
            self.assertEqual(0, sum(data[:8]) & 0xFF)
            self.assertEqual(0, sum(data[8:]) & 0xFF)
            self.assertEqual(len(data) - 8, data[9] * 8)

    def test_the_fields_are_in_the_order_of_the_definition(self) -> None:
        data, found, place = board_files.fru(COMPUTE), [], 11
        while data[place] != 0xC1:
            length = data[place] & 0x3F
            found.append(data[place + 1 : place + 1 + length].decode())
            place += 1 + length
        self.assertEqual(["StarlingX", "Lab host", "LAB-WORKER", "1.0", "LAB00002", "", ""], found)


class ChassisTest(base.BaseTestCase):
    """The program that the board calls, run as the board does."""

    def setUp(self) -> None:
        super().setUp()
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "my lab")
        self.layout.make()
        self.files = self.layout.host(COMPUTE)
        self.files.directory.mkdir(parents=True)
        os.mkfifo(self.layout.power_orders)
        self.orders = os.open(self.layout.power_orders, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, self.orders)

    def chassis(self, *words: str) -> tuple[int, str]:
        program = board_files.chassis(self.layout, COMPUTE)
        done = subprocess.run(["/bin/sh", "-c", program, "chassis", *words], capture_output=True, text=True, timeout=60)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout

    def heard(self) -> str:
        try:
            return os.read(self.orders, 1000).decode()
        except BlockingIOError:
            return ""

    def test_a_host_is_on_while_the_process_that_holds_it_runs(self) -> None:
        self.assertEqual((0, "power:0\n"), self.chassis("get", "power"))
        process.write_pid_file(self.files.holder)
        self.assertEqual((0, "power:1\n"), self.chassis("get", "power"))

    def test_a_process_that_has_got_the_pid_of_the_holder_is_not_taken_for_it(self) -> None:
        process.write_pid_file(self.files.holder)
        pid, started = self.files.holder.read_text().split()
        self.files.holder.write_text(f"{pid}\n{int(started) - 1}\n")
        self.assertEqual((0, "power:0\n"), self.chassis("get", "power"))
        self.files.holder.write_text(f"{2**22 + 1}\n{started}\n")
        self.assertEqual((0, "power:0\n"), self.chassis("get", "power"))

    def test_the_name_of_the_holders_program_does_not_matter(self) -> None:
        program = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "a) b (c"
        program.symlink_to("/bin/sleep")
        holder = subprocess.Popen([program, "60"])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        process.write_pid_file(self.files.holder, holder.pid)
        self.assertEqual((0, "power:1\n"), self.chassis("get", "power"))

    def test_changes_of_power_are_left_as_orders(self) -> None:
        process.write_pid_file(self.files.holder)
        process.write_pid_file(self.layout.power_pid)
        for words in (("power", "1"), ("power", "0"), ("reset", "1"), ("shutdown", "1")):
            self.assertEqual((0, ""), self.chassis("set", *words))
        self.assertEqual("compute-0 on\ncompute-0 off\ncompute-0 reset\ncompute-0 shutdown\n", self.heard())

    def test_no_order_is_left_when_nobody_would_carry_it_out(self) -> None:
        self.assertNotEqual(0, self.chassis("set", "power", "1")[0])
        self.assertEqual("", self.heard())

    def test_a_host_that_is_off_is_neither_reset_nor_shut_down(self) -> None:
        process.write_pid_file(self.layout.power_pid)
        for verb in ("reset", "shutdown"):
            self.assertNotEqual(0, self.chassis("set", verb, "1")[0])
        self.assertEqual("", self.heard())

    def test_the_boot_device_is_remembered(self) -> None:
        self.assertEqual((0, "boot:none\n"), self.chassis("get", "boot"))
        self.assertEqual((0, ""), self.chassis("set", "boot", "pxe"))
        self.assertEqual((0, "boot:pxe\n"), self.chassis("get", "boot"))

    def test_what_the_board_also_knows_does_nothing(self) -> None:
        self.assertEqual((0, ""), self.chassis("set", "identify", "15 0"))
        self.assertEqual((0, "identify:0\n"), self.chassis("get", "identify"))
