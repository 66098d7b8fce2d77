# SPDX-License-Identifier: Apache-2.0
"""How mtce-client is told what a host of a lab is: a container, whose networks are named after themselves."""

from collections.abc import Iterable

# A host that leaves this file is blank at its next boot (stxlab.machine).
WIPED = ".wiped"
_WATCHED = ("mgmt", "cluster", "oam")


def options(devices: Iterable[str], cluster: str | None) -> dict[str, dict[str, str]]:
    """By group and name.

    :param devices: the network devices that the host has
    :param cluster: its address on the network cluster
    """
    networks = [name for name in _WATCHED if name in set(devices)]
    return {
        "mtce": {"may_reboot": "true"},
        "mtce_host": {"wipe_command": f"touch /{WIPED}"} | ({"addresses": f"cluster:{cluster}"} if cluster else {}),
        # Processors and memory are those of the machine that all hosts share.
        "mtce_resources": {"cpu": "", "memory": "", "networks": ",".join(f"{name}:{name}" for name in networks)},
    }
