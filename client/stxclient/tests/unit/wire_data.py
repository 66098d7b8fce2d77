# SPDX-License-Identifier: Apache-2.0
"""What the services answer, as data (shapes: spec sysinv.md 1.7, fm.md 6)."""

from typing import Any

SYSTEM_UUID = "70000000-0000-4000-8000-000000000001"
HOST_UUID = "10000000-0000-4000-8000-000000000001"
COMPUTE_UUID = "10000000-0000-4000-8000-000000000002"
STORAGE_UUID = "10000000-0000-4000-8000-000000000003"
DISK_UUID = "20000000-0000-4000-8000-000000000001"
AGENT_UUID = "30000000-0000-4000-8000-000000000001"
NEIGHBOUR_UUID = "30000000-0000-4000-8000-000000000002"
TIMES = {"created_at": "2026-11-20T08:00:00.000001+00:00", "updated_at": None}

SYSTEM: dict[str, Any] = {
    "uuid": SYSTEM_UUID,
    "name": "edge-12",
    "system_type": "Standard",
    "system_mode": None,
    "description": None,
    "contact": "noc@example.com",
    "location": "Hall 3",
    "services": 72,
    "software_version": "26.11",
    "timezone": "UTC",
    "capabilities": {"vswitch_type": "none", "sdn_enabled": False, "https_enabled": "True", "bm_region": "External"},
    "region_name": "RegionOne",
    "distributed_cloud_role": None,
    "service_project_name": "services",
    "security_feature": "spectre_meltdown_v1",
    **TIMES,
}


def host(number: int, uuid: str, hostname: str, personality: str, **more: Any) -> dict[str, Any]:
    """A host as GET /v1/ihosts/{x} gives it."""
    return {
        "id": number,
        "uuid": uuid,
        "hostname": hostname,
        "personality": personality,
        "subfunctions": personality,
        "administrative": "unlocked",
        "operational": "enabled",
        "availability": "available",
        "subfunction_oper": "disabled",
        "subfunction_avail": "not-installed",
        "invprovision": "provisioned",
        "action": "none",
        "task": None,
        "mgmt_mac": f"52:54:00:00:00:{number:02x}",
        "mgmt_ip": f"192.168.204.{number + 2}",
        "serialid": None,
        "location": {"locn": "Rack 7"},
        "uptime": 86400,
        "reserved": "False",
        "capabilities": {"stor_function": "monitor", "Personality": "Controller-Active"},
        "config_status": None,
        "install_state": "completed+",
        "install_state_info": None,
        "peers": None,
        "vsc_controllers": None,
        **TIMES,
        **more,
    }


CONTROLLER = host(1, HOST_UUID, "controller-0", "controller")
COMPUTE = host(2, COMPUTE_UUID, "compute-0", "worker", subfunctions="worker,lowlatency", subfunction_oper="enabled")
STORAGE = host(3, STORAGE_UUID, "storage-0", "storage", peers={"name": "group-0", "hosts": ["storage-0"]})
# Not in the order of their ids, as no order is promised.
HOSTS = [STORAGE, CONTROLLER, COMPUTE]


def cpu(number: int, function: str = "Applications") -> dict[str, Any]:
    """A logical processor."""
    return {
        "uuid": f"40000000-0000-4000-8000-{number:012}",
        "cpu": number,
        "core": number // 2,
        "thread": number % 2,
        "numa_node": 0,
        "cpu_family": "6",
        "cpu_model": "Xeon",
        "allocated_function": function,
        "capabilities": {},
        "ihost_uuid": HOST_UUID,
        "inode_uuid": "50000000-0000-4000-8000-000000000000",
        **TIMES,
    }


CPUS = [cpu(10), cpu(0, "Platform"), cpu(2)]

NODES = [
    {
        "uuid": "50000000-0000-4000-8000-000000000000",
        "numa_node": 0,
        "capabilities": {},
        "ihost_uuid": HOST_UUID,
        **TIMES,
    }
]

MEMORIES = [
    {
        "uuid": "60000000-0000-4000-8000-000000000000",
        "numa_node": 0,
        "memtotal_mib": 60000,
        "memavail_mib": 58000,
        "platform_reserved_mib": 8000,
        "minimum_platform_reserved_mib": 7000,
        "hugepages_configured": "True",
        "vswitch_hugepages_size_mib": 1024,
        "vswitch_hugepages_nr": 1,
        "vswitch_hugepages_avail": 0,
        "vm_hugepages_nr_4K": 1000,
        "vm_hugepages_nr_2M": 20000,
        "vm_hugepages_avail_2M": 19999,
        "vm_hugepages_nr_2M_pending": None,
        "vm_hugepages_possible_2M": 26000,
        "vm_hugepages_nr_1G": 4,
        "vm_hugepages_avail_1G": 4,
        "vm_hugepages_nr_1G_pending": 6,
        "vm_hugepages_possible_1G": 50,
        "vm_hugepages_use_1G": "False",
        "capabilities": None,
        "ihost_uuid": HOST_UUID,
        **TIMES,
    }
]

