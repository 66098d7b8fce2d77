# SPDX-License-Identifier: Apache-2.0
"""/v1/servicenode: what mtce and sysinv ask about a controller, and tell it (spec mtce-sm.md B5.1)."""

from typing import Any

from wsme import types as wtypes

from sm import policies
from sm.api import orders, refusal, rules, states
from sm.api.rules import Code
from stx import exception
from stx.rest import app, types, wire

_GIVEN = frozenset({"origin", "action", "admin", "oper", "avail"})


class ServiceNode(wtypes.Base):
    origin = types.choice("mtce", "sysinv", "sm")
    hostname = wtypes.text
    action = types.choice(*orders.TOLD, *orders.SWACTS, *orders.CHECKS)
    admin = types.choice("locked", "unlocked", "unknown")
    oper = types.choice("enabled", "disabled", "unknown")
    avail = types.Text(32, r"[a-z-]*", "available")
    active_services = types.choice(*map(str, rules.Answer))
    swactable_services = types.choice(*map(str, rules.Answer))
    error_code = types.choice(*map(str, Code))
    error_details = wtypes.text
    impact_service_list = [wtypes.text]


_view = wire.View(ServiceNode, "servicenode")


class ServiceNodeController(app.Controller):
    @app.expose
    def get_one(self, host: str) -> dict[str, Any]:
        self.authorize(policies.SERVICENODE_GET)
        facts = states.facts()
        if host not in facts.nodes:
            raise exception.NotFound(
                f"There is no controller {host[:80]}. There are: {', '.join(sorted(facts.nodes)) or 'none'}."
            )
        told = rules.states(facts.nodes[host], "", "", "")
        shown = {
            "origin": "sm",
            "hostname": host,
            "admin": told["administrative"],
            "oper": told["operational"],
            "avail": told["availability"],
            "active_services": rules.has_activity(facts, host),
            "swactable_services": orders.is_swactable(facts, host),
        }
        return _view.render(shown, "")

    @app.expose
    def patch(self, host: str) -> dict[str, Any]:
        """Pre-checks are answered with 200 also when they find a reason; what is refused is not."""
        self.authorize(policies.SERVICENODE_MODIFY)
        given = wire.from_body(ServiceNode, _GIVEN)
        for name in ("origin", "action"):
            if given.get(name) is None:
                raise exception.Invalid(f"The attribute {name} is missing.")
        told = {name: given.get(name) or "unknown" for name in ("admin", "oper", "avail")}
        outcome = orders.carry_out(orders.Order(host[:80], given["action"], **told))
        answer = _view.render(
            {
                "origin": given["origin"],
                "hostname": host,
                "action": given["action"],
                **told,
                "error_code": outcome.code,
                "error_details": outcome.details,
                "impact_service_list": outcome.impact,
            },
            "",
        )
        if outcome.code is Code.NO_HOST:
            refusal.refuse(exception.NotFound(outcome.details), answer)
        if outcome.code is not Code.DONE and given["action"] not in orders.CHECKS:
            refusal.refuse(exception.Invalid(outcome.details), answer)
        return answer
