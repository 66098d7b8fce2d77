# SPDX-License-Identifier: Apache-2.0
"""Who may do what, shown by requests of every role to every path."""

from typing import Any

import ddt

from sysinv import policies
from sysinv.api.v1 import host
from sysinv.db import service_parameters as db_parameters
from sysinv.tests.unit import base

READERS = ("reader", "operator", "configurator", "admin")
CONFIGURATORS = ("configurator", "admin")

# Method, path, who may, and the answer to them.
_PATHS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("GET", "/v1/isystems", READERS, 200),
    ("GET", "/v1/isystems/detail", READERS, 200),
    ("GET", "/v1/isystems/{system}", READERS, 200),
    ("GET", "/v1/isystems/{system}/ihosts", READERS, 200),
    ("POST", "/v1/isystems", (), 403),
    ("PATCH", "/v1/isystems/{system}", CONFIGURATORS, 200),
    ("DELETE", "/v1/isystems/{system}", (), 403),
    ("GET", "/v1/ihosts", READERS, 200),
    ("GET", "/v1/ihosts/detail", READERS, 200),
    ("GET", "/v1/ihosts/compute-0", READERS, 200),
    ("GET", "/v1/ihosts/compute-0/actions", READERS, 200),
    ("POST", "/v1/ihosts", CONFIGURATORS, 200),
    ("PATCH", "/v1/ihosts/compute-0", CONFIGURATORS, 200),
    ("DELETE", "/v1/ihosts/compute-1", CONFIGURATORS, 204),
    *((("GET", f"/v1/{name}", READERS, 200)) for name in host._SUBRESOURCES),
    *((("GET", f"/v1/{name}/detail", READERS, 200)) for name in host._SUBRESOURCES),
    *((("GET", f"/v1/ihosts/compute-0/{name}", READERS, 200)) for name in host._SUBRESOURCES),
    *((("GET", f"/v1/{name}/{{{name}}}", READERS, 200)) for name in host._SUBRESOURCES),
    *(
        (("GET", f"/v1/{outer}/{{{outer}}}/{name}", READERS, 200))
        for outer, name in (
            ("inodes", "icpus"),
            ("inodes", "imemorys"),
            ("inodes", "ports"),
            ("idisks", "partitions"),
            ("ports", "lldp_agents"),
            ("ports", "lldp_neighbours"),
            ("isensorgroups", "isensors"),
        )
    ),
    ("PATCH", "/v1/isensors/{isensors}", CONFIGURATORS, 200),
    ("PATCH", "/v1/isensorgroups/{isensorgroups}", CONFIGURATORS, 200),
    ("POST", "/v1/isensorgroups/relearn", CONFIGURATORS, 400),
    ("GET", "/v1/service_parameter", READERS, 200),
    ("GET", "/v1/service_parameter/{service_parameter}", READERS, 200),
    ("PATCH", "/v1/service_parameter/{service_parameter}", CONFIGURATORS, 200),
    ("POST", "/v1/service_parameter", CONFIGURATORS, 409),
    ("POST", "/v1/service_parameter/apply", CONFIGURATORS, 200),
    ("DELETE", "/v1/service_parameter/{service_parameter}", CONFIGURATORS, 400),
    *(
        each
        for name in ("icommunity", "itrapdest")
        for each in (
            ("GET", f"/v1/{name}", READERS, 200),
            ("GET", f"/v1/{name}/detail", READERS, 200),
            ("GET", f"/v1/{name}/nothing", READERS, 404),
            ("POST", f"/v1/{name}", CONFIGURATORS, 400),
            ("PATCH", f"/v1/{name}/nothing", CONFIGURATORS, 400),
            ("DELETE", f"/v1/{name}/nothing", CONFIGURATORS, 404),
        )
    ),
)
_BODIES: dict[str, Any] = {
    "POST": {"personality": "worker", "hostname": "compute-1", "mgmt_mac": "08:00:27:00:01:02"},
    "PATCH": [{"op": "replace", "path": "/location", "value": {"locn": "x"}}],
}
_PARAMETER_VALUE = [{"op": "replace", "path": "/value", "value": "900"}]
_PARAMETER_BODIES: dict[tuple[str, str], Any] = {
    ("POST", "service_parameter"): {"service": "platform", "section": "maintenance", "parameters": {"mnfa_timeout": "0"}},
    ("POST", "apply"): {"service": "platform"},
}


