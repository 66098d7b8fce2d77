# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about disks and partitions."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class DiskTest(cli.CliTest):
    def test_sizes_are_in_gib(self) -> None:
        (disk,) = self.done(self.system("host-disk-list", "controller-0", "-f", "json")).json
        self.assertEqual(
            ["uuid", "device_node", "device_num", "device_type", "size_gib", "available_gib", "rpm", "serial_id", "device_path"],
            list(disk),
        )
        self.assertEqual((500.0, 0.999), (disk["size_gib"], disk["available_gib"]))

    def test_disk_is_shown_by_node_path_or_uuid(self) -> None:
        for wanted in ("/dev/sda", data.DISKS[0]["device_path"], data.DISK_UUID):
            shown = self.done(self.system("host-disk-show", "controller-0", wanted, "-f", "json")).json
            self.assertEqual(
                [
                    "device_node",
                    "device_num",
                    "device_type",
                    "device_path",
                    "size_gib",
                    "available_gib",
                    "rpm",
                    "serial_id",
                    "uuid",
                    "ihost_uuid",
                    "istor_uuid",
                    "ipv_uuid",
                    "created_at",
                    "updated_at",
                ],
                list(shown),
            )


class PartitionTest(cli.CliTest):
    def test_status_is_a_word_for_people_and_a_code_for_programs(self) -> None:
        rows = self.done(self.system("host-disk-partition-list", "controller-0")).rows
        self.assertEqual(
            ["uuid", "device_path", "device_node", "type_guid", "type_name", "size_gib", "status"],
            rows[0],
        )
        self.assertEqual([["1.5", "In-Use"], ["1.5", "Error (GPT missing)"]], [row[-2:] for row in rows[1:]])
        found = self.done(self.system("host-disk-partition-list", "controller-0", "-f", "json")).json
        self.assertEqual([1, 12], [partition["status"] for partition in found])

    def test_unknown_status_is_shown_as_its_code(self) -> None:
        self.wire.lists["/v1/partitions"][0]["status"] = 77
        shown = dict(self.done(self.system("host-disk-partition-show", "1", "/dev/sda1")).rows)
        self.assertEqual("77", shown["status"])

    def test_partitions_of_one_disk_are_listed(self) -> None:
        found = self.done(self.system("host-disk-partition-list", "1", "--disk", "/dev/sda", "-f", "json")).json
        self.assertEqual([data.PARTITIONS[1]["uuid"]], [partition["uuid"] for partition in found])

    def test_missing_disk_is_a_failure(self) -> None:
        self.fails(self.system("host-disk-partition-list", "controller-0", "--disk", "/dev/sdq"), 1, "/dev/sdq")

    def test_partition_is_shown_by_path_or_uuid(self) -> None:
        wanted = data.PARTITIONS[0]
        for name in (wanted["device_path"], wanted["device_node"], wanted["uuid"]):
            shown = self.done(self.system("host-disk-partition-show", "1", name, "-f", "json")).json
            self.assertEqual((wanted["uuid"], 1.5, 1), (shown["uuid"], shown["size_gib"], shown["status"]))
