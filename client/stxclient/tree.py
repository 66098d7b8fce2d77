# SPDX-License-Identifier: Apache-2.0
"""Alarms below those that they follow from."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What is wrong with a host that failed, or with what is on it, follows from that unless it names another root.
_HOST_FAILED = "200.004"
_PARTS = re.compile(r"[.,](?=[a-z_-]+=)")

Key = tuple[str | None, str | None]


def arranged(alarms: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """The alarms as a tree, each behind the one that it follows from: (index in `alarms`, depth from 0).

    Those of one depth stay in their order. Alarms that follow from each other in a circle begin with the first of them.

    :param alarms: with alarm_id, entity_instance_id and, where they name their root, root_alarm_id and root_entity_instance_id
    """
    by_key = {_key(alarm): index for index, alarm in enumerate(alarms)}
    below: dict[int, list[int]] = {}
    tops = []
    for index, alarm in enumerate(alarms):
        root = _root(alarm, by_key)
        if root is None or root == index:
            tops.append(index)
        else:
            below.setdefault(root, []).append(index)
    tree: dict[int, int] = {}
    for top in (*tops, *range(len(alarms))):
        waiting = [(top, 0)]
        while waiting:
            index, depth = waiting.pop()
            if index not in tree:
                tree[index] = depth
                waiting += [(child, depth + 1) for child in reversed(below.get(index, []))]
    return list(tree.items())


def _key(alarm: Mapping[str, Any]) -> Key:
    return alarm.get("alarm_id"), alarm.get("entity_instance_id")


def _root(alarm: Mapping[str, Any], active: Mapping[Key, int]) -> int | None:
    if alarm.get("root_alarm_id"):
        named = active.get((alarm["root_alarm_id"], alarm.get("root_entity_instance_id")))
        if named is not None:
            return named
    hosts = [part for part in _PARTS.split(alarm.get("entity_instance_id") or "") if part.startswith("host=")]
    return next((active[_HOST_FAILED, host] for host in hosts if (_HOST_FAILED, host) in active), None)
