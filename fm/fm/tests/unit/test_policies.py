# SPDX-License-Identifier: Apache-2.0
"""Who may do what, shown by requests of every role to every path."""

from typing import Any

import ddt
import fixtures

from fm import policies
from fm.db import api as db_api
from fm.tests.unit import base
from stx import paging

READERS = ("reader", "operator", "configurator", "admin")
CONFIGURATORS = ("configurator", "admin")

# Method, path, and who may; {alarm}, {event} and {type} stand for uuids.
_PATHS = (
    ("GET", "/v1/alarms", READERS),
    ("GET", "/v1/alarms/detail", READERS),
    ("GET", "/v1/alarms/summary", READERS),
    ("GET", "/v1/alarms/{alarm}", READERS),
    ("POST", "/v1/alarms", CONFIGURATORS),
    ("PUT", "/v1/alarms/{alarm}", CONFIGURATORS),
    ("DELETE", "/v1/alarms/{alarm}", CONFIGURATORS),
    ("GET", "/v1/event_log", READERS),
    ("GET", "/v1/event_log/detail", READERS),
    ("GET", "/v1/event_log/stream", READERS),
    ("GET", "/v1/event_log/{event}", READERS),
    ("GET", "/v1/event_suppression", READERS),
    ("GET", "/v1/event_suppression/{type}", READERS),
    ("PATCH", "/v1/event_suppression/{type}", CONFIGURATORS),
)
_BODIES: dict[str, Any] = {
    "POST": {"alarm_id": "200.001", "entity_instance_id": "host=a", "severity": "minor", "reason_text": "x"},
    "PUT": {"reason_text": "y"},
    "PATCH": [{"op": "replace", "path": "/suppression_status", "value": "unsuppressed"}],
}


@ddt.ddt
class RolesTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.follow_events()
        # A stream ends as soon as it has begun.
        self.useFixture(fixtures.MonkeyPatch("stx.rest.stream.lasts_s", lambda *_: 0.0))

    def answers(self, token: str) -> dict[str, int]:
        """What every path answers to requests with this token."""
        found = {}
        for method, path, _ in _PATHS:
            self.raise_alarm()
            alarm, event, kind = db_api.find_alarms()[0], base.events()[0], db_api.list_types(paging.Page(1))[0]
            where = path.format(alarm=alarm["uuid"], event=event["uuid"], type=kind["uuid"])
            answer = self.rest.request(method, where, _BODIES.get(method), token=token)
            if answer.status >= 400:
                self.assertTrue(answer.fault)
            found[f"{method} {path}"] = answer.status
        return found

    def allowed(self, role: str) -> dict[str, int]:
        return {
            f"{method} {path}": (204 if method == "DELETE" else 200) if role in roles else 403 for method, path, roles in _PATHS
        }

    @ddt.data(*READERS, "member")
    def test_a_role_opens_the_paths_that_are_its(self, role: str) -> None:
        self.assertEqual(self.allowed(role), self.answers(self.rest.token(role)))

    def test_a_role_in_the_project_of_the_services_is_as_good(self) -> None:
        self.assertEqual(self.allowed("reader"), self.answers(self.rest.token("reader", project="services")))

    def test_roles_in_another_project_open_nothing(self) -> None:
        self.assertEqual({403}, set(self.answers(self.rest.token(*READERS, project="tenant-1")).values()))

    def test_no_role_opens_nothing(self) -> None:
        self.assertEqual({403}, set(self.answers(self.rest.token()).values()))

    def test_without_a_token_nothing_is_shown(self) -> None:
        self.assertEqual({401}, set(self.answers("").values()))

    def test_a_token_that_is_none_shows_nothing(self) -> None:
        self.assertEqual({401}, set(self.answers("forged").values()))

    def test_a_refusal_says_what_one_holds(self) -> None:
        self.assert_refused(
            403,
            "Your role does not allow this (fm:alarm:create). You hold: reader in project admin.",
            self.rest.request("POST", "/v1/alarms", _BODIES["POST"], roles=("reader",)),
        )

    def test_what_is_refused_changes_nothing(self) -> None:
        uuid = self.raise_alarm()
        self.rest.request("DELETE", f"/v1/alarms/{uuid}", roles=("operator",))
        self.assertEqual([uuid], self.uuids("alarms", "/v1/alarms"))


class RulesTest(base.DatabaseTest):
    def test_every_path_is_documented_with_its_rule(self) -> None:
        documented = {(item["method"], item["path"]) for rule in policies.list_rules() for item in rule.operations}
        expected = {
            (method, path.format(alarm="{uuid}", event="{uuid}", type="{uuid}"))
            for method, path, _ in _PATHS
            if not path.endswith("/detail")
        }
        self.assertEqual(set(), expected - documented)
