# SPDX-License-Identifier: Apache-2.0
"""/v1/service_parameter."""

from typing import Any

from sysinv.db import service_parameters as db_parameters
from sysinv.tests.unit import base

PATH = "/v1/service_parameter"
MISSING = f"{PATH}/5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"


class ServiceParameterTest(base.RestTest):
    def listed_of(self, **conditions: str) -> list[dict[str, Any]]:
        query = "&".join(f"q.field={name}&q.op=eq&q.value={value}" for name, value in conditions.items())
        answer = self.rest.get(f"{PATH}?{query}" if query else PATH)
        self.assertEqual(200, answer.status, answer.body)
        return answer.json["parameters"]

    def one(self, name: str) -> dict[str, Any]:
        (found,) = self.listed_of(service="platform", section="maintenance", name=name)
        return found

    def post(self, path: str, body: Any) -> Any:
        return self.rest.request("POST", path, body)

    def test_parameters_are_listed_by_conditions(self) -> None:
        self.assertEqual(8, len(self.listed_of()))
        self.assertEqual(8, len(self.listed_of(service="platform", section="maintenance")))
        self.assertEqual([], self.listed_of(service="horizon"))
        found = self.one("heartbeat_period")
        expected = {"service": "platform", "section": "maintenance", "name": "heartbeat_period", "value": "100"}
        expected |= {"personality": None, "resource": None}
        self.assertEqual(expected, {name: found[name] for name in expected})
        self.assert_links(f"service_parameter/{found['uuid']}", found["links"])
        self.assertEqual(found, self.rest.get(f"{PATH}/{found['uuid']}").json)

    def test_every_operator_is_understood(self) -> None:
        for op, number in (("lt", 4), ("le", 5), ("eq", 1), ("ne", 7), ("ge", 4), ("gt", 3)):
            answer = self.rest.get(f"{PATH}?q.field=name&q.op={op}&q.value=heartbeat_period")
            self.assertEqual(number, len(answer.json["parameters"]), op)
        answer = self.rest.get(f"{PATH}?q.field=personality&q.op=ne&q.value=worker")
        self.assertEqual(8, len(answer.json["parameters"]))
        self.assert_refused(400, "Cannot filter by", self.rest.get(f"{PATH}?q.field=value&q.value=1"))

    def test_pages_are_linked(self) -> None:
        answer = self.rest.get(PATH, limit=3)
        self.assertEqual(3, len(answer.json["parameters"]))
        self.assertIn("marker=", answer.json["next"])

    def test_a_value_is_set_and_applied(self) -> None:
        path = f"{PATH}/{self.one('mnfa_threshold')['uuid']}"
        # As the command line sends it.
        answer = self.patch(path, name="mnfa_threshold", value="3")
        self.assertEqual((200, "3"), (answer.status, answer.json["value"]))
        self.assertEqual([], db_parameters.applied("platform"))
        answer = self.post(f"{PATH}/apply", {"service": "platform"})
        self.assertEqual((200, {"service": "platform"}), (answer.status, answer.json))
        self.assertIn(("mnfa_threshold", "3"), [(row["name"], row["value"]) for row in db_parameters.applied("platform")])

    def test_a_value_that_is_wrong_is_refused_with_what_is_right(self) -> None:
        path = f"{PATH}/{self.one('mnfa_threshold')['uuid']}"
        self.assert_refused(400, "it is 2 to 100", self.patch(path, value="1"))
        self.assert_refused(400, "cannot be set here", self.patch(path, service="horizon"))
        self.assert_refused(400, "stays what it is", self.patch(path, name="mnfa_timeout"))
        self.assert_refused(400, "is a text", self.rest.request("PATCH", path, [{"op": "remove", "path": "/value"}]))

    def test_what_does_not_go_together_is_not_applied(self) -> None:
        self.patch(f"{PATH}/{self.one('heartbeat_degrade_threshold')['uuid']}", value="11")
        self.assert_refused(400, "is more than", self.post(f"{PATH}/apply", {"service": "platform"}))
        self.assert_refused(400, "no service", self.post(f"{PATH}/apply", {"service": "horizon"}))
        self.assert_refused(400, "Name the service", self.post(f"{PATH}/apply", {}))

    def test_parameters_are_added(self) -> None:
        for name in ("mnfa_threshold", "mnfa_timeout"):
            db_parameters.delete(self.one(name)["uuid"])
        body: dict[str, Any] = {"service": "platform", "section": "maintenance", "personality": None, "resource": None}
        answer = self.post(PATH, {**body, "parameters": {"mnfa_threshold": 4, "mnfa_timeout": "100"}})
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual(["4", "100"], [item["value"] for item in answer.json["parameters"]])
        again = self.post(PATH, {**body, "parameters": {"mnfa_threshold": "4"}})
        self.assert_refused(409, "already", again)

    def test_what_cannot_be_added_is_told(self) -> None:
        body = {"service": "platform", "section": "maintenance"}
        for parameters, text in (
            ({}, "parameters is an object"),
            (None, "parameters is an object"),
            ({"mnfa_threshold": True}, "is a text"),
            ({"mnfa_threshold": ["3"]}, "is a text"),
            ({"mnfa_threshold": 10**30}, "is a text"),
            ({"mnfa_threshold": "3" * 300}, "at most 255"),
            ({"n" * 300: "3"}, "no parameter"),
        ):
            self.assert_refused(400, text, self.post(PATH, {**body, "parameters": parameters}))
        self.assert_refused(400, "Name the section", self.post(PATH, {"service": "platform", "parameters": {"a": "1"}}))
        self.assert_refused(400, "no section", self.post(PATH, {**body, "service": "nova", "parameters": {"a": "1"}}))

    def test_a_mandatory_one_stays_and_another_goes(self) -> None:
        answer = self.rest.request("DELETE", f"{PATH}/{self.one('mnfa_timeout')['uuid']}")
        self.assert_refused(400, "mandatory", answer)
        (uuid,) = db_parameters.create([{"service": "platform", "section": "maintenance", "name": "older", "value": "1"}])
        self.assertEqual(204, self.rest.request("DELETE", f"{PATH}/{uuid}").status)

    def test_what_is_not_there_is_not_found(self) -> None:
        self.assertEqual(404, self.rest.get(MISSING).status)
        self.assertEqual(404, self.patch(MISSING, value="3").status)
        self.assertEqual(404, self.rest.request("DELETE", MISSING).status)
        self.assertEqual(404, self.rest.get(f"{PATH}/mnfa_threshold").status)
