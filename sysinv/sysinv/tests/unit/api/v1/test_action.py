# SPDX-License-Identifier: Apache-2.0
"""The actions of a host by requests (spec sysinv.md 2.2)."""

from typing import Any

import ddt

from stx import testing
from stx.rest import policy
from sysinv import actions
from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import sm_stub

IN_SERVICE = {"administrative": "unlocked", "operational": "enabled", "availability": "available"}
_SOLE = {"error_code": "-1003", "error_details": "Only controller-1 provides rabbit.", "impact_service_list": ["rabbit"]}


class ActionsTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.sm = self.useFixture(sm_stub.SmApi())
        self.platform.conf.config(group="sysinv_api", sm_url=self.sm.url)

    def prepare(self) -> None:
        self.create(1, personality="controller")
        self.create(2)
        self.conductor.update_host_states(
            self.context, {"controller-0": IN_SERVICE, "controller-1": IN_SERVICE, "compute-0": {"availability": "online"}}
        )

    def act(self, action: Any, host: str = "compute-0", **request: Any) -> testing.Answer:
        body = [{"op": "replace", "path": "/action", "value": action}]
        return self.rest.request("PATCH", f"/v1/ihosts/{host}", body, **request)


@ddt.ddt
class AskTest(ActionsTest):
    def test_the_answer_is_the_host_with_its_task(self) -> None:
        answer = self.act("unlock")
        shown = {name: answer.json[name] for name in ("hostname", "task", "ihost_action", "action", "administrative")}
        expected = {"hostname": "compute-0", "task": "Unlocking", "ihost_action": "unlock", "action": "none"}
        self.assertEqual((200, {**expected, "administrative": "locked"}), (answer.status, shown))
        self.assertEqual(answer.json, self.rest.get("/v1/ihosts/compute-0").json)

    def test_what_is_kept_of_a_request_is_not_shown(self) -> None:
        hidden = {"action_number", "requested_action", "action_taken", "has_bm_password", "bm_password"}
        for shown in (self.act("unlock").json, *self.listed("/v1/ihosts")):
            self.assertEqual(set(), {name for name in shown if name in hidden or name.startswith("mtce_")} - {"mtce_info"})

    def test_a_reason_against_it_is_told(self) -> None:
        self.assert_refused(400, "Cannot lock compute-0: it is locked already.", self.act("lock"))

    def test_what_a_host_shows_without_an_action_cannot_be_asked_for(self) -> None:
        self.assertEqual("none", self.rest.get("/v1/ihosts/compute-0").json["action"])
        self.assert_refused(400, "action cannot be 'none'", self.act("none"))

    def test_a_second_action_is_a_conflict(self) -> None:
        self.act("reboot")
        self.assert_refused(409, "Cannot unlock compute-0: the action reboot is in progress.", self.act("unlock"))

    def test_an_operator_acts_on_hosts_and_does_not_change_them(self) -> None:
        self.assertEqual(200, self.act("reboot", roles=("operator",)).status)
        body = [{"op": "replace", "path": "/serialid", "value": "7"}]
        answer = self.rest.request("PATCH", "/v1/ihosts/compute-0", body, roles=("operator",))
        self.assert_refused(403, "(sysinv:ihosts:modify)", answer)

    def test_a_reader_asks_for_nothing(self) -> None:
        self.assert_refused(403, "Your role does not allow this", self.act("reboot", roles=("reader",)))
        self.assertIsNone(self.host("compute-0")["task"])

    def test_who_may_change_hosts_may_be_kept_from_acting(self) -> None:
        (self.platform.path / "policy.yaml").write_text("sysinv:ihosts:action: '!'\n")
        self.platform.conf.config(group="oslo_policy", policy_file=str(self.platform.path / "policy.yaml"))
        policy.reset()
        self.assert_refused(403, "(sysinv:ihosts:action)", self.act("reboot"))
        self.assertEqual(200, self.patch("/v1/ihosts/compute-0", serialid="7").status)

    @ddt.data("unlock", "reboot", "reinstall")
    def test_service_management_is_asked_about_controllers_only(self, action: str) -> None:
        self.assertEqual(200, self.act(action).status)
        self.assertEqual([], self.sm.requests)


