# SPDX-License-Identifier: Apache-2.0
"""The part of the conductor that keeps service parameters: what they are set to, and what of that is effective."""

import logging
from typing import Any

from stx import exception, rpc, turns
from stx.context import RequestContext
from sysinv import client, parameter_rules, rows
from sysinv.db import service_parameters as db_parameters

LOG = logging.getLogger(__name__)

# How long a change waits for others; it has time left to be carried out before its caller gives up.
_TURN_S = 10.0


class ServiceParameters:
    """What the conductor does about service parameters over RPC."""

    def __init__(self) -> None:
        # Whether a parameter may be added depends on those that there are.
        self._parameters_lock = turns.Turns("the service parameters", _TURN_S)

    @rpc.exposed
    def create_service_parameters(
        self,
        context: RequestContext,
        service: str,
        section: str,
        parameters: dict[str, str],
        personality: str | None = None,
        resource: str | None = None,
    ) -> list[str]:
        with self._parameters_lock:
            refusals = parameter_rules.check_create(
                service, section, parameters, db_parameters.all_parameters(service), personality, resource
            )
            rows.refuse(f"Cannot add parameters of {service[:60]} {section[:60]}", refusals)
            of_all = {"service": service, "section": section, "personality": personality, "resource": resource}
            return db_parameters.create([{**of_all, "name": name, "value": value} for name, value in parameters.items()])

    @rpc.exposed
    def update_service_parameter(self, context: RequestContext, parameter_uuid: str, changes: dict[str, Any]) -> None:
        with self._parameters_lock:
            row = db_parameters.get(parameter_uuid)
            if unknown := sorted(changes.keys() - client.PARAMETER_FIELDS):
                raise exception.Invalid(f"{', '.join(unknown)} cannot be set here.")
            rows.refuse(f"Cannot change the parameter {row['name']}", parameter_rules.check_update(row, changes))
            if changes.get("value", row["value"]) != row["value"]:
                db_parameters.update(parameter_uuid, changes["value"])
                LOG.info("%s %s %s is set to %s", row["service"], row["section"], row["name"], changes["value"])

    @rpc.exposed
    def delete_service_parameter(self, context: RequestContext, parameter_uuid: str) -> None:
        with self._parameters_lock:
            row = db_parameters.get(parameter_uuid)
            rows.refuse(f"Cannot delete the parameter {row['name']}", parameter_rules.check_delete(row))
            db_parameters.delete(parameter_uuid)

    @rpc.exposed
    def apply_service_parameters(self, context: RequestContext, service: str) -> None:
        with self._parameters_lock:
            found = db_parameters.all_parameters(service)
            rows.refuse(f"Cannot apply the parameters of {service[:60]}", parameter_rules.check_apply(service, found))
            db_parameters.apply(service, found)
        LOG.info("The parameters of %s are applied", service)
        rpc.publish(context, client.PARAMETERS_APPLIED, {"service": service})

    @rpc.exposed
    def get_applied_parameters(self, context: RequestContext, service: str) -> dict[str, dict[str, Any]]:
        return parameter_rules.effective(service, db_parameters.applied(service))
