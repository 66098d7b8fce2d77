# SPDX-License-Identifier: Apache-2.0
"""Whether Service Management would have the active controller hand over (spec sysinv.md 2.2, mtce-sm.md B4.5)."""

from typing import Any

from stx import exception
from stx.context import RequestContext
from sysinv import actions, facts, rules
from sysinv.api.v1 import sm_api

SWACT, _ = actions.SWACTS


def check(context: RequestContext, host: dict[str, Any], action: str) -> None:
    """See that nothing speaks against it.

    :param action: one of actions.SWACTS; forced, only what Service Management itself never does is refused
    :raises exception.Invalid: when something does
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


def _ask(context: RequestContext, host: str, action: str) -> dict[str, Any]:
    try:
        return sm_api.ask_controller(context, host, action)
    except (exception.Invalid, exception.NotFound) as error:
        raise exception.Invalid(f"Cannot swact {host}: {error.message}") from error
