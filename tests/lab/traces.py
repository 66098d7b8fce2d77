# SPDX-License-Identifier: Apache-2.0
"""What labs leave on a machine, found from outside: the lab is not asked."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stxlab import groups
from stxlab.layout import Layout

_NETWORK = re.compile(r"net:\[(\d+)\]")
_DIRECTORY = re.compile(rb"(?:^|\0)STX_LAB_DIR=([^\0]+)")
ELSEWHERE = "elsewhere"
_GROUP = re.compile(rf"/{groups.NAMESPACE}/([^/\n]+)")


@dataclasses.dataclass(frozen=True)
class Machine:
    """What there is whoever it is of.

    :ivar networks: name spaces, and the names of the labs whose processes are in them; ELSEWHERE for those of none
    """

    networks: dict[int, frozenset[str]]
    links: frozenset[str]
    mounts: frozenset[str]


def machine() -> Machine:
    return Machine(_networks(), frozenset(_links()), frozenset(Path("/proc/self/mounts").read_text().splitlines()))


def left(layout: Layout, before: Machine) -> list[str]:
    """What is there of a lab, and what else came since it was not there. Nothing of other labs, which come and go meanwhile.

    :param before: the machine without the lab
    """
    now, name, directory = machine(), layout.name, str(layout.directory)
    found = [f"group {path}" for path in groups.ROOT.glob(f"*/{groups.NAMESPACE}/{name}")]
    found += [f"group {path}" for path in groups.ROOT.glob(f"{groups.NAMESPACE}/{name}")]
    found += [f"process {text}" for text in _processes(directory, name)]
    found += [f"loop device {text}" for text in _loops() if directory in text]
    found += [f"mount {line}" for line in sorted(now.mounts - before.mounts)]
    found += [f"link {link}" for link in sorted(now.links - before.links)]
    for network in now.networks.keys() - before.networks.keys():
        if not now.networks[network] - {name}:
            found.append(f"network name space {network}")
    return found


def _networks() -> dict[int, frozenset[str]]:
    """Those of processes, and those that are kept by a mount, as `ip netns` does."""
    found: dict[int, set[str]] = {}
    for process in _all_processes():
        with contextlib.suppress(OSError):
            network = os.stat(process / "ns/net").st_ino
            found.setdefault(network, set()).update(_owners(process))
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        for network in _NETWORK.findall(line):
            found.setdefault(int(network), set())
    return {network: frozenset(names) for network, names in found.items()}


def _owners(process: Path) -> set[str]:
    """The labs that a process is of: by its groups, or else by the command that started it. Other tests have name spaces too."""
    if names := _GROUP.findall((process / "cgroup").read_text()):
        return set(names)
    told = _DIRECTORY.search((process / "environ").read_bytes())
    return {Layout(Path(os.fsdecode(told[1]))).name if told else ELSEWHERE}


def _links() -> list[str]:
    listed = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout
    return [link["ifname"] for link in json.loads(listed)]


def _loops() -> list[str]:
    """Devices with their files, also those that were removed since."""
    return subprocess.run(["losetup", "--all"], capture_output=True, text=True, check=True).stdout.splitlines()


def _processes(directory: str, name: str) -> Iterator[str]:
    """Those of the lab's group, and those that work in its directory or have it mounted."""
    for process in _all_processes():
        with contextlib.suppress(OSError):
            is_in_group = name in _GROUP.findall((process / "cgroup").read_text())
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            is_of_lab = is_in_group or directory in words or directory in (process / "mountinfo").read_text()
            if is_of_lab and (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                yield f"{process.name}: {words or (process / 'comm').read_text().strip()}"


def _all_processes() -> list[Path]:
    return [Path("/proc", entry) for entry in os.listdir("/proc") if entry.isdecimal() and int(entry) != os.getpid()]
