# SPDX-License-Identifier: Apache-2.0
"""/v1/servicenodes, /v1/services and /v1/servicegroup by requests (spec sysinv.md 1.7, mtce-sm.md B5.2)."""

import itertools
from typing import Any
from urllib import parse

import ddt
import fixtures

from stx import testing
from sysinv import policies
from sysinv.tests.unit import base
from sysinv.tests.unit.api.v1 import sm_stub

_LISTS = {
    "servicenodes": "nodes",
    "services": "services",
    "servicegroup": "sm_servicegroup",
    "sm_servicegroup": "sm_servicegroup",
}
_SOURCES = {"servicenodes": "nodes", "services": "services", "servicegroup": "sm_sda", "sm_servicegroup": "sm_sda"}
READERS = ("reader", "operator", "configurator", "admin")


@ddt.ddt
class ReexportTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.sm = self.useFixture(sm_stub.SmApi())
        self.platform.conf.config(group="sysinv_api", sm_url=self.sm.url)

    def shown(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return self.listed(f"/v1/{path}", _LISTS[path], **query)

    @ddt.data(*_LISTS)
    def test_a_list_has_what_service_management_shows_with_links_to_here(self, path: str) -> None:
        expected = [{name: value for name, value in item.items() if name != "links"} for item in sm_stub.LISTS[_SOURCES[path]]]
        found = self.shown(path)
        self.assertEqual(expected, [{name: value for name, value in item.items() if name != "links"} for item in found])
        here = "servicegroup" if "group" in path else path
        self.assert_links(f"{here}/{found[0]['uuid']}", found[0]["links"])

    @ddt.data(*_LISTS)
    def test_one_is_shown_by_what_names_it(self, path: str) -> None:
        item = self.shown(path)[1]
        for wanted in (item["uuid"], item.get("id", item["uuid"])):
            self.assertEqual(item, self.rest.get(f"/v1/{path}/{wanted}").json)

    @ddt.data(*_LISTS)
    def test_one_that_is_not_there_is_named(self, path: str) -> None:
        self.assert_refused(404, "There is no nobody on this controller.", self.rest.get(f"/v1/{path}/nobody"))

    def test_a_name_with_a_slash_cannot_lead_elsewhere(self) -> None:
        for name in ("..%2fnodes", "a%2fb", "x%3flimit=1"):
            self.assertEqual(404, self.rest.get(f"/v1/services/{name}").status)
        self.assertFalse(
            [path for _, path, query, _, _ in self.sm.requests if query or path.count("/") > 3 or path.endswith("nodes")]
        )

    def test_the_callers_own_token_is_passed_on(self) -> None:
        token = self.rest.token("reader")
        self.assertEqual(200, self.rest.request("GET", "/v1/services", token=token).status)
        self.assertEqual([token], [asked[3] for asked in self.sm.requests])

    @ddt.data(*itertools.product(_LISTS, (1, 2000)))
    @ddt.unpack
    def test_pages_lead_through_the_whole_list(self, path: str, limit_max: int) -> None:
        self.sm.limit_max = limit_max
        found, where = [], f"/v1/{path}?limit=2&sort_key=name"
        while where:
            answer = self.rest.request("GET", where).json
            found += answer[_LISTS[path]]
            following = parse.urlsplit(answer.get("next", ""))
            self.assertIn(following.netloc, ("", "localhost"))
            where = f"{following.path}?{following.query}" if following.query else ""
        self.assertEqual([item["uuid"] for item in sm_stub.LISTS[_SOURCES[path]]], [item["uuid"] for item in found])
        self.assertEqual({"name"}, {asked[2]["sort_key"] for asked in self.sm.requests})

    def test_what_cannot_be_asked_is_named(self) -> None:
        for asked, text in (("limit=0", "is not a positive number"), ("colour=red", "There is no query parameter 'colour'.")):
            self.assert_refused(400, text, self.rest.request("GET", f"/v1/services?{asked}"))
        self.assertEqual([], self.sm.requests)

    def test_a_refusal_keeps_its_status_and_sentence(self) -> None:
        for status in (400, 401, 403, 409):
            self.sm.refusal = sm_stub.fault(status, "No.")
            self.assert_refused(status, "No.", self.rest.get("/v1/services"))
        for status in (500, 503):
            self.sm.refusal = sm_stub.fault(status, "Is sm.service at work?")
            self.assert_refused(503, "Is sm.service at work?", self.rest.get("/v1/services"))

    @ddt.data((200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b""), (302, b"{}"), (500, b"{}"), (404, b"[]"), (200, b"\xff"))
    @ddt.unpack
    def test_what_is_no_answer_of_service_management_is_told(self, status: int, content: bytes) -> None:
        self.sm.refusal = status, content
        self.assert_refused(503, "Service Management", self.rest.get("/v1/services"))

    @ddt.data(*_LISTS)
    def test_a_service_that_is_away_is_told(self, path: str) -> None:
        self.sm.end()
        self.assert_refused(503, f"Service Management does not answer at {self.sm.url}", self.rest.get(f"/v1/{path}"))
        self.assert_refused(503, "Is sm-api at work on this controller?", self.rest.get(f"/v1/{path}/1"))

    def test_a_service_that_says_nothing_is_waited_for_no_longer_than_a_while(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("sysinv.api.v1.sm_api._ANSWER_S", 0.2))
        self.sm.waits.clear()
        self.assert_refused(503, "does not answer", self.rest.get("/v1/services"))

    def test_readers_see_it_and_others_do_not(self) -> None:
        for path in _LISTS:
            for where in (f"/v1/{path}", f"/v1/{path}/{sm_stub.UUIDS[0]}"):
                for role in (*READERS, "member"):
                    expected = 200 if role in READERS else 403
                    self.assertEqual(expected, self.rest.request("GET", where, roles=(role,)).status, (where, role))
                self.assertEqual(401, self.rest.request("GET", where, token="").status)

    def test_it_can_only_be_looked_at(self) -> None:
        for path in _LISTS:
            for method, where in (("POST", path), ("PATCH", f"{path}/1"), ("DELETE", f"{path}/1")):
                self.assertIn(self.rest.request(method, f"/v1/{where}", {}).status, (404, 405))


class RulesTest(testing.TestCase):
    def test_every_path_is_documented_with_its_rule(self) -> None:
        documented = {(item["method"], item["path"]) for rule in policies.list_rules() for item in rule.operations}
        expected = {("GET", where) for path in _LISTS for where in (f"/v1/{path}", f"/v1/{path}/{{uuid}}")}
        self.assertEqual(set(), expected - documented)
