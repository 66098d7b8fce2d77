# SPDX-License-Identifier: Apache-2.0
"""What systems, hosts and their parts are before anyone says otherwise (spec sysinv.md 1.7, 3.5, 9)."""

from collections.abc import Sequence
from typing import Any

from sysinv import states

SERVICES = 72
# Spec sysinv.md 1.7.5, partition status.
PARTITION_READY = 0
# Creating, deleting, modifying. One that is made at the next unlock is not.
PARTITIONS_BUSY = (2, 4, 5)


def system(options: Any, software_version: str) -> dict[str, Any]:
    """The attributes of a new system; `options` are those of the group bootstrap."""
    return {
        "name": options.system_name,
        "system_type": options.system_type,
        "system_mode": options.system_mode if options.system_type == states.ALL_IN_ONE else None,
        "description": None,
        "contact": None,
        "location": None,
        "services": SERVICES,
        "software_version": software_version,
        "timezone": options.timezone,
        "region_name": options.region_name,
        "service_project_name": "services",
        "distributed_cloud_role": None,
        "security_feature": "spectre_meltdown_v1",
        "latitude": None,
        "longitude": None,
        "capabilities": {"region_config": False, "sdn_enabled": False, "https_enabled": False, "vswitch_type": "none"},
    }


def host(software_version: str) -> dict[str, Any]:
    """The attributes of a new host."""
    return {
        "hostname": None,
        "personality": None,
        "subfunctions": None,
        "mgmt_mac": None,
        "mgmt_ip": None,
        "infra_ip": None,
        "serialid": None,
        "location": {},
        "administrative": states.LOCKED,
        "operational": states.DISABLED,
        "availability": "offline",
        "subfunction_oper": states.DISABLED,
        "subfunction_avail": "not-installed",
        "invprovision": None,
        "action": "none",
        "ihost_action": None,
        "action_state": None,
        "task": None,
        "mtce_info": None,
        "vim_progress_status": None,
        "reserved": False,
        "uptime": 0,
        "capabilities": {},
        "config_status": None,
        "config_applied": None,
        "config_target": None,
        "boot_device": "sda",
        "rootfs_device": "sda",
        "install_output": "text",
        "console": "ttyS0,115200",
        "tboot": "",
        "ttys_dcd": None,
        "vsc_controllers": None,
        "install_state": None,
        "install_state_info": None,
        "install_silent_minutes": 0,
        "software_load": software_version,
        "target_load": software_version,
        "iscsi_initiator_name": None,
        "hw_settle": "0",
        "clock_synchronization": "ntp",
        "bm_ip": None,
        "bm_type": None,
        "bm_username": None,
        "bm_password": None,
        "action_number": 0,
        "requested_action": None,
        "action_taken": 0,
        "mtce_procedure": None,
        "mtce_stage": None,
        "mtce_attempts": 0,
        "mtce_number": 0,
        "mtce_boot_id": None,
        "mtce_failures": {},
        "mtce_cause": None,
    }


def fill(kind: str, records: Sequence[dict[str, Any]], subfunctions: str) -> list[dict[str, Any]]:
    """A host's report with the operator's attributes at their first values."""
    add = _FILL.get(kind)
    return [{**add(record, subfunctions), **record} for record in records] if add else list(records)


def _cpu(record: dict[str, Any], subfunctions: str) -> dict[str, Any]:
    # A host that carries no VMs uses all its cores for the platform. One that does keeps the first core of the first
    # processor, and its SMT siblings, for the platform.
    is_platform = "worker" not in subfunctions or (record.get("numa_node") in (0, None) and record.get("core") == 0)
    return {"allocated_function": "Platform" if is_platform else "Applications", "capabilities": {}}


def _memory(record: dict[str, Any], subfunctions: str) -> dict[str, Any]:
    return {
        "platform_reserved_mib": 0,
        "vm_hugepages_nr_2M_pending": None,
        "vm_hugepages_nr_1G_pending": None,
        "capabilities": {},
    }


def _pci(record: dict[str, Any], subfunctions: str) -> dict[str, Any]:
    return {"name": "pci_" + record["pciaddr"].replace(":", "_").replace(".", "_"), "enabled": False}


def _partition(record: dict[str, Any], subfunctions: str) -> dict[str, Any]:
    # What is there when the host is first looked at is ready to be used.
    return {"status": PARTITION_READY, "capabilities": {}}


_FILL = {"cpu": _cpu, "memory": _memory, "pci": _pci, "partition": _partition}
