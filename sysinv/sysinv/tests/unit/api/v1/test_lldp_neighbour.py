# SPDX-License-Identifier: Apache-2.0
"""/v1/lldp_neighbours by requests (spec sysinv.md 1.7.4)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class LldpNeighbourTest(resources.ResourceTest):
    collection = "lldp_neighbours"
    kind = "lldp_neighbour"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_a_neighbour_has_the_published_fields(self) -> None:
        port = self.items(collection="ports")[0]["uuid"]
        self.assert_shown(
            {
                "msap",
                "host_uuid",
                "port_uuid",
                "port_name",
                "port_namedisplay",
                "chassis_id",
                "port_identifier",
                "port_description",
                "system_name",
                "system_description",
                "system_capabilities",
                "management_address",
                "ttl",
                "dot1_lag",
                "dot1_vlan_names",
                "dot3_mac_status",
                "dot3_max_frame",
                "dot1_port_vid",
                "dot1_vid_digest",
                "dot1_management_vid",
                "dot1_proto_vids",
                "dot1_proto_ids",
                "dot3_power_mdi",
            },
            {**base.INVENTORY["lldp_neighbour"][0], "port_uuid": port, "port_namedisplay": None},
        )
