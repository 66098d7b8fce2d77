# SPDX-License-Identifier: Apache-2.0
"""The board controllers of a lab's hosts, reached over oam, which live on when the host is off.

IPMI is one simulator a host; Redfish is one process for all, at the addresses of all boards.
"""

import contextlib
import datetime
import importlib.util
import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from stxembedded import process
from stxlab import board_files, power, sensors
from stxlab.errors import LabError
from stxlab.groups import Group
from stxlab.layout import HostFiles, Layout
from stxlab.network import Switch
from stxlab.sensors import Sensor
from stxlab.topology import SUBNETS, Host

REDFISH_PORT = 443
START_DEADLINE_S = 60.0
_POLL_S = 0.01


class BoardError(LabError):
    """A board does not do what it should; the message says where to look."""


class Board:
    """The board controller of one host."""

    def __init__(self, layout: Layout, host: Host, switch: Switch) -> None:
        self.host = host
        self.files = layout.host(host)
        self.group = Group(f"{layout.name}/boards/{host.name}")
        self.log = layout.logs / f"board-{host.name}.log"
        self._layout = layout
        self._switch = switch
        self._pid_file = self.files.board / "pid"

    @property
    def process(self) -> process.Process | None:
        """None when it does not run."""
        return process.read_pid_file(self._pid_file)

    def start(self, password: str) -> None:
        """Start it, unless it runs; it answers a moment later."""
        if self.process:
            return
        self._write(password)
        argv = ["ipmi_sim", "-n", "-c", self.files.board / "lan.conf", "-f", self.files.board / "commands"]
        argv += ["-s", self.files.board / "state"]
        started = self._switch.start_inside([str(word) for word in argv], self.log, self.group, power.environment())
        process.write_pid_file(self._pid_file, started)

    def await_ready(self, deadline_s: float = START_DEADLINE_S) -> None:
        """:raises BoardError: when it does not answer in time, or has ended"""
        await_socket(self.process, "udp", self.host.board_address, board_files.PORT, self.log, deadline_s)

    def _write(self, password: str) -> None:
        for directory in (self.files.directory, self.files.board, self.files.board / "state", self.files.sensors):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for sensor in sensors.SENSORS:
            if not (self.files.sensors / sensor.name).exists():
                self.show(sensor, sensor.normal)
        chassis = self.files.board / "chassis"
        replace(chassis, board_files.chassis(self._layout, self.host), 0o700)
        replace(self.files.board / "lan.conf", board_files.network(self.host, password, chassis))
        replace(self.files.board / "commands", board_files.commands(self.host, self.files.sensors))

    def show(self, sensor: Sensor, value: int) -> None:
        """Let a sensor show a value from its next reading on.

        :raises SensorError: when it cannot
        """
        replace(self.files.sensors / sensor.name, f"{sensor.checked(value)}\n")

    def shown(self, sensor: Sensor) -> int:
        return int((self.files.sensors / sensor.name).read_text())


class Redfish:
    """One service, which is the Redfish of each board at the board's address."""

    def __init__(self, layout: Layout, switch: Switch) -> None:
        self.group = Group(f"{layout.name}/redfish")
        self.log = layout.logs / "redfish.log"
        self._layout = layout
        self._switch = switch
        self._pid_file = layout.run / "redfish.pid"

    @property
    def process(self) -> process.Process | None:
        """None when it does not run."""
        return process.read_pid_file(self._pid_file)

    @staticmethod
    def is_installed() -> bool:
        return importlib.util.find_spec("sushy_tools") is not None

    def start(self) -> None:
        """Start it, unless it runs; it answers a few seconds later."""
        if self.process:
            return
        self._certify()
        argv = [sys.executable, "-P", "-m", "stxlab.redfish", str(self._layout.directory)]
        # Its threads come and go: with memory for each it would take twice as much.
        environment = {**power.environment(), "MALLOC_ARENA_MAX": "1"}
        process.write_pid_file(self._pid_file, self._switch.start_inside(argv, self.log, self.group, environment))

    def await_ready(self, deadline_s: float = START_DEADLINE_S) -> None:
        """:raises BoardError: when it does not answer in time, or has ended"""
        await_socket(self.process, "tcp", "0.0.0.0", REDFISH_PORT, self.log, deadline_s)

    def _certify(self) -> None:
        # Its library is large, and neither the service nor most commands need it.
        from stxlab import certificate

        addresses = [host.board_address for host in self._layout.load().hosts]
        replace(self._layout.certificate, certificate.make("board", addresses, datetime.datetime.now(datetime.UTC)))


def start(layout: Layout, hosts: Iterable[Host], switch: Switch, password: str) -> list[str]:
    """Start the boards of hosts, and Redfish where it is installed. Gives what to tell of it.

    :raises BoardError: when a board does not come to answer
    """
    _start_power(layout, switch)
    boards = [Board(layout, host, switch) for host in hosts]
    length = SUBNETS["oam"].prefixlen
    switch.ip(f"address replace {board.host.board_address}/{length} dev br-oam" for board in boards)
    for board in boards:
        board.start(password)
    redfish = Redfish(layout, switch)
    if redfish.is_installed():
        redfish.start()
    for board in boards:
        board.await_ready()
    told = [f"{len(boards)} boards answer"]
    if not redfish.is_installed():
        told.append("there is no Redfish: sushy-tools is not installed")
    return told


def _start_power(layout: Layout, switch: Switch) -> None:
    """Start the service that boards leave their orders with, unless it runs. It may come later than the first order."""
    if process.read_pid_file(layout.power_pid):
        return
    layout.power_orders.unlink(missing_ok=True)
    os.mkfifo(layout.power_orders, 0o600)
    argv, log, group = power.argv(layout), layout.logs / "power.log", Group(f"{layout.name}/power")
    # It has the pipe from the start: an order that nobody holds is lost.
    with os.fdopen(os.open(layout.power_orders, os.O_RDWR), "rb") as orders:
        pid = switch.start_inside(argv, log, group, power.environment(), orders.fileno())
    process.write_pid_file(layout.power_pid, pid)


def boot_device(files: HostFiles) -> str:
    """What the board was told that the host shall start from, as IPMI calls it."""
    try:
        return files.boot.read_text().strip()
    except FileNotFoundError:
        return board_files.DEFAULT_BOOT


def set_boot_device(files: HostFiles, device: str) -> None:
    if device not in board_files.BOOT_DEVICES:
        raise BoardError(f"A host does not start from {device}: choose from {', '.join(board_files.BOOT_DEVICES)}.")
    replace(files.boot, f"{device}\n")


def await_socket(started: process.Process | None, protocol: str, address: str, port: int, log: Path, deadline_s: float) -> None:
    """Wait until a process has its socket: to ask the service would need a place in its networks."""
    wanted = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
    deadline = time.monotonic() + deadline_s
    while started is not None and started.is_running:
        with contextlib.suppress(FileNotFoundError):
            lines = Path(f"/proc/{started.pid}/net/{protocol}").read_text().splitlines()[1:]
            if any(line.split()[1] == wanted for line in lines):
                return
        if time.monotonic() > deadline:
            raise BoardError(f"Nothing answers at {address} port {port} after {deadline_s:g} s. See {log}.")
        time.sleep(_POLL_S)
    raise BoardError(f"What should answer at {address} port {port} has ended. See {log}.")


def replace(path: Path, content: str, mode: int = 0o600) -> None:
    """Others see the old content or the new, and nothing of it is ever readable by other users."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode)
    new.write_text(content)
    new.replace(path)
