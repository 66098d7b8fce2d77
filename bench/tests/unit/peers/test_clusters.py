# SPDX-License-Identifier: Apache-2.0
"""Tests of how the peers of Service Management are configured."""

import re
from xml.etree import ElementTree

from oslotest import base

from bench.peers import cluster, keepalived, pacemaker, postgresql
from stxlab import topology

CONTROLLERS = cluster.WANTED.hosts[:2]


class KeepalivedTest(base.BaseTestCase):
    def test_adverts_are_as_often_as_asked_and_both_hosts_alike_but_for_their_names(self):
        one, other = (keepalived.configuration(host.name, 0.1) for host in CONTROLLERS)
        self.assertIn("advert_int 0.1\n", one)
        self.assertEqual(one.replace("controller-0", "controller-1"), other)

    def test_whoever_has_the_address_keeps_it(self):
        text = keepalived.configuration("controller-0", 1.0)
        self.assertIn("nopreempt", text)
        self.assertIn("192.168.200.2/21 dev mgmt", text)

    def test_a_database_that_is_no_standby_is_not_promoted(self):
        self.assertLess(keepalived.PROMOTE.index("standby.signal ] || exit 0"), keepalived.PROMOTE.index("promote\n"))


class CorosyncTest(base.BaseTestCase):
    def test_the_token_is_the_one_that_is_measured(self):
        self.assertIn("\n    token: 300\n", pacemaker.corosync(CONTROLLERS, 300))

    def test_nodes_hear_each_other_over_mgmt_and_cluster(self):
        text = pacemaker.corosync(CONTROLLERS, 300)
        addresses = re.findall(r"ring\d_addr: (\S+)", text)
        self.assertEqual([host.address(network) for host in CONTROLLERS for network in ("mgmt", "cluster")], addresses)
        self.assertEqual(["1", "2"], re.findall(r"nodeid: (\d)", text))

    def test_braces_are_balanced(self):
        text = pacemaker.corosync(CONTROLLERS, 300)
        self.assertEqual(text.count("{"), text.count("}"))


class PacemakerTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = ElementTree.fromstring(pacemaker.configuration(CONTROLLERS))

    def parameters(self, resource: str) -> dict[str, str]:
        pairs = self.root.findall(f".//primitive[@id='{resource}']/instance_attributes/nvpair")
        return {pair.attrib["name"]: pair.attrib["value"] for pair in pairs}

    def test_no_identifier_is_given_twice(self):
        identifiers = [element.attrib["id"] for element in self.root.iter() if "id" in element.attrib]
        self.assertEqual(sorted(set(identifiers)), sorted(identifiers))

    def test_the_database_is_replicated_synchronously_over_the_floating_address(self):
        found = self.parameters("database")
        self.assertEqual(("sync", "controller-0 controller-1"), (found["rep_mode"], found["node_list"]))
        self.assertEqual(topology.floating_address("mgmt"), found["master_ip"])

    def test_the_address_is_where_the_database_is_promoted(self):
        together = self.root.find(".//rsc_colocation")
        self.assertEqual(("address", "Promoted"), (together.get("rsc"), together.get("with-rsc-role")))
        self.assertEqual("192.168.200.2", self.parameters("address")["ip"])


class HostTest(base.BaseTestCase):
    def test_a_host_has_its_addresses_and_knows_the_others(self):
        files = cluster.host_files(CONTROLLERS[1])
        self.assertIn("Address=192.168.200.4/21\n", files["etc/systemd/network/40-mgmt.network"])
        self.assertIn("192.168.200.3 controller-0\n", files["etc/hosts"])

    def test_writes_are_as_durable_as_by_default(self):
        settings = postgresql.settings("controller-0")
        self.assertFalse([word for word in ("fsync", "synchronous_commit", "full_page_writes") if word in settings])
