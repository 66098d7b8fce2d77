# SPDX-License-Identifier: Apache-2.0
"""/v1/lldp_agents by requests (spec sysinv.md 1.7.4)."""

from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import resources


class LldpAgentTest(resources.ResourceTest):
    collection = "lldp_agents"
    kind = "lldp_agent"

    def test_lists_agree(self) -> None:
        self.assert_listed()

    def test_pages_lead_to_each_other(self) -> None:
        self.assert_paged()

    def test_what_cannot_be_is_refused_with_its_reason(self) -> None:
        self.assert_refusals()

    def test_an_agent_has_the_published_fields(self) -> None:
        port = self.items(collection="ports")[0]["uuid"]
        self.assert_shown(
            {
                "status",
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
            },
            {**base.INVENTORY["lldp_agent"][0], "port_uuid": port, "port_namedisplay": None, "system_name": None},
        )
