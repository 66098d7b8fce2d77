# SPDX-License-Identifier: Apache-2.0
"""Who shall vote, from who is heard.

The number is odd, so that one more or less makes a difference: of two voters neither could do without the other. Two controllers and
nobody else are one voter, the active one, which then goes on alone; the other one takes over only when it is told to. Where they can cut
each other's power, that is the third vote. Where they cannot, a host out of service has it: two controllers in service do without it.
"""

from collections.abc import Collection

from sm.fencing import FENCING

MOST_VOTERS = 7


def wanted(
    own: str,
    peer: str | None,
    others: Collection[str],
    current: Collection[str],
    has_fencing: bool = False,
    spares: Collection[str] = (),
) -> frozenset[str]:
    """The voters that the active controller wants.

    :param own: the active controller
    :param peer: the other one, while it is heard
    :param others: other hosts in service, while they are heard
    :param current: voters as they are; they stay before others come
    :param has_fencing: whether the two controllers can cut each other's power
    :param spares: hosts that vote but may go at any time; none where that holds for the other controller too
    """
    controllers = [own, *([peer] if peer else [])]

    def ordered(names: Collection[str]) -> list[str]:
        return sorted(names, key=lambda name: (name not in current, name))

    third = [FENCING] if has_fencing else ordered(spares)[:1]
    chosen = [*controllers, *(ordered(others)[: MOST_VOTERS - len(controllers)] or (third if peer else []))]
    return frozenset(chosen if len(chosen) % 2 else chosen[:-1])
