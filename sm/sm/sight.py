# SPDX-License-Identifier: Apache-2.0
"""What a controller makes of what the lease's loop sees of the other one."""

from collections.abc import Collection

from sm import group
from sm.daemon import View
from sm.group import Side
from sm.messages import Hello
from sm.service import Status


def other(view: View) -> Hello | None:
    """What the other controller said last, while it is heard."""
    return next((each for each in view.heard.values() if each.is_controller), None)


def side(view: View, hello: Hello | None, moving: Collection[str]) -> Side | None:
    """The other controller; None where nothing that is written here could reach it.

    :param moving: names of the groups that move with the activity
    """
    if hello is None or (hello.hears and not any(hello.hears.values())):
        return None
    found = tuple(Status(status) for name, (_, status, _) in sorted(hello.groups.items()) if name in moving)
    down_there = group.down(hello.networks, view.networks, hears(view, hello.sender))
    # One that has not granted yet does not know the record, and could not ask for the lease.
    is_eligible = hello.sender in view.record.eligible and (hello.sender in view.granting or not view.holds)
    return Side(hello.sender, hello.is_ready, is_eligible, found, down_there)


def hears(view: View, name: str) -> dict[str, bool]:
    """Where a host that was ever heard still is."""
    return {network: is_heard for (network, heard), is_heard in view.paths.items() if heard == name}


def down(view: View, hello: Hello | None) -> int:
    """How many of this controller's own networks do not work."""
    return group.down(view.networks, hello.networks, hello.hears) if hello else group.down(view.networks, {}, {})
