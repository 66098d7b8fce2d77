# SPDX-License-Identifier: Apache-2.0
"""The hosts of a lab as systems of Redfish: `python -m stxlab.redfish LAB`, the emulator of sushy-tools with a driver for them.

The emulator's own drivers know virtual machines only. Power, boot device and sensors are the same here as on the boards; what
it keeps beside them (boot mode, secure boot, virtual media) it only remembers.
"""

import http
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt
import cheroot.wsgi
import flask
from sushy_tools import error
from sushy_tools.emulator import main as emulator
from sushy_tools.emulator.resources.systems.fakedriver import FakeDriver

from stxlab import board_files, boards, power, sensors
from stxlab.layout import Layout
from stxlab.machine import Machine, PowerError
from stxlab.network import Switch
from stxlab.topology import Host

THREADS = 4
_ORDERS = {
    "On": "on",
    "ForceOn": "on",
    "ForceOff": "off",
    "ForceRestart": "reset",
    "GracefulShutdown": "shutdown",
    "GracefulRestart": "restart",
}
# What has no meaning for a host that is off.
_ONLY_WHEN_ON = ("reset", "restart")
_BOOT_DEVICES = {"Pxe": "pxe", "Hdd": "default", "Cd": "cdrom", "BiosSetup": "bios", "None": "none"}
_HEALTH = {sensors.OK: "OK", sensors.WARNING: "Warning", sensors.CRITICAL: "Critical", sensors.FATAL: "Critical"}


class LabDriver(FakeDriver):  # type: ignore[misc]
    """What the emulator asks of its systems."""

    layout: Layout

    def __init__(self) -> None:
        super().__init__()
        self._hosts = {str(board_files.identity(host)): host for host in self.layout.load().hosts}

    @property
    def driver(self) -> str:
        return "<lab>"

    def host(self, identity: str) -> Host:
        return self._hosts[self.uuid(identity)]

    def _is_on(self, host: Host) -> bool:
        return Machine(self.layout, host, Switch(self.layout)).is_on

    def get_power_state(self, identity: str) -> str:
        return "On" if self._is_on(self.host(identity)) else "Off"

    def set_power_state(self, identity: str, state: str) -> None:
        if state not in _ORDERS:
            raise error.NotSupportedError(f"A host of the lab has no {state}: choose from {', '.join(_ORDERS)}.")
        host, order = self.host(identity), _ORDERS[state]
        if order in _ONLY_WHEN_ON and not self._is_on(host):
            raise error.Conflict(f"{host.name} is off.")
        try:
            power.order(self.layout, host, order)
        except PowerError as unable:
            raise error.FishyError(str(unable), http.HTTPStatus.SERVICE_UNAVAILABLE) from unable

    def get_boot_device(self, identity: str) -> str:
        device = boards.boot_device(self.layout.host(self.host(identity)))
        return next(name for name, known in _BOOT_DEVICES.items() if known == device)

    def set_boot_device(self, identity: str, boot_source: str) -> None:
        if boot_source not in _BOOT_DEVICES:
            raise error.BadRequest(f"A host does not start from {boot_source}: choose from {', '.join(_BOOT_DEVICES)}.")
        boards.set_boot_device(self.layout.host(self.host(identity)), _BOOT_DEVICES[boot_source])


def configuration(layout: Layout) -> dict[str, Any]:
    """What the emulator is told."""
    state = layout.run / "redfish"
    state.mkdir(mode=0o700, exist_ok=True)
    systems = [
        {
            "uuid": str(board_files.identity(host)),
            "name": host.name,
            "nics": [{"mac": mac} for mac in dict.fromkeys(host.mac(network) for network in host.networks())],
        }
        for host in layout.load().hosts
    ]
    return {
        "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
        "SUSHY_EMULATOR_STATE_DIR": str(state),
        "SUSHY_EMULATOR_CHASSIS": [{"Id": "rack", "Name": "rack", "UUID": str(board_files.RACK)}],
    }


def thermal(layout: Layout, chassis: str) -> dict[str, Any]:
    """The temperatures and fans of all hosts: they share one chassis."""
    found: dict[str, list[dict[str, Any]]] = {"Temperatures": [], "Fans": []}
    place = f"/redfish/v1/Chassis/{chassis}/Thermal"
    for host in layout.load().hosts:
        board = boards.Board(layout, host, Switch(layout))
        for sensor in sensors.SENSORS:
            kind = "Fans" if sensor.unit == sensors.RPM else "Temperatures"
            number = str(len(found[kind]))
            known = _reading(sensor, board.shown(sensor), host)
            found[kind].append({"@odata.id": f"{place}#/{kind}/{number}", "MemberId": number, **known})
    return {"@odata.type": "#Thermal.v1_3_0.Thermal", "@odata.id": place, "Id": "Thermal", "Name": "Thermal", **found}


def _reading(sensor: sensors.Sensor, value: int, host: Host) -> Mapping[str, Any]:
    severities = ("NonCritical", "Critical", "Fatal")
    return {
        "Name": f"{host.name} {sensor.label}",
        **({"Reading": value, "ReadingUnits": "RPM"} if sensor.unit == sensors.RPM else {"ReadingCelsius": value}),
        **{f"UpperThreshold{name}": limit for name, limit in zip(severities, sensor.upper, strict=False)},
        **{f"LowerThreshold{name}": limit for name, limit in zip(severities, sensor.lower, strict=False)},
        "Status": {"State": "Enabled", "Health": _HEALTH[sensor.health(value)]},
        "RelatedItem": [{"@odata.id": f"/redfish/v1/Systems/{board_files.identity(host)}"}],
    }


def make(layout: Layout) -> Any:
    """The emulator's application (WSGI), for the hosts of a lab."""
    password_file = layout.run / "redfish.htpasswd"
    # Few rounds: each request is checked anew, and who reads the file can read the password itself.
    digest = bcrypt.hashpw(layout.read_secrets()["board"].encode(), bcrypt.gensalt(4)).decode()
    boards.replace(password_file, f"{board_files.USER}:{digest}\n")
    settings = configuration(layout)
    LabDriver.layout = layout
    driver = LabDriver.initialize(settings, emulator.app.logger)()
    emulator.app.configure(extra_config=settings)
    # The emulator chooses among its own drivers and has no place to name another.
    emulator.Application.systems = property(lambda _: driver)
    emulator.app.view_functions["thermal_resource"] = lambda identity: flask.jsonify(thermal(layout, identity))
    return emulator.RedfishAuthMiddleware(emulator.app, str(password_file))


def main() -> None:
    os.umask(0o077)
    layout = Layout(Path(sys.argv[1]))
    server = cheroot.wsgi.Server((boards.REDFISH_ADDRESS, boards.REDFISH_PORT), make(layout), numthreads=THREADS)
    server.safe_start()


if __name__ == "__main__":
    main()
