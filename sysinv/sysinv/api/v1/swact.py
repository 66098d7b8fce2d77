# SPDX-License-Identifier: Apache-2.0
"""What `action` of a host can ask for: that the active controller hands over its activity (spec sysinv.md 2.2, mtce-sm.md B4.5)."""

from typing import Any

from oslo_config import cfg

from stx import exception
from stx.context import RequestContext
from sysinv import states
from sysinv.api.v1 import sm_api

CONF = cfg.CONF

SWACT, FORCE_SWACT = ACTIONS = ("swact", "force-swact")


def carry_out(context: RequestContext, host: dict[str, Any], action: str) -> None:
    """Have the controller begin to hand over.

    :param action: one of ACTIONS; forced, only what Service Management itself never does is refused
    :raises exception.Invalid: when it cannot be
    :raises exception.Unavailable: when Service Management is away
    """
    name = host["hostname"] or host["uuid"]
    if host["personality"] != states.CONTROLLER:
        raise exception.Invalid(
            f"Cannot swact {name}: only controllers have activity to hand over. Swact {CONF.host}, which is active."
        )
    # This service runs on the active controller only.
    if host["hostname"] != CONF.host:
        raise exception.Invalid(
            f"Cannot swact {name}: it is not the active controller, {CONF.host} is. Swact {CONF.host} to have {name} active."
        )
    if action == SWACT:
        found = _ask(context, name, "swact-pre-check")
        if found.get("error_code") != "0":
            raise exception.Invalid(f"Cannot swact {name}: {found.get('error_details')}")
    _ask(context, name, "swact" if action == SWACT else "swact-force")


def _ask(context: RequestContext, host: str, action: str) -> dict[str, Any]:
    body = {"origin": "sysinv", "action": action, "admin": "unknown", "oper": "unknown", "avail": ""}
    try:
        answer: dict[str, Any] = sm_api.call(context, "PATCH", f"servicenode/{host}", body=body)
    except (exception.Invalid, exception.NotFound) as error:
        raise exception.Invalid(f"Cannot swact {host}: {error.message}") from error
    return answer
