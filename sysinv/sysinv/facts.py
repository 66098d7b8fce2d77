# SPDX-License-Identifier: Apache-2.0
"""What decisions about hosts look at, read from the database."""

from oslo_config import cfg

from sysinv import actions, rules
from sysinv.db import api as db_api

CONF = cfg.CONF


def of_action(host: rules.Host) -> actions.Facts:
    """What is looked at when an action on the host is asked for. This runs on the active controller only."""
    return actions.Facts(
        host=host,
        system=db_api.get_system() or {"system_mode": None},
        hosts=db_api.peers(),
        active_controller=CONF.host,
        busy_partitions=db_api.busy_partitions(host["id"]),
    )
