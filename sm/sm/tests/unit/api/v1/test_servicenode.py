# SPDX-License-Identifier: Apache-2.0
"""/v1/servicenode by requests (spec mtce-sm.md B5.1)."""

from typing import Any

import ddt

from sm.control import ControlError
from sm.tests.unit.api import base
from stx import testing

_CHECKS = ("swact-pre-check", "lock-pre-check")
_STAYS = "The activity stays here. controller-1 does not have all data yet."


class ServiceNodeTest(base.RestTest):
    def patch(self, action: str, host: str = "controller-0", **values: Any) -> testing.Answer:
        body = {"origin": "sysinv", "action": action, "admin": "unknown", "oper": "unknown", "avail": "", **values}
        return self.rest.request("PATCH", f"/v1/servicenode/{host}", body)

    def assert_done(self, answer: testing.Answer) -> None:
        self.assertEqual((200, "0", ""), (answer.status, answer.json.get("error_code"), answer.json.get("error_details")))

    def assert_answered(self, status: int, code: str, text: str, answer: testing.Answer) -> None:
        """It was refused, with this code and sentence; so says the error that all clients read, where it is one."""
        self.assertEqual((status, code), (answer.status, answer.json.get("error_code")), answer.body)
        self.assertIn(text, answer.json["error_details"])
        if status >= 400:
            self.assertEqual(answer.json["error_details"], answer.fault)


@ddt.ddt
class ShowTest(ServiceNodeTest):
    def activity(self, host: str) -> tuple[str, str]:
        shown = self.rest.get(f"/v1/servicenode/{host}").json
        return shown["active_services"], shown["swactable_services"]

    def test_a_controller_has_the_published_fields(self) -> None:
        self.process.node("controller-0", availability_status="degraded")
        expected = {
            "origin": "sm",
            "hostname": "controller-0",
            "admin": "unlocked",
            "oper": "enabled",
            "avail": "degraded",
            "active_services": "yes",
            "swactable_services": "yes",
        }
        self.assertEqual(expected, self.rest.get("/v1/servicenode/controller-0").json)

    def test_services_on_both_controllers_are_no_activity(self) -> None:
        self.assertEqual(("no", "no"), self.activity("controller-1"))

    @ddt.data("active", "go-active", "go-standby", "disabling", "unknown")
    def test_groups_on_their_way_count_as_activity(self, state: str) -> None:
        self.process.assign("controller-1", "moving", state, desired="standby")
        self.assertEqual("yes", self.activity("controller-1")[0])

    def test_groups_that_shall_be_active_count_as_activity(self) -> None:
        self.process.assign("controller-1", "moving", "standby", desired="active")
        self.assertEqual("yes", self.activity("controller-1")[0])

    def test_what_the_other_controller_could_hand_over_only_itself_knows(self) -> None:
        self.process.assign("controller-1", "moving", "active")
        self.assertEqual(("yes", "unknown"), self.activity("controller-1"))

    def test_a_controller_that_is_not_heard_may_have_anything(self) -> None:
        del self.process.status["heard"]["controller-1"]
        self.assertEqual(("unknown", "unknown"), self.activity("controller-1"))

    def test_activity_that_cannot_be_handed_over_is_not_swactable(self) -> None:
        self.process.answers["precheck"] = {"reason": "controller-1 is locked, or not ready."}
        self.assertEqual(("yes", "no"), self.activity("controller-0"))

    def test_states_that_are_not_known_are_unknown(self) -> None:
        self.process.database.change([("NODES", {"name": "controller-9"}, {"ready_state": "unknown"})])
        shown = self.rest.get("/v1/servicenode/controller-9").json
        self.assertEqual({"unknown"}, {shown[name] for name in ("admin", "oper", "avail", "active_services")})

    def test_the_controller_that_is_asked_is_known_before_anything_happened_to_it(self) -> None:
        self.process.database.load({"NODES": []})
        shown = self.rest.get("/v1/servicenode/controller-0").json
        self.assertEqual(("unknown", "yes"), (shown["admin"], shown["active_services"]))

    def test_a_host_that_is_no_controller_is_not_found(self) -> None:
        answer = self.rest.get("/v1/servicenode/compute-0")
        self.assert_refused(404, "There is no controller compute-0. There are: controller-0, controller-1.", answer)

    def test_it_is_told_when_service_management_is_away(self) -> None:
        self.process.end()
        self.assert_refused(503, "Is sm.service at work?", self.rest.get("/v1/servicenode/controller-0"))


