# SPDX-License-Identifier: Apache-2.0
"""Tests of hosts and their parts."""

from stxclient import exceptions
from stxclient.tests.unit import sessions, wire
from stxclient.tests.unit import wire_data as data


class HostsTest(sessions.LibraryTest):
    def test_host_is_got_by_name_id_and_uuid(self) -> None:
        for wanted in ("controller-0", "1", 1, data.HOST_UUID):
            self.assertEqual(data.HOST_UUID, self.client.hosts.get(wanted).uuid)

    def test_name_with_a_slash_stays_one_name(self) -> None:
        self.assertRaises(exceptions.NotFound, self.client.hosts.get, "a/icpus")
        self.assertEqual("/v1/ihosts/a%2Ficpus", self.wire.requests[-1].path)

    def test_compute_is_worker_on_the_wire(self) -> None:
        self.wire.answers["POST", "/v1/ihosts"] = wire.as_json(data.COMPUTE)
        list(self.client.hosts.list(personality="compute"))
        self.client.hosts.create(personality="compute")
        self.client.hosts.update("compute-0", {"personality": "compute"})
        listed, created, updated = self.wire.requests
        self.assertEqual("worker", listed.value("personality"))
        self.assertEqual({"personality": "worker"}, created.body)
        self.assertEqual("worker", updated.body[0]["value"])

    def test_location_is_an_object_on_the_wire(self) -> None:
        self.wire.answers["POST", "/v1/ihosts"] = wire.as_json(data.COMPUTE)
        self.client.hosts.create(hostname="compute-0", location="Rack 7")
        self.client.hosts.update("compute-0", {"location": "Rack 8"})
        created, updated = self.wire.requests
        self.assertEqual({"hostname": "compute-0", "location": {"locn": "Rack 7"}}, created.body)
        self.assertEqual({"locn": "Rack 8"}, updated.body[0]["value"])

    def test_numbers_are_sent_as_texts(self) -> None:
        self.client.hosts.update("compute-0", {"hw_settle": 30, "task": None})
        self.assertEqual(["30", None], [operation["value"] for operation in self.wire.requests[-1].body])

    def test_an_action_is_an_attribute_that_is_replaced(self) -> None:
        self.assertEqual("compute-0", self.client.hosts.act("compute-0", "power-on").hostname)
        request = self.wire.requests[-1]
        self.assertEqual(("PATCH", "/v1/ihosts/compute-0"), (request.method, request.path))
        self.assertEqual([{"op": "replace", "path": "/action", "value": "power-on"}], request.body)

    def test_an_action_that_waits_for_another_is_a_conflict(self) -> None:
        self.wire.answers["PATCH", "/v1/ihosts/compute-0"] = wire.refused(409, "The action lock is in progress.")
        self.assertRaises(exceptions.Conflict, self.client.hosts.act, "compute-0", "unlock")

    def test_what_can_be_asked_of_a_host_is_told(self) -> None:
        offered = [
            {"action": "lock", "allowed": True},
            {"action": "unlock", "allowed": False, "reason": "It is unlocked already."},
        ]
        self.wire.answers["GET", "/v1/ihosts/compute-0/actions"] = wire.as_json({"actions": offered})
        self.assertEqual(offered, self.client.hosts.actions("compute-0"))

    def test_host_is_deleted_by_the_given_name(self) -> None:
        self.client.hosts.delete("compute-0")
        self.assertEqual(("DELETE", "/v1/ihosts/compute-0"), (self.wire.requests[-1].method, self.wire.requests[-1].path))

    def test_empty_name_never_deletes(self) -> None:
        self.assertRaises(exceptions.UsageError, self.client.hosts.delete, "")
        self.assertEqual([], self.wire.requests)


class PartsTest(sessions.LibraryTest):
    def test_every_kind_of_part_is_listed_below_the_uuid_of_its_host(self) -> None:
        kinds = {
            "cpus": "icpus",
            "nodes": "inodes",
            "memories": "imemorys",
            "disks": "idisks",
            "partitions": "partitions",
            "ports": "ports",
            "ethernet_ports": "ethernet_ports",
            "pci_devices": "pci_devices",
            "lldp_agents": "lldp_agents",
            "lldp_neighbours": "lldp_neighbours",
            "sensors": "isensors",
            "sensor_groups": "isensorgroups",
        }
        for kind, path in kinds.items():
            found = list(getattr(self.client.hosts, kind).list("controller-0"))
            self.assertNotEqual([], found, kind)
            self.assertEqual(f"/v1/ihosts/{data.HOST_UUID}/{path}", self.wire.requests[-1].path)

    def test_parts_of_a_known_host_need_one_request(self) -> None:
        host = self.client.hosts.get("controller-0")
        list(self.client.hosts.cpus.list(host))
        self.assertEqual(2, len(self.wire.requests))

    def test_part_is_found_by_each_of_its_names(self) -> None:
        found = {
            "cpus": ("10", 10, data.CPUS[0]["uuid"]),
            "disks": ("/dev/sda", data.DISKS[0]["device_path"], data.DISK_UUID),
            "ethernet_ports": ("enp0s3", "eth-front", data.PORTS[0]["uuid"]),
            "pci_devices": ("0000:00:08.0", "pci_0000_00_08_0", data.DEVICES[0]["uuid"]),
        }
        for kind, names in found.items():
            uuid = names[-1]
            for name in names:
                self.assertEqual(uuid, getattr(self.client.hosts, kind).find("controller-0", name).uuid)

    def test_found_part_has_all_fields_though_the_list_is_sparse(self) -> None:
        self.wire.lists[f"/v1/ihosts/{data.HOST_UUID}/icpus"] = [{"uuid": cpu["uuid"], "cpu": cpu["cpu"]} for cpu in data.CPUS]
        self.assertEqual("6", self.client.hosts.cpus.find("controller-0", 2).cpu_family)

    def test_missing_part_says_what_was_looked_for(self) -> None:
        error = self.assertRaises(exceptions.NotFound, self.client.hosts.disks.find, "controller-0", "/dev/sdz")
        for word in ("controller-0", "disk", "/dev/sdz", "device_path"):
            self.assertIn(word, str(error))

    def test_null_field_is_not_the_name_none(self) -> None:
        # The port's namedisplay is null.
        self.assertRaises(exceptions.NotFound, self.client.hosts.ports.find, "controller-0", "None")

    def test_partitions_of_one_disk_are_listed(self) -> None:
        found = list(self.client.hosts.disk_partitions(data.DISK_UUID))
        self.assertEqual([data.PARTITIONS[1]["uuid"]], [partition.uuid for partition in found])
