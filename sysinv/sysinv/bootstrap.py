# SPDX-License-Identifier: Apache-2.0
"""What must be in the database before the conductor serves."""

import logging
import uuid

from oslo_config import cfg

from stx import version
from sysinv import addressing, defaults, parameter_rules, rows, rules, states
from sysinv.db import api as db_api
from sysinv.db import service_parameters as db_parameters

LOG = logging.getLogger(__name__)
CONF = cfg.CONF


class Bootstrap:
    """Brings the database up to date and, the first time, makes the system and its first controller.

    The first controller is configured by what brings it up, so it begins life unlocked.
    """

    def start(self) -> None:
        db_api.database.migrate()
        db_api.create_system(defaults.system(CONF.bootstrap, version.SOFTWARE_VERSION))
        system = rows.system()
        if not db_api.all_hosts():
            wanted = rules.complete({"personality": states.CONTROLLER, "hostname": "controller-0"}, system, [])
            first = {"administrative": states.UNLOCKED, "invprovision": states.PROVISIONED}
            rows.create({**wanted, **first}, str(uuid.uuid4()), system)
            LOG.info("Made the system %s with its first controller", system["name"])
        # A system that is older than a parameter gets it too.
        if number := db_parameters.seed(parameter_rules.mandatory()):
            LOG.info("Added %s service parameters with their defaults", number)
        self._give_addresses()

    @staticmethod
    def _give_addresses() -> None:
        """Hosts that are older than the management network's addresses get theirs."""
        plan = rows.management_plan()
        for host in db_api.all_hosts():
            if host["personality"] and not host["mgmt_ip"]:
                address, refusals = addressing.give(plan, host, db_api.all_hosts())
                if refusals:
                    LOG.error("%s has no management address: %s", host["hostname"], refusals[0].reason)
                else:
                    db_api.update_host(host["uuid"], {"mgmt_ip": address})

    def stop(self) -> None:
        db_api.database.reset()
