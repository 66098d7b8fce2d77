# SPDX-License-Identifier: Apache-2.0
"""Service parameters as the conductor keeps them."""

from typing import Any

from stx import exception, paging, rpc
from sysinv import client, conductor
from sysinv.db import service_parameters as db_parameters
from sysinv.tests.unit import base

DEFAULTS = {
    "worker_boot_timeout": 720,
    "controller_boot_timeout": 1200,
    "heartbeat_period": 100,
    "heartbeat_failure_action": "fail",
    "heartbeat_failure_threshold": 10,
    "heartbeat_degrade_threshold": 6,
    "mnfa_threshold": 2,
    "mnfa_timeout": 0,
}


class ServiceParametersTest(base.SystemTest):
    def row(self, name: str) -> dict[str, Any]:
        return next(row for row in db_parameters.all_parameters("platform") if row["name"] == name)

    def set(self, **values: str) -> None:
        for name, value in values.items():
            self.conductor.update_service_parameter(self.context, self.row(name)["uuid"], {"value": value})

    def apply(self) -> None:
        self.conductor.apply_service_parameters(self.context, "platform")

    def applied(self) -> dict[str, dict[str, Any]]:
        return self.conductor.get_applied_parameters(self.context, "platform")

    def refused(self, text: str, call: Any, *arguments: Any) -> None:
        self.assertIn(text, self.assertRaises(exception.StxException, call, self.context, *arguments).message)

    def test_a_new_system_has_those_that_are_mandatory(self) -> None:
        rows = db_parameters.list_parameters(paging.Page(100))
        self.assertEqual(DEFAULTS, {row["name"]: type(DEFAULTS[row["name"]])(row["value"]) for row in rows})
        self.assertEqual({("platform", "maintenance", None, None)}, {tuple(row[name] for name in _PLACE) for row in rows})

    def test_a_system_that_is_older_gets_them_and_keeps_what_was_set(self) -> None:
        self.set(mnfa_threshold="5")
        db_parameters.delete(self.row("mnfa_timeout")["uuid"])
        conductor.Bootstrap().start()
        self.assertEqual(("5", "0"), (self.row("mnfa_threshold")["value"], self.row("mnfa_timeout")["value"]))
        self.assertEqual(len(DEFAULTS), len(db_parameters.all_parameters("platform")))

    def test_what_is_set_is_effective_when_it_is_applied(self) -> None:
        self.assertEqual({}, self.applied())
        self.set(mnfa_threshold="5")
        self.assertEqual({}, self.applied())
        self.apply()
        self.assertEqual({"maintenance": {**DEFAULTS, "mnfa_threshold": 5}}, self.applied())
        self.set(mnfa_threshold="6", heartbeat_failure_action="alarm")
        self.assertEqual(5, self.applied()["maintenance"]["mnfa_threshold"])
        self.apply()
        self.assertEqual({"maintenance": {**DEFAULTS, "mnfa_threshold": 6, "heartbeat_failure_action": "alarm"}}, self.applied())

    def test_it_is_told_when_they_are_applied(self) -> None:
        events: list[Any] = []
        follower = rpc.Subscriber(lambda event: events.append((event.kind, event.payload)), "sysinv.service_parameter.")
        follower.start()
        self.addCleanup(follower.stop)
        self.set(mnfa_threshold="5")
        self.apply()
        base.wait_until(lambda: events == [(client.PARAMETERS_APPLIED, {"service": "platform"})])

    def test_what_does_not_go_together_is_set_and_not_applied(self) -> None:
        self.apply()
        self.set(heartbeat_degrade_threshold="50")
        self.refused("heartbeat_degrade_threshold (50) is more", self.conductor.apply_service_parameters, "platform")
        self.assertEqual(6, self.applied()["maintenance"]["heartbeat_degrade_threshold"])
        self.set(heartbeat_failure_threshold="60")
        self.apply()
        self.assertEqual(50, self.applied()["maintenance"]["heartbeat_degrade_threshold"])

    def test_what_is_refused_changes_nothing(self) -> None:
        before, uuid = db_parameters.all_parameters("platform"), self.row("mnfa_threshold")["uuid"]
        self.refused("it is 2 to 100", self.conductor.update_service_parameter, uuid, {"value": "1"})
        self.refused("cannot be set here", self.conductor.update_service_parameter, uuid, {"service": "horizon"})
        self.refused("mandatory", self.conductor.delete_service_parameter, uuid)
        added = {"mnfa_threshold": "3", "nothing": "1"}
        self.refused("already", self.conductor.create_service_parameters, "platform", "maintenance", added)
        self.refused("no section", self.conductor.create_service_parameters, "horizon", "auth", added)
        self.refused("no service horizon", self.conductor.apply_service_parameters, "horizon")
        self.assertEqual(before, db_parameters.all_parameters("platform"))

    def test_one_that_was_lost_is_added_again(self) -> None:
        db_parameters.delete(self.row("mnfa_threshold")["uuid"])
        (uuid,) = self.conductor.create_service_parameters(self.context, "platform", "maintenance", {"mnfa_threshold": "4"})
        self.assertEqual((uuid, "4"), (self.row("mnfa_threshold")["uuid"], self.row("mnfa_threshold")["value"]))

    def test_one_of_another_release_is_deleted(self) -> None:
        (uuid,) = db_parameters.create([{"service": "platform", "section": "maintenance", "name": "older", "value": "1"}])
        self.conductor.delete_service_parameter(self.context, uuid)
        self.refused("No service parameter", self.conductor.delete_service_parameter, uuid)


_PLACE = ("service", "section", "personality", "resource")