@ddt.ddt
class LockOfAControllerTest(ActionsTest):
    def test_it_is_checked_with_service_management_first(self) -> None:
        token = self.rest.token("operator")
        self.assertEqual("Locking", self.act("lock", "controller-1", token=token).json["task"])
        ((method, path, _, sent, body),) = self.sm.requests
        expected = ("PATCH", "/v1/servicenode/controller-1", token, "lock-pre-check")
        self.assertEqual(expected, (method, path, sent, body["action"]))

    def test_services_that_it_alone_provides_are_named(self) -> None:
        self.sm.answers["lock-pre-check"] = 200, _SOLE
        text = "Cannot lock controller-1: Only controller-1 provides rabbit. To lock it all the same: system host-lock -f controller-1."
        self.assert_refused(400, text, self.act("lock", "controller-1"))
        self.assertIsNone(self.host("controller-1")["task"])

    def test_a_forced_one_is_not_checked(self) -> None:
        self.sm.answers["lock-pre-check"] = 200, _SOLE
        self.assertEqual("Force Locking", self.act("force-lock", "controller-1").json["task"])
        self.assertEqual([], self.sm.requests)

    def test_a_controller_that_service_management_does_not_know_is_no_loss(self) -> None:
        self.sm.refusal = sm_stub.fault(404, "There is no controller controller-1. There are: controller-0.")
        self.assertEqual(200, self.act("lock", "controller-1").status)

    def test_it_is_told_when_service_management_is_away(self) -> None:
        self.sm.end()
        self.assert_refused(503, "Is sm-api at work on this controller?", self.act("lock", "controller-1"))
        self.assertEqual(200, self.act("force-lock", "controller-1").status)

    def test_what_the_rules_refuse_is_not_asked(self) -> None:
        self.assert_refused(400, "it is the active controller.", self.act("lock", "controller-0"))
        self.conductor.update_host_states(self.context, {"controller-1": {"administrative": "locked"}})
        self.assert_refused(400, "it is locked already.", self.act("lock", "controller-1"))
        self.assertEqual([], self.sm.requests)


class SwactMeanwhileTest(ActionsTest):
    def test_a_controller_does_one_thing_at_a_time(self) -> None:
        self.platform.conf.config(host="controller-1")
        self.assertEqual(200, self.act("lock", "controller-0").status)
        self.platform.conf.config(host="controller-0")
        answer = self.act("swact", "controller-0")
        self.assert_refused(409, "Cannot swact controller-0: the action lock is in progress.", answer)
        self.assertEqual(["lock-pre-check"], self.sm.actions)
        self.assertEqual(200, self.act("force-swact", "controller-0").status)


class OfferTest(ActionsTest):
    def offered(self, host: str = "compute-0") -> dict[str, str | None]:
        """By action, the reason against it."""
        answer = self.rest.request("GET", f"/v1/ihosts/{host}/actions", roles=("reader",))
        self.assertEqual(200, answer.status, answer.body)
        found = answer.json["actions"]
        self.assertEqual(list(actions.OFFERED), [item["action"] for item in found])
        for item in found:
            self.assertEqual({"action", "allowed"} if item["allowed"] else {"action", "allowed", "reason"}, set(item))
        return {item["action"]: item.get("reason") for item in found}

    def test_every_action_is_offered_or_has_a_reason_against_it(self) -> None:
        found = self.offered()
        self.assertEqual(
            {"force-lock", "unlock", "force-unlock", "reboot", "reinstall", "delete"},
            {name for name in found if found[name] is None},
        )
        self.assertEqual("It is locked already.", found["lock"])

    def ask(self, name: str) -> testing.Answer:
        return self.rest.request("DELETE", "/v1/ihosts/compute-0") if name == actions.DELETE else self.act(name)

    def test_what_is_offered_is_accepted_and_what_is_not_is_refused_with_that_reason(self) -> None:
        for name, reason in self.offered().items():
            answer = self.ask(name)
            if name == actions.DELETE:
                self.assertEqual((None, 204), (reason, answer.status))
                break
            if reason is None:
                self.assertEqual(200, answer.status, name)
                update = {"action_taken": self.host("compute-0")["action_number"], "task": None}
                self.conductor.update_host_states(self.context, {"compute-0": update})
            else:
                self.assert_refused(400, reason[1:], answer)

    def test_why_a_host_is_not_deleted_is_told(self) -> None:
        self.act("reboot")
        reason = self.offered()[actions.DELETE]
        assert reason is not None
        self.assert_refused(409, reason, self.ask(actions.DELETE))

    def allowed(self, action: str, more: str = "") -> list[str]:
        """Hosts that are listed as those on which an action is allowed."""
        return [host["hostname"] for host in self.listed(f"/v1/ihosts?allowed={action}{more}", "ihosts")]

    def test_hosts_are_listed_on_which_an_action_is_allowed(self) -> None:
        every = [host["hostname"] for host in self.listed("/v1/ihosts")]
        for action in actions.OFFERED:
            expected = [name for name in every if self.offered(name)[action] is None]
            self.assertEqual(expected, self.allowed(action), action)
        self.assertEqual(["controller-0"], self.allowed("swact"))
        self.assertEqual([], self.allowed("swact", "&personality=worker"))
        self.assert_refused(400, "allowed", self.rest.get("/v1/ihosts?allowed=levitate"))

    def test_pages_of_such_a_list_lead_on(self) -> None:
        page = self.rest.get("/v1/ihosts?allowed=swact&limit=1&sort_key=hostname").json
        self.assertEqual([], page["ihosts"])
        self.assertIn("allowed=swact", page["next"])

    def test_a_host_is_found_by_id_uuid_and_name(self) -> None:
        made = self.host("compute-0")
        found = [self.offered(str(made[name])) for name in ("id", "uuid", "hostname")]
        self.assertEqual([found[0]] * 3, found)

    def test_a_host_that_is_not_there_is_named(self) -> None:
        self.assert_refused(404, "There is no host nobody.", self.rest.get("/v1/ihosts/nobody/actions"))

    def test_they_are_of_one_host(self) -> None:
        self.assert_refused(405, "name one item", self.rest.get("/v1/ihosts/actions"))
