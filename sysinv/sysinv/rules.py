# SPDX-License-Identifier: Apache-2.0
"""Which hosts may be added, changed and deleted (spec sysinv.md 1.8.1 to 1.8.3).

Every function gives all the reasons against a request at once, each a sentence that says what to change.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sysinv import board, states

Host = Mapping[str, Any]

MAX_CONTROLLERS = 2
MAX_DUPLEX_WORKERS = 50
MAX_STORAGE = 9
# Machines that wait for a personality; anybody on the network can pretend to be one more.
MAX_DISCOVERED = 1000
_MINIMUM_RESERVED_MIB = 2000

# One label, as an alarm's entity ends a host's name at the first dot.
_HOSTNAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_UUID_DIGITS = re.compile(r"[0-9A-Fa-f]{32}")
# What stands where a host's name may stand in a path.
_PATH_WORDS = frozenset(
    {
        "actions",
        "detail",
        "icpus",
        "idisks",
        "iinterfaces",
        "imemorys",
        "inodes",
        "isensorgroups",
        "isensors",
        "labels",
        "localhost",
        "partitions",
        "ports",
        "routes",
        "state",
    }
)
# What the active controller is known by, whichever it is.
_PLATFORM_NAMES = frozenset({"controller", "pxecontroller", "controller-nfs", "controller-platform-nfs"})
_SUBFUNCTIONS = {
    states.CONTROLLER: ({"controller"}, {"controller", "worker"}, {"controller", "worker", "lowlatency"}),
    states.WORKER: ({"worker"}, {"worker", "lowlatency"}),
    states.STORAGE: ({"storage"},),
}
_ONCE = ("hostname", "personality", "subfunctions", "mgmt_mac", "mgmt_ip")
_LOCKED_ONLY = ("boot_device", "rootfs_device", "install_output", "console", "tboot", "hw_settle", "clock_synchronization")
# Each becomes a word of a kernel's command line.
_WORDS = ("boot_device", "rootfs_device", "console")
_NEVER_NULL = (*_LOCKED_ONLY, "location")
_BY_PERSONALITY = ("hostname", "subfunctions")
_UNIQUE = ("hostname", "mgmt_mac", "mgmt_ip", "bm_ip")
# What a decision about one host looks at in all others.
OF_PEERS = ("id", "uuid", "personality", "administrative", "operational", "mtce_procedure", "mtce_stage", *_UNIQUE)
_LABELS = {"hostname": "name", "mgmt_mac": "MAC address", "mgmt_ip": "management address", "bm_ip": "board management address"}


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why a request is refused.

    :ivar conflict: it clashes with what exists already, rather than being wrong in itself
    """

    reason: str
    conflict: bool = False


def called(host: Host) -> str:
    """What an operator calls a host that is there."""
    return host["hostname"] or f"host {host['id']}"


def complete(values: Mapping[str, Any], system: Mapping[str, Any], hosts: Sequence[Host]) -> dict[str, Any]:
    """The attributes of a new host with what follows from its personality: wire name, host name, subfunctions.

    One that is given as None counts as not given.
    """
    host = board.complete({name: value for name, value in values.items() if value is not None})
    if host.get("personality"):
        host["personality"] = states.personality(host["personality"])
        if not host.get("hostname"):
            host["hostname"] = default_hostname(host["personality"], hosts)
        host["subfunctions"] = _full_subfunctions(host, system)
    return host


def default_hostname(personality: str, hosts: Sequence[Host]) -> str:
    """The first free name of the personality's series: controller-0, compute-0, storage-0, …"""
    series = "compute" if personality == states.WORKER else personality
    taken = {host["hostname"] for host in hosts}
    return next(name for number in range(len(hosts) + 1) if (name := f"{series}-{number}") not in taken)


