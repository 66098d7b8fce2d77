# SPDX-License-Identifier: Apache-2.0
"""Redfish on the boards of a lab: `python -m stxlab.redfish LAB`, the emulator of sushy-tools with a driver for the lab's hosts.

It is one process, which answers at the address of each board, and shows there the board's host alone. The emulator's own drivers know
virtual machines only. Power, boot device and sensors are the same here as over IPMI; what it keeps beside them (boot mode, secure boot,
virtual media) it only remembers.
"""

import http
import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt
import flask
from sushy_tools import error

from stxlab import board_files, boards, https, power, sensors
from stxlab.layout import Layout
from stxlab.machine import Machine, PowerError
from stxlab.network import Switch
from stxlab.topology import Host


def _emulator() -> Any:
    """The emulator without its drivers for clouds: the library that they import is a third of its memory."""
    library = "openstack"
    if library in sys.modules:
        return importlib.import_module("sushy_tools.emulator.main")
    sys.modules[library] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("sushy_tools.emulator.main")
    finally:
        del sys.modules[library]


emulator = _emulator()
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


class Systems(emulator.fakedriver.FakeDriver):  # type: ignore[misc]
    """What the emulator asks of its systems."""

    layout: Layout
    hosts: Mapping[str, Host]

    @property
    def driver(self) -> str:
        return "<lab>"

    @property
    def asked(self) -> Host:
        """The host of the board that is being asked."""
        address = flask.request.environ["SERVER_NAME"]
        try:
            return self.hosts[address]
        except KeyError:
            raise error.NotFound(f"No board is at {address}.") from None

    @property
    def systems(self) -> list[str]:
        return [str(board_files.identity(self.asked))]

    def _get(self, identity: str) -> Any:
        if identity not in (*self.systems, self.asked.name):
            raise error.NotFound(f"The board of {self.asked.name} has no system {identity}.")
        return super()._get(identity)

    def host(self, identity: str) -> Host:
        """:raises NotFound: when it is another one than that of the board"""
        self.uuid(identity)
        return self.asked

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


class Chassis(emulator.chsdriver.StaticDriver):  # type: ignore[misc]
    """What the emulator asks of what its systems are in: each has one of its own."""

    def __init__(self, config: Mapping[str, Any], logger: Any, systems: Systems) -> None:
        super().__init__(config, logger)
        self._systems = systems

    @property
    def chassis(self) -> list[str]:
        return [str(board_files.chassis_identity(self._systems.asked))]

    def _get_chassis(self, identity: str) -> Any:
        if identity not in self.chassis:
            raise error.NotFound(f"The board of {self._systems.asked.name} has no chassis {identity}.")
        return super()._get_chassis(identity)


def configuration(layout: Layout, hosts: Mapping[str, Host]) -> dict[str, Any]:
    """What the emulator is told."""
    state = layout.run / "redfish"
    state.mkdir(mode=0o700, exist_ok=True)
    systems = [
        {
            "uuid": str(board_files.identity(host)),
            "name": host.name,
            "nics": [{"mac": mac} for mac in dict.fromkeys(host.mac(network) for network in host.networks())],
        }
        for host in hosts.values()
    ]
    chassis = [{"Id": name, "Name": name, "UUID": name} for name in map(str, map(board_files.chassis_identity, hosts.values()))]
    return {
        "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
        "SUSHY_EMULATOR_STATE_DIR": str(state),
        "SUSHY_EMULATOR_CHASSIS": chassis,
    }


def thermal(layout: Layout, host: Host) -> dict[str, Any]:
    """The temperatures and fans of a host."""
    found: dict[str, list[dict[str, Any]]] = {"Temperatures": [], "Fans": []}
    place = f"/redfish/v1/Chassis/{board_files.chassis_identity(host)}/Thermal"
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
        "Name": sensor.label,
        **({"Reading": value, "ReadingUnits": "RPM"} if sensor.unit == sensors.RPM else {"ReadingCelsius": value}),
        **{f"UpperThreshold{name}": limit for name, limit in zip(severities, sensor.upper, strict=False)},
        **{f"LowerThreshold{name}": limit for name, limit in zip(severities, sensor.lower, strict=False)},
        "Status": {"State": "Enabled", "Health": _HEALTH[sensor.health(value)]},
        "RelatedItem": [{"@odata.id": f"/redfish/v1/Systems/{board_files.identity(host)}"}],
    }


def make(layout: Layout, hosts: Mapping[str, Host]) -> Any:
    """The emulator's application (WSGI).

    :param hosts: that have a board, by its address
    """
    password_file = layout.run / "redfish.htpasswd"
    # Few rounds: each request is checked anew, and who reads the file can read the password itself.
    digest = bcrypt.hashpw(layout.read_secrets()["board"].encode(), bcrypt.gensalt(4)).decode()
    boards.replace(password_file, f"{board_files.USER}:{digest}\n")
    settings = configuration(layout, hosts)
    Systems.layout, Systems.hosts = layout, hosts
    systems = Systems.initialize(settings, emulator.app.logger)()
    chassis = Chassis(settings, emulator.app.logger, systems)

    def show_thermal(identity: str) -> Any:
        chassis.uuid(identity)
        return flask.jsonify(thermal(layout, systems.asked))

    emulator.app.configure(extra_config=settings)
    # The emulator chooses among its own drivers and has no place to name another.
    emulator.Application.systems = property(lambda _: systems)
    emulator.Application.chassis = property(lambda _: chassis)
    emulator.app.view_functions["thermal_resource"] = show_thermal
    return emulator.RedfishAuthMiddleware(emulator.app, str(password_file))


def main() -> None:
    os.umask(0o077)
    layout = Layout(Path(sys.argv[1]))
    application = make(layout, {host.board_address: host for host in layout.load().hosts})
    # The lab's networks are a name space of their own, so nobody else has the port.
    https.Server("0.0.0.0", boards.REDFISH_PORT, layout.certificate, application).serve_forever()


if __name__ == "__main__":
    main()