@ddt.ddt
class RolesTest(base.RestTest):
    def prepare(self) -> None:
        self.create(1)
        self.report(self.host("compute-0")["uuid"])
        self.store_sensors(self.host("compute-0")["uuid"])

    def setUp(self) -> None:
        super().setUp()
        kinds = {"inodes": "numa", "icpus": "cpu", "imemorys": "memory", "idisks": "disk", "partitions": "partition"}
        kinds |= {"ports": "port", "ethernet_ports": "port", "pci_devices": "pci"}
        kinds |= {"lldp_agents": "lldp_agent", "lldp_neighbours": "lldp_neighbour"}
        kinds |= {"isensors": "sensor", "isensorgroups": "sensorgroup"}
        self.uuids = {name: self.rows(kind, "compute-0")[0]["uuid"] for name, kind in kinds.items()}
        self.uuids["service_parameter"] = db_parameters.all_parameters("platform")[0]["uuid"]

    def answers(self, token: str) -> dict[str, int]:
        """What every path answers to requests with this token."""
        found = {}
        for method, path, _, _ in _PATHS:
            body = _BODIES.get(method)
            if method == "PATCH" and "isystems" in path:
                body = [{"op": "replace", "path": "/location", "value": "x"}]
            if method == "PATCH" and "isensor" in path:
                body = [{"op": "replace", "path": "/suppress", "value": "True"}]
            if "service_parameter" in path:
                body = _PARAMETER_BODIES.get((method, path.rpartition("/")[2]), _PARAMETER_VALUE)
            if path.endswith("/relearn"):
                body = {"host_uuid": self.host("compute-0")["uuid"]}
            if method == "DELETE" and "ihosts" in path and found["POST /v1/ihosts"] != 200:
                self.create(2, **_BODIES["POST"])
            answer = self.rest.request(method, path.format(system=self.system_uuid, **self.uuids), body, token=token)
            if answer.status >= 400:
                self.assertTrue(answer.fault)
            found[f"{method} {path}"] = answer.status
        return found

    def allowed(self, role: str) -> dict[str, int]:
        return {f"{method} {path}": status if role in roles else 403 for method, path, roles, status in _PATHS}

    @ddt.data(*READERS, "member")
    def test_a_role_opens_the_paths_that_are_its(self, role: str) -> None:
        self.assertEqual(self.allowed(role), self.answers(self.rest.token(role)))

    def test_a_role_in_the_project_of_the_services_is_as_good(self) -> None:
        token = self.rest.token("configurator", project="services")
        self.assertEqual(200, self.rest.request("PATCH", "/v1/ihosts/compute-0", _BODIES["PATCH"], token=token).status)

    def test_roles_in_another_project_open_nothing(self) -> None:
        self.assertEqual({403}, set(self.answers(self.rest.token(*READERS, project="tenant-1")).values()))

    def test_no_role_opens_nothing(self) -> None:
        self.assertEqual({403}, set(self.answers(self.rest.token()).values()))

    def test_without_a_token_nothing_is_shown(self) -> None:
        self.assertEqual({401}, set(self.answers("").values()))

    def test_a_token_that_is_none_shows_nothing(self) -> None:
        self.assertEqual(401, self.rest.request("GET", "/v1/ihosts", token="forged").status)

    def test_what_is_refused_changes_nothing(self) -> None:
        before = (self.host("compute-0"), self.listed("/v1/isystems"))
        for path in ("/v1/ihosts/compute-0", f"/v1/isystems/{self.system_uuid}"):
            for method in ("PATCH", "DELETE"):
                self.assertEqual(403, self.rest.request(method, path, _BODIES.get(method), roles=("operator",)).status)
        self.assertEqual(before, (self.host("compute-0"), self.listed("/v1/isystems")))

    def test_a_refusal_says_what_one_holds(self) -> None:
        self.assert_refused(
            403,
            "Your role does not allow this (sysinv:ihosts:create). You hold: operator in project admin.",
            self.rest.request("POST", "/v1/ihosts", _BODIES["POST"], roles=("operator",)),
        )


class RulesTest(base.SystemTest):
    def test_every_path_is_documented_with_its_rule(self) -> None:
        documented = {(item["method"], item["path"]) for rule in policies.list_rules() for item in rule.operations}
        expected = {
            *(("GET", f"/v1/{name}") for name in ("isystems", "ihosts", *host._SUBRESOURCES)),
            *(("GET", f"/v1/{name}/{{uuid}}") for name in ("isystems", *host._SUBRESOURCES)),
            *(("GET", f"/v1/ihosts/{{host}}/{name}") for name in host._SUBRESOURCES),
            ("PATCH", "/v1/isystems/{uuid}"),
            ("GET", "/v1/ihosts/{host}"),
            ("GET", "/v1/ihosts/{host}/actions"),
            ("POST", "/v1/ihosts"),
            ("PATCH", "/v1/ihosts/{host}"),
            ("DELETE", "/v1/ihosts/{host}"),
            ("PATCH", "/v1/isensors/{uuid}"),
            ("PATCH", "/v1/isensorgroups/{uuid}"),
            ("POST", "/v1/isensorgroups/relearn"),
            ("GET", "/v1/service_parameter"),
            ("GET", "/v1/service_parameter/{uuid}"),
            ("POST", "/v1/service_parameter"),
            ("PATCH", "/v1/service_parameter/{uuid}"),
            ("DELETE", "/v1/service_parameter/{uuid}"),
            ("POST", "/v1/service_parameter/apply"),
            *((method, f"/v1/{name}") for name in ("icommunity", "itrapdest") for method in ("GET", "POST")),
            *((method, f"/v1/{name}/{{uuid}}") for name in ("icommunity", "itrapdest") for method in ("GET", "PATCH", "DELETE")),
        }
        self.assertEqual(set(), expected - documented)
