# SPDX-License-Identifier: Apache-2.0
"""The action of a host: swact and force-swact, by requests (spec sysinv.md 2.2)."""

from typing import Any

import ddt

from stx import testing
from sysinv.db import api as db_api
from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import sm_stub

_BUSY = "The activity stays here. controller-1 does not have all data yet."


@ddt.ddt
class SwactTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.sm = self.useFixture(sm_stub.SmApi())
        self.platform.conf.config(group="sysinv_api", sm_url=self.sm.url)

    def prepare(self) -> None:
        self.create(1, personality="controller")
        self.create(2)
        db_api.update_host(self.host()["uuid"], {"operational": "enabled", "availability": "available"})

    def act(self, action: Any = "swact", host: str = "controller-0", **more: Any) -> testing.Answer:
        return self.patch(f"/v1/ihosts/{host}", action=action, **more)

    def asked_of_mtce(self) -> str | None:
        requested: str | None = self.host()["requested_action"]
        return requested

    def test_a_swact_is_checked_and_then_asked_of_mtce(self) -> None:
        answer = self.act()
        self.assertEqual((200, "controller-0"), (answer.status, answer.json["hostname"]))
        self.assertEqual(("Swacting", "swact"), (answer.json["task"], self.asked_of_mtce()))
        self.assertEqual(["swact-pre-check"], self.sm.actions)
        method, path, _, _, body = self.sm.requests[-1]
        expected = {"origin": "sysinv", "action": "swact-pre-check", "admin": "unknown", "oper": "unknown", "avail": ""}
        self.assertEqual(("PATCH", "/v1/servicenode/controller-0", expected), (method, path, body))

    def test_the_host_is_found_by_id_uuid_and_name(self) -> None:
        made = self.host()
        for reference in (str(made["id"]), made["uuid"], "controller-0"):
            self.assertEqual(200, self.act("force-swact", host=reference).status)

    def test_a_forced_one_is_asked_for_at_once(self) -> None:
        self.assertEqual(200, self.act("force-swact").status)
        self.assertEqual(("force-swact", []), (self.asked_of_mtce(), self.sm.actions))

    def test_the_callers_own_token_is_passed_on(self) -> None:
        token = self.rest.token("configurator")
        body = [{"op": "replace", "path": "/action", "value": "swact"}]
        self.assertEqual(200, self.rest.request("PATCH", "/v1/ihosts/controller-0", body, token=token).status)
        self.assertEqual({token}, {asked[3] for asked in self.sm.requests})

    def test_a_reason_against_it_is_told_and_nothing_is_asked_for(self) -> None:
        self.sm.answers["swact-pre-check"] = 200, {"error_code": "-1002", "error_details": "There is no other controller."}
        self.assert_refused(400, "Cannot swact controller-0: There is no other controller.", self.act())
        self.assertEqual((["swact-pre-check"], None), (self.sm.actions, self.asked_of_mtce()))

    def test_what_service_management_refuses_is_refused_with_its_reason(self) -> None:
        self.sm.answers["swact-pre-check"] = sm_stub.refusal(_BUSY)
        self.assert_refused(400, f"Cannot swact controller-0: {_BUSY}", self.act())

    def test_a_controller_that_service_management_does_not_know_is_told(self) -> None:
        self.sm.refusal = sm_stub.fault(404, "There is no controller controller-0. There are: none.")
        self.assert_refused(400, "Cannot swact controller-0: There is no controller controller-0.", self.act())

    @ddt.data("swact", "force-swact")
    def test_the_controller_that_is_not_active_has_nothing_to_hand_over(self, action: str) -> None:
        text = "it is not the active controller, controller-0 is. Swact controller-0 to have controller-1 active."
        self.assert_refused(400, f"Cannot swact controller-1: {text}", self.act(action, "controller-1"))
        self.assertEqual([], self.sm.requests)

    @ddt.data("swact", "force-swact")
    def test_only_controllers_are_swacted(self, action: str) -> None:
        self.assert_refused(400, "Cannot swact compute-0: only controllers have activity", self.act(action, "compute-0"))
        self.assertEqual([], self.sm.requests)

    def test_a_host_that_is_not_there_is_named(self) -> None:
        self.assert_refused(404, "There is no host nobody.", self.act(host="nobody"))

    def test_an_action_is_asked_for_alone(self) -> None:
        self.assert_refused(400, "An action is asked for alone", self.act(serialid="7"))
        answer = self.rest.request("PATCH", "/v1/ihosts/controller-0", [{"op": "remove", "path": "/action"}])
        self.assert_refused(400, "An action is asked for alone", answer)
        self.assertEqual(([], None), (self.sm.requests, self.host()["serialid"]))

    def test_actions_that_there_are_not_are_named(self) -> None:
        for action in ("dance", "", 7, [], {}):
            self.assert_refused(400, "action cannot be", self.act(action))
        self.assertEqual([], self.sm.requests)

    def test_it_is_told_when_service_management_is_away(self) -> None:
        self.sm.end()
        self.assert_refused(503, "Is sm-api at work on this controller?", self.act())

    def test_who_may_not_change_hosts_may_not_swact(self) -> None:
        body = [{"op": "replace", "path": "/action", "value": "swact"}]
        self.assertEqual(403, self.rest.request("PATCH", "/v1/ihosts/controller-0", body, roles=("reader",)).status)
        self.assertEqual([], self.sm.requests)
