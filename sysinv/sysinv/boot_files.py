# SPDX-License-Identifier: Apache-2.0
"""What is in the files that hosts are named, addressed and installed by (spec sysinv.md 6.1, 6.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sysinv import addressing, states
from sysinv.addressing import Network

Host = Mapping[str, Any]

# The attributes of hosts that the files are made of.
SOURCES = frozenset(
    {
        *("hostname", "personality", "subfunctions", "mgmt_mac", "mgmt_ip", "boot_device", "rootfs_device", "console"),
        *("target_load", "action_state", "install_state"),
    }
)
# Begins each file for a boot loader that is ours to change and to remove.
MARK = "# Made by sysinv-conductor; changes made here are lost.\n"
# The type of network before the address, as the boot loader asks: Ethernet.
_PXELINUX_PREFIX = "01-"

# The loader itself, loaded again, looks for the host's file again.
PXELINUX_DEFAULT = f"""{MARK}DEFAULT wait
PROMPT 1
TIMEOUT 300
ONTIMEOUT wait
SAY This host waits to be told what it is: system host-list, then
SAY system host-update ID personality=... hostname=...
LABEL wait
  KERNEL pxelinux.0
"""

_PXELINUX = """{mark}# {hostname}
DEFAULT install
PROMPT 0
TIMEOUT 0
LABEL install
  KERNEL {load}/installer-bzImage
  APPEND {arguments}
  IPAPPEND 2
"""


def dnsmasq_hosts(hosts: Sequence[Host]) -> str:
    """Which address and name dnsmasq gives to whom: its dhcp-hostsfile."""
    lines = []
    for host in _named(hosts):
        address = f"[{host['mgmt_ip']}]" if ":" in host["mgmt_ip"] else host["mgmt_ip"]
        if host["mgmt_mac"]:
            lines.append(f"{host['mgmt_mac']},{host['hostname']},{address},1d\n")
        else:
            lines.append(f"{host['hostname']},{address}\n")
    return "".join(lines)


def dnsmasq_names(hosts: Sequence[Host], management: Network, pxeboot: Network) -> str:
    """Which names dnsmasq resolves: its addn-hosts."""
    named = [(addressing.floating(management), "controller"), (addressing.floating(pxeboot), "pxecontroller")]
    named += [(host["mgmt_ip"], host["hostname"]) for host in _named(hosts)]
    return "".join(f"{address} {name}\n" for address, name in named)


def _named(hosts: Sequence[Host]) -> list[Host]:
    return [host for host in hosts if host["personality"] and host["hostname"] and host["mgmt_ip"]]


def is_to_be_installed(host: Host) -> bool:
    """Whether the host is installed when it boots from the network.

    It never is because of what an installer tells, which anybody can: that only ends it.
    """
    is_waiting = host["action_state"] == states.REINSTALLING and host["install_state"] not in (states.BOOTING, states.COMPLETED)
    return bool(is_waiting and host["personality"] and host["mgmt_mac"])


def pxelinux(hosts: Sequence[Host], controller_url: str) -> dict[str, str]:
    """The files of hosts that are to be installed, by name."""
    return {pxelinux_name(host["mgmt_mac"]): _pxelinux(host, controller_url) for host in hosts if is_to_be_installed(host)}


def pxelinux_name(mac: str) -> str:
    """What the boot loader calls the file of the host with this MAC address."""
    return _PXELINUX_PREFIX + mac.lower().replace(":", "-")


def is_pxelinux_name(name: str) -> bool:
    return name.startswith(_PXELINUX_PREFIX)


def _pxelinux(host: Host, controller_url: str) -> str:
    load = f"rel-{host['target_load']}"
    arguments = {
        "initrd": f"{load}/installer-initrd",
        "boot_device": host["boot_device"],
        "rootfs_device": host["rootfs_device"],
        "console": host["console"],
        "inst.text": None,
        "inst.gpt": None,
        "security_profile": "standard",
        "user_namespace.enable": "1",
        "tisnotify": f"{controller_url.rstrip('/')}/v1/ihosts/{host['uuid']}/install_progress",
        "inst.ks": f"http://pxecontroller/feed/{load}/net_{_kickstart(host['subfunctions'])}_ks.cfg",
        "stx.personality": host["personality"],
        "stx.subfunctions": host["subfunctions"],
        "stx.hostname": host["hostname"],
    }
    words = [name if value is None else f"{name}={_word(value)}" for name, value in arguments.items() if value != ""]
    return _PXELINUX.format(mark=MARK, hostname=host["hostname"], load=load, arguments=" ".join(words))


def _word(value: str) -> str:
    """What cannot end the argument, or the line."""
    return "".join(letter for letter in value if letter.isprintable() and not letter.isspace())


def _kickstart(subfunctions: str) -> str:
    first, *others = subfunctions.split(",")
    kind = "smallsystem" if states.WORKER in others else first
    return f"{kind}_lowlatency" if "lowlatency" in others else kind
