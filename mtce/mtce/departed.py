# SPDX-License-Identifier: Apache-2.0
"""What is still wanted of hosts that were deleted: that their disks are wiped, so that they come back as blank machines (spec A2.8)."""

import time
from collections.abc import Callable

from mtce import client

# One that has not said anything by then is off, or out of reach, and stays as it is.
PATIENCE_S = 300.0


class Departed:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By name: until when, and the boot that is to end.
        self._boots: dict[str, tuple[float, str]] = {}

    def add(self, name: str, boot_id: str) -> None:
        """:param boot_id: in which the host was heard last; another one is of a machine that has come back since"""
        now = self._clock()
        self._boots = {name: kept for name, kept in self._boots.items() if kept[0] > now}
        self._boots[name] = now + PATIENCE_S, boot_id

    def wish(self, name: str) -> client.Wish:
        """What is wanted of a host that is not known."""
        until, boot_id = self._boots.get(name, (0.0, ""))
        if not boot_id or self._clock() >= until:
            return client.Wish()
        return client.Wish(is_locked=True, boot_id=boot_id, end=client.End.WIPE)