DISKS = [
    {
        "uuid": DISK_UUID,
        "device_node": "/dev/sda",
        "device_num": 2048,
        "device_type": "SSD",
        "device_path": "/dev/disk/by-path/pci-0000:00:0d.0-ata-1.0",
        "size_mib": 512000,
        "available_mib": 1023,
        "rpm": "N/A",
        "serial_id": "VB-1",
        "ihost_uuid": HOST_UUID,
        "istor_uuid": None,
        "ipv_uuid": None,
        **TIMES,
    }
]


def partition(number: int, status: int) -> dict[str, Any]:
    """A partition of the disk."""
    return {
        "uuid": f"21000000-0000-4000-8000-{number:012}",
        "device_node": f"/dev/sda{number}",
        "device_path": f"/dev/disk/by-path/pci-0000:00:0d.0-ata-1.0-part{number}",
        "type_guid": "ba5eba11-0000-1111-2222-000000000001",
        "type_name": "LVM Physical Volume",
        "start_mib": 1024,
        "end_mib": 2048,
        "size_mib": 1536,
        "status": status,
        "idisk_uuid": DISK_UUID,
        "ihost_uuid": HOST_UUID,
        "ipv_uuid": None,
        **TIMES,
    }


PARTITIONS = [partition(1, 1), partition(2, 12)]

PORTS = [
    {
        "uuid": "80000000-0000-4000-8000-000000000001",
        "type": "ethernet",
        "name": "enp0s3",
        "namedisplay": None,
        "pciaddr": "0000:00:03.0",
        "dev_id": 0,
        "numa_node": 0,
        "dpdksupport": True,
        "pclass": "Ethernet controller [0200]",
        "pvendor": "Intel [8086]",
        "pdevice": "82540EM [100e]",
        "host_uuid": HOST_UUID,
        **TIMES,
    }
]
ETHERNET_PORTS = [
    {**PORTS[0], "namedisplay": "eth-front", "mac": "52:54:00:00:00:01", "mtu": 1500, "autoneg": "Yes", "bootp": "True"}
]


def device(address: str, enabled: bool) -> dict[str, Any]:
    """A PCI device."""
    return {
        "uuid": f"90000000-0000-4000-8000-0000000000{address[8:10]}",
        "name": f"pci_{address.replace(':', '_').replace('.', '_')}",
        "pciaddr": address,
        "pclass_id": "030000",
        "pvendor_id": "102b",
        "pdevice_id": "0522",
        "pclass": "VGA compatible controller",
        "pvendor": "Matrox",
        "pdevice": "MGA G200e",
        "numa_node": 0,
        "enabled": enabled,
        "host_uuid": HOST_UUID,
        **TIMES,
    }


DEVICES = [device("0000:00:08.0", True), device("0000:00:09.0", False)]

SENSORS = [
    {
        "uuid": uuid,
        "host_uuid": HOST_UUID,
        "sensorgroup_uuid": "5e6f0001-0000-4000-8000-00000000000a",
        "sensorname": name,
        "sensortype": "fan",
        "datatype": "analog",
        "status": "ok",
        "state": "enabled",
        "suppress": "False",
        "audit_interval": 120,
        "actions_critical": "alarm",
        "unit_base": "RPM",
        **TIMES,
    }
    for uuid, name in (
        ("5e6f0001-0000-4000-8000-000000000001", "Fan 1"),
        ("5e6f0001-0000-4000-8000-000000000002", "Fan 2"),
    )
]
SENSOR_GROUPS = [
    {
        "uuid": "5e6f0001-0000-4000-8000-00000000000a",
        "host_uuid": HOST_UUID,
        "sensorgroupname": "server fans",
        "sensortype": "fan",
        "datatype": "analog",
        "sensors": "Fan 1,Fan 2",
        "state": "enabled",
        "suppress": "False",
        "audit_interval_group": 120,
        "actions_critical_group": "alarm",
        **TIMES,
    }
]

AGENT = {
    "uuid": AGENT_UUID,
    "host_uuid": HOST_UUID,
    "port_name": "enp0s3",
    "port_namedisplay": None,
    "status": "rx=enabled,tx=enabled",
    "chassis_id": "52:54:00:00:00:01",
    "port_identifier": "enp0s3",
    "ttl": "120",
    "system_name": "controller-0:edge-12",
    "system_description": "Debian",
    **TIMES,
}
NEIGHBOUR = {
    **AGENT,
    "uuid": NEIGHBOUR_UUID,
    "msap": "aa,bb",
    "port_identifier": "ge-0/0/1",
    "system_name": "switch",
    "management_address": "10.0.0.1",
}

