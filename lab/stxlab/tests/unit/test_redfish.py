# SPDX-License-Identifier: Apache-2.0
"""The hosts of a lab as the Redfish of their boards shows them; without hosts, as their files say it all."""

import base64
import json
import os
import pathlib
from typing import Any

import ddt
import fixtures
import testtools
from oslotest import base

from stxembedded import process
from stxlab import board_files, boards, layout, network, sensors, topology

try:
    import werkzeug.test

    from stxlab import redfish
except ImportError:
    redfish = None

WANTED = topology.make("standard", 1)
OTHER, HOST = WANTED.hosts[1:]
SYSTEM = f"/redfish/v1/Systems/{board_files.identity(HOST)}"
CHASSIS = f"/redfish/v1/Chassis/{board_files.chassis_identity(HOST)}"


@ddt.ddt
@testtools.skipIf(redfish is None, "sushy-tools is not installed (extra `lab`)")
class RedfishTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "lab")
        self.layout.make()
        self.layout.save(WANTED, [])
        self.layout.secrets.write_text(json.dumps({"board": "S3cret"}))
        for host in WANTED.hosts:
            self.layout.host(host).sensors.mkdir(parents=True)
            for sensor in sensors.SENSORS:
                boards.Board(self.layout, host, network.Switch(self.layout)).show(sensor, sensor.normal)
        os.mkfifo(self.layout.power_orders)
        self.orders = os.open(self.layout.power_orders, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, self.orders)
        process.write_pid_file(self.layout.power_pid)
        # There is one application a process, which remembers its systems.
        redfish.emulator.app._cache = {}
        self.client = werkzeug.test.Client(redfish.make(self.layout, {host.board_address: host for host in WANTED.hosts}))

    def ask(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        method: str = "",
        password: str = "S3cret",
        address: str = HOST.board_address,
    ) -> tuple[int, Any]:
        token = base64.b64encode(f"admin:{password}".encode()).decode()
        answer = self.client.open(
            path,
            base_url=f"https://{address}/",
            method=method or ("GET" if body is None else "POST"),
            json=body,
            headers={"Authorization": f"Basic {token}"},
        )
        return answer.status_code, answer.get_json(silent=True)

    def reset(self, type_: str) -> tuple[int, Any]:
        return self.ask(f"{SYSTEM}/Actions/ComputerSystem.Reset", {"ResetType": type_})

    def heard(self) -> str:
        try:
            return os.read(self.orders, 1000).decode()
        except BlockingIOError:
            return ""

    def test_who_has_not_the_password_sees_nothing(self) -> None:
        self.assertEqual(401, self.ask("/redfish/v1/Systems", password="wrong")[0])
        self.assertEqual(401, self.client.get("/redfish/v1/Systems").status_code)

    def test_the_only_system_of_a_board_is_its_host_with_its_name_and_cards(self) -> None:
        for host in WANTED.hosts:
            (listed,) = self.ask("/redfish/v1/Systems", address=host.board_address)[1]["Members"]
            self.assertEqual(host.name, self.ask(listed["@odata.id"], address=host.board_address)[1]["Name"])
        cards = self.ask(f"{SYSTEM}/EthernetInterfaces")[1]["Members"]
        macs = [self.ask(card["@odata.id"])[1]["MACAddress"] for card in cards]
        self.assertEqual(sorted({HOST.mac(network) for network in HOST.networks()}), sorted(macs))

    def test_a_board_knows_nothing_of_other_hosts(self) -> None:
        for path in (
            SYSTEM,
            f"{SYSTEM}/EthernetInterfaces",
            SYSTEM.replace("Systems", "Managers"),
            CHASSIS,
            f"{CHASSIS}/Thermal",
        ):
            self.assertEqual(200, self.ask(path)[0], path)
            self.assertEqual(404, self.ask(path, address=OTHER.board_address)[0], path)
        reset = f"{SYSTEM}/Actions/ComputerSystem.Reset"
        self.assertEqual(404, self.ask(reset, {"ResetType": "On"}, address=OTHER.board_address)[0])
        self.assertEqual("", self.heard())

    def test_where_no_board_is_nothing_is(self) -> None:
        self.assertEqual(404, self.ask("/redfish/v1/Systems", address="192.0.2.9")[0])

    def test_a_host_its_chassis_and_its_manager_lead_to_each_other(self) -> None:
        links = self.ask(SYSTEM)[1]["Links"]
        self.assertEqual([{"@odata.id": CHASSIS}], links["Chassis"])
        self.assertEqual([{"@odata.id": SYSTEM}], self.ask(CHASSIS)[1]["Links"]["ComputerSystems"])
        (manager,) = links["ManagedBy"]
        self.assertEqual([{"@odata.id": CHASSIS}], self.ask(manager["@odata.id"])[1]["Links"]["ManagerForChassis"])

    def test_a_host_is_on_while_the_process_that_holds_it_runs(self) -> None:
        self.assertEqual("Off", self.ask(SYSTEM)[1]["PowerState"])
        process.write_pid_file(self.layout.host(HOST).holder)
        self.assertEqual("On", self.ask(SYSTEM)[1]["PowerState"])

    @ddt.data(
        ("On", "on"),
        ("ForceOn", "on"),
        ("ForceOff", "off"),
        ("ForceRestart", "reset"),
        ("GracefulShutdown", "shutdown"),
        ("GracefulRestart", "restart"),
    )
    @ddt.unpack
    def test_a_change_of_power_is_left_as_an_order(self, type_: str, order: str) -> None:
        process.write_pid_file(self.layout.host(HOST).holder)
        self.assertEqual(204, self.reset(type_)[0])
        self.assertEqual(f"compute-0 {order}\n", self.heard())

    def test_a_host_that_is_off_is_not_reset(self) -> None:
        code, body = self.reset("ForceRestart")
        self.assertEqual((409, "compute-0 is off."), (code, body["error"]["message"]))
        self.assertEqual("", self.heard())

    def test_what_a_host_cannot_do_is_refused_with_what_it_can(self) -> None:
        code, body = self.reset("Nmi")
        self.assertEqual(501, code)
        self.assertIn("ForceOff", body["error"]["message"])

    def test_an_order_that_nobody_would_carry_out_is_refused(self) -> None:
        self.layout.power_pid.unlink()
        self.assertEqual(503, self.reset("On")[0])
        self.assertEqual("", self.heard())

    def test_the_boot_device_is_that_of_the_board(self) -> None:
        boards.set_boot_device(self.layout.host(HOST), "cdrom")
        self.assertEqual("Cd", self.ask(SYSTEM)[1]["Boot"]["BootSourceOverrideTarget"])
        self.assertEqual(204, self.ask(SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Pxe"}}, "PATCH")[0])
        self.assertEqual("pxe", boards.boot_device(self.layout.host(HOST)))
        self.assertEqual(400, self.ask(SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Tape"}}, "PATCH")[0])

    def test_sensors_show_what_the_boards_show(self) -> None:
        boards.Board(self.layout, HOST, network.Switch(self.layout)).show(sensors.named("cpu-temp"), 96)
        shown = self.ask(f"{CHASSIS}/Thermal")[1]
        found = {reading["Name"]: reading for reading in shown["Temperatures"] + shown["Fans"]}
        self.assertEqual({sensor.label for sensor in sensors.SENSORS}, set(found))
        hot, fan = found["CPU Temp"], found["Fan 1"]
        self.assertEqual((96, 95, "Critical"), (hot["ReadingCelsius"], hot["UpperThresholdCritical"], hot["Status"]["Health"]))
        self.assertEqual((6000, "OK"), (fan["Reading"], fan["Status"]["Health"]))
