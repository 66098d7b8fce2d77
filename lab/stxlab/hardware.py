# SPDX-License-Identifier: Apache-2.0
"""Made-up but plausible servers, the same for the same seed, in the records that a host's agent reports.

The keys are those of the inventory on the wire (spec sysinv.md 1.7.3 to 1.7.5).
"""

import dataclasses
import random
from typing import Any

Record = dict[str, Any]

_MIB_PER_GIB = 1024


@dataclasses.dataclass(frozen=True)
class Model:
    """A kind of server. Memory in GiB a socket, disks in GiB, ports as (vendor, device, driver, speed in Mbit/s)."""

    processor: str
    family: str
    sockets: int
    cores: int
    threads: int
    memory_gib: int
    disks: tuple[tuple[str, int], ...]
    ports: tuple[tuple[str, str, str, int], ...]
    accelerators: tuple[tuple[str, str, str, str, str], ...] = ()


_X710 = ("Intel Corporation", "Ethernet Controller X710 for 10GbE SFP+", "i40e", 10_000)
_I350 = ("Intel Corporation", "I350 Gigabit Network Connection", "igb", 1_000)
_CX5 = ("Mellanox Technologies", "MT27800 Family [ConnectX-5]", "mlx5_core", 25_000)
_QAT = ("0b4000", "8086", "37c8", "Intel Corporation", "C62x Chipset QuickAssist Technology")
_T4 = ("030200", "10de", "1eb8", "NVIDIA Corporation", "TU104GL [Tesla T4]")

MODELS = (
    Model(
        "Intel(R) Xeon(R) Silver 4110 CPU @ 2.10GHz",
        "6",
        1,
        8,
        2,
        64,
        (("SSD", 480), ("HDD", 2000)),
        (_I350, _I350, _X710, _X710),
    ),
    Model("Intel(R) Xeon(R) Gold 6152 CPU @ 2.10GHz", "6", 2, 22, 2, 192, (("SSD", 960), ("SSD", 960)), (_X710,) * 4, (_QAT,)),
    Model("Intel(R) Xeon(R) D-2187NT CPU @ 2.00GHz", "6", 1, 16, 2, 128, (("NVMe", 800),), (_X710,) * 4, (_QAT,)),
    Model("AMD EPYC 7402P 24-Core Processor", "23", 1, 24, 2, 256, (("NVMe", 1600), ("NVMe", 1600)), (_CX5, _CX5, _I350), (_T4,)),
)
_DISKS = {"SSD": ("/dev/sd", "N/A"), "HDD": ("/dev/sd", "7200"), "NVMe": ("/dev/nvme", "N/A")}


def server(seed: int, mac: str) -> dict[str, list[Record]]:
    """The inventory of one server by kind.

    :param mac: of its first port; the others follow it
    """
    random_ = random.Random(seed)
    model = random_.choice(MODELS)
    return {
        "numa": [{"numa_node": node, "capabilities": {}} for node in range(model.sockets)],
        "cpu": _cpus(model),
        "memory": [_memory(model, node, random_) for node in range(model.sockets)],
        "disk": [_disk(model, number, random_) for number in range(len(model.disks))],
        "partition": [],
        "port": [_port(model, number, mac) for number in range(len(model.ports))],
        "pci": [_device(model, number) for number in range(len(model.accelerators))],
        "lldp_agent": [],
        "lldp_neighbour": [],
    }


def parts(server: dict[str, list[Record]]) -> list[tuple[str, str]]:
    """(part, model) of what a person would name of a server."""
    processors = [
        (f"processor {cpu['numa_node']}", cpu["cpu_model"]) for cpu in server["cpu"] if cpu["core"] == cpu["thread"] == 0
    ]
    memory = [(f"memory {node['numa_node']}", f"{node['memtotal_mib']} MiB") for node in server["memory"]]
    disks = [
        (disk["device_node"], f"{disk['device_type']} {disk['size_mib']} MiB, {disk['serial_id']}") for disk in server["disk"]
    ]
    ports = [(f"{port['pciaddr']}", f"{port['pdevice']}") for port in server["port"]]
    devices = [(device["pciaddr"], device["pdevice"]) for device in server["pci"]]
    return [*processors, *memory, *disks, *ports, *devices]


def _cpus(model: Model) -> list[Record]:
    places = [
        (thread, socket, core)
        for thread in range(model.threads)
        for socket in range(model.sockets)
        for core in range(model.cores)
    ]
    return [
        {
            "cpu": number,
            "numa_node": socket,
            "core": core,
            "thread": thread,
            "cpu_family": model.family,
            "cpu_model": model.processor,
            "capabilities": {},
        }
        for number, (thread, socket, core) in enumerate(places)
    ]


