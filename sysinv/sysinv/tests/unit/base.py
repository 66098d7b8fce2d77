# SPDX-License-Identifier: Apache-2.0
"""What the tests of Configuration Management have in common."""

import contextlib
import copy
import uuid
from typing import Any

import msgspec

from fm import client as fm_client
from fm.tests.unit.base import catalogued, fill_database, wait_until
from stx import context as stx_context
from stx import paging, rpc, testing
from sysinv import client, conductor, defaults, inventory
from sysinv.api import root
from sysinv.db import api as db_api

__all__ = [
    "GROUPS",
    "INVENTORY",
    "MAC",
    "SENSORS",
    "RestTest",
    "SystemTest",
    "discovered_row",
    "inventory_of_a_machine",
    "reports",
    "wait_until",
]

MAC = "08:00:27:00:00:01"

# A machine with two processors, as its agent reports it.
INVENTORY: dict[str, list[dict[str, Any]]] = {
    "numa": [{"numa_node": 0, "capabilities": {}}, {"numa_node": 1, "capabilities": {}}],
    "cpu": [
        {"cpu": 0, "numa_node": 0, "core": 0, "thread": 0, "cpu_family": "6", "cpu_model": "Xeon", "capabilities": {}},
        {"cpu": 1, "numa_node": 0, "core": 0, "thread": 1, "cpu_family": "6", "cpu_model": "Xeon", "capabilities": {}},
        {"cpu": 2, "numa_node": 0, "core": 1, "thread": 0, "cpu_family": "6", "cpu_model": "Xeon", "capabilities": {}},
        {"cpu": 3, "numa_node": 1, "core": 0, "thread": 0, "cpu_family": "6", "cpu_model": "Xeon", "capabilities": {}},
    ],
    "memory": [
        {
            "numa_node": node,
            "memtotal_mib": 32000,
            "memavail_mib": 31000,
            "node_memtotal_mib": 32768,
            "hugepages_configured": True,
            "vswitch_hugepages_size_mib": 2,
            "vswitch_hugepages_reqd": None,
            "vswitch_hugepages_nr": 0,
            "vswitch_hugepages_avail": 0,
            "vm_hugepages_nr_4K": 8000000,
            "vm_hugepages_nr_2M": 100,
            "vm_hugepages_avail_2M": 90,
            "vm_hugepages_possible_2M": 16000,
            "vm_hugepages_nr_1G": 0,
            "vm_hugepages_avail_1G": 0,
            "vm_hugepages_possible_1G": 31,
            "vm_hugepages_use_1G": True,
            "capabilities": {},
        }
        for node in (0, 1)
    ],
    "disk": [
        {
            "device_node": "/dev/sda",
            "device_num": 2048,
            "device_type": "SSD",
            "device_path": "/dev/disk/by-path/pci-0000:00:0d.0-ata-1.0",
            "device_id": "ata-DISK_1",
            "device_wwn": "wwn-0x1",
            "size_mib": 512000,
            "available_mib": 1000,
            "rpm": "N/A",
            "serial_id": "1",
            "capabilities": {"model_num": "DISK", "stor_function": "rootfs"},
        },
        {
            "device_node": "/dev/sdb",
            "device_num": 2064,
            "device_type": "HDD",
            "device_path": "/dev/disk/by-path/pci-0000:00:0d.0-ata-2.0",
            "size_mib": 1024000,
        },
    ],
    "partition": [
        {
            "device_node": f"/dev/sda{number}",
            "device_path": f"/dev/disk/by-path/pci-0000:00:0d.0-ata-1.0-part{number}",
            "disk_node": "/dev/sda",
            "start_mib": number,
            "end_mib": number + 1,
            "size_mib": 1,
            "type_guid": "0fc63daf-8483-4772-8e79-3d69d8477de4",
            "type_name": "Linux filesystem",
            "status": 0,
        }
        for number in (1, 2)
    ],
    "port": [
        {
            "type": "ethernet",
            "name": name,
            "pciaddr": pciaddr,
            "dev_id": 0,
            "pclass": "Ethernet controller",
            "pvendor": "Intel",
            "pdevice": "X710",
            "psvendor": "Intel",
            "psdevice": "X710-4",
            "numa_node": node,
            "sriov_totalvfs": 64,
            "sriov_numvfs": 0,
            "sriov_vfs_pci_address": "",
            "driver": "i40e",
            "dpdksupport": True,
            "mac": mac,
            "mtu": 1500,
            "speed": 10000,
            "link_mode": 0,
            "duplex": "full",
            "autoneg": "Yes",
            "bootp": "False",
            "capabilities": {},
        }
        for name, pciaddr, node, mac in (("eth0", "0000:02:00.0", 0, MAC), ("eth1", "0000:82:00.0", 1, "08:00:27:00:00:02"))
    ],
    "pci": [
        {
            "pciaddr": "0000:09:00.0",
            "pclass_id": "0b4000",
            "pvendor_id": "8086",
            "pdevice_id": "0435",
            "pclass": "Co-processor",
            "pvendor": "Intel",
            "pdevice": "QAT",
            "psvendor": "Intel",
            "psdevice": "QAT card",
            "numa_node": 1,
            "sriov_totalvfs": 32,
            "sriov_numvfs": 0,
            "sriov_vfs_pci_address": "",
            "driver": "dh895xcc",
            "extra_info": None,
        }
    ],
    "lldp_agent": [
        {"port_name": "eth0", "status": "rx=enabled,tx=enabled", "chassis_id": "a", "port_identifier": "b", "ttl": "120"}
    ],
    "lldp_neighbour": [
        {"port_name": "eth0", "msap": "c/d", "chassis_id": "c", "port_identifier": "d", "ttl": "120", "dot1_port_vid": "7"}
    ],
}


