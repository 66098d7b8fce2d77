# SPDX-License-Identifier: Apache-2.0
"""Disks and partitions (spec sysinv.md 1.7.5, 3.4)."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping

from sysinv.inventory import fields

# With NAME among them lsblk gives a tree instead of a list.
COLUMNS = (
    "NAME,KNAME,PATH,TYPE,SIZE,START,ROTA,RO,MODEL,SERIAL,WWN,TRAN,MAJ:MIN,LOG-SEC,"
    "FSTYPE,MOUNTPOINTS,PARTTYPE,PARTTYPENAME,PARTUUID"
)
_SECTOR = 512
# At the end of a disk a GPT has its second copy: 128 entries of 128 bytes, and a header's sector.
_GPT_ENTRIES = 16384
_PLATFORM_TYPES = {"ba5eba11-0000-1111-2222-000000000001": "LVM Physical Volume"}
_UNDETERMINED = "Undetermined"
_NOT_ROTATING = 1
_SLOWEST_RPM, _FASTEST_RPM = 0x401, 0xFFFE
_OTHER_ID_KINDS = ("wwn-", "nvme-eui.", "nvme-nvme.", "nvme-uuid.", "lvm-", "dm-", "md-")


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What sysfs adds to lsblk about a disk.

    :ivar rotation: SCSI block device characteristics (VPD page B1), empty when the disk has none
    """

    serial: str | None = None
    rotation: bytes = b""
    is_virtio: bool = False


def parse_tree(output: str) -> list[fields.Record]:
    """The disks of `lsblk -J -b -o COLUMNS` by device node; `children` has what lies on them."""
    top = fields.objects(fields.mapping(fields.document(output)).get("blockdevices"))
    return sorted((entry for entry in top if _is_disk(entry)), key=lambda entry: entry["path"])


