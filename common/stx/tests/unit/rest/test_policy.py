# SPDX-License-Identifier: Apache-2.0
"""Tests of who may do what."""

from typing import Any

import fixtures

from stx import exception, testing
from stx.context import RequestContext
from stx.rest import policy

READ, OPERATE, CONFIGURE = "test:read", "test:operate", "test:configure"
_RULES = [
    policy.rule(READ, policy.READ, "Look.", ("GET", "/v1/test")),
    policy.rule(OPERATE, policy.OPERATE, "Operate.", ("POST", "/v1/test/action")),
    policy.rule(CONFIGURE, policy.CONFIGURE, "Configure.", ("PATCH", "/v1/test")),
]


class PolicyTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        self.useFixture(fixtures.MonkeyPatch("stx.rest.policy._enforcer", None))
        self.useFixture(fixtures.MonkeyPatch("stx.rest.policy._registered", {}))
        policy.register(_RULES)

    def context(self, *roles: str, project: str | None = "admin", domain: str = "default", **more: Any) -> RequestContext:
        who = {"user_id": "u1", "project_id": "p1", "project_name": project, "project_domain_id": domain}
        return RequestContext(**who, roles=list(roles), overwrite=False, **more)

    def allowed(self, context: RequestContext) -> list[str]:
        """The rules that let the caller pass."""
        names = []
        for name in (READ, OPERATE, CONFIGURE):
            try:
                policy.authorize(context, name)
            except exception.Forbidden:
                continue
            names.append(name)
        return names

    def test_each_role_may_do_what_those_below_it_may(self) -> None:
        expected = {
            "member": [],
            "reader": [READ],
            "operator": [READ, OPERATE],
            "configurator": [READ, OPERATE, CONFIGURE],
            "admin": [READ, OPERATE, CONFIGURE],
        }

        self.assertEqual(expected, {role: self.allowed(self.context(role)) for role in expected})

    def test_a_caller_has_the_rights_of_all_its_roles(self) -> None:
        self.assertEqual([READ, OPERATE], self.allowed(self.context("reader", "operator", "member")))

    def test_a_project_of_the_same_name_in_another_domain_gives_no_access(self) -> None:
        self.assertEqual([], self.allowed(self.context("admin", domain="another")))

    def test_roles_in_other_projects_give_no_access(self) -> None:
        expected = {"admin": 3, "services": 3, "demo": 0, "": 0, None: 0}

        self.assertEqual(expected, {project: len(self.allowed(self.context("admin", project=project))) for project in expected})

    def test_a_token_without_a_project_gives_no_access(self) -> None:
        self.assertEqual([], self.allowed(RequestContext(roles=["admin"], system_scope="all", overwrite=False)))
        self.assertEqual([], self.allowed(RequestContext(roles=["admin"], domain_id="default", overwrite=False)))

    def test_a_refusal_names_the_rule_the_roles_and_the_project(self) -> None:
        context = self.context("reader", "member", project="demo")

        error = self.assertRaises(exception.Forbidden, policy.authorize, context, CONFIGURE)

        for text in (CONFIGURE, "member, reader", "demo"):
            self.assertIn(text, error.message)

    def test_a_caller_without_any_role_is_refused_in_words_too(self) -> None:
        self.assert_raises_with(
            exception.Forbidden, "no role in project (none)", policy.authorize, self.context(project=None), READ
        )

    def test_an_operator_s_policy_file_changes_a_rule(self) -> None:
        file = self.platform.path / "policy.yaml"
        file.write_text(f'"{CONFIGURE}": "role:operator and rule:stx_project"\n')
        policy.enforcer()
        self.platform.conf.config(group="oslo_policy", policy_file=str(file))
        policy.reset()

        self.assertEqual([READ, OPERATE, CONFIGURE], self.allowed(self.context("operator")))

    def test_rules_of_a_further_component_are_known_at_once(self) -> None:
        policy.enforcer()
        policy.register([policy.rule("more:read", policy.READ, "Look.", ("GET", "/v1/more"))])
        policy.register([policy.rule("more:read", policy.READ, "Look.", ("GET", "/v1/more"))])

        policy.authorize(self.context("reader"), "more:read")
        self.assertRaises(exception.Forbidden, policy.authorize, self.context("member"), "more:read")

    def test_every_rule_says_what_it_guards(self) -> None:
        (rule,) = (rule for rule in _RULES if rule.name == OPERATE)

        self.assertEqual([{"method": "POST", "path": "/v1/test/action"}], rule.operations)
        self.assertEqual([], [rule.name for rule in policy.list_rules() if not rule.description])
