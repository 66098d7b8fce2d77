# SPDX-License-Identifier: Apache-2.0
"""What is stored and found in a real SQLite file."""

import uuid
from typing import Any

from oslo_db import exception as db_exception

from stx import exception, paging
from sysinv.db import api as db_api
from sysinv.tests.unit import base

_ALL = paging.Page(2000)


class HostTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.worker = self.create(hostname="edge", mgmt_mac=base.MAC)

    def test_a_host_is_found_by_id_uuid_and_name(self) -> None:
        for reference in (str(self.worker["id"]), self.worker["uuid"], "edge"):
            self.assertEqual(self.worker["uuid"], db_api.get_host(reference)["uuid"])

    def test_a_host_that_is_not_there_is_named(self) -> None:
        for reference in ("0", "99999999999999999999", "nobody", str(uuid.uuid4()), "", "٣", "%"):
            self.assert_raises_with(exception.NotFound, f"There is no host {reference}.", db_api.get_host, reference)

    def test_hosts_are_listed_in_the_order_of_their_ids(self) -> None:
        self.assertEqual(["controller-0", "edge"], [host["hostname"] for host in db_api.list_hosts(_ALL)])
        self.assertEqual(["controller-0", "edge"], [host["hostname"] for host in db_api.all_hosts()])

    def test_hosts_are_listed_by_personality(self) -> None:
        self.assertEqual(["edge"], [host["hostname"] for host in db_api.list_hosts(_ALL, "worker")])
        self.assertEqual([], db_api.list_hosts(_ALL, "storage"))

    def test_a_host_says_whose_it_is(self) -> None:
        system = db_api.get_system()
        self.assertEqual((system["id"], system["uuid"]), (self.worker["forisystemid"], self.worker["isystem_uuid"]))

    def test_hosts_are_found_by_one_of_their_addresses_and_by_name(self) -> None:
        for macs, name, expected in (
            (["x", base.MAC], "controller-0", ["controller-0", "edge"]),
            (["x", base.MAC], "nobody", ["edge"]),
            (["x"], "controller-0", ["controller-0"]),
            ([], "nobody", []),
        ):
            self.assertEqual(expected, [host["hostname"] for host in db_api.find_hosts(macs, name)])

    def test_an_address_is_known_as_that_of_a_host_or_of_a_port(self) -> None:
        self.report(self.host()["uuid"])
        port = base.INVENTORY["port"][1]["mac"]
        self.assertEqual([True, True, False], [db_api.is_known_mac(mac) for mac in (base.MAC, port, "08:00:27:ff:ff:ff")])

    def test_what_tells_hosts_apart_is_there_once(self) -> None:
        for name, value in (("hostname", "edge"), ("mgmt_mac", base.MAC)):
            self.assertRaises(db_exception.DBDuplicateEntry, db_api.update_host, self.host()["uuid"], {name: value})

    def test_changing_a_host_that_is_not_there_changes_nothing(self) -> None:
        self.assertEqual(0, db_api.update_host(str(uuid.uuid4()), {"task": "x"}))
        self.assertEqual(0, db_api.delete_host(str(uuid.uuid4())))

    def test_storing_for_a_host_that_is_not_there_stores_nothing(self) -> None:
        self.assertFalse(db_api.store_inventory(str(uuid.uuid4()), {"cpu": ("a", base.INVENTORY["cpu"])}))
        self.assertEqual([], db_api.list_inventory("cpu", _ALL))


class SystemTest(base.SystemTest):
    def test_there_is_one_system(self) -> None:
        before = db_api.get_system()
        db_api.create_system({**before, "uuid": str(uuid.uuid4()), "id": 2, "name": "another"})
        self.assertEqual([before], db_api.list_systems(_ALL))

    def test_changing_a_system_that_is_not_there_changes_nothing(self) -> None:
        self.assertEqual(0, db_api.update_system(str(uuid.uuid4()), {"name": "x"}))


