# SPDX-License-Identifier: Apache-2.0
"""Disks and partitions of a host."""

import argparse
from collections.abc import Iterable
from typing import Any

from stxclient import resources
from stxclient.columns import Column, Named, gib, named
from stxclient.commands import parts

# spec sysinv.md 1.7.5
_PARTITION_STATUS = {
    0: "Ready",
    1: "In-Use",
    2: "Creating",
    3: "Creating (on unlock)",
    4: "Deleting",
    5: "Modifying",
    6: "Deleted",
    10: "Error",
    11: "Error (internal script)",
    12: "Error (GPT missing)",
}


def _status(code: Any) -> Named:
    return Named(code, _PARTITION_STATUS.get(code, str(code)))


_SIZE = Column("size_gib", "size_mib", gib)
_AVAILABLE = Column("available_gib", "available_mib", gib)
_STATUS = Column("status", form=_status)


class DiskList(parts.PartList):
    """List the disks of a host."""

    part = "disks"
    columns = (
        *named("uuid", "device_node", "device_num", "device_type"),
        _SIZE,
        _AVAILABLE,
        *named("rpm", "serial_id", "device_path"),
    )


class DiskShow(parts.PartShow):
    """Show one disk of a host."""

    part = "disks"
    example = "controller-0 /dev/sda"
    wanted = ("device_nodeoruuid", "Device node, device path or uuid.")
    columns = (
        *named("device_node", "device_num", "device_type", "device_path"),
        _SIZE,
        _AVAILABLE,
        *named("rpm", "serial_id", "uuid", "ihost_uuid", "istor_uuid", "ipv_uuid", "created_at", "updated_at"),
    )


class PartitionList(parts.PartList):
    """List the partitions of a host, or of one of its disks."""

    part = "partitions"
    example = "controller-0 --disk /dev/sda"
    columns = (*named("uuid", "device_path", "device_node", "type_guid", "type_name"), _SIZE, _STATUS)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--disk", metavar="<disk>", help="Only those of this disk: device node, path or uuid.")

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        if parsed_args.disk is None:
            return super().fetch(parsed_args)
        disk = self.client.hosts.disks.find(parsed_args.host, parsed_args.disk)
        return self.client.hosts.disk_partitions(disk.uuid)


class PartitionShow(parts.PartShow):
    """Show one partition of a host."""

    part = "partitions"
    example = "controller-0 /dev/sda3"
    wanted = ("device_path_or_uuid", "Device path, device node or uuid.")
    columns = (
        *named("device_path", "device_node", "type_guid", "type_name", "start_mib", "end_mib"),
        _SIZE,
        *named("uuid", "ihost_uuid", "idisk_uuid", "ipv_uuid"),
        _STATUS,
        *named("created_at", "updated_at"),
    )
