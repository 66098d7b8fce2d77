# SPDX-License-Identifier: Apache-2.0
"""/v1/idisks by requests (spec sysinv.md 1.7.5)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class DiskTest(resources.ResourceTest):
    collection = "idisks"
    kind = "disk"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_disk_has_the_published_fields(self) -> None:
        shown = self.assert_shown(
            {
                "device_node",
                "device_num",
                "device_type",
                "device_path",
                "device_id",
                "device_wwn",
                "size_mib",
                "available_mib",
                "rpm",
                "serial_id",
                "capabilities",
                "ihost_uuid",
                "forihostid",
                "istor_uuid",
                "ipv_uuid",
                "partitions",
            },
            {**base.INVENTORY["disk"][0], "istor_uuid": None, "ipv_uuid": None},
        )
        self.assert_links(f"idisks/{shown['uuid']}/partitions", shown["partitions"])

    def test_a_disk_has_its_partitions(self) -> None:
        first, second = [item["uuid"] for item in self.items()]
        self.assertEqual(self.items(collection="partitions"), self.listed(f"/v1/idisks/{first}/partitions"))
        self.assertEqual([], self.listed(f"/v1/idisks/{second}/partitions"))

    def test_a_disk_that_is_not_there_has_no_partitions(self) -> None:
        self.assert_refused(404, "nothing", self.rest.get("/v1/idisks/nothing/partitions"))
        self.assert_refused(403, "/v1/partitions/x", self.rest.get(f"/v1/idisks/{self.items()[0]['uuid']}/partitions/x"))
