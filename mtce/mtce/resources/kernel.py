# SPDX-License-Identifier: Apache-2.0
"""What the kernel's files say of processors, memory and mounts."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence

_MEMINFO = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_OCTAL = re.compile(r"\\([0-7]{3})")
# Images that are full by nature, and what asks a program that may not answer.
_NEVER = ("squashfs", "iso9660", "erofs", "cramfs", "romfs", "fuseblk", "fuse")
# File systems without a block device of their own that hold data nevertheless; an overlay where it is the host's root.
_DATA = ("zfs",)


@dataclasses.dataclass(frozen=True)
class Times:
    """What processors did since boot, in ticks."""

    total: int
    idle: int

    def busy_percent(self, before: "Times") -> float | None:
        """How busy they were since then; None when no time has passed."""
        passed = self.total - before.total
        # The kernel lets the count of idle ticks go back a little at times.
        return 100.0 * min(max(passed - (self.idle - before.idle), 0), passed) / passed if passed > 0 else None


def times(stat: str, cpus: Collection[int]) -> Times | None:
    """From /proc/stat.

    :param cpus: numbers of those that count; all when it is empty
    """
    wanted = {f"cpu{number}" for number in cpus} or {"cpu"}
    lines = [words for words in map(str.split, stat.splitlines()) if words and words[0] in wanted]
    if not lines:
        return None
    # user nice system idle iowait irq softirq steal; guests are in user and nice already.
    counts = [[int(word) for word in words[1:9]] for words in lines]
    return Times(sum(map(sum, counts)), sum(each[3] + each[4] for each in counts))


def memory_percent(meminfo: str) -> float | None:
    """Use of the memory that is not set aside as huge pages, from /proc/meminfo."""
    found = {name: int(value) for name, value in _MEMINFO.findall(meminfo)}
    total_kib = found.get("MemTotal", 0) - found.get("Hugetlb", 0)
    if total_kib <= 0 or "MemAvailable" not in found:
        return None
    return 100.0 * min(max(1 - found["MemAvailable"] / total_kib, 0.0), 1.0)


@dataclasses.dataclass(frozen=True)
class Mount:
    """:ivar device: of the file system, as two numbers
    :ivar root: what of it is mounted
    """

    device: str
    root: str
    place: str
    kind: str
    is_read_only: bool


def mounts(mountinfo: str) -> list[Mount]:
    """From /proc/self/mountinfo."""
    found = []
    for line in mountinfo.splitlines():
        own, _, of_system = line.partition(" - ")
        words, system = own.split(" "), of_system.split(" ")
        if len(words) < 6 or len(system) < 3:
            continue
        options = {*words[5].split(","), *system[2].split(",")}
        found.append(Mount(words[2], _plain(words[3]), _plain(words[4]), system[0], "ro" in options))
    return found


def _plain(path: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), path)


def file_systems(mounted: Sequence[Mount], pseudo: Collection[str]) -> list[str]:
    """Where the file systems are mounted that can fill up, each once, whatever of it is mounted elsewhere too.

    :param pseudo: kinds that have no device of their own, those with `nodev` in /proc/filesystems
    """
    # Of two mounts at one place the later one is seen.
    seen = {mount.place: mount for mount in mounted}
    by_device: dict[str, list[Mount]] = {}
    for mount in seen.values():
        if _fills_up(mount, pseudo):
            by_device.setdefault(mount.device, []).append(mount)
    # The whole of it is named rather than a part that is bound elsewhere.
    return sorted(
        min(each, key=lambda mount: (mount.root != "/", len(mount.place), mount.place)).place for each in by_device.values()
    )


def _fills_up(mount: Mount, pseudo: Iterable[str]) -> bool:
    if mount.is_read_only or mount.kind.split(".")[0] in _NEVER:
        return False
    return mount.kind not in pseudo or mount.kind in _DATA or (mount.kind == "overlay" and mount.place == "/")


def pseudo_kinds(filesystems: str) -> frozenset[str]:
    """From /proc/filesystems."""
    return frozenset(line.split()[1] for line in filesystems.splitlines() if line.startswith("nodev"))


def use_percent(blocks: int, free: int, available: int) -> float:
    """As df has it: what only root may use counts neither as used nor as free."""
    used = blocks - free
    return 100.0 * used / (used + available) if used + available > 0 else 0.0