def _memory(model: Model, node: int, random_: random.Random) -> Record:
    total = model.memory_gib * _MIB_PER_GIB // model.sockets
    # Firmware and kernel keep some of it.
    usable = total - random_.randrange(900, 1700)
    return {
        "numa_node": node,
        "node_memtotal_mib": usable,
        "memtotal_mib": usable,
        "memavail_mib": usable - random_.randrange(2000, 4000),
        "hugepages_configured": False,
        "vm_hugepages_nr_4K": usable * 256,
        "vm_hugepages_nr_2M": 0,
        "vm_hugepages_avail_2M": 0,
        "vm_hugepages_possible_2M": usable // 2,
        "vm_hugepages_nr_1G": 0,
        "vm_hugepages_avail_1G": 0,
        "vm_hugepages_possible_1G": usable // _MIB_PER_GIB,
        "vm_hugepages_use_1G": True,
        "vswitch_hugepages_size_mib": 2,
        "vswitch_hugepages_nr": 0,
        "vswitch_hugepages_avail": 0,
        "vswitch_hugepages_reqd": None,
        "capabilities": {},
    }


def _disk(model: Model, number: int, random_: random.Random) -> Record:
    kind, size_gib = model.disks[number]
    start, rpm = _DISKS[kind]
    if kind == "NVMe":
        node, path = f"{start}{number}n1", f"/dev/disk/by-path/pci-0000:{0x5E + number:02x}:00.0-nvme-1"
    else:
        node, path = f"{start}{chr(ord('a') + number)}", f"/dev/disk/by-path/pci-0000:00:17.0-ata-{number + 1}.0"
    serial = "".join(random_.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=14))
    return {
        "device_node": node,
        "device_num": (259 if kind == "NVMe" else 8) * 256 + 16 * number,
        "device_type": kind,
        "device_path": path,
        "device_id": None,
        "device_wwn": None,
        "size_mib": size_gib * _MIB_PER_GIB,
        "available_mib": 0 if number == 0 else size_gib * _MIB_PER_GIB,
        "serial_id": serial,
        "rpm": rpm,
        "capabilities": {"model_num": f"{kind}-{size_gib}", "stor_function": "rootfs" if number == 0 else None},
    }


def _port(model: Model, number: int, mac: str) -> Record:
    vendor, device, driver, speed = model.ports[number]
    first = int(mac.replace(":", ""), 16)
    own = f"{first + (number << 16):012x}"
    return {
        "type": "ethernet",
        "name": f"enp{0x18 + number // 2}s0f{number % 2}",
        "pciaddr": f"0000:{0x18 + number // 2:02x}:00.{number % 2}",
        "dev_id": 0,
        "pclass": "Ethernet controller",
        "pvendor": vendor,
        "pdevice": device,
        "psvendor": vendor,
        "psdevice": device,
        "prevision": "02",
        "sriov_totalvfs": 64 if speed >= 10_000 else 8,
        "sriov_numvfs": 0,
        "sriov_vfs_pci_address": "",
        "sriov_vf_driver": None,
        "sriov_vf_pdevice_id": None,
        "numa_node": number % model.sockets,
        "driver": driver,
        "dpdksupport": True,
        "mac": ":".join(own[place : place + 2] for place in range(0, 12, 2)),
        "mtu": 1500,
        "speed": speed,
        "link_mode": 0,
        "duplex": "full",
        "autoneg": "Yes",
        "bootp": "True" if number == 0 else "False",
        "capabilities": {},
    }


def _device(model: Model, number: int) -> Record:
    class_id, vendor_id, device_id, vendor, device = model.accelerators[number]
    bus = 0x3B + number
    return {
        "name": f"pci_0000_{bus:02x}_00_0",
        "pciaddr": f"0000:{bus:02x}:00.0",
        "pclass_id": class_id,
        "pvendor_id": vendor_id,
        "pdevice_id": device_id,
        "pclass": "Co-processor" if class_id.startswith("0b") else "3D controller",
        "pvendor": vendor,
        "pdevice": device,
        "psvendor": vendor,
        "psdevice": device,
        "prevision": "04",
        "sriov_totalvfs": 16,
        "sriov_numvfs": 0,
        "sriov_vfs_pci_address": "",
        "numa_node": 0,
        "driver": None,
        "enabled": True,
        "extra_info": None,
    }