class InventoryTest(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.report(self.host()["uuid"])
        self.create(hostname="edge")
        self.report(self.host("edge")["uuid"])
        self.store_sensors(self.host("edge")["uuid"])

    def first(self, kind: str, reference: str = "edge") -> dict[str, Any]:
        return self.rows(kind, reference)[0]

    def test_parts_say_whose_they_are(self) -> None:
        host = self.host("edge")
        for kind in db_api.TABLES:
            for row in self.rows(kind, "edge"):
                self.assertEqual(
                    (host["uuid"], host["uuid"], host["id"]), (row["ihost_uuid"], row["host_uuid"], row["forihostid"]), kind
                )

    def test_parts_say_on_which_numa_node_they_are(self) -> None:
        nodes = {row["numa_node"]: row["uuid"] for row in self.rows("numa", "edge")}
        for kind in ("cpu", "memory", "port"):
            for row in self.rows(kind, "edge"):
                self.assertEqual(nodes[row["numa_node"]], row["inode_uuid"], kind)

    def test_a_partition_says_on_which_disk_it_is(self) -> None:
        disk = self.first("disk")
        for row in self.rows("partition", "edge"):
            self.assertEqual((disk["uuid"], disk["id"]), (row["idisk_uuid"], row["idisk_id"]))

    def test_what_lldp_says_is_of_a_port(self) -> None:
        port = self.first("port")
        for kind in ("lldp_agent", "lldp_neighbour"):
            self.assertEqual(port["uuid"], self.first(kind)["port_uuid"])

    def test_what_is_missing_leaves_its_parts_alone(self) -> None:
        self.report(self.host("edge")["uuid"], {"numa": [], "disk": [], "port": []})
        self.assertEqual([None] * 4, [row["inode_uuid"] for row in self.rows("cpu", "edge")])
        self.assertEqual([None] * 2, [row["idisk_uuid"] for row in self.rows("partition", "edge")])
        self.assertIsNone(self.first("lldp_agent")["port_uuid"])

    def test_all_hosts_parts_are_listed_without_a_host(self) -> None:
        for kind, records in base.INVENTORY.items():
            self.assertEqual(2 * len(records), len(db_api.list_inventory(kind, _ALL)), kind)

    def test_parts_are_listed_by_what_they_are_inside_of(self) -> None:
        node, disk, port = self.first("numa"), self.first("disk"), self.first("port")
        found = {
            (kind, outer): [row["host_uuid"] for row in db_api.list_inventory(kind, _ALL, inside=(outer, item["uuid"]))]
            for kind, outer, item in (
                ("cpu", "numa", node),
                ("memory", "numa", node),
                ("port", "numa", node),
                ("partition", "disk", disk),
                ("lldp_agent", "port", port),
                ("lldp_neighbour", "port", port),
            )
        }
        counts = {kind: len(uuids) for kind, uuids in found.items()}
        self.assertEqual(
            {
                ("cpu", "numa"): 3,
                ("memory", "numa"): 1,
                ("port", "numa"): 1,
                ("partition", "disk"): 2,
                ("lldp_agent", "port"): 1,
                ("lldp_neighbour", "port"): 1,
            },
            counts,
        )
        self.assertEqual({self.host("edge")["uuid"]}, {host for uuids in found.values() for host in uuids})

    def test_one_part_is_found_as_it_is_listed(self) -> None:
        for kind in db_api.TABLES:
            row = self.first(kind)
            self.assertEqual(row, db_api.get_inventory(kind, row["uuid"]), kind)
            self.assertIsNone(db_api.get_inventory(kind, str(uuid.uuid4())), kind)

    def test_pages_follow_each_other_where_values_are_missing(self) -> None:
        found: list[str] = []
        marker = None
        while True:
            page = db_api.list_inventory("disk", paging.Page(1, marker, "serial_id", "desc"))
            if not page:
                break
            marker = page[0]["uuid"]
            found.append(str(page[0]["serial_id"]))
        self.assertEqual(["1", "1", "None", "None"], found)
