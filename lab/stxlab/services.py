# SPDX-License-Identifier: Apache-2.0
"""What Service Management is told on the hosts of a lab: which networks, addresses, services and voters there are."""

import json
from collections.abc import Mapping
from typing import Any

from stxlab import board_files, topology
from stxlab.topology import CONTROLLER, SUBNETS, Host

CLUSTER = "lab"
PATHS = ("mgmt", "cluster", "oam")
PLATFORM = "/opt/platform"
# Debian's own places.
PGDATA, PGCONFIG = "/var/lib/postgresql/15/main", "/etc/postgresql/15/main"
PGPASS, PGPASS_USER = "/var/lib/postgresql/.pgpass-replication", "stx_replication"
MODULE = "platform"
PULSE_SETTINGS, PULSE_KEY = "/etc/starlingx/heartbeat.yaml", "/etc/starlingx/heartbeat.key"
# A host's own key, or, on controllers, what the keys of all hosts are derived from.
HOST_KEY, MASTER_KEY = "/etc/starlingx/host.key", "/etc/starlingx/master.key"
# Where pulses go to: all hosts listen there.
PULSE_GROUP = "239.1.1.2"
BOARD_PASSWORD = "/etc/starlingx/board-password"
_FLOATING = {"management-ip": "mgmt", "oam-ip": "oam", "pxeboot-ip": "pxeboot"}
_NAMES = {"mgmt": "management-interface", "cluster": "cluster-host-interface", "oam": "oam-interface"}


def controllers(shape: str) -> list[Host]:
    return [Host(f"controller-{number}", CONTROLLER, number) for number in range(1 if shape == "simplex" else 2)]


def of_controller(name: str, shape: str, key: str) -> str:
    """YAML for a controller.

    :param shape: of the lab: of simplex there is only one
    :param key: of all messages
    """
    every = {host.name: host for host in controllers(shape)}
    own, peer = every[name], next((host for other, host in every.items() if other != name), None)
    interfaces = {}
    for network in PATHS:
        peers = {peer.name: peer.address(network)} if peer else {}
        interfaces[_NAMES[network]] = {"device": network, "address": own.address(network), "peers": peers, "key": key}
    services: dict[str, Any] = {
        service: {
            "parameters": {
                "ip": topology.floating_address(network),
                "prefix": SUBNETS[network].prefixlen,
                "device": network,
            }
        }
        for service, network in _FLOATING.items()
    }
    database = {"pgdata": PGDATA, "config": PGCONFIG, "name": name, "password_file": PGPASS, "replication_user": PGPASS_USER}
    files: dict[str, Any] = {"directory": PLATFORM, "module": MODULE, "name": name}
    if peer:
        database |= {"peer": peer.name, "peer_address": peer.address("mgmt")}
        files |= {"peer": peer.name, "peer_address": peer.address("mgmt")}
    services["postgres"] = {"parameters": database, "pid-file": f"{PGDATA}/postmaster.pid"}
    services["platform-fs"] = {"parameters": files}
    content: dict[str, Any] = {"node": name, "cluster": CLUSTER, "interfaces": interfaces, "services": services}
    if peer:
        content["peer"] = peer.name
        content["boards"] = {
            host.name: {
                "type": "ipmi",
                "address": host.board_address,
                "username": board_files.USER,
                "password-file": BOARD_PASSWORD,
            }
            for host in every.values()
        }
    # YAML takes JSON as it is.
    return json.dumps(content, indent=1)


def of_voter(name: str, key: str, networks: Mapping[str, str]) -> str:
    """YAML for a host that only votes.

    :param networks: its addresses by network; 0.0.0.0 for one that is given to it later
    """
    interfaces = {
        _NAMES[network]: {
            "device": network,
            "address": address,
            "peers": {host.name: host.address(network) for host in controllers("standard")},
            "key": key,
        }
        for network, address in networks.items()
    }
    return json.dumps({"node": name, "cluster": CLUSTER, "interfaces": interfaces}, indent=1)


def key_option(is_controller: bool) -> dict[str, str]:
    """Where a host's processes find the key that they sign with, as their options call it."""
    return {"master_key_file": MASTER_KEY} if is_controller else {"host_key_file": HOST_KEY}


def of_heartbeat(name: str, networks: Mapping[str, str], is_controller: bool) -> str:
    """YAML for the process that answers pulses.

    :param networks: the host's addresses by network; 0.0.0.0 for one that is given to it later
    """
    told = {
        network: {"device": network, "address": address, "group": PULSE_GROUP}
        for network, address in networks.items()
        if network in ("mgmt", "cluster")
    }
    keys = {"key_file": PULSE_KEY, **key_option(is_controller)}
    return json.dumps({"node": name, "cluster": CLUSTER, **keys, "networks": told}, indent=1)
