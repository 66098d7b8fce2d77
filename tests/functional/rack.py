# SPDX-License-Identifier: Apache-2.0
"""Boards without a lab: OpenIPMI's simulator and the lab's Redfish on loopback, as the lab sets them up.

The hosts behind them are no hosts: each is a process that sleeps while it is on.
"""

import contextlib
import datetime
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

from stx.boards import Kind, Login
from stxembedded import process
from stxlab import board_files, boards, certificate, network, power, sensors, topology
from stxlab.layout import Layout
from stxlab.topology import Host

try:
    import pyghmi  # noqa: F401
    import sushy
    import sushy_tools  # noqa: F401
except ImportError:
    sushy = None

PASSWORD = "S3cret-of-boards"
_REDFISH = """
import os, pathlib, sys
from stxlab import boards, https, redfish
from stxlab.layout import Layout
os.umask(0o077)
layout, name, address = Layout(pathlib.Path(sys.argv[1])), *sys.argv[2:]
application = redfish.make(layout, {address: layout.load().host(name)})
https.Server(address, boards.REDFISH_PORT, layout.certificate, application).serve_forever()
"""


def missing() -> str | None:
    """Why there can be no boards here."""
    if not shutil.which("ipmi_sim"):
        return "ipmi_sim is not installed (openipmi)"
    if sushy is None:
        return "the extra `lab` is not installed (sushy-tools, sushy, pyghmi)"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.201.0.1", board_files.PORT))
    except OSError as error:
        return f"port {board_files.PORT} cannot be taken: {error.strerror}"
    return None


class Rack:
    """:param directory: an empty one
    :ivar is_deaf: orders are taken, and nothing is done
    """

    def __init__(self, directory: pathlib.Path, hosts: int = 2) -> None:
        self.layout = Layout(directory)
        self.hosts: tuple[Host, ...] = topology.make("duplex", hosts - 2).hosts if hosts > 1 else topology.make("simplex").hosts
        self.is_deaf = False
        # Addresses of 127.0.0.0/8 that no other test process has.
        self._net = f"127.{201 + os.getpid() // 250 % 40}.{os.getpid() % 250}"
        self._boards: dict[str, subprocess.Popen[bytes]] = {}
        self._redfish: subprocess.Popen[bytes] | None = None
        self._machines: dict[str, subprocess.Popen[bytes]] = {}
        # Boards order what tests do too, in another thread.
        self._switching = threading.Lock()

    def start(self) -> None:
        self.layout.make()
        self.layout.save(topology.Topology("duplex", self.hosts), [])
        self.layout.secrets.write_text(json.dumps({"board": PASSWORD}))
        os.mkfifo(self.layout.power_orders, 0o600)
        process.write_pid_file(self.layout.power_pid)
        self._orders = os.open(self.layout.power_orders, os.O_RDWR)
        self._taking = threading.Thread(target=self._take, daemon=True)
        self._taking.start()
        for host in self.hosts:
            self._make_files(host)
            self.switch(host.name, "on")
            self.start_board(host.name)

    def stop(self) -> None:
        for started in [*self._boards.values(), *([self._redfish] if self._redfish else [])]:
            started.kill()
            started.wait()
        os.write(self._orders, b"end\n")
        self._taking.join()
        os.close(self._orders)
        for machine in self._machines.values():
            machine.kill()
            machine.wait()

    def host(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def address(self, name: str) -> str:
        return f"{self._net}.{self.host(name).number + 1}"

    def login(self, name: str, kind: Kind = Kind.IPMI, password: str = PASSWORD) -> Login:
        return Login(kind, self.address(name), board_files.USER, password)

    def start_board(self, name: str) -> None:
        """Start it, and wait until it listens."""
        files, address = self.layout.host(self.host(name)), self.address(name)
        argv = ["ipmi_sim", "-n", "-c", files.board / "lan.conf", "-f", files.board / "commands", "-s", files.board / "state"]
        with (self.layout.logs / name).open("ab") as log:
            started = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=power.environment())
        self._boards[name] = started
        boards.await_socket(process.find(started.pid), "udp", address, board_files.PORT, self.layout.logs / name, 30)

    def board(self, name: str) -> subprocess.Popen[bytes]:
        """The process that is the board: to be stopped, continued or killed."""
        return self._boards[name]

    def start_redfish(self, name: str) -> None:
        """Have a board that answers Redfish too."""
        address = self.address(name)
        made = certificate.make("board", [address], datetime.datetime.now(datetime.UTC))
        boards.replace(self.layout.certificate, made)
        argv = [sys.executable, "-c", _REDFISH, str(self.layout.directory), name, address]
        log = self.layout.logs / "redfish"
        with log.open("ab") as file:
            self._redfish = subprocess.Popen(argv, stdout=file, stderr=file, env=power.environment())
        boards.await_socket(process.find(self._redfish.pid), "tcp", address, boards.REDFISH_PORT, log, 60)

    def _make_files(self, host: Host) -> None:
        files = self.layout.host(host)
        for directory in (files.directory, files.board, files.board / "state", files.sensors):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for sensor in sensors.SENSORS:
            self.show(host.name, sensor.name, sensor.normal)
        chassis = files.board / "chassis"
        boards.replace(chassis, board_files.chassis(self.layout, host), 0o700)
        lan = board_files.network(host, PASSWORD, chassis).replace(host.board_address, self.address(host.name))
        boards.replace(files.board / "lan.conf", lan)
        boards.replace(files.board / "commands", board_files.commands(host, files.sensors))

    def show(self, name: str, sensor: str, value: int) -> None:
        boards.Board(self.layout, self.host(name), network.Switch(self.layout)).show(sensors.named(sensor), value)

    def boot_device(self, name: str) -> str:
        return boards.boot_device(self.layout.host(self.host(name)))

    def machine(self, name: str) -> int | None:
        """The process that is the host; None when it is off."""
        found = process.read_pid_file(self.layout.host(self.host(name)).holder)
        return found.pid if found else None

    def switch(self, name: str, verb: str) -> None:
        """What a board has been ordered to do with the power of its host."""
        holder = self.layout.host(self.host(name)).holder
        with self._switching:
            if verb in ("off", "reset") and name in self._machines:
                machine = self._machines.pop(name)
                machine.kill()
                machine.wait()
                holder.unlink(missing_ok=True)
            if verb in ("on", "reset") and name not in self._machines:
                self._machines[name] = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL)
                process.write_pid_file(holder, self._machines[name].pid)

    def _take(self) -> None:
        rest = b""
        while True:
            *lines, rest = (rest + os.read(self._orders, 4096)).split(b"\n")
            for line in lines:
                if line == b"end":
                    return
                if not self.is_deaf:
                    with contextlib.suppress(ValueError):
                        name, verb = line.decode().split()
                        self.switch(name, verb)
