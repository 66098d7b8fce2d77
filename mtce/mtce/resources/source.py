# SPDX-License-Identifier: Apache-2.0
"""Reads how a host's resources are."""

import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mtce.resources import kernel
from mtce.resources.links import Link

LOG = logging.getLogger(__name__)

_IFF_UP, _IFF_LOWER_UP = 0x1, 0x10000


class Source:
    """:param proc: where the kernel's files are"""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._times: kernel.Times | None = None

    def cpu_percent(self, cpus: Collection[int]) -> float | None:
        """How busy processors were since the last call; None at the first one."""
        before, self._times = self._times, kernel.times((self._proc / "stat").read_text(), cpus)
        return self._times.busy_percent(before) if before and self._times else None

    def memory_percent(self) -> float | None:
        return kernel.memory_percent((self._proc / "meminfo").read_text())

    def file_systems(self) -> dict[str, float]:
        """Use in percent of those that can fill up, by where they are."""
        pseudo = kernel.pseudo_kinds((self._proc / "filesystems").read_text())
        mounted = kernel.mounts((self._proc / "self" / "mountinfo").read_text())
        found = {}
        for place in kernel.file_systems(mounted, pseudo):
            try:
                status = os.statvfs(place)
            except OSError as error:
                LOG.debug("%s cannot be looked at: %s", place, error.strerror)
                continue
            if status.f_blocks:
                found[place] = kernel.use_percent(status.f_blocks, status.f_bfree, status.f_bavail)
        return found

    def links(self) -> dict[str, Link]:
        """All network devices by name.

        :raises OSError: when the kernel does not answer
        """
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        # At debug level it logs every attribute of every message.
        logging.getLogger("pyroute2").setLevel(logging.INFO)
        try:
            with IPRoute() as route:
                messages = list(route.get_links())
        except NetlinkError as error:
            raise OSError(error.code, str(error)) from error
        names = {message["index"]: message.get("ifname") for message in messages}
        kinds = {message["index"]: _kind(message) for message in messages}
        return {name: _link(message, names, kinds) for message in messages if (name := message.get("ifname"))}


def _kind(message: Any) -> str:
    info = message.get("linkinfo")
    return (info.get_attr("IFLA_INFO_KIND") if info else None) or ""


def _link(message: Any, names: dict[int, str], kinds: dict[int, str]) -> Link:
    is_up = bool(message["flags"] & _IFF_UP and message["flags"] & _IFF_LOWER_UP)
    below = names.get(message.get("link") or 0, "") if kinds[message["index"]] == "vlan" else ""
    master = message.get("master") or 0
    above = names.get(master, "") if kinds.get(master) in ("bond", "team") else ""
    return Link(message.get("ifname"), is_up, below or "", above or "")
