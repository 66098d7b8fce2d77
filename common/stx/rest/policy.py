# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy rules, registered by each component with the operations they guard."""

from collections.abc import Iterable

from oslo_config import cfg
from oslo_policy import opts as policy_opts
from oslo_policy import policy

from stx import exception
from stx.context import RequestContext

CONF = cfg.CONF

READ = "rule:stx_read"
OPERATE = "rule:stx_operate"
CONFIGURE = "rule:stx_configure"

_base_rules = [
    policy.RuleDefault(
        "stx_project",
        "(project_name:admin or project_name:services) and project_domain_id:default",
        description="The platform belongs to the projects admin and services of the domain default; roles held in others, also in "
        "projects of these names in other domains, give no access to it.",
    ),
    policy.RuleDefault(
        "stx_read",
        "rule:stx_project and (role:reader or role:operator or role:configurator or role:admin)",
        description="Look at everything, change nothing.",
    ),
    policy.RuleDefault(
        "stx_operate",
        "rule:stx_project and (role:operator or role:configurator or role:admin)",
        description="Day-to-day operation of what is configured.",
    ),
    policy.RuleDefault(
        "stx_configure",
        "rule:stx_project and (role:configurator or role:admin)",
        description="Change the configuration of the system and its hosts.",
    ),
]

_enforcer: policy.Enforcer | None = None
_registered: dict[str, policy.RuleDefault] = {}


def rule(name: str, check: str, description: str, *operations: tuple[str, str]) -> policy.DocumentedRuleDefault:
    """A documented rule; operations are (HTTP method, path)."""
    return policy.DocumentedRuleDefault(
        name, check, description, [{"method": method, "path": path} for method, path in operations], scope_types=["project"]
    )


def register(rules: Iterable[policy.RuleDefault]) -> None:
    """Add a component's rules. May be called more than once."""
    for default in [*_base_rules, *rules]:
        _registered.setdefault(default.name, default)
    if _enforcer is not None:
        _enforcer.register_defaults([default for name, default in _registered.items() if name not in _enforcer.registered_rules])


def authorize(context: RequestContext, name: str) -> None:
    """Let the caller pass or refuse.

    :raises exception.Forbidden: when the rule `name` does not let this caller through
    """
    credentials = {**context.to_policy_values(), "project_name": context.project_name}
    if not enforcer().authorize(name, {}, credentials):
        raise exception.Forbidden(
            f"Your role does not allow this ({name}). You hold: {', '.join(sorted(context.roles)) or 'no role'} "
            f"in project {context.project_name or '(none)'}. Ask for another role, or use another account."
        )


def enforcer() -> policy.Enforcer:
    global _enforcer
    if _enforcer is None:
        policy_opts.set_defaults(CONF, policy_file="policy.yaml")
        _enforcer = policy.Enforcer(CONF)
        _enforcer.register_defaults(list(_registered.values()))
    return _enforcer


def reset() -> None:
    global _enforcer
    _enforcer = None


def list_rules() -> list[policy.RuleDefault]:
    """For oslopolicy-sample-generator (entry point group oslo.policy.policies)."""
    return list(_base_rules)