_CHOICES = {f"actions_{severity}_choices": "ignore,log,alarm" for severity in ("minor", "major")}
_ACTIONS = {"actions_minor_group": "ignore", "actions_major_group": "log", "actions_critical_group": "alarm"}

# What mtce stores of the sensors of a host.
GROUPS: list[dict[str, Any]] = [
    {
        "sensorgroupname": f"server {kind}",
        "sensortype": kind,
        "datatype": "analog",
        "state": "enabled",
        "algorithm": "debounce-1.v1",
        "audit_interval_group": 120,
        "suppress": False,
        "actions_critical_choices": "ignore,log,alarm,reset,powercycle",
        **_CHOICES,
        **_ACTIONS,
    }
    for kind in ("temperature", "fan")
]
SENSORS: list[dict[str, Any]] = [
    {
        "sensorname": name,
        "sensorgroupname": f"server {kind}",
        "sensortype": kind,
        "datatype": "analog",
        "status": "offline",
        "state": "enabled",
        "suppress": False,
        "unit_base": unit,
        "t_critical_upper": "95",
    }
    for name, kind, unit in (("CPU Temp", "temperature", "°C"), ("Fan 1", "fan", "RPM"), ("Fan 2", "fan", "RPM"))
]


def inventory_of_a_machine() -> dict[str, list[dict[str, Any]]]:
    """A copy to change."""
    return copy.deepcopy(INVENTORY)


def discovered_row(mac: str = MAC) -> dict[str, Any]:
    """A host that was discovered."""
    return {
        **defaults.host("26.11"),
        "uuid": str(uuid.uuid4()),
        "mgmt_mac": mac,
        "forisystemid": db_api.get_system()["id"],
    }


def reports(found: dict[str, list[dict[str, Any]]]) -> dict[str, client.InventoryReport]:
    return {kind: client.InventoryReport(inventory.digest(records), records) for kind, records in found.items()}