@ddt.ddt
class SwactTest(ServiceNodeTest):
    def test_a_swact_is_asked_for(self) -> None:
        for action, force in (("swact", False), ("swact-force", True)):
            self.assert_done(self.patch(action))
            self.assertEqual({"do": "swact", "force": force}, self.process.asked[-1])

    def test_the_answer_repeats_what_was_asked(self) -> None:
        expected = {
            "origin": "mtce",
            "hostname": "controller-0",
            "action": "swact",
            "admin": "unlocked",
            "oper": "unknown",
            "avail": "unknown",
            "error_code": "0",
            "error_details": "",
            "impact_service_list": [],
        }
        self.assertEqual(expected, self.patch("swact", origin="mtce", admin="unlocked").json)

    def test_a_refusal_is_an_error_with_the_reason_and_a_code(self) -> None:
        self.process.answers["swact"] = ControlError(_STAYS)
        self.assert_answered(400, "-1001", _STAYS, self.patch("swact"))

    def test_where_no_other_controller_is_the_code_says_so(self) -> None:
        self.process.answers["swact"] = ControlError("The activity stays here. There is no other controller.")
        self.process.answers["precheck"] = {"reason": "There is no other controller, or it is not heard of."}
        self.process.status["heard"]["controller-1"] = {"is_active": False, "is_ready": False}
        self.assert_answered(400, "-1002", "There is no other controller.", self.patch("swact"))
        self.process.alone()
        self.assert_answered(400, "-1002", "There is no other controller.", self.patch("swact"))
        self.assert_answered(200, "-1002", "or it is not heard of.", self.patch("swact-pre-check"))

    @ddt.data("swact", "swact-force", "swact-pre-check")
    def test_the_active_controller_is_asked_itself(self, action: str) -> None:
        self.process.status["heard"]["controller-1"]["is_active"] = True
        status = 200 if action in _CHECKS else 400
        self.assert_answered(
            status, "-1001", "controller-1 is the active controller: ask there", self.patch(action, "controller-1")
        )
        self.assertEqual([], self.process.asked)

    def test_a_controller_that_is_not_active_hands_nothing_over(self) -> None:
        self.assert_answered(400, "-1001", "controller-1 is not active", self.patch("swact", "controller-1"))

    def test_it_is_told_when_service_management_is_away(self) -> None:
        self.process.end()
        self.assert_refused(503, "Is sm.service at work?", self.patch("swact"))


@ddt.ddt
class PreCheckTest(ServiceNodeTest):
    def test_a_swact_that_could_be_changes_nothing(self) -> None:
        self.assert_done(self.patch("swact-pre-check"))
        self.assertEqual([{"do": "precheck"}], self.process.asked)

    def test_a_reason_against_it_is_no_error(self) -> None:
        self.process.answers["precheck"] = {"reason": "controller-1 does not have all data yet."}
        self.assert_answered(200, "-1001", "does not have all data yet", self.patch("swact-pre-check"))

    @ddt.data(
        ("controller-0", "go-active", "", "Service group moving is go-active on controller-0."),
        ("controller-1", "go-standby", "", "Service group moving is go-standby on controller-1."),
        ("controller-1", "standby", "degraded", "Service group moving is degraded (data-syncing) on controller-1."),
        ("controller-1", "standby", "failed", "Service group moving is failed (data-syncing) on controller-1."),
    )
    @ddt.unpack
    def test_groups_that_are_on_their_way_or_unwell_are_a_reason(self, node: str, state: str, status: str, text: str) -> None:
        self.process.assign(node, "moving", state, status, "data-syncing")
        self.assert_answered(200, "-1001", text, self.patch("swact-pre-check"))

    def test_what_is_unwell_where_the_activity_leaves_is_no_reason(self) -> None:
        self.process.assign("controller-0", "moving", "active", "failed")
        self.assert_done(self.patch("swact-pre-check"))

    def test_groups_on_both_controllers_are_no_reason(self) -> None:
        self.process.assign("controller-1", "everywhere", "disabling", "failed")
        self.assert_done(self.patch("swact-pre-check"))

    def test_a_group_that_only_the_other_controller_had_once_is_in_nobodys_way(self) -> None:
        self.process.assign("controller-1", "watching", "disabled")
        self.assert_done(self.patch("swact-pre-check"))

    def test_the_standby_controller_can_be_locked(self) -> None:
        self.assert_done(self.patch("lock-pre-check", "controller-1"))

    def test_the_active_controller_cannot(self) -> None:
        answer = self.patch("lock-pre-check")
        self.assert_answered(200, "-1003", "Only controller-0 provides ip. Swact first.", answer)
        self.assertEqual(["ip"], answer.json["impact_service_list"])

    @ddt.data("disabled", "standby")
    def test_a_controller_cannot_that_alone_provides_a_critical_service(self, state: str) -> None:
        self.process.assign("controller-0", "everywhere", state)
        answer = self.patch("lock-pre-check", "controller-1")
        self.assert_answered(200, "-1003", "Only controller-1 provides dns. Put them right on", answer)
        self.assertEqual(["dns"], answer.json["impact_service_list"])

    def test_a_controller_that_is_not_heard_provides_nothing(self) -> None:
        del self.process.status["heard"]["controller-1"]
        self.assertEqual(["dns", "ip"], self.patch("lock-pre-check").json["impact_service_list"])

    def test_the_only_controller_can_be_locked(self) -> None:
        self.process.alone()
        self.assert_done(self.patch("lock-pre-check"))


