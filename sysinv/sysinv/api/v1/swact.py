# SPDX-License-Identifier: Apache-2.0
"""Has the active controller hand over its activity (spec sysinv.md 2.2, mtce-sm.md B4.5)."""

from typing import Any

from stx import exception
from stx.context import RequestContext
from sysinv import actions, facts, rules
from sysinv.api.v1 import sm_api

SWACT, FORCE_SWACT = actions.SWACTS


def carry_out(context: RequestContext, host: dict[str, Any], action: str) -> None:
    """Have the controller begin to hand over.

    :param action: one of actions.SWACTS; forced, only what Service Management itself never does is refused
    :raises exception.Invalid: when it cannot be
    :raises exception.Conflict: while another action on it is in progress
    :raises exception.Unavailable: when Service Management is away
    """
    if refusals := actions.check(action, facts.of_action(host)):
        text = actions.refusal("swact", host, refusals)
        raise exception.Conflict(text) if refusals[0].conflict else exception.Invalid(text)
    name = rules.called(host)
    if action == SWACT:
        found = _ask(context, name, "swact-pre-check")
        if found.get("error_code") != "0":
            raise exception.Invalid(f"Cannot swact {name}: {found.get('error_details')}")
    _ask(context, name, "swact" if action == SWACT else "swact-force")


def _ask(context: RequestContext, host: str, action: str) -> dict[str, Any]:
    try:
        return sm_api.ask_controller(context, host, action)
    except (exception.Invalid, exception.NotFound) as error:
        raise exception.Invalid(f"Cannot swact {host}: {error.message}") from error
