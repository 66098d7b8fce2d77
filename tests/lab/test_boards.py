# SPDX-License-Identifier: Apache-2.0
"""The boards of hosts: power, sensors and boot device through ipmitool, pyghmi and Redfish, and what is seen of it from outside."""

import contextlib
import functools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import ddt
import testtools

from stx import boards as stx_boards
from stxembedded import process
from stxlab import board_files, boards, enter, sensors
from stxlab.machine import Machine
from tests.lab import base

try:
    import sushy
    from pyghmi import constants, exceptions
    from pyghmi.ipmi import command as pyghmi
except ImportError:
    sushy = None

HOST, OTHER = "controller-0", "controller-1"
KINDS = tuple(stx_boards.Kind)
WAYS = ("ipmitool", "pyghmi", "redfish")
_ASK = """
import json, sys
from stx import boards
kind, *told = json.load(sys.stdin)
what, *words = sys.argv[1:]
try:
    with boards.opened(boards.Login(boards.Kind(kind), *told)) as opened:
        if what == "power":
            boards.switch(opened, boards.Power(*words), 60.0)
            print(opened.power())
        elif what == "boot":
            opened.set_boot_device(boards.BootDevice(*words))
        elif what == "reset":
            opened.reset()
        elif what == "sensors":
            for reading in opened.sensors():
                print(f"{reading.name}: {reading.value:g} {reading.unit} {reading.status}")
        else:
            print(opened.identity().kind)
except boards.BoardError as error:
    print(error.message)
"""


