# SPDX-License-Identifier: Apache-2.0
"""Ports and PCI devices of a host."""

import argparse
from collections.abc import Iterable
from typing import Any

from stxclient import resources
from stxclient.columns import Column, named
from stxclient.commands import parts

_TIMES = named("created_at", "updated_at")


def _port_name(port: resources.Resource) -> Any:
    return port.get("namedisplay") or port.get("name")


_NAME = Column("name", source=_port_name)
_ADDRESS = Column("pci address", "pciaddr")
_PROCESSOR = Column("processor", "numa_node")
_DEVICE_TYPE = Column("device type", "pdevice")
_BOOT = Column("boot i/f", "bootp", resources.boolean)


class PortList(parts.PartList):
    """List the ports of a host, of any kind."""

    part = "ports"
    columns = (
        Column("uuid"),
        _NAME,
        Column("type"),
        _ADDRESS,
        Column("device", "dev_id"),
        _PROCESSOR,
        Column("accelerated", "dpdksupport"),
        _DEVICE_TYPE,
    )


_PORT = (
    _NAME,
    *named("namedisplay", "type"),
    _ADDRESS,
    Column("device", "dev_id"),
    _PROCESSOR,
)
_PCI = named("pclass", "pvendor", "pdevice", "psvendor", "psdevice", "driver")
_SRIOV = named("sriov_totalvfs", "sriov_numvfs", "sriov_vfs_pci_address")
_OWNERS = named("capabilities", "uuid", "host_uuid", "interface_uuid", "node_uuid")


class PortShow(parts.PartShow):
    """Show one port of a host."""

    part = "ports"
    example = "controller-0 eth0"
    wanted = ("pnameoruuid", "Name or uuid of the port.")
    columns = (*_PORT, Column("accelerated", "dpdksupport"), *_PCI, *_SRIOV, *_OWNERS, *_TIMES)


class EthernetPortList(parts.PartList):
    """List the Ethernet ports of a host."""

    part = "ethernet_ports"
    columns = (
        Column("uuid"),
        _NAME,
        Column("mac address", "mac"),
        _ADDRESS,
        _PROCESSOR,
        Column("auto neg", "autoneg"),
        _DEVICE_TYPE,
        _BOOT,
    )


class EthernetPortShow(parts.PartShow):
    """Show one Ethernet port of a host."""

    part = "ethernet_ports"
    example = "controller-0 eth0"
    wanted = ("pnameoruuid", "Name or uuid of the port.")
    columns = (
        *_PORT,
        Column("mac address", "mac"),
        *named("mtu", "speed", "link_mode", "duplex"),
        Column("auto neg", "autoneg"),
        _BOOT,
        Column("accelerated", "dpdksupport"),
        *_PCI,
        *_SRIOV,
        *_OWNERS,
        *_TIMES,
    )


_DEVICE = (
    Column("name"),
    Column("address", "pciaddr"),
    Column("class id", "pclass_id"),
    Column("vendor id", "pvendor_id"),
    Column("device id", "pdevice_id"),
    Column("class name", "pclass"),
    Column("vendor name", "pvendor"),
    Column("device name", "pdevice"),
    Column("numa_node"),
    Column("enabled"),
)


class DeviceList(parts.PartList):
    """List the PCI devices of a host that are enabled, or all."""

    part = "pci_devices"
    columns = _DEVICE

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-a", "--all", action="store_true", help="Also the devices that are not enabled.")

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        devices = super().fetch(parsed_args)
        return (device for device in devices if parsed_args.all or resources.boolean(device.get("enabled")) is True)


class DeviceShow(parts.PartShow):
    """Show one PCI device of a host."""

    part = "pci_devices"
    example = "controller-0 0000:00:08.0"
    wanted = ("nameorpciaddr", "Name, PCI address or uuid of the device.")
    columns = (*_DEVICE, *named("psvendor", "psdevice", "driver"), *_SRIOV, *named("extra_info", "uuid", "host_uuid"), *_TIMES)
