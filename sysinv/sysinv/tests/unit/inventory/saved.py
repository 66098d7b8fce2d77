# SPDX-License-Identifier: Apache-2.0
"""Builds the sysfs, procfs and /dev of a machine below a folder."""

import os
import pathlib
from collections.abc import Mapping


class SavedMachine:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def file(self, path: str, content: str | bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)

    def files(self, folder: str, content: Mapping[str, str]) -> None:
        for name, text in content.items():
            self.file(f"{folder}/{name}", f"{text}\n")

    def link(self, path: str, target: str) -> None:
        """A relative link, as sysfs has them; both paths are below the root."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(self.root / target, place.parent))

    def pci(self, address: str, identity: str, driver: str | None = None, **attributes: str) -> str:
        """A PCI function, "class vendor device subvendor subdevice". Gives its folder."""
        folder = f"sys/devices/pci{address[:7]}/{address}"
        names = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
        numbers = (f"0x{number}" for number in identity.split())
        given = {"revision": "0x02", "numa_node": "-1", **attributes}
        self.files(folder, dict(zip(names, numbers, strict=True)) | given)
        self.link(f"{folder}/subsystem", "sys/bus/pci")
        self.link(f"sys/bus/pci/devices/{address}", folder)
        if driver:
            self.link(f"{folder}/driver", f"sys/bus/pci/drivers/{driver}")
        return folder

    def virtio(self, parent: str, name: str, driver: str) -> str:
        folder = f"{parent}/{name}"
        self.link(f"{folder}/subsystem", "sys/bus/virtio")
        self.link(f"{folder}/driver", f"sys/bus/virtio/drivers/{driver}")
        return folder

    def net(self, name: str, parent: str | None, **attributes: str) -> str:
        """A network device; one without `parent` has no hardware behind it."""
        folder = f"{parent or 'sys/devices/virtual'}/net/{name}"
        given = {
            "type": "1",
            "ifindex": "2",
            "mtu": "1500",
            "link_mode": "0",
            "dev_id": "0x0",
            "dev_port": "0",
        }
        self.files(folder, given | attributes)
        self.link(f"sys/class/net/{name}", folder)
        if parent:
            self.link(f"{folder}/device", parent)
        return folder

    def disk(self, kname: str, parent: str | None, **attributes: str) -> str:
        folder = f"{parent or 'sys/devices/virtual'}/block/{kname}"
        self.files(folder, attributes)
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.link(f"sys/class/block/{kname}", folder)
        if parent:
            self.link(f"{folder}/device", parent)
        return folder

    def cpus(self, places: list[tuple[int | None, int, int]]) -> None:
        """Logical CPUs at (node, socket, core), as lscpu looks for them; None for no node."""
        everyone = f"0-{len(places) - 1}"
        self.files(
            "sys/devices/system/cpu",
            {"online": everyone, "possible": everyone, "present": everyone},
        )
        model = "model name\t: Intel Xeon Processor (Skylake)\n"
        identity = f"vendor_id\t: GenuineIntel\ncpu family\t: 6\n{model}"
        lines = [f"processor\t: {number}\n{identity}" for number in range(len(places))]
        self.file("proc/cpuinfo", "\n".join(lines))
        for number, (_, socket, core) in enumerate(places):
            siblings = _mask(n for n, place in enumerate(places) if place[1:] == (socket, core))
            package = _mask(n for n, place in enumerate(places) if place[1] == socket)
            topology = {"core_id": str(core), "physical_package_id": str(socket)}
            topology |= {"thread_siblings": siblings, "core_siblings": package}
            topology |= {"core_cpus": siblings, "package_cpus": package}
            self.files(f"sys/devices/system/cpu/cpu{number}/topology", topology)
        for node in {place[0] for place in places} - {None}:
            cpus = _mask(n for n, place in enumerate(places) if place[0] == node)
            self.file(f"sys/devices/system/node/node{node}/cpumap", cpus)

    def huge_pages(self, folder: str, size_kib: int, total: int, free: int) -> None:
        counts = {"nr_hugepages": str(total), "free_hugepages": str(free)}
        self.files(f"{folder}/hugepages-{size_kib}kB", counts)


def _mask(numbers) -> str:
    return f"{sum(1 << number for number in numbers):x}"
