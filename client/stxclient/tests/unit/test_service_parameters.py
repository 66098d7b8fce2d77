# SPDX-License-Identifier: Apache-2.0
"""Tests of the parameters of services."""

from typing import Any

from stxclient import exceptions
from stxclient.tests.unit import sessions, wire
from stxclient.tests.unit import wire_data as data

PATH = "/v1/service_parameter"
PERIOD, THRESHOLD = data.PARAMETERS


class ServiceParametersTest(sessions.LibraryTest):
    def last(self) -> tuple[str, str, Any]:
        request = self.wire.requests[-1]
        return request.method, request.path, request.body

    def test_they_are_listed_by_service_section_and_name(self) -> None:
        self.assertEqual(data.PARAMETERS, [item.to_dict() for item in self.client.service_parameters.list()])
        self.assertEqual([], self.wire.requests[-1].values("q.field"))
        list(self.client.service_parameters.list("platform", "maintenance", "mnfa_threshold"))
        request = self.wire.requests[-1]
        self.assertEqual(["service", "section", "name"], request.values("q.field"))
        self.assertEqual(["platform", "maintenance", "mnfa_threshold"], request.values("q.value"))
        self.assertEqual(["eq"] * 3, request.values("q.op"))

    def test_one_is_got_and_deleted_by_its_uuid(self) -> None:
        self.assertEqual("100", self.client.service_parameters.get(PERIOD["uuid"]).value)
        self.client.service_parameters.delete(PERIOD["uuid"])
        self.assertEqual(("DELETE", f"{PATH}/{PERIOD['uuid']}", None), self.last())

    def test_they_are_set_by_name(self) -> None:
        values = {"mnfa_threshold": "3", "heartbeat_period": "200"}
        found = self.client.service_parameters.set("platform", "maintenance", values)
        self.assertEqual(["3", "200"], [item.value for item in found])
        body = [{"op": "replace", "path": "/value", "value": "200"}]
        self.assertEqual(("PATCH", f"{PATH}/{PERIOD['uuid']}", body), self.last())

    def test_nothing_is_set_where_one_is_not_there(self) -> None:
        values = {"mnfa_threshold": "3", "nothing": "1"}
        call = self.client.service_parameters.set
        error = self.assertRaises(exceptions.NotFound, call, "platform", "maintenance", values)
        self.assertEqual("platform maintenance has no parameter nothing.", str(error))
        self.assertRaises(exceptions.NotFound, call, "platform", "maintenance", {"mnfa_threshold": "3"}, "worker")
        self.assertEqual({"GET"}, {request.method for request in self.wire.requests})

    def test_they_are_added(self) -> None:
        self.wire.answers["POST", PATH] = wire.as_json({"parameters": [THRESHOLD]})
        (found,) = self.client.service_parameters.create("platform", "maintenance", {"mnfa_threshold": "2"})
        self.assertEqual("mnfa_threshold", found.name)
        body = {"service": "platform", "section": "maintenance", "personality": None, "resource": None}
        self.assertEqual(("POST", PATH, {**body, "parameters": {"mnfa_threshold": "2"}}), self.last())

    def test_they_are_applied(self) -> None:
        self.wire.answers["POST", f"{PATH}/apply"] = wire.as_json({"service": "platform"})
        self.client.service_parameters.apply("platform")
        self.assertEqual(("POST", f"{PATH}/apply", {"service": "platform"}), self.last())
        self.wire.answers["POST", f"{PATH}/apply"] = wire.refused(400, "It is more.")
        self.assertRaises(exceptions.BadRequest, self.client.service_parameters.apply, "platform")
