# SPDX-License-Identifier: Apache-2.0
"""Tests of what lldpd sends and hears."""

import json

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from sysinv.inventory import lldp
from sysinv.tests.unit.inventory import sample

_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "via",
                    "chassis",
                    "port",
                    "id",
                    "value",
                    "ttl",
                    "vlan",
                    "unknown-tlvs",
                    "unknown-tlv",
                ]
                + [
                    "oui",
                    "subtype",
                    "power",
                    "auto-negotiation",
                    "advertised",
                    "capability",
                    "mgmt-ip",
                    "type",
                ]
            ),
            inner,
        )
    ),
    max_leaves=30,
)


def _heard(name="eth0", via="LLDP", chassis="00:1c:73:aa:bb:01", port="Ethernet1/7", **rest):
    names = (
        {"id": [{"type": "mac", "value": chassis}]},
        {"id": [{"type": "ifname", "value": port}]},
    )
    return {"name": name, "via": via, "chassis": [names[0]], "port": [names[1]], **rest}


def _neighbours(*interfaces):
    return lldp.neighbours(json.dumps({"lldp": [{"interface": list(interfaces)}]}))


class NeighbourTestCase(base.BaseTestCase):
    def test_a_switch_tells_all_about_itself(self):
        self.assertEqual(
            {
                "port_name": "eth0",
                "msap": "00:1c:73:aa:bb:01/Ethernet1/7",
                "chassis_id": "00:1c:73:aa:bb:01",
                "port_identifier": "Ethernet1/7",
                "port_description": "to controller-0 eth0",
                "system_name": "leaf-01.example",
                "system_description": "Example switch version 4.20",
                "system_capabilities": "bridge, router",
                "management_address": "192.0.2.9",
                "ttl": "120",
                "dot1_lag": "capable=y,enabled=n",
                "dot1_vlan_names": "VLAN10, mgmt",
                "dot1_port_vid": "10",
                "dot1_vid_digest": "deadbeef",
                "dot1_management_vid": "20",
                "dot1_proto_vids": None,
                "dot1_proto_ids": "88 cc 01 02 03",
                "dot3_mac_status": "auto-negotiation-capable=y,auto-negotiation-enabled=y,"
                "10Base-T(hd fd),100Base-TX(hd fd),1000Base-T(fd)",
                "dot3_max_frame": "9236",
                "dot3_power_mdi": "power-mdi-supported=y,power-mdi-enabled=y",
            },
            lldp.neighbours(sample("lldp-neighbours.json"))[0],
        )

    def test_a_server_tells_less(self):
        server = lldp.neighbours(sample("lldp-neighbours.json"))[1]
        self.assertEqual(("eth1", "switch-B"), (server["port_name"], server["system_name"]))
        self.assertEqual("10.77.0.2, fe80::186f:3cff:fe71:fc83", server["management_address"])
        silent = {name for name, value in server.items() if value is None}
        self.assertEqual(
            {
                "dot1_lag",
                "dot1_vlan_names",
                "dot1_port_vid",
                "dot1_vid_digest",
                "dot1_management_vid",
            }
            | {"dot1_proto_vids", "dot1_proto_ids", "dot3_max_frame", "dot3_power_mdi"},
            silent,
        )

    def test_the_old_link_aggregation_counts_without_the_new(self):
        interface = _heard()
        interface["port"][0]["aggregation"] = [{"value": "600"}]
        self.assertEqual("capable=y,enabled=y", _neighbours(interface)[0]["dot1_lag"])

    def test_several_neighbours_on_a_port_are_in_order(self):
        found = _neighbours(_heard("eth1"), _heard(port="b"), _heard(port="a"), _heard(port="b"))
        self.assertEqual(
            [("eth0", "a"), ("eth0", "b"), ("eth1", "Ethernet1/7")],
            [(record["port_name"], record["port_identifier"]) for record in found],
        )

    def test_other_protocols_and_half_told_neighbours_are_left_out(self):
        self.assertEqual([], _neighbours(_heard(via="CDPv2"), _heard(chassis=""), _heard(port=None)))

    def test_what_a_neighbour_says_is_bounded(self):
        vlans = [{"vlan-id": str(number), "value": f"a-name-for-vlan-{number}"} for number in range(4094)]
        (found,) = _neighbours(_heard(chassis="x" * 9999, vlan=vlans))
        self.assertEqual(lldp.TLV_LIMIT, len(found["dot1_vlan_names"]))
        self.assertLess(len(found["msap"]), 512)

    def test_nobody_there_is_no_neighbour(self):
        self.assertEqual([], lldp.neighbours('{"lldp": [{}]}'))

    @given(st.text())
    def test_junk_is_no_neighbour(self, output):
        self.assertEqual([], lldp.neighbours(output))
        self.assertEqual([], lldp.agents(output))

    @given(st.lists(_JUNK, max_size=4))
    def test_junk_in_the_attributes_never_raises(self, interfaces):
        output = json.dumps({"lldp": [{"interface": interfaces}]})
        json.dumps([lldp.neighbours(output), lldp.agents(output)])

    @given(_JUNK)
    def test_junk_beside_a_name_never_raises(self, junk):
        names = ("chassis", "port", "vlan", "pi", "ppvid", "ttl", "status", "unknown-tlvs")
        for interface in ({name: junk} for name in names):
            json.dumps(_neighbours({**_heard(), **interface}))
            lldp.agents(json.dumps({"lldp": [{"interface": [{"name": "eth0", **interface}]}]}))


class AgentTestCase(base.BaseTestCase):
    def test_an_agent_tells_what_it_sends_on_its_port(self):
        self.assertEqual(
            [
                {
                    "port_name": "eth1",
                    "status": "rx=enabled,tx=enabled",
                    "chassis_id": "86:27:4f:6f:3b:6f",
                    "port_identifier": "86:27:4f:6f:3b:6f",
                    "port_description": "vA",
                    "system_name": "switch-A",
                    "system_description": "Debian GNU/Linux 12 (bookworm) Linux 6.1",
                    "system_capabilities": "station",
                    "management_address": "10.77.0.1, fe80::8427:4fff:fe6f:3b6f",
                    "ttl": "4",
                    "dot1_lag": None,
                    "dot1_vlan_names": None,
                    "dot3_mac_status": "auto-negotiation-capable=n,auto-negotiation-enabled=n",
                    "dot3_max_frame": None,
                }
            ],
            lldp.agents(sample("lldp-interfaces.json")),
        )

    def test_an_agent_may_only_listen(self):
        output = json.dumps({"lldp": [{"interface": [{"name": "eth0", "status": [{"value": "RX only"}]}]}]})
        self.assertEqual("rx=enabled,tx=disabled", lldp.agents(output)[0]["status"])
