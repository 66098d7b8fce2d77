# SPDX-License-Identifier: Apache-2.0
"""Boards: what they show, and what they remember."""

import os
import pathlib
import socket
import subprocess
import sys
from unittest import mock

import fixtures
from oslotest import base

from stxembedded import process
from stxlab import boards, layout, network, power, sensors, topology


class BoardTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "lab")
        self.layout.make()
        self.host = topology.make("simplex").hosts[0]
        self.files = self.layout.host(self.host)
        self.files.sensors.mkdir(parents=True)

    def test_a_sensor_shows_what_it_is_told(self) -> None:
        board = boards.Board(self.layout, self.host, network.Switch(self.layout))
        board.show(sensors.SENSORS[0], 97)
        self.assertEqual(97, board.shown(sensors.SENSORS[0]))
        self.assertRaises(sensors.SensorError, board.show, sensors.SENSORS[0], 300)
        self.assertEqual(97, board.shown(sensors.SENSORS[0]))

    def test_an_order_waits_for_a_power_service_that_has_only_begun(self) -> None:
        def start(argv: object, log: object, group: object, environment: object, stdin: int) -> int:
            begun = subprocess.Popen(["sleep", "600"], stdin=stdin)
            self.addCleanup(begun.wait)
            self.addCleanup(begun.kill)
            return begun.pid

        switch = mock.Mock(start_inside=start)
        with mock.patch.object(boards.Redfish, "is_installed", return_value=False):
            boards.start(self.layout, [], switch, "")
        power.order(self.layout, self.host, "off")
        pipe = os.open(self.layout.power_orders, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        self.assertEqual(b"controller-0 off\n", os.read(pipe, 100))

    def test_a_boot_device_is_remembered(self) -> None:
        self.assertEqual("none", boards.boot_device(self.files))
        boards.set_boot_device(self.files, "pxe")
        self.assertEqual("pxe", boards.boot_device(self.files))
        self.assertIn("choose from", str(self.assertRaises(boards.BoardError, boards.set_boot_device, self.files, "floppy")))

    def test_a_file_is_replaced_without_ever_being_readable_by_others(self) -> None:
        path = self.layout.run / "file"
        path.write_text("old")
        path.chmod(0o644)
        boards.replace(path, "new")
        self.assertEqual(("new", 0o600), (path.read_text(), path.stat().st_mode & 0o777))
        self.assertEqual(["file"], [left.name for left in path.parent.iterdir()])


class AwaitTest(base.BaseTestCase):
    def test_a_process_is_ready_when_it_has_its_socket(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.9", 0))
            port = sock.getsockname()[1]
            boards.await_socket(process.find(_own_pid()), "udp", "127.0.0.9", port, pathlib.Path("/log"), 5)
        error = self.assertRaises(
            boards.BoardError, boards.await_socket, process.find(_own_pid()), "udp", "127.0.0.9", port, pathlib.Path("/log"), 0.05
        )
        self.assertIn("See /log", str(error))

    def test_a_process_that_has_ended_is_told_at_once(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE) as started:
            known = process.find(started.pid)
        error = self.assertRaises(boards.BoardError, boards.await_socket, known, "tcp", "127.0.0.9", 9, pathlib.Path("/log"), 60)
        self.assertIn("has ended", str(error))


def _own_pid() -> int:
    return int(pathlib.Path("/proc/self").readlink().name)
