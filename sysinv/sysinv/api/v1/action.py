# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/actions: what can be asked of a host now; asking for it (spec sysinv.md 2.2)."""

from typing import Any

from oslo_config import cfg

from stx import exception
from stx.context import RequestContext
from stx.rest import app
from sysinv import actions, client, facts, policies, rules, states
from sysinv.api.v1 import sm_api, swact
from sysinv.db import api as db_api

CONF = cfg.CONF


class ActionController(app.Controller):
    """The actions of one host. Of those that Service Management has a say in, it is not asked before they are asked for."""

    @app.expose
    def get_all(self, host: str) -> dict[str, Any]:
        self.authorize(policies.HOST_GET)
        known = facts.of_action(db_api.get_host(host))
        return {"actions": [_shown(name, actions.reasons(name, known)) for name in actions.OFFERED]}


def _shown(name: str, refusals: list[rules.Refusal]) -> dict[str, Any]:
    if not refusals:
        return {"action": name, "allowed": True}
    return {"action": name, "allowed": False, "reason": " ".join(each.reason for each in refusals)}


def carry_out(context: RequestContext, conductor: client.Conductor, host: dict[str, Any], name: str) -> None:
    """Have an action begin.

    :param name: one of actions.ACTIONS
    :raises exception.Invalid, exception.Conflict: with the reasons against it
    :raises exception.Unavailable: when somebody who has a say in it is away
    """
    if name in actions.SWACTS:
        swact.check(context, host, name)
    # What the rules refuse is not asked of Service Management; the conductor looks at them again.
    if name == "lock" and _may_be_lost(host) and not actions.check(name, facts.of_action(host)):
        _check_services(context, host["hostname"])
    conductor.request_action(context, host["uuid"], name)


def _may_be_lost(host: dict[str, Any]) -> bool:
    """Whether Service Management may run something on the host that it runs nowhere else."""
    return bool(host["personality"] == states.CONTROLLER and host["hostname"] != CONF.host)


def _check_services(context: RequestContext, hostname: str) -> None:
    try:
        found = sm_api.ask_controller(context, hostname, "lock-pre-check")
    except exception.NotFound:
        # It was never in service.
        return
    if found.get("error_code") != "0":
        raise exception.Invalid(
            f"Cannot lock {hostname}: {found.get('error_details')} To lock it all the same: system host-lock -f {hostname}."
        )
