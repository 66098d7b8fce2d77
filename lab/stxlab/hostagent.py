# SPDX-License-Identifier: Apache-2.0
"""sysinv-agent on a host of a lab: the platform's own, with made-up hardware.

A container sees the hardware of the machine that it runs on, the same as all others do. What it reports instead is a server made up
from a number on its disk, around the ports that the host really has.
"""

import json
import pathlib
import sys
from collections.abc import Sequence

from stx import service
from stxlab import hardware
from sysinv import agent

SETTINGS = pathlib.Path("/etc/starlingx/hardware.json")
_DEVICES = pathlib.Path("/sys/class/net")
# In the order of the cards; a host is installed over the card that it is managed over.
_PORTS = ("mgmt", "cluster", "oam")


def main() -> None:
    # Each process costs memory on every host of a lab: the one that carries fault reports is a part of this one.
    sys.exit(service.live("sysinv-agent", lambda: [*service.load(["fm-courier"]), agent.make_service(collect)]))


def collect(settings: pathlib.Path = SETTINGS, devices: pathlib.Path = _DEVICES) -> agent.Inventory:
    """What the host is made of now: the server that it was last said to be."""
    ports = [
        {"name": name, "mac": _read(devices, name, "address"), "mtu": int(_read(devices, name, "mtu"))}
        for name in _PORTS
        if (devices / name).exists()
    ]
    return with_ports(hardware.server(json.loads(settings.read_text())["server"], ports[0]["mac"]), ports)


def with_ports(server: agent.Inventory, ports: Sequence[hardware.Record]) -> agent.Inventory:
    """A server whose first ports are real ones."""
    made_up = server["port"]
    real = [{**card, **port} for card, port in zip(made_up, ports, strict=False)]
    return {**server, "port": [*real, *made_up[len(ports) :]]}


def _read(devices: pathlib.Path, name: str, attribute: str) -> str:
    return (devices / name / attribute).read_text().strip()


if __name__ == "__main__":
    main()
