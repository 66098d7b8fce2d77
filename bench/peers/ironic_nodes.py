# SPDX-License-Identifier: Apache-2.0
"""Fills an Ironic database with nodes; runs in the Ironic peer's virtual environment.

``python -I ironic_nodes.py --config-file ironic.conf NODES``
"""

import argparse
import datetime
import uuid

from ironic import objects
from ironic.common import context, service, states

CONDUCTOR = "conductor-0"
DRIVER = "redfish"
INSPECTED = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)
NAMESPACE = uuid.UUID("8f0a3c58-6d3e-4a5c-9a55-0d1f6f5f7a10")

INTERFACES = {
    "bios_interface": "redfish",
    "boot_interface": "redfish-virtual-media",
    "console_interface": "no-console",
    "deploy_interface": "direct",
    "firmware_interface": "redfish",
    "inspect_interface": "redfish",
    "management_interface": "redfish",
    "network_interface": "noop",
    "power_interface": "redfish",
    "raid_interface": "redfish",
    "rescue_interface": "agent",
    "storage_interface": "noop",
    "vendor_interface": "redfish",
}


def node_values(number: int) -> dict[str, object]:
    """An inspected, powered-on server at rest, as an operator's inventory holds it."""
    name = f"compute-{number}"
    return INTERFACES | {
        "uuid": str(uuid.uuid5(NAMESPACE, name)),
        "name": name,
        "driver": DRIVER,
        "driver_info": {
            "redfish_address": f"https://bmc-{number}.example.org",
            "redfish_system_id": "/redfish/v1/Systems/1",
            "redfish_username": "operator",
            "redfish_password": "not-a-real-one",
            "redfish_verify_ca": True,
        },
        "driver_internal_info": {
            "last_power_state_change": "2026-01-01T11:58:00.000000",
            "agent_version": "11.3.0",
            "is_whole_disk_image": True,
        },
        "properties": {
            "cpus": 64,
            "cpu_arch": "x86_64",
            "memory_mb": 262144,
            "local_gb": 1787,
            "capabilities": "boot_mode:uefi,secure_boot:true,cpu_vt:true,cpu_hugepages:true",
            "vendor": "Example Systems",
        },
        "extra": {
            "serial_number": f"SN{number:08d}",
            "rack": f"rack-{number // 40}",
            "slot": number % 40,
        },
        "resource_class": "edge",
        "power_state": states.POWER_ON,
        "provision_state": states.AVAILABLE,
        "provision_updated_at": INSPECTED,
        "inspection_started_at": INSPECTED - datetime.timedelta(minutes=4),
        "inspection_finished_at": INSPECTED,
        "boot_mode": "uefi",
        "secure_boot": True,
        "description": f"Edge server {number}",
    }


def main() -> None:
    """Register one conductor and create the nodes through Ironic's own objects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config-file", required=True)
    parser.add_argument("nodes", type=int)
    arguments = parser.parse_args()
    service.prepare_command(["ironic-nodes", "--config-file", arguments.config_file])
    admin = context.get_admin_context()
    # Without a conductor for their driver the API rebuilds its hash ring for every node of a list,
    # which no site with a working conductor pays. On SQLite Ironic asks for no heartbeat.
    conductor = objects.Conductor.register(admin, CONDUCTOR, [DRIVER], conductor_group="")
    conductor.register_hardware_interfaces(
        [
            {
                "hardware_type": DRIVER,
                "interface_type": "deploy",
                "interface_name": "direct",
                "default": True,
            }
        ]
    )
    for number in range(arguments.nodes):
        objects.Node(admin, **node_values(number)).create()


if __name__ == "__main__":
    main()
