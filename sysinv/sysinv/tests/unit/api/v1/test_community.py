# SPDX-License-Identifier: Apache-2.0
"""/v1/icommunity."""

from sysinv.tests.unit import base

PATH = "/v1/icommunity"


class CommunityTest(base.RestTest):
    def test_one_is_added_and_found_by_its_name_and_its_uuid(self) -> None:
        answer = self.rest.request("POST", PATH, {"community": "public"})
        self.assertEqual(200, answer.status, answer.body)
        made = answer.json
        self.assertEqual(("public", ".1", "ro"), (made["community"], made["view"], made["access"]))
        self.assert_links(f"icommunity/{made['uuid']}", made["links"])
        for name in ("public", made["uuid"]):
            self.assertEqual(made, self.rest.get(f"{PATH}/{name}").json)
        self.assertEqual([made], self.listed(PATH))
        self.assertEqual([made], self.listed(f"{PATH}/detail", "icommunity"))

    def test_what_cannot_be_added_is_told(self) -> None:
        self.rest.request("POST", PATH, {"community": "public"})
        self.assert_refused(409, "there already", self.rest.request("POST", PATH, {"community": "public"}))
        self.assert_refused(400, "Name the community", self.rest.request("POST", PATH, {}))
        self.assert_refused(400, "nothing can be written", self.rest.request("POST", PATH, {"community": "c", "access": "rw"}))
        self.assert_refused(400, "printable ASCII", self.rest.request("POST", PATH, {"community": "a b"}))

    def test_one_is_changed_and_deleted(self) -> None:
        made = self.rest.request("POST", PATH, {"community": "public"}).json
        answer = self.patch(f"{PATH}/{made['uuid']}", community="private")
        self.assertEqual((200, "private"), (answer.status, answer.json["community"]))
        self.assertEqual(204, self.rest.request("DELETE", f"{PATH}/private").status)
        self.assertEqual([], self.listed(PATH))

    def test_what_is_not_there_is_not_found(self) -> None:
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", [{"op": "replace", "path": "/community", "value": "c"}])):
            self.assert_refused(404, "system snmp-comm-list", self.rest.request(method, f"{PATH}/nothing", body))
