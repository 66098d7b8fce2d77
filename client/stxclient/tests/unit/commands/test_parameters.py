# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about parameters of services."""

from stxclient.tests.unit import cli, wire
from stxclient.tests.unit import wire_data as data

PATH = "/v1/service_parameter"
PERIOD, THRESHOLD = data.PARAMETERS
COLUMNS = ["uuid", "service", "section", "name", "value", "personality", "resource"]


class ServiceParameterTest(cli.CliTest):
    def test_the_list_has_the_published_columns_and_conditions(self) -> None:
        rows = self.done(self.system("service-parameter-list")).rows
        self.assertEqual(COLUMNS, rows[0])
        self.assertEqual(["platform", "maintenance", "heartbeat_period", "100"], rows[1][1:5])
        given = ("--service", "platform", "--section", "maintenance", "--name", "mnfa_threshold")
        self.done(self.system("service-parameter-list", *given))
        self.assertEqual(["platform", "maintenance", "mnfa_threshold"], self.wire.requests[-1].values("q.value"))

    def test_one_is_shown(self) -> None:
        shown = self.done(self.system("service-parameter-show", THRESHOLD["uuid"], "-f", "json")).json
        self.assertEqual({name: THRESHOLD[name] for name in COLUMNS}, shown)

    def test_several_are_set_by_name(self) -> None:
        given = ("platform", "maintenance", "mnfa_threshold=3", "heartbeat_period=200")
        found = self.done(self.system("service-parameter-modify", *given, "-f", "json")).json
        self.assertEqual([("mnfa_threshold", "3"), ("heartbeat_period", "200")], [(row["name"], row["value"]) for row in found])
        self.fails(self.system("service-parameter-modify", "platform", "maintenance", "nothing=1"), 1, "has no parameter nothing")

    def test_they_are_added(self) -> None:
        self.wire.answers["POST", PATH] = wire.as_json({"parameters": [THRESHOLD]})
        given = ("platform", "maintenance", "mnfa_threshold=2", "--personality", "worker", "--resource", "a::b")
        (row,) = self.done(self.system("service-parameter-add", *given, "-f", "json")).json
        self.assertEqual(THRESHOLD["uuid"], row["uuid"])
        body = self.wire.requests[-1].body
        self.assertEqual(("worker", "a::b", {"mnfa_threshold": "2"}), tuple(body[name] for name in _SENT))

    def test_one_is_deleted(self) -> None:
        self.assertIn(THRESHOLD["uuid"], self.done(self.system("service-parameter-delete", THRESHOLD["uuid"])).out)
        self.assertEqual(("DELETE", f"{PATH}/{THRESHOLD['uuid']}"), (self.wire.requests[-1].method, self.wire.requests[-1].path))

    def test_they_are_applied(self) -> None:
        self.wire.answers["POST", f"{PATH}/apply"] = wire.as_json({"service": "platform"})
        self.assertIn("platform", self.done(self.system("service-parameter-apply", "platform")).out)
        self.wire.answers["POST", f"{PATH}/apply"] = wire.refused(400, "It is more than the other.")
        self.fails(self.system("service-parameter-apply", "platform"), 1, "It is more than the other.")


_SENT = ("personality", "resource", "parameters")