@ddt.ddt
class ToldTest(ServiceNodeTest):
    def told(self) -> tuple[str, ...]:
        (asked,) = self.process.asked
        self.assertEqual("node", asked["do"])
        return tuple(asked[name] for name in ("administrative", "operational", "availability"))

    def test_states_are_told_as_they_are(self) -> None:
        self.assert_done(self.patch("event", origin="mtce", admin="locked", oper="disabled", avail="online"))
        self.assertEqual(("locked", "disabled", "online"), self.told())

    def test_what_is_not_known_stays(self) -> None:
        self.process.node("controller-0", operational_state="disabled", availability_status="intest")
        self.assert_done(self.patch("event", admin="unlocked"))
        self.assertEqual(("unlocked", "disabled", "intest"), self.told())

    def test_unlock_unlocks_whatever_is_told_besides(self) -> None:
        self.process.node("controller-0", administrative_state="locked")
        self.assert_done(self.patch("unlock", oper="disabled", avail="online"))
        self.assertEqual(("unlocked", "disabled", "online"), self.told())

    def test_lock_locks_a_controller_that_the_other_one_can_do_without(self) -> None:
        self.process.assign("controller-0", "moving", "standby")
        self.process.assign("controller-1", "moving", "active")
        self.assert_done(self.patch("lock", avail="online"))
        self.assertEqual(("locked", "enabled", "online"), self.told())

    def test_lock_of_the_sole_provider_is_refused(self) -> None:
        answer = self.patch("lock")
        self.assert_answered(400, "-1003", "Only controller-0 provides ip. Swact first.", answer)
        self.assertEqual((["ip"], []), (answer.json["impact_service_list"], self.process.asked))

    @ddt.data("lock", "unlock", "event")
    def test_each_controller_takes_its_own_states(self, action: str) -> None:
        self.assert_answered(400, "-1001", "tell those of controller-1 there", self.patch(action, "controller-1"))
        self.assertEqual([], self.process.asked)


class MalformedTest(ServiceNodeTest):
    def test_a_host_that_is_no_controller_is_not_found(self) -> None:
        for action in ("event", "swact", *_CHECKS):
            self.assert_answered(404, "-1000", "There is no controller compute-0.", self.patch(action, "compute-0"))

    def test_what_is_wrong_is_named(self) -> None:
        for values, text in (
            ({"action": "dance"}, "action cannot be 'dance'"),
            ({"action": None}, "The attribute action is missing."),
            ({"origin": None}, "The attribute origin is missing."),
            ({"origin": "me"}, "origin cannot be 'me'"),
            ({"admin": "open"}, "admin cannot be 'open'"),
            ({"oper": 1}, "oper cannot be 1"),
            ({"avail": "x" * 33}, "33 characters"),
            ({"avail": "A B"}, "has the wrong form"),
            ({"hostname": "controller-0"}, "The attribute 'hostname' cannot be set here."),
            ({"colour": "red"}, "There is no attribute 'colour'."),
        ):
            self.assert_refused(400, text, self.patch(**{"action": "event", **values}))
        self.assertEqual([], self.process.asked)

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        for body in (b"", b"{", b"[]", b"7"):
            self.assert_refused(400, "JSON", self.rest.request("PATCH", "/v1/servicenode/controller-0", body))