def by_node(links: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Link names by the kernel's name of what they point to, the plainest first.

    :param links: (name, target) pairs of a folder below /dev/disk
    """
    found: dict[str, list[str]] = {}
    for name, target in sorted(links, key=lambda link: (len(link[0]), link[0])):
        found.setdefault(target.rpartition("/")[2], []).append(name)
    return found


def disk_record(
    disk: fields.Record,
    hardware: Hardware,
    paths: Mapping[str, list[str]],
    identifiers: Mapping[str, list[str]],
) -> fields.Record:
    """The record of kind `disk`.

    `device_path` is the device node where no /dev/disk/by-path is; `available_mib` is what a new
    partition at the end of the disk could have.

    :param disk: one of parse_tree's
    :param paths: by_node of /dev/disk/by-path
    :param identifiers: by_node of /dev/disk/by-id
    """
    kind = _device_type(disk, hardware)
    capabilities = {"model_num": fields.text(disk.get("model"))}
    if any("/" in _mounts(entry) for entry in _all(disk)):
        capabilities["stor_function"] = "rootfs"
    return {
        "device_node": disk["path"],
        "device_num": _device_num(disk),
        "device_type": kind,
        "device_path": _device_path(disk, paths),
        "device_id": _device_id(disk, identifiers),
        "device_wwn": fields.text(disk.get("wwn")),
        "size_mib": _mib(_size(disk)),
        "available_mib": _available_mib(disk),
        "serial_id": fields.text(disk.get("serial")) or hardware.serial,
        "rpm": _rpm(kind, hardware),
        "capabilities": capabilities,
    }


def partition_records(disk: fields.Record, paths: Mapping[str, list[str]]) -> list[fields.Record]:
    """The records of kind `partition` of one disk, in their order on it."""
    parts = sorted(_partitions(disk), key=lambda part: (_start(part) or 0, part["path"]))
    return [_partition_record(disk, part, paths) for part in parts]


def _partition_record(disk: fields.Record, part: fields.Record, paths: Mapping[str, list[str]]) -> fields.Record:
    start, size = _start(part), _size(part)
    type_guid = fields.text(part.get("parttype"))
    type_name = fields.text(part.get("parttypename"))
    return {
        "device_node": part["path"],
        "device_path": _device_path(part, paths),
        "disk_node": disk["path"],
        "start_mib": None if start is None else _mib(start),
        "end_mib": None if start is None else _mib(start + size),
        "size_mib": _mib(size),
        "type_guid": type_guid.lower() if type_guid else None,
        "type_name": _PLATFORM_TYPES.get((type_guid or "").lower(), type_name),
        "uuid": fields.text(part.get("partuuid")),
    }


def _is_disk(entry: fields.Record) -> bool:
    return entry.get("type") == "disk" and _is_device(entry) and _size(entry) > 0


def _is_device(entry: fields.Record) -> bool:
    return isinstance(entry.get("path"), str) and isinstance(entry.get("kname"), str)


def _all(entry: fields.Record) -> Iterator[fields.Record]:
    yield entry
    for child in fields.objects(entry.get("children")):
        yield from _all(child)


def _partitions(disk: fields.Record) -> list[fields.Record]:
    children = fields.objects(disk.get("children"))
    return [child for child in children if child.get("type") == "part" and _is_device(child)]


def _mounts(entry: fields.Record) -> list[str]:
    mounts = entry.get("mountpoints")
    return [mount for mount in mounts if isinstance(mount, str)] if isinstance(mounts, list) else []


def _size(entry: fields.Record) -> int:
    return max(fields.number(entry.get("size")) or 0, 0)


def _start(part: fields.Record) -> int | None:
    sector = fields.number(part.get("start"))
    return None if sector is None else sector * _SECTOR


def _mib(size: int) -> int:
    return size // fields.MIB


def _device_num(disk: fields.Record) -> int | None:
    major, _, minor = str(disk.get("maj:min")).partition(":")
    numbers = fields.number(major), fields.number(minor)
    if numbers[0] is None or numbers[1] is None:
        return None
    try:
        return os.makedev(numbers[0], numbers[1])
    except (OverflowError, ValueError):
        return None


def _device_path(entry: fields.Record, paths: Mapping[str, list[str]]) -> str:
    names = paths.get(entry["kname"])
    return f"/dev/disk/by-path/{names[0]}" if names else str(entry["path"])


def _device_id(disk: fields.Record, identifiers: Mapping[str, list[str]]) -> str | None:
    names = identifiers.get(disk["kname"], [])
    return next((name for name in names if not name.startswith(_OTHER_ID_KINDS)), None)


def _rotation_rate(hardware: Hardware) -> int:
    return int.from_bytes(hardware.rotation[4:6], "big")


def _device_type(disk: fields.Record, hardware: Hardware) -> str:
    if disk.get("tran") == "nvme" or disk["kname"].startswith("nvme"):
        return "NVME"
    is_rotating, rate = fields.boolean(disk.get("rota")), _rotation_rate(hardware)
    if is_rotating is False or rate == _NOT_ROTATING:
        return "SSD"
    # Of a virtio disk "rotating" is only the kernel's default.
    return "HDD" if is_rotating and not hardware.is_virtio else _UNDETERMINED


def _rpm(kind: str, hardware: Hardware) -> str:
    if kind in ("SSD", "NVME"):
        return "N/A"
    rate = _rotation_rate(hardware)
    return str(rate) if _SLOWEST_RPM <= rate <= _FASTEST_RPM else _UNDETERMINED


def _available_mib(disk: fields.Record) -> int | None:
    """Whole MiB between the last partition and the end; 0 of a disk that is in use as a whole."""
    parts = _partitions(disk)
    others = len(fields.objects(disk.get("children"))) - len(parts)
    if others or _mounts(disk) or disk.get("fstype") or fields.boolean(disk.get("ro")):
        return 0
    starts = [_start(part) for part in parts]
    if None in starts:
        return None
    ends = [start + _size(part) for start, part in zip(starts, parts, strict=True) if start is not None]
    first_free_mib = max(1, -(-max(ends, default=0) // fields.MIB))
    tail = _GPT_ENTRIES + (fields.number(disk.get("log-sec")) or _SECTOR)
    return max(_mib(_size(disk) - tail) - first_free_mib, 0)