@ddt.ddt
@testtools.skipIf(sushy is None, "the extra `lab` is not installed (sushy-tools, sushy, pyghmi)")
class BoardTest(base.LabTestCase):
    def setUp(self) -> None:
        super().setUp()
        boards.Redfish(self.lab.layout, self.lab.switch).await_ready()
        self.await_orders()
        self.host = self.machine(HOST)
        self.password = self.lab.layout.read_secrets()["board"]
        for name in (HOST, OTHER):
            if not self.machine(name).is_on:
                self.machine(name).power_on(self.lab.layout.layers())
            self.await_on(name)
        board = boards.Board(self.lab.layout, self.host.host, self.lab.switch)
        for sensor in sensors.SENSORS:
            board.show(sensor, sensor.normal)

    def ipmitool(self, *words: str, password: str = "", cipher: str = "3") -> str:
        assert self.lab.switch.pid is not None
        # It asks again only when the simulator has had time to answer: one that is asked twice does it twice.
        patience = ("-N", "5", "-R", "4")
        argv = ["ipmitool", "-I", "lanplus", *patience, "-C", cipher, "-H", self.host.host.board_address, "-U", "admin"]
        argv = [*enter.into(self.lab.switch.pid, "net"), *argv, "-P", password or self.password, *words]
        return enter.run(argv, deadline_s=60.0)

    def pyghmi(self, method: str, *arguments: Any) -> Any:
        return self.inside(_pyghmi, self.host.host.board_address, self.password, method, *arguments)

    def redfish(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.inside(_redfish, self.host.host.board_address, self.password, function, *arguments)

    def order(self, way: str, verb: str) -> None:
        """Let a client have its way with the power of the host."""
        if way == "ipmitool":
            self.ipmitool("chassis", "power", verb)
        elif way == "pyghmi":
            self.pyghmi("set_power", "shutdown" if verb == "soft" else verb)
        else:
            types = {"on": "On", "off": "ForceOff", "reset": "ForceRestart", "soft": "GracefulShutdown"}
            self.redfish(_reset, types[verb])

    def power(self, way: str) -> bool:
        """Whether the host is on, as a client sees it."""
        if way == "ipmitool":
            return "is on" in self.ipmitool("chassis", "power", "status")
        if way == "pyghmi":
            return bool(self.pyghmi("get_power")["powerstate"] == "on")
        return bool(self.redfish(_state) == "On")

    def await_on(self, name: str = HOST) -> None:
        self.wait_for(f"{name} answers", lambda: self.answers(name))

    def await_orders(self) -> None:
        """Until the power service has carried out what it was told."""
        service = process.read_pid_file(self.lab.layout.power_pid)
        assert service is not None
        self.wait_for("orders are carried out", lambda: enter.child(service.pid) is None)

    def await_gone(self) -> None:
        self.wait_for("the processes of the host end", lambda: not self.host.group.pids())

    @ddt.data(*WAYS)
    def test_a_host_powered_off_is_gone_while_its_board_answers_and_comes_back_when_powered_on(self, way: str) -> None:
        self.order(way, "off")
        self.await_gone()
        self.assertFalse(self.answers(HOST))
        self.await_on(OTHER)
        self.assertFalse(self.power(way))
        self.order(way, "on")
        self.await_on()
        self.assertTrue(self.power(way))

    @ddt.data(*KINDS)
    def test_the_platform_cuts_the_power_of_a_host_and_gives_it_back(self, kind: stx_boards.Kind) -> None:
        for wanted in (stx_boards.Power.OFF, stx_boards.Power.OFF, stx_boards.Power.ON):
            self.assertEqual(wanted, self.asked(kind, "power", wanted))
        self.await_on()

    @ddt.data(*KINDS)
    def test_the_platform_resets_a_host(self, kind: stx_boards.Kind) -> None:
        before, other = self.host.leader, self.machine(OTHER).leader
        assert before is not None
        self.assertEqual("", self.asked(kind, "reset"))
        self.wait_for("the host that was is gone", lambda: not before.is_running)
        self.await_on()
        self.assertEqual(other, self.machine(OTHER).leader)

    @ddt.data(*KINDS)
    def test_the_platform_says_what_a_host_boots_from(self, kind: stx_boards.Kind) -> None:
        for device, told in ((stx_boards.BootDevice.NETWORK, "pxe"), (stx_boards.BootDevice.DISK, "default")):
            self.assertEqual("", self.asked(kind, "boot", device))
            self.assertEqual(told, boards.boot_device(self.host.files))

    @ddt.data(*KINDS)
    def test_the_platform_reads_the_sensors_of_a_host(self, kind: stx_boards.Kind) -> None:
        well = ["CPU Temp: 45 °C ok", "Fan 1: 6000 RPM ok", "Inlet Temp: 24 °C ok"]
        # The simulator looks at its files now and then.
        self.wait_for("all is well", lambda: sorted(self.asked(kind, "sensors").splitlines()) == well)
        self.assertEqual((0, ""), self.command("sensor", HOST, "cpu-temp", "97"))
        self.wait_for("it is hot", lambda: "CPU Temp: 97 °C critical" in self.asked(kind, "sensors").splitlines())

    @ddt.data(*KINDS)
    def test_the_platform_is_told_that_its_password_is_wrong(self, kind: stx_boards.Kind) -> None:
        said = self.asked(kind, "power", stx_boards.Power.OFF, password="wrong")
        self.assertRegex(said, "(IPMI|Redfish): ")
        self.assertNotIn("wrong", said)
        self.assertTrue(self.host.is_on)
        self.await_on()

    def test_the_platform_takes_redfish_where_it_may_choose(self) -> None:
        self.assertEqual(stx_boards.Kind.REDFISH, self.asked(stx_boards.Kind.DYNAMIC, "kind"))

    def asked(self, kind: stx_boards.Kind, *words: str, password: str = "") -> str:
        """What the platform is told by the board, or why not. In a process of its own, as by `sm-fence`."""
        assert self.lab.switch.pid is not None
        told = [kind, self.host.host.board_address, board_files.USER, password or self.password]
        argv = [*enter.into(self.lab.switch.pid, "net"), sys.executable, "-c", _ASK, *words]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
        done = subprocess.run(
            argv, input=json.dumps(told), capture_output=True, text=True, timeout=150, env=environment, check=False
        )
        return (done.stdout or done.stderr).strip()

    @ddt.data(*WAYS)
    def test_a_reset_host_begins_anew(self, way: str) -> None:
        before = self.host.leader
        assert before is not None
        self.order(way, "reset")
        self.wait_for("the host that was is gone", lambda: not before.is_running)
        self.await_on()
        self.assertNotEqual(before, self.host.leader)

    @ddt.data(*WAYS)
    def test_a_host_that_is_shut_down_ends_in_good_order_and_one_whose_power_is_cut_does_not(self, way: str) -> None:
        for verb, is_in_good_order in (("soft", True), ("off", False)):
            self.await_on()
            self.host.run(["rm", "-f", "/var/farewell"])
            farewell = "--property=ExecStop=/usr/bin/touch /var/farewell"
            self.host.run(["systemd-run", "--unit=farewell", "--remain-after-exit", farewell, "true"])
            self.host.run(["sync"])
            self.order(way, verb)
            self.await_gone()
            self.order(way, "on")
            self.await_on()
            self.assertEqual(is_in_good_order, "farewell" in self.host.run(["ls", "/var"]), verb)

    def test_a_power_cycle_is_a_moment_without_power(self) -> None:
        before = self.host.leader
        assert before is not None
        self.ipmitool("chassis", "power", "cycle")
        self.wait_for("the host that was is gone", lambda: not before.is_running)
        self.await_on()

    def test_orders_are_carried_out_in_their_order(self) -> None:
        before = self.host.leader
        assert before is not None
        # The other way round the second one would leave it off.
        self.redfish(_reset, "ForceOff")
        self.redfish(_reset, "On")
        self.wait_for("the host that was is gone", lambda: not before.is_running)
        self.await_on()

    def test_a_host_that_is_off_cannot_be_reset(self) -> None:
        self.host.power_off()
        self.assertRaises(enter.RunError, self.ipmitool, "chassis", "power", "reset")
        self.assertRaises(exceptions.IpmiException, self.pyghmi, "set_power", "reset")
        self.assertEqual(409, self.inside(_refusal, self.host.host.board_address, self.password, _reset, "ForceRestart"))
        self.assertFalse(self.host.is_on)

    def test_a_command_and_the_board_do_not_get_into_each_others_way(self) -> None:
        layers = self.lab.layout.layers()

        def order() -> None:
            for _ in range(5):
                # Refused in the moment in which the command has it off.
                with contextlib.suppress(enter.RunError):
                    self.ipmitool("chassis", "power", "reset")

        ordering = threading.Thread(target=order)
        ordering.start()
        try:
            for _ in range(5):
                self.host.reset(layers)
        finally:
            ordering.join()
        self.await_orders()
        self.await_on()
        self.wait_for("one host is there", lambda: _process_ones(self.host) == 1)

    def test_a_sensor_over_its_threshold_shows_everywhere_until_it_is_under_it_again(self) -> None:
        self.ipmitool("sel", "clear")
        self.assertEqual((0, ""), self.command("sensor", HOST, "cpu-temp", "97"))
        self.wait_for("the board sees it", lambda: re.search(r"CPU Temp .*97 degrees C .*cr", self.ipmitool("sdr")) is not None)
        self.assertIn("Upper Critical going high | Asserted", self.ipmitool("sel", "elist"))
        bad = self.inside(_bad_readings, self.host.host.board_address, self.password)
        self.assertEqual([("CPU Temp", 97.0, True)], bad)
        self.assertEqual((97, "critical"), self.redfish(_temperature, "CPU Temp"))
        other = self.wanted.host(OTHER).board_address
        self.assertEqual((45, "ok"), self.inside(_redfish, other, self.password, _temperature, "CPU Temp"))
        self.assertEqual((0, ""), self.command("sensor", HOST, "cpu-temp", "45"))
        self.wait_for("it is over", lambda: "Upper Critical going high | Deasserted" in self.ipmitool("sel", "elist"))

    def test_a_slow_fan_shows(self) -> None:
        self.ipmitool("sel", "clear")
        self.assertEqual((0, ""), self.command("sensor", HOST, "fan-1", "800"))
        self.wait_for("the board sees it", lambda: re.search(r"Fan 1 .* 800 RPM .*cr", self.ipmitool("sdr")) is not None)
        self.assertIn("Lower Critical going low  | Asserted", self.ipmitool("sel", "elist"))

    def test_who_has_not_the_password_is_refused(self) -> None:
        self.assertRaises(enter.RunError, self.ipmitool, "chassis", "power", "off", password="wrong")
        refused = self.assertRaises(
            exceptions.IpmiException, self.inside, _pyghmi, self.host.host.board_address, "wrong", "set_power", "off"
        )
        self.assertIn("Incorrect password", str(refused))
        self.assertEqual(401, self.inside(_refusal, self.host.host.board_address, "wrong", _reset, "ForceOff"))
        self.assertTrue(self.host.is_on)
        self.await_on()

    def test_the_boot_device_is_the_same_for_ipmi_and_redfish(self) -> None:
        self.ipmitool("chassis", "bootdev", "pxe")
        self.assertEqual("Pxe", self.redfish(_boot_device))
        self.redfish(_boot_from, "Hdd")
        self.assertEqual("default", boards.boot_device(self.host.files))
        self.assertIn("default Hard-Drive", self.ipmitool("chassis", "bootparam", "get", "5"))

    def test_a_board_tells_who_made_it(self) -> None:
        said = self.ipmitool("fru")
        self.assertRegex(said, r"Product Manufacturer +: StarlingX")
        self.assertRegex(said, r"Product Serial +: LAB00000")

    def test_other_users_cannot_read_the_password(self) -> None:
        directory = self.host.files.board
        layout = self.lab.layout
        for path in (layout.secrets, directory / "lan.conf", layout.run / "redfish.htpasswd", layout.certificate):
            self.assertEqual(0o600, path.stat().st_mode & 0o777, path)
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(self.password, listed)

    def test_commands_change_several_hosts_and_tell_the_time_of_each(self) -> None:
        for verb, state in (("power-off", "off"), ("power-on", "on"), ("reset", "on"), ("shutdown", "off")):
            code, said = self.command(verb, HOST, OTHER)
            self.assertEqual(0, code)
            for name in (HOST, OTHER):
                self.assertRegex(said, rf"(?m)^{name}: {state} after \d+\.\d{{3}} s$")
            self.assertEqual([state == "on"] * 2, [self.machine(name).is_on for name in (HOST, OTHER)])
            if state == "on":
                # One that has only begun to boot does not hear its power button.
                for name in (HOST, OTHER):
                    self.await_on(name)

    def test_a_host_that_cannot_be_changed_keeps_no_other_from_being_so(self) -> None:
        self.host.power_off()
        code, said = self.command("power-off", HOST, OTHER)
        self.assertEqual(1, code)
        self.assertIn(f"{HOST} is off already.", said)
        self.assertFalse(self.machine(OTHER).is_on)


def _process_ones(machine: Machine) -> int:
    """How many processes of a host are the first of their name space."""
    found = 0
    for pid in machine.group.pids():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
            found += re.search(r"^NSpid:\t\d+\t1$", file.read(), re.MULTILINE) is not None
    return found


def _pyghmi(address: str, password: str, method: str, *arguments: Any) -> Any:
    return getattr(_session(address, password), method)(*arguments)


@functools.cache
def _session(address: str, password: str) -> Any:
    """pyghmi waits forever when it opens a third session to the same board."""
    return pyghmi.Command(bmc=address, userid="admin", password=password)


def _bad_readings(address: str, password: str) -> list[tuple[str, float, bool]]:
    """Name and value of sensors that are not well, and whether that is critical."""
    found = _session(address, password).get_health()["badreadings"]
    return [(reading.name, reading.value, bool(reading.health & constants.Health.Critical)) for reading in found]


def _redfish(address: str, password: str, function: Callable[..., Any], *arguments: Any) -> Any:
    auth = sushy.auth.BasicAuth("admin", password)
    return function(sushy.Sushy(f"https://{address}", auth=auth, verify=False), *arguments)


def _refusal(address: str, password: str, function: Callable[..., Any], *arguments: Any) -> int | None:
    """The status with which it was refused: the client's exceptions do not travel between processes."""
    try:
        _redfish(address, password, function, *arguments)
    except sushy.exceptions.HTTPError as error:
        return int(error.status_code)
    return None


def _system(client: Any) -> Any:
    (system,) = client.get_system_collection().get_members()
    return system


def _reset(client: Any, type_: str) -> None:
    _system(client).reset_system(sushy.ResetType(type_))


def _state(client: Any) -> str:
    return str(_system(client).power_state.value)


def _boot_device(client: Any) -> str:
    return str(_system(client).boot.target.value)


def _boot_from(client: Any, device: str) -> None:
    _system(client).set_system_boot_options(sushy.BootSource(device))


def _temperature(client: Any, name: str) -> tuple[int, str]:
    chassis = client.get_chassis_collection().get_members()[0]
    found = next(reading for reading in chassis.thermal.temperatures if reading.name == name)
    return found.reading_celsius, str(found.status.health.value).lower()
