# SPDX-License-Identifier: Apache-2.0
"""What decisions about hosts look at, read from the database."""

from collections.abc import Sequence

from oslo_config import cfg

from sysinv import actions, rules
from sysinv.db import api as db_api

CONF = cfg.CONF


def of_actions(hosts: Sequence[rules.Host]) -> list[actions.Facts]:
    """What is looked at when an action is asked for, of each of the hosts. This runs on the active controller only."""
    system, peers = db_api.get_system() or {"system_mode": None}, db_api.peers()
    busy = db_api.busy_partitions([host["id"] for host in hosts])
    return [actions.Facts(host, system, peers, CONF.host, busy.get(host["id"], ())) for host in hosts]


def of_action(host: rules.Host) -> actions.Facts:
    """The same of one host."""
    return of_actions([host])[0]
