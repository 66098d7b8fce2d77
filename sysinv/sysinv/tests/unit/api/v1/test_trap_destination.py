# SPDX-License-Identifier: Apache-2.0
"""/v1/itrapdest."""

from sysinv.tests.unit import base

PATH = "/v1/itrapdest"
TRAP = {"ip_address": "192.0.2.1", "community": "public"}
INFORM = {
    "ip_address": "2001:db8::1",
    "type": "snmpv3_inform",
    "security_name": "watcher",
    "auth_password": "secret-auth",
    "priv_password": "secret-priv",
}


class TrapDestinationTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="sysinv_conductor", secret_key_file=str(self.platform.path / "key"))

    def test_one_is_added_with_the_published_defaults_and_found_by_its_address(self) -> None:
        answer = self.rest.request("POST", PATH, TRAP)
        self.assertEqual(200, answer.status, answer.body)
        made = answer.json
        expected = {**TRAP, "port": 162, "type": "snmpv2c_trap", "transport": "udp", "security_name": None}
        self.assertEqual(expected, {name: made[name] for name in expected})
        self.assert_links(f"itrapdest/{made['uuid']}", made["links"])
        for name in ("192.0.2.1", made["uuid"]):
            self.assertEqual(made, self.rest.get(f"{PATH}/{name}").json)
        self.assertEqual([made], self.listed(PATH))
        self.assertEqual([made], self.listed(f"{PATH}/detail", "itrapdest"))

    def test_passwords_are_told_to_nobody(self) -> None:
        answer = self.rest.request("POST", PATH, INFORM)
        self.assertEqual(200, answer.status, answer.body)
        refused = self.patch(f"{PATH}/2001:db8::1", auth_password="secret!")
        self.assert_refused(400, "8 characters", refused)
        shown = (answer, refused, self.rest.get(PATH), self.rest.get(f"{PATH}/2001:db8::1"))
        for each in shown:
            self.assertNotIn(b"secret", each.body)
            self.assertNotIn(b'"auth_password"', each.body)

    def test_what_cannot_be_added_is_told(self) -> None:
        self.rest.request("POST", PATH, TRAP)
        self.assert_refused(409, "there already", self.rest.request("POST", PATH, TRAP))
        for body, text in (
            ({"community": "public"}, "Name the address"),
            ({**TRAP, "ip_address": "somewhere"}, "is not an IP address"),
            ({"ip_address": "192.0.2.2"}, "printable ASCII"),
            ({**TRAP, "port": 0}, "port cannot be"),
            ({**TRAP, "type": "snmpv1"}, "type cannot be"),
            ({**TRAP, "transport": "tcp"}, "transport cannot be"),
            ({**INFORM, "priv_password": None}, "needs priv_password"),
        ):
            self.assert_refused(400, text, self.rest.request("POST", PATH, body))

    def test_one_is_changed_and_deleted(self) -> None:
        made = self.rest.request("POST", PATH, TRAP).json
        answer = self.patch(f"{PATH}/{made['uuid']}", port=1162, community="other")
        self.assertEqual((200, 1162, "other"), (answer.status, answer.json["port"], answer.json["community"]))
        self.assertEqual(204, self.rest.request("DELETE", f"{PATH}/192.0.2.1").status)
        self.assertEqual([], self.listed(PATH))

    def test_what_is_not_there_is_not_found(self) -> None:
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", [{"op": "replace", "path": "/port", "value": 1}])):
            self.assert_refused(404, "system snmp-trapdest-list", self.rest.request(method, f"{PATH}/192.0.2.1", body))
