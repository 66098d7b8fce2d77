# SPDX-License-Identifier: Apache-2.0
"""Who may do what, shown by requests of every role to every path."""

from typing import Any

import ddt

from sm import policies
from sm.tests.unit.api import base

READERS = ("reader", "operator", "configurator", "admin")
OPERATORS = ("operator", "configurator", "admin")

_PATHS = (
    *(("GET", f"/v1/{name}", READERS) for name in ("nodes", "services", "service_groups", "sm_sda")),
    *(("GET", f"/v1/{name}/{{uuid}}", READERS) for name in ("nodes", "services", "service_groups", "sm_sda")),
    ("GET", "/v1/servicenode/{host}", READERS),
    ("PATCH", "/v1/servicenode/{host}", OPERATORS),
)
_BODY = {"origin": "sysinv", "action": "swact-pre-check"}


@ddt.ddt
class RolesTest(base.RestTest):
    def answers(self, token: str) -> dict[str, int]:
        """What every path answers to requests with this token."""
        found = {}
        for method, path, _ in _PATHS:
            where = path.format(uuid=self.first(path), host="controller-0")
            answer = self.rest.request(method, where, _BODY if method == "PATCH" else None, token=token)
            found[f"{method} {path}"] = answer.status
        return found

    def first(self, path: str) -> Any:
        return self.rest.get(path.rpartition("/")[0]).json[path.split("/")[2]][0]["uuid"] if "{uuid}" in path else None

    def allowed(self, role: str) -> dict[str, int]:
        return {f"{method} {path}": 200 if role in roles else 403 for method, path, roles in _PATHS}

    @ddt.data(*READERS, "member")
    def test_a_role_opens_the_paths_that_are_its(self, role: str) -> None:
        self.assertEqual(self.allowed(role), self.answers(self.rest.token(role)))

    def test_roles_in_another_project_open_nothing(self) -> None:
        self.assertEqual({403}, set(self.answers(self.rest.token(*READERS, project="tenant-1")).values()))

    def test_without_a_token_nothing_is_shown(self) -> None:
        self.assertEqual({401}, set(self.answers("").values()))

    def test_every_path_is_documented_with_its_rule(self) -> None:
        documented = {(item["method"], item["path"]) for rule in policies.list_rules() for item in rule.operations}
        self.assertEqual({(method, path) for method, path, _ in _PATHS}, documented)