def _full_subfunctions(host: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    parts = [host["personality"]]
    if host["personality"] == states.CONTROLLER and system["system_type"] == states.ALL_IN_ONE:
        parts.append(states.WORKER)
    # `lowlatency` alone is what the command line sends.
    given = [states.personality(part.strip()) for part in (host.get("subfunctions") or "").split(",") if part.strip()]
    return ",".join(dict.fromkeys([*parts, *given]))


def check_create(host: Host, system: Mapping[str, Any], hosts: Sequence[Host]) -> list[Refusal]:
    """Reasons against adding a host; `host` is what `complete` gave."""
    refusals = []
    if system["system_mode"] == states.SIMPLEX:
        refusals.append(Refusal("This is a simplex system: it has one host and takes no other."))
    if not host.get("mgmt_mac"):
        refusals.append(Refusal("A host is recognised by its management MAC address: give mgmt_mac."))
    if host.get("personality") is None:
        refusals.append(Refusal("A host needs a personality: controller, worker or storage."))
    else:
        refusals += _check_personality(host, system, hosts)
    return refusals + _check_words(host) + _check_unique(host, hosts) + _check_board(host, {})


def _check_board(host: Host, changes: Mapping[str, Any]) -> list[Refusal]:
    return [Refusal(reason) for reason in board.check(host, changes)]


def find_discovered(mac: str | None, hosts: Sequence[Host]) -> Host | None:
    """The host that was discovered by this MAC address, and that nobody has given a personality yet."""
    return next((host for host in hosts if mac and host["mgmt_mac"] == mac and host["personality"] is None), None)


def check_discovery(system: Mapping[str, Any], hosts: Sequence[Host]) -> list[Refusal]:
    """Reasons against taking in a machine that waits to be installed."""
    if system["system_mode"] == states.SIMPLEX:
        return [Refusal("This is a simplex system: it has one host and takes no other.")]
    if len([host for host in hosts if host["personality"] is None]) >= MAX_DISCOVERED:
        return [Refusal(f"{MAX_DISCOVERED} discovered hosts wait for a personality already. Give them one, or delete them.")]
    return []


def _check_words(values: Mapping[str, Any]) -> list[Refusal]:
    return [
        Refusal(f"{name} cannot have spaces or control characters: it becomes a word of a kernel's command line.")
        for name in _WORDS
        if re.search(r"[\s\x00-\x1f\x7f]", str(values.get(name) or ""))
    ]


def _check_personality(host: Host, system: Mapping[str, Any], hosts: Sequence[Host]) -> list[Refusal]:
    personality = host["personality"]
    if personality not in states.PERSONALITIES:
        return [Refusal(f"There is no personality {personality!r}: use controller, worker (or compute) or storage.")]
    refusals = _check_hostname(host, hosts)
    subfunctions = set(host["subfunctions"].split(","))
    if subfunctions not in _SUBFUNCTIONS[personality]:
        allowed = "; ".join(",".join(sorted(names)) for names in _SUBFUNCTIONS[personality])
        refusals.append(Refusal(f"A {personality} cannot have the subfunctions {host['subfunctions']}. Possible: {allowed}."))
    alike = [other for other in hosts if other["personality"] == personality]
    if personality == states.CONTROLLER and len(alike) >= MAX_CONTROLLERS:
        names = ", ".join(called(other) for other in alike)
        text = f"There are {len(alike)} controllers already ({names}); a system has two at the most. Use worker, or delete one of them."
        refusals.append(Refusal(text))
    if personality == states.STORAGE and len(alike) >= MAX_STORAGE:
        refusals.append(Refusal(f"A system takes {MAX_STORAGE} storage hosts; all are there."))
    if system["system_type"] == states.ALL_IN_ONE:
        refusals += _check_all_in_one(personality, alike)
    return refusals


def _check_all_in_one(personality: str, alike: Sequence[Host]) -> list[Refusal]:
    if personality == states.STORAGE:
        return [Refusal("An All-in-one system has no storage hosts: its controllers store.")]
    if personality == states.WORKER and len(alike) >= MAX_DUPLEX_WORKERS:
        return [Refusal(f"A duplex system takes {MAX_DUPLEX_WORKERS} workers; all are there.")]
    return []


def _check_hostname(host: Host, hosts: Sequence[Host]) -> list[Refusal]:
    name, personality = host["hostname"], host["personality"]
    if personality in (states.CONTROLLER, states.STORAGE):
        expected = default_hostname(personality, hosts)
        known = (
            personality == states.CONTROLLER
            and len([other for other in hosts if other["personality"] == personality]) >= MAX_CONTROLLERS
        )
        if name != expected and not known:
            return [Refusal(f"The next {personality} must be named {expected}, not {name}.")]
        return []
    if not _HOSTNAME.fullmatch(name):
        return [Refusal(f"{name!r} is not a host name: use small letters, digits and inner hyphens, 63 at the most.")]
    if name in _PLATFORM_NAMES:
        return [Refusal(f"The name {name} is the active controller's; choose another, such as compute-0.")]
    if name in _PATH_WORDS:
        return [Refusal(f"The name {name} means something else in the API's paths; choose another, such as compute-0.")]
    if name.isdigit() or _UUID_DIGITS.fullmatch(name.replace("-", "")):
        return [Refusal(f"The name {name} would be taken for a host's id. Begin it with a word, such as compute-0.")]
    if re.fullmatch(r"controller-\d+", name) or name.startswith("storage"):
        return [Refusal(f"The name {name} is kept for another personality; choose another, such as compute-0.")]
    return []


def _check_unique(host: Host, hosts: Sequence[Host]) -> list[Refusal]:
    refusals = []
    for name in _UNIQUE:
        for other in hosts:
            if host.get(name) and other[name] == host[name]:
                text = (
                    f"The {_LABELS[name]} {host[name]} is taken already, by {called(other)}. Give another, or delete that host."
                )
                refusals.append(Refusal(text, conflict=True))
    return refusals


def check_update(
    host: Host, changes: Mapping[str, Any], system: Mapping[str, Any], hosts: Sequence[Host]
) -> tuple[dict[str, Any], list[Refusal]]:
    """What a change of a host comes to, and the reasons against it.

    A discovered host, which has no personality yet, gets one under the rules of a new host.
    """
    changed = {name: value for name, value in board.complete(changes).items() if board.differs(host, name, value)}
    if "personality" in changed:
        changed["personality"] = states.personality(changed["personality"] or "")
        if changed["personality"] == (host["personality"] or ""):
            del changed["personality"]
    refusals = [
        Refusal(f"The {name} of {called(host)} is {host[name]} and cannot be changed.")
        for name in _ONCE
        if name in changed and host[name] is not None
    ]
    if host["administrative"] != states.LOCKED:
        refusals += [
            Refusal(f"{name} can be changed while the host is locked only. Lock {called(host)} first.")
            for name in _LOCKED_ONLY
            if name in changed
        ]
    refusals += [Refusal(f"{name} cannot be empty.") for name in _NEVER_NULL if name in changed and changed[name] is None]
    if host["personality"] is None and "personality" not in changed:
        refusals += [Refusal(f"Give the {name} together with the personality.") for name in _BY_PERSONALITY if name in changed]
    if refusals or not changed:
        return {}, refusals
    if host["personality"] is None and changed.get("personality"):
        others = [other for other in hosts if other["uuid"] != host["uuid"]]
        wanted = complete({**host, **changed}, system, others)
        changed.update({name: wanted[name] for name in ("personality", *_BY_PERSONALITY)})
        return changed, check_create(wanted, system, others)
    return changed, _check_words(changed) + _check_unique(changed, hosts) + _check_board(host, changed)


def check_delete(host: Host, system: Mapping[str, Any], active_controller: str) -> list[Refusal]:
    """Reasons against deleting a host."""
    name = called(host)
    if system["system_mode"] == states.SIMPLEX:
        return [Refusal(f"{name} is the only host of a simplex system and cannot be deleted.")]
    if host["hostname"] == active_controller:
        return [Refusal(f"{name} is the active controller and cannot be deleted. Swact first.")]
    if host["administrative"] != states.LOCKED:
        return [Refusal(f"{name} is unlocked. Lock it first.", conflict=True)]
    return []


def minimum_platform_reserved_mib(subfunctions: str | None) -> int:
    """Memory in MiB that a NUMA node keeps for the platform at the least (spec sysinv.md 1.8.7).

    A host that carries no VMs needs no reservation: all its memory is the platform's.
    """
    return _MINIMUM_RESERVED_MIB if states.WORKER in (subfunctions or "").split(",") else 0


def check_system(changes: Mapping[str, Any]) -> list[Refusal]:
    """Reasons against changing the system's attributes."""
    return [Refusal(f"{name} cannot be empty.") for name in ("name", "timezone") if name in changes and not changes[name]]