SERVICE_NODES = [
    {
        "id": number,
        "uuid": f"80000000-0000-4000-8000-{number:012}",
        "name": f"controller-{number - 1}",
        "administrative_state": "unlocked",
        "operational_state": "enabled",
        "availability_status": "available",
        "ready_state": ready,
    }
    for number, ready in ((1, "enabled"), (2, "disabled"))
]


def service(number: int, name: str, state: str, status: str = "") -> dict[str, Any]:
    """A service of the active controller."""
    return {
        "id": number,
        "uuid": f"81000000-0000-4000-8000-{number:012}",
        "name": name,
        "node_name": "controller-0",
        "desired_state": "enabled-active",
        "state": state,
        "status": status,
        "condition": "recovery-failure" if status else "",
    }


SERVICES = [
    service(2, "postgres", "disabled", "failed"),
    service(1, "management-ip", "enabled-active"),
    service(3, "new", "initial"),
]


def group(number: int, name: str, node: str, state: str, status: str = "") -> dict[str, Any]:
    """What a group of services is on a controller."""
    return {
        "uuid": f"82000000-0000-4000-8000-{number:012}",
        "name": "controller",
        "service_group_name": name,
        "node_name": node,
        "desired_state": state,
        "state": state,
        "status": status,
        "condition": "data-syncing" if status else "",
    }


SERVICE_GROUPS = [
    group(1, "oam-services", "controller-0", "active"),
    group(2, "controller-services", "controller-1", "standby", "degraded"),
    group(3, "controller-services", "controller-0", "active"),
    group(4, "web-services", "controller-0", "initial"),
]


def alarm(number: int, timestamp: str, **more: Any) -> dict[str, Any]:
    """An alarm with all fields, as the 2018 service gives it: booleans are texts."""
    return {
        "uuid": f"a0000000-0000-4000-8000-{number:012}",
        "alarm_id": f"100.10{number}",
        "alarm_state": "set",
        "entity_type_id": "host",
        "entity_instance_id": f"host=compute-{number}",
        "timestamp": timestamp,
        "severity": "major",
        "reason_text": "Threshold exceeded",
        "alarm_type": "operational-violation",
        "probable_cause": "threshold-crossed",
        "proposed_repair_action": "Look.",
        "service_affecting": "False",
        "suppression": "True",
        "suppression_status": "unsuppressed",
        "mgmt_affecting": "True",
        "degrade_affecting": "False",
        **TIMES,
        **more,
    }


ALARMS = [
    alarm(1, "2026-11-20T10:00:00.000001"),
    alarm(2, "2026-11-22T10:00:00.000001", suppression_status="suppressed"),
    alarm(3, "2026-11-21T10:00:00"),
]
SUMMARY = {"critical": 0, "major": 2, "minor": 0, "warnings": 3, "status": "degraded", "system_uuid": SYSTEM_UUID}


def event(number: int, state: str = "set", status: str = "unsuppressed") -> dict[str, Any]:
    """An event with all fields."""
    return {
        "uuid": f"e0000000-0000-4000-8000-{number:012}",
        "event_log_id": "200.001",
        "state": state,
        "entity_type_id": "host",
        "entity_instance_id": "host=compute-0",
        "timestamp": f"2026-11-20T10:00:00.{number:06}",
        "severity": "warning",
        "reason_text": "locked",
        "event_log_type": "operational-violation",
        "probable_cause": "out-of-service",
        "proposed_repair_action": None,
        "service_affecting": "True",
        "suppression": "False",
        "suppression_status": status,
    }


EVENTS = [event(3, "log"), event(2, "clear"), event(1, "set", "suppressed")]


def kind(number: int, status: str) -> dict[str, Any]:
    """A kind of alarm."""
    return {
        "id": number,
        "uuid": f"b0000000-0000-4000-8000-{number:012}",
        "alarm_id": f"100.10{number}",
        "description": "Something",
        "suppression_status": status,
    }


KINDS = [kind(1, "unsuppressed"), kind(2, "suppressed"), kind(3, "unsuppressed")]

PARAMETERS = [
    {
        "id": number,
        "uuid": f"7a10000{number}-0000-4000-8000-000000000001",
        "service": "platform",
        "section": "maintenance",
        "name": name,
        "value": value,
        "personality": None,
        "resource": None,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": None,
    }
    for number, (name, value) in enumerate((("heartbeat_period", "100"), ("mnfa_threshold", "2")), 1)
]

COMMUNITIES = [
    {
        "uuid": "c0000000-0000-4000-8000-000000000001",
        "community": "public",
        "view": ".1",
        "access": "ro",
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": None,
    }
]

TRAP_DESTINATIONS = [
    {
        "uuid": f"d0000000-0000-4000-8000-00000000000{number}",
        "ip_address": f"192.0.2.{number}",
        "community": community,
        "port": 162,
        "type": kind,
        "transport": "udp",
        "security_name": user,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": None,
    }
    for number, community, kind, user in ((7, "public", "snmpv2c_trap", None), (8, None, "snmpv3_inform", "watcher"))
]
