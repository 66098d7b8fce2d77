# SPDX-License-Identifier: Apache-2.0
"""One look at one machine: reads what the pure modules beside it turn into records."""

import functools
import pathlib

from sysinv.inventory import cpu, disk, fields, lldp, memory, pci, port
from sysinv.inventory.source import Failed, Missing, Source

_NODES = "sys/devices/system/node"
_BLOCK = "sys/class/block"
_NET = "sys/class/net"
_PCI = "sys/bus/pci/devices"
_PCI_IDS = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids")


class Machine:
    """A method for each kind of inventory; facts that several kinds share are read once.

    Each gives its records in a fixed order. It raises Missing when the machine lacks what that
    takes, and Failed when that doesn't answer.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def read_numa(self) -> list[fields.Record]:
        if not self._source.names("sys/devices/system"):
            raise Missing("there is no /sys/devices/system")
        return [{"numa_node": node, "capabilities": {}} for node in self._nodes or [0]]

    def read_cpu(self) -> list[fields.Record]:
        table = self._source.system_command("lscpu", "-p=CPU,CORE,SOCKET,NODE")
        family, model = cpu.parse_identity(self._source.system_command("lscpu", "-J"))
        return cpu.records(cpu.parse_table(table), family, model)

    def read_memory(self) -> list[fields.Record]:
        if len(self._nodes) > 1:
            return [self._memory(node, f"{_NODES}/node{node}/meminfo") for node in self._nodes]
        # Of the only node the whole machine's meminfo says more: what is available.
        if not self._source.text("proc/meminfo"):
            raise Missing("/proc/meminfo can't be read")
        return [self._memory(node, "proc/meminfo") for node in self._nodes or [0]]

    def read_disk(self) -> list[fields.Record]:
        identifiers = disk.by_node(self._source.links("dev/disk/by-id"))
        return [disk.disk_record(found, self._hardware(found["kname"]), self._paths, identifiers) for found in self._disks]

    def read_partition(self) -> list[fields.Record]:
        found = (disk.partition_records(whole, self._paths) for whole in self._disks)
        return [record for records in found for record in records]

    def read_port(self) -> list[fields.Record]:
        names = self._source.names(_NET)
        if not names:
            raise Missing(f"there are no network devices below /{_NET}")
        devices = {device.address: device for device in self._pci_devices}
        found = [
            self._link(name, address)
            for name in names
            if (address := self._bus_address(name))
            and port.is_port(self._source.text(f"{_NET}/{name}/type"), devices.get(address))
        ]
        booted_from = port.boot_mac(self._source.text("proc/cmdline"))
        return [
            port.record(
                link,
                devices.get(link.bus_address),
                self._pci_names.get(link.bus_address),
                booted_from,
            )
            for link in self._refined(found)
        ]

    def read_pci(self) -> list[fields.Record]:
        if not self._pci_devices:
            raise Missing(f"there are no devices below /{_PCI}")
        return pci.records(self._pci_devices, self._pci_names)

    def read_lldp_agent(self) -> list[fields.Record]:
        return lldp.agents(self._lldp("interfaces"))

    def read_lldp_neighbour(self) -> list[fields.Record]:
        return lldp.neighbours(self._lldp("neighbors"))

    @functools.cached_property
    def _nodes(self) -> list[int]:
        """The NUMA nodes; none when the kernel knows of none, and the whole machine is node 0."""
        return fields.ids(self._source.text(f"{_NODES}/online"))

    def _memory(self, node: int, meminfo: str) -> fields.Record:
        amounts = memory.parse_meminfo(self._source.text(meminfo) or "")
        pages = f"{_NODES}/node{node}/hugepages" if self._nodes else "sys/kernel/mm/hugepages"
        return memory.record(node, amounts, self._pages(pages))

    def _pages(self, folder: str) -> dict[int, memory.Pages]:
        sizes = {name: memory.page_size_kib(name) for name in self._source.names(folder)}
        return {
            size: memory.Pages(
                self._number(f"{folder}/{name}/nr_hugepages"),
                self._number(f"{folder}/{name}/free_hugepages"),
            )
            for name, size in sizes.items()
            if size is not None
        }

    @functools.cached_property
    def _disks(self) -> list[fields.Record]:
        if not self._source.exists(_BLOCK):
            raise Missing(f"there is no /{_BLOCK}")
        output = self._source.system_command("lsblk", "-J", "-b", "-o", disk.COLUMNS)
        # A RAM disk, a loop or a network block device has no hardware behind it.
        return [found for found in disk.parse_tree(output) if self._source.exists(f"{_BLOCK}/{found['kname']}/device")]

    @functools.cached_property
    def _paths(self) -> dict[str, list[str]]:
        return disk.by_node(self._source.links("dev/disk/by-path"))

    def _hardware(self, kname: str) -> disk.Hardware:
        folder = f"{_BLOCK}/{kname}"
        return disk.Hardware(
            serial=fields.text(self._source.text(f"{folder}/serial"))
            or fields.text(self._source.text(f"{folder}/device/serial")),
            rotation=self._source.data(f"{folder}/device/vpd_pgb1"),
            is_virtio=self._source.pointed(f"{folder}/device/driver") == "virtio_blk",
        )

    @functools.cached_property
    def _pci_devices(self) -> list[pci.Device]:
        return [found for name in self._source.names(_PCI) if (found := self._pci_device(name))]

    def _pci_device(self, address: str) -> pci.Device | None:
        folder = f"{_PCI}/{address}"

        def identifier(name: str, digits: int) -> str | None:
            return pci.hexadecimal(self._source.text(f"{folder}/{name}"), digits)

        class_id = identifier("class", 6)
        vendor_id, device_id = identifier("vendor", 4), identifier("device", 4)
        if class_id is None or vendor_id is None or device_id is None:
            return None
        functions = [name for name in self._source.names(folder) if name.startswith("virtfn")]
        functions.sort(key=lambda name: (len(name), name))
        return pci.Device(
            address=address,
            class_id=class_id,
            vendor_id=vendor_id,
            device_id=device_id,
            subvendor_id=identifier("subsystem_vendor", 4),
            subdevice_id=identifier("subsystem_device", 4),
            revision=identifier("revision", 2),
            numa_node=self._numa_node(f"{folder}/numa_node"),
            driver=self._source.pointed(f"{folder}/driver"),
            is_vf=self._source.exists(f"{folder}/physfn"),
            total_vfs=self._number(f"{folder}/sriov_totalvfs"),
            num_vfs=self._number(f"{folder}/sriov_numvfs") or 0,
            vfs=tuple(filter(None, (self._source.pointed(f"{folder}/{name}") for name in functions))),
            vf_driver=self._source.pointed(f"{folder}/virtfn0/driver"),
            vf_device_id=identifier("sriov_vf_device", 4) if functions else None,
        )

    @functools.cached_property
    def _pci_names(self) -> dict[str, pci.Names]:
        """From lspci, else from pci.ids; what they don't know is called by its number."""
        numbers = pci.names_from_ids(self._pci_devices)
        if not self._pci_devices:
            return numbers
        try:
            return numbers | pci.parse_lspci(self._live_command("lspci", "-Dvmm"))
        except (Failed, Missing):
            pci_ids = next(filter(None, map(self._source.text, _PCI_IDS)), "")
            return pci.names_from_ids(self._pci_devices, pci_ids)

    def _bus_address(self, name: str) -> str | None:
        """The address of the hardware behind a network device, None when there is none."""
        if not self._source.exists(f"{_NET}/{name}/device"):
            return None
        device = self._source.resolved(f"{_NET}/{name}/device")
        # A virtio device has no address of its own; the one that carries it has.
        is_virtio = self._source.pointed(f"{device}/subsystem") == "virtio"
        return pathlib.PurePath(device).parts[-2 if is_virtio else -1]

    def _link(self, name: str, address: str) -> port.Link:
        folder = f"{_NET}/{name}"
        mac = self._source.text(f"{folder}/bonding_slave/perm_hwaddr") or self._source.text(f"{folder}/address")
        duplex = self._source.text(f"{folder}/duplex")
        return port.Link(
            name=name,
            bus_address=address,
            ifindex=self._number(f"{folder}/ifindex"),
            mac=mac,
            mtu=self._number(f"{folder}/mtu"),
            speed=port.known_speed(self._number(f"{folder}/speed")),
            duplex=duplex if duplex in ("half", "full") else None,
            link_mode=self._number(f"{folder}/link_mode"),
            # Ports that share a PCI function differ in one or the other, depending on the driver.
            dev_id=self._number(f"{folder}/dev_id") or self._number(f"{folder}/dev_port"),
            driver=self._source.pointed(f"{folder}/device/driver"),
            numa_node=self._numa_node(f"{_PCI}/{address}/numa_node"),
        )

    def _refined(self, found: list[port.Link]) -> list[port.Link]:
        if not found or not self._source.is_running_machine:
            return found
        # A quarter of a second, which who imports this package and has no port needn't spend.
        from sysinv.inventory import links

        return links.refine(found)

    def _lldp(self, what: str) -> str:
        try:
            return self._live_command("lldpcli", "-f", "json0", "show", what, "details")
        except Failed as error:
            # There is no telling a stopped lldpd from a missing one, and no neighbours without it.
            raise Missing(str(error)) from error

    def _live_command(self, *argv: str) -> str:
        if not self._source.is_running_machine:
            raise Missing(f"{argv[0]} only knows the running machine")
        return self._source.command(*argv)

    def _number(self, path: str) -> int | None:
        return fields.number(self._source.text(path))

    def _numa_node(self, path: str) -> int | None:
        """The node that a device is near to; where there is only one, that."""
        node = self._number(path)
        if node is not None and node >= 0:
            return node
        return None if len(self._nodes) > 1 else (self._nodes or [0])[0]
