# SPDX-License-Identifier: Apache-2.0
"""PCI devices and their names (spec sysinv.md 1.7.4, 3.4)."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

from sysinv.inventory import fields

_NETWORK, _DISPLAY, _BRIDGE, _SYSTEM_PERIPHERAL = "02", "03", "06", "08"
_PERFORMANCE_COUNTERS = "1101"
_HEXADECIMAL = re.compile(r"(?:0x)?([0-9a-f]+)\s*", re.I | re.ASCII)
_QAT_VENDOR = "8086"
_QAT_DEVICES = frozenset({"0435", "18a0", "18ee", "19e2", "37c8", "4940", "4942", "4944", "4946", "6f54"})


@dataclasses.dataclass(frozen=True)
class Device:
    """A PCI function as the kernel shows it; identifiers are lower case hexadecimal text.

    :ivar class_id: six digits: class, subclass, programming interface
    :ivar total_vfs: how many virtual functions it can have, None when it can't have any
    :ivar vfs: addresses of its virtual functions in the order of their numbers
    """

    address: str
    class_id: str
    vendor_id: str
    device_id: str
    subvendor_id: str | None = None
    subdevice_id: str | None = None
    revision: str | None = None
    numa_node: int | None = None
    driver: str | None = None
    is_vf: bool = False
    total_vfs: int | None = None
    num_vfs: int | None = 0
    vfs: tuple[str, ...] = ()
    vf_driver: str | None = None
    vf_device_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Names:
    """What people call a device; a device without subsystem has no names for it."""

    pclass: str
    pvendor: str
    pdevice: str
    psvendor: str | None = None
    psdevice: str | None = None


def hexadecimal(value: str | None, digits: int) -> str | None:
    """The identifier in a sysfs attribute such as "0x8086" or "154c", with leading zeros."""
    match = _HEXADECIMAL.fullmatch(value or "")
    return match[1].lower().zfill(digits) if match and len(match[1]) <= digits else None


def parse_lspci(output: str) -> dict[str, Names]:
    """Names by address from `lspci -Dvmm`."""
    found = {}
    for block in output.split("\n\n"):
        lines = (line.partition(":") for line in block.splitlines())
        told = {name: fields.text(value) for name, _, value in lines}
        address, pclass = told.get("Slot"), told.get("Class")
        vendor, device = told.get("Vendor"), told.get("Device")
        if address and pclass and vendor and device:
            subsystem = told.get("SVendor"), told.get("SDevice")
            found[address] = Names(pclass, vendor, device, *subsystem)
    return found


def names_from_ids(devices: Iterable[Device], pci_ids: str = "") -> dict[str, Names]:
    """Names by address from the text of pci.ids; a number, as in lspci, for what that lacks."""
    devices = list(devices)
    known = _parse_ids(pci_ids, {device.vendor_id for device in devices} | _subvendors(devices))
    return {device.address: _names(device, known) for device in devices}


def is_reported(device: Device) -> bool:
    """Whether kind `pci` has a device: no NIC, bridge, peripheral, performance counter or VF."""
    return not (
        device.is_vf
        or device.class_id[:2] in (_NETWORK, _BRIDGE, _SYSTEM_PERIPHERAL)
        or device.class_id[:4] == _PERFORMANCE_COUNTERS
    )


def is_enabled(device: Device) -> bool:
    """Whether a device is for VMs unless the operator says otherwise: GPUs, QAT accelerators."""
    is_qat = device.vendor_id == _QAT_VENDOR and device.device_id in _QAT_DEVICES
    return is_qat or device.class_id[:2] == _DISPLAY


def identity(device: Device | None, names: Names | None) -> fields.Record:
    """The attributes that ports and devices have in common; None of what isn't on a PCI bus."""
    return {
        "pclass": names.pclass if names else None,
        "pvendor": names.pvendor if names else None,
        "pdevice": names.pdevice if names else None,
        "psvendor": names.psvendor if names else None,
        "psdevice": names.psdevice if names else None,
        "prevision": device.revision if device else None,
        "sriov_totalvfs": device.total_vfs if device else None,
        "sriov_numvfs": device.num_vfs if device else 0,
        "sriov_vfs_pci_address": ",".join(device.vfs) if device else "",
    }


def records(devices: Iterable[Device], names: Mapping[str, Names]) -> list[fields.Record]:
    """The records of kind `pci`, by address."""
    return [
        {
            "name": "pci_" + device.address.replace(":", "_").replace(".", "_"),
            "pciaddr": device.address,
            "pclass_id": device.class_id,
            "pvendor_id": device.vendor_id,
            "pdevice_id": device.device_id,
            **identity(device, names.get(device.address)),
            "numa_node": device.numa_node,
            "driver": device.driver,
            "enabled": is_enabled(device),
            "extra_info": None,
        }
        for device in sorted(devices, key=lambda device: device.address)
        if is_reported(device)
    ]


def _subvendors(devices: Iterable[Device]) -> set[str]:
    return {device.subvendor_id for device in devices if device.subvendor_id}


def _parse_ids(pci_ids: str, vendors: set[str]) -> dict[tuple[str, ...], str]:
    """Names of the wanted vendors and of all classes.

    Keys: (vendor,), (vendor, device), (vendor, device, subvendor, subdevice), ("C", class),
    ("C", class, subclass).
    """
    known: dict[tuple[str, ...], str] = {}
    wanted = {"C", *vendors}
    path: list[tuple[str, ...]] = [(), (), ()]
    for line in pci_ids.splitlines():
        depth = min(len(line) - len(line.lstrip("\t")), 2)
        # Most of the 40,000 lines are about vendors that the machine hasn't: pass them over.
        if not line or line[0] == "#" or (depth and not path[0]):
            continue
        numbers, _, name = line.strip().partition("  ")
        key = tuple(numbers.split())
        if depth == 0 and not wanted.intersection(key[:1]):
            key = ()
        path[depth] = (path[depth - 1] if depth else ()) + key
        if key and name:
            known[path[depth]] = name.strip()
    return known


def _names(device: Device, known: Mapping[tuple[str, ...], str]) -> Names:
    vendor, number = device.vendor_id, device.device_id
    names = Names(
        _class_name(device.class_id, known),
        known.get((vendor,), f"Vendor {vendor}"),
        known.get((vendor, number), f"Device {number}"),
    )
    subvendor, subdevice = device.subvendor_id, device.subdevice_id
    if not subvendor or not subdevice or subvendor in ("0000", "ffff"):
        return names
    is_itself = (subvendor, subdevice) == (vendor, number)
    fallback = known.get((vendor, number)) if is_itself else None
    return dataclasses.replace(
        names,
        psvendor=known.get((subvendor,), f"Vendor {subvendor}"),
        psdevice=known.get((vendor, number, subvendor, subdevice)) or fallback or f"Device {subdevice}",
    )


def _class_name(class_id: str, known: Mapping[tuple[str, ...], str]) -> str:
    base, subclass = class_id[:2], class_id[2:4]
    if ("C", base, subclass) in known:
        return known[("C", base, subclass)]
    number = base + subclass
    return f"{known[('C', base)]} [{number}]" if ("C", base) in known else f"Class {number}"
