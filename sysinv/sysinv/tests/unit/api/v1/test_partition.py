# SPDX-License-Identifier: Apache-2.0
"""/v1/partitions by requests (spec sysinv.md 1.7.5)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class PartitionTest(resources.ResourceTest):
    collection = "partitions"
    kind = "partition"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_partition_has_the_published_fields(self) -> None:
        disk = self.items(collection="idisks")[0]["uuid"]
        known = {name: value for name, value in base.INVENTORY["partition"][0].items() if name != "disk_node"}
        self.assert_shown(
            {
                "start_mib",
                "end_mib",
                "size_mib",
                "device_node",
                "device_path",
                "type_guid",
                "type_name",
                "idisk_id",
                "idisk_uuid",
                "status",
                "ihost_uuid",
                "forihostid",
                "ipv_uuid",
                "capabilities",
            },
            {**known, "idisk_uuid": disk, "ipv_uuid": None},
        )
