# SPDX-License-Identifier: Apache-2.0
"""Tests of what Service Management says."""

from stxclient import exceptions
from stxclient.tests.unit import sessions, wire
from stxclient.tests.unit import wire_data as data


class ServicesTest(sessions.LibraryTest):
    def test_all_are_listed_and_got_with_all_fields(self) -> None:
        for found, expected, path in (
            (self.client.service_nodes, data.SERVICE_NODES, "/v1/servicenodes"),
            (self.client.services, data.SERVICES, "/v1/services"),
            (self.client.service_groups, data.SERVICE_GROUPS, "/v1/servicegroup"),
        ):
            self.assertEqual(expected, [item.to_dict() for item in found.list()])
            self.assertEqual(path, self.wire.requests[-1].path)
            self.assertEqual(expected[0], found.get(expected[0]["uuid"]).to_dict())

    def test_pages_are_followed(self) -> None:
        self.wire.page_limit = 1
        self.assertEqual(4, len(list(self.client.service_groups.list())))

    def test_one_that_is_not_there_is_told(self) -> None:
        self.assertRaises(exceptions.NotFound, self.client.services.get, "nobody")


class SwactTest(sessions.LibraryTest):
    def test_a_swact_is_an_action_of_the_host(self) -> None:
        for force, action in ((False, "swact"), (True, "force-swact")):
            self.assertEqual("controller-0", self.client.hosts.swact("controller-0", force).hostname)
            request = self.wire.requests[-1]
            self.assertEqual(("PATCH", "/v1/ihosts/controller-0"), (request.method, request.path))
            self.assertEqual([{"op": "replace", "path": "/action", "value": action}], request.body)

    def test_a_refusal_says_what_to_do(self) -> None:
        self.wire.answers["PATCH", "/v1/ihosts/controller-1"] = wire.refused(400, "Swact controller-0.")
        error = self.assertRaises(exceptions.BadRequest, self.client.hosts.swact, "controller-1")
        self.assertEqual("Swact controller-0.", str(error))