class SystemTest(testing.TestCase):
    """A test with a system of its own that has its first controller, and with the conductor serving.

    :ivar bootstrap: options of the group bootstrap
    """

    bootstrap = {"system_type": "All-in-one", "system_mode": "duplex"}

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.platform.conf.config(group="bootstrap", **self.bootstrap)
        self.platform.conf.config(group="fm", spool_limit=1000)
        self.conductor = client.Conductor(timeout_s=60)
        self.context = stx_context.internal("test")
        template = (*self.bootstrap.items(), type(self).prepare.__qualname__)
        fill_database(self, db_api.database, template, self._make_system)
        self.addCleanup(self._serve().stop)

    def prepare(self) -> None:
        """What is added to the system before it is copied to each test of the class."""

    def _make_system(self) -> None:
        conductor.Bootstrap().start()
        server = self._serve()
        self.prepare()
        server.stop()

    @staticmethod
    def _serve() -> rpc.Server:
        server = rpc.Server(conductor.Conductor())
        server.start()
        return server

    def create(self, number: int = 1, **values: Any) -> dict[str, Any]:
        """Add a host, by default a worker; `number` makes its MAC address."""
        given = {"personality": "worker", "mgmt_mac": f"08:00:27:00:01:{number:02x}", **values}
        return self.conductor.create_host(self.context, given)

    def report(self, host_uuid: str, found: dict[str, list[dict[str, Any]]] = INVENTORY) -> None:
        """Report inventory as the host's agent does."""
        self.conductor.report_inventory(self.context, host_uuid, reports(found))

    def store_sensors(self, host_uuid: str) -> None:
        """Store sensors as mtce does."""
        self.conductor.store_sensor_model(
            self.context, host_uuid, client.SensorModel(copy.deepcopy(GROUPS), copy.deepcopy(SENSORS))
        )

    def host(self, reference: str = "controller-0") -> dict[str, Any]:
        return db_api.get_host(reference)

    def rows(self, kind: str, reference: str = "controller-0") -> list[dict[str, Any]]:
        """The stored inventory of a host, in the order in which it was stored first."""
        return db_api.list_inventory(kind, paging.Page(2000), self.host(reference)["uuid"])

    def faults(self) -> list[fm_client.Report]:
        """What was reported to Fault Management."""
        with contextlib.closing(fm_client.open_spool()) as spool:
            return catalogued([msgspec.json.decode(body, type=fm_client.Report) for _, body in spool.read(10_000).reports])

    def empty_spool(self) -> None:
        """Take all fault reports, as a courier does."""
        with contextlib.closing(fm_client.open_spool()) as spool:
            spool.remove(spool.read(0).spool, 10**9)

    def fill_spool(self) -> None:
        """Leave no room for another fault report."""
        with contextlib.closing(fm_client.open_spool()) as spool:
            spool.append([b"{}"] * (self.platform.conf.conf.fm.spool_limit - len(spool.read(10_000).reports)))


class RestTest(SystemTest):
    """A test of the REST service, with the conductor behind it."""

    def setUp(self) -> None:
        super().setUp()
        self.rest = self.useFixture(testing.Rest(root.make_application))
        self.system_uuid = db_api.get_system()["uuid"]

    def listed(self, path: str, key: str | None = None, **query: Any) -> list[dict[str, Any]]:
        """The items of a list; the key in the answer is the end of the path."""
        answer = self.rest.get(path, **query)
        self.assertEqual(200, answer.status, answer.body)
        return answer.json[key or path.rpartition("/")[2]]

    def patch(self, path: str, **changes: Any) -> testing.Answer:
        """Replace attributes, as the command line does."""
        return self.rest.request(
            "PATCH", path, [{"op": "replace", "path": f"/{name}", "value": value} for name, value in changes.items()]
        )

    def assert_refused(self, status: int, text: str, answer: testing.Answer) -> None:
        self.assertEqual(status, answer.status, answer.body)
        self.assertIn(text, answer.fault)

    def assert_links(self, path: str, links: Any) -> None:
        expected = [
            {"href": f"http://localhost/v1/{path}", "rel": "self"},
            {"href": f"http://localhost/{path}", "rel": "bookmark"},
        ]
        self.assertEqual(expected, links)
