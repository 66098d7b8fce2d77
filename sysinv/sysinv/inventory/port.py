# SPDX-License-Identifier: Apache-2.0
"""Ethernet ports (spec sysinv.md 1.7.4, 3.4)."""

import dataclasses
import re

from sysinv.inventory import fields, pci

_ETHERNET = 1
_UNKNOWN_SPEED = 0xFFFFFFFF
_BOOTIF = re.compile(r"(?:^|\s)BOOTIF=(?:01-)?((?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2})(?:\s|$)", re.I | re.ASCII)
_YES = {True: "Yes", False: "No"}
# Kernel drivers of NICs that DPDK has a poll mode driver for.
_DPDK_DRIVERS = frozenset(
    {
        "atlantic",
        "bnx2x",
        "bnxt_en",
        "cxgb4",
        "e1000",
        "e1000e",
        "ena",
        "enic",
        "gve",
        "hinic",
        "hns3",
        "i40e",
        "iavf",
        "ice",
        "igb",
        "igbvf",
        "igc",
        "ionic",
        "ixgbe",
        "ixgbevf",
        "mana",
        "mlx4_core",
        "mlx5_core",
        "nfp",
        "octeontx2-nicpf",
        "octeontx2-nicvf",
        "qede",
        "sfc",
        "thunder-nicvf",
        "virtio_net",
        "vmxnet3",
    }
)


@dataclasses.dataclass(frozen=True)
class Link:
    """A network device as the kernel shows it.

    :ivar bus_address: its PCI address; of a device on another bus its address there
    :ivar mac: its own address, also while a bond gives it another
    :ivar speed: Mbps
    :ivar autoneg: None when the device can't tell
    """

    name: str
    bus_address: str
    ifindex: int | None = None
    mac: str | None = None
    mtu: int | None = None
    speed: int | None = None
    duplex: str | None = None
    autoneg: bool | None = None
    link_mode: int | None = None
    dev_id: int | None = None
    driver: str | None = None
    numa_node: int | None = None


def is_port(arp_type: str | None, device: pci.Device | None) -> bool:
    """Whether a network device with hardware behind it is a port: Ethernet, and not a VF."""
    return fields.number(arp_type) == _ETHERNET and not (device is not None and device.is_vf)


def known_speed(value: int | None) -> int | None:
    """Mbps; None for the values by which the kernel says that it doesn't know."""
    return value if value is not None and 0 < value < _UNKNOWN_SPEED else None


def boot_mac(cmdline: str | None) -> str | None:
    """The MAC address of the boot port, from a kernel command line with BOOTIF."""
    match = _BOOTIF.search(cmdline or "")
    return match[1].lower().replace("-", ":") if match else None


def record(link: Link, device: pci.Device | None, names: pci.Names | None, booted_from: str | None) -> fields.Record:
    """The record of kind `port`.

    :param device: what has the link's bus address, None when that isn't a PCI address
    :param booted_from: MAC address of the boot port, None when unknown
    """
    return {
        "type": "ethernet",
        "name": link.name,
        "pciaddr": link.bus_address,
        "dev_id": link.dev_id,
        **pci.identity(device, names),
        "sriov_vf_driver": device.vf_driver if device else None,
        "sriov_vf_pdevice_id": device.vf_device_id if device else None,
        "numa_node": link.numa_node,
        "driver": link.driver,
        "dpdksupport": link.driver in _DPDK_DRIVERS,
        "mac": link.mac,
        "mtu": link.mtu,
        "speed": link.speed,
        "link_mode": link.link_mode,
        "duplex": link.duplex,
        "autoneg": None if link.autoneg is None else _YES[link.autoneg],
        "bootp": str(link.mac is not None and link.mac == booted_from),
        "capabilities": {},
    }
