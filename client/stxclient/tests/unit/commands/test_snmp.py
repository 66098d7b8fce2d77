# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about SNMP."""

from stxclient.tests.unit import cli, sessions, wire
from stxclient.tests.unit import wire_data as data

COMMUNITIES, DESTINATIONS = "/v1/icommunity", "/v1/itrapdest"
(COMMUNITY,), (TRAP, INFORM) = data.COMMUNITIES, data.TRAP_DESTINATIONS


class CommunityTest(cli.CliTest):
    def test_the_list_has_the_published_columns(self) -> None:
        rows = self.done(self.system("snmp-comm-list")).rows
        self.assertEqual([["SNMP community", "View", "Access"], ["public", ".1", "ro"]], rows)

    def test_one_is_shown(self) -> None:
        self.assertEqual("ro", self.done(self.system("snmp-comm-show", COMMUNITY["uuid"], "-f", "json")).json["access"])

    def test_one_is_added(self) -> None:
        self.wire.answers["POST", COMMUNITIES] = wire.as_json(COMMUNITY)
        self.assertEqual("public", self.done(self.system("snmp-comm-add", "-c", "public", "-f", "json")).json["community"])
        self.assertEqual({"community": "public"}, self.wire.requests[-1].body)
        self.assertEqual(2, self.system("snmp-comm-add").code)

    def test_several_are_deleted(self) -> None:
        for name in ("public", "private"):
            self.wire.answers["DELETE", f"{COMMUNITIES}/{name}"] = wire.Answer(204)
        self.assertIn("private", self.done(self.system("snmp-comm-delete", "public", "private")).out)
        self.assertEqual([f"{COMMUNITIES}/{name}" for name in ("public", "private")], _deleted(self.wire.requests))


class TrapDestinationTest(cli.CliTest):
    def test_the_list_has_the_published_columns(self) -> None:
        rows = self.done(self.system("snmp-trapdest-list")).rows
        self.assertEqual(["IP Address", "SNMP Community", "Port", "Type", "Transport"], rows[0])
        self.assertEqual(["192.0.2.7", "public", "162", "snmpv2c_trap", "udp"], rows[1])

    def test_the_user_of_an_inform_is_shown_where_there_is_one(self) -> None:
        shown = self.done(self.system("snmp-trapdest-show", INFORM["uuid"], "-f", "json")).json
        self.assertEqual(("snmpv3_inform", "watcher"), (shown["type"], shown["security_name"]))
        self.assertNotIn("security_name", self.done(self.system("snmp-trapdest-show", TRAP["uuid"], "-f", "json")).json)

    def test_a_trap_needs_a_community(self) -> None:
        self.wire.answers["POST", DESTINATIONS] = wire.as_json(TRAP)
        self.done(self.system("snmp-trapdest-add", "-i", "192.0.2.7", "-c", "public"))
        self.assertEqual({"ip_address": "192.0.2.7", "community": "public"}, self.wire.requests[-1].body)
        self.fails(self.system("snmp-trapdest-add", "-i", "192.0.2.7"), 2, "A trap needs a --community.")

    def test_an_inform_has_a_user(self) -> None:
        self.wire.answers["POST", DESTINATIONS] = wire.as_json(INFORM)
        given = {"type": "snmpv3_inform", "security_name": "watcher", "auth_password": "12345678", "priv_password": "87654321"}
        options = [part for name, value in given.items() for part in (f"--{name}", value)]
        self.done(self.system("snmp-trapdest-add", "-i", "192.0.2.8", "--port", "1162", *options))
        self.assertEqual({"ip_address": "192.0.2.8", "port": 1162, **given}, self.wire.requests[-1].body)

    def test_several_are_deleted(self) -> None:
        for name in ("192.0.2.7", "2001%3Adb8%3A%3A1"):
            self.wire.answers["DELETE", f"{DESTINATIONS}/{name}"] = wire.Answer(204)
        self.done(self.system("snmp-trapdest-delete", "192.0.2.7", "2001:db8::1"))
        self.assertEqual(2, len(_deleted(self.wire.requests)))


class LibraryTest(sessions.LibraryTest):
    def test_one_is_changed(self) -> None:
        found = self.client.trap_destinations.update(TRAP["uuid"], port=1162)
        self.assertEqual("1162", found.port)


def _deleted(requests: list[wire.Request]) -> list[str]:
    return [request.path for request in requests if request.method == "DELETE"]
