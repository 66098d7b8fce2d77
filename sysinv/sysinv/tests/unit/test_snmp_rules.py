# SPDX-License-Identifier: Apache-2.0
"""What communities and trap destinations may be."""

from collections.abc import Sequence
from typing import Any

from stx import testing
from sysinv import rules, snmp_rules

TRAP = {"ip_address": "192.0.2.1", **snmp_rules.DESTINATION_DEFAULTS, "community": "public"}
INFORM = {
    **TRAP,
    "type": snmp_rules.V3_INFORM,
    "community": None,
    "security_name": "watcher",
    "auth_password": "12345678",
    "priv_password": "87654321",
}


class SnmpRulesTest(testing.TestCase):
    def refused(self, text: str, refusals: Sequence[rules.Refusal], conflict: bool = False) -> None:
        self.assertEqual([conflict], [each.conflict for each in refusals], refusals)
        self.assertIn(text, refusals[0].reason)

    def destination(self, row: dict[str, Any], *others: dict[str, Any], **given: Any) -> list[rules.Refusal]:
        return snmp_rules.check_destination({**row, **given}, others, given)

    def community(self, name: str, *others: str, **values: str) -> list[rules.Refusal]:
        beside = [{"community": other} for other in others]
        return snmp_rules.check_community({**snmp_rules.COMMUNITY_DEFAULTS, "community": name, **values}, beside)

    def test_what_is_complete_is_taken(self) -> None:
        for row in (TRAP, INFORM):
            self.assertEqual([], self.destination(row, {"ip_address": "192.0.2.2"}, **row))
        self.assertEqual([], self.community("public", "private"))

    def test_a_community_can_be_part_of_a_path(self) -> None:
        for name in ("", "a b", "a/b", "caf\u00e9", "a\n", "detail", "x" * 129):
            self.refused("printable ASCII", self.community(name))
            self.refused("printable ASCII", self.destination(TRAP, community=name))

    def test_what_a_community_may_do_is_the_same_for_all(self) -> None:
        self.refused("nothing can be written", self.community("public", access="rw"))
        self.refused("the same for all", self.community("public", view=".1.3"))

    def test_nothing_is_there_twice(self) -> None:
        self.refused("public is there already", self.community("public", "public"), conflict=True)
        self.refused("192.0.2.1 is there already", self.destination(TRAP, {"ip_address": "192.0.2.1"}), conflict=True)

    def test_there_is_a_most(self) -> None:
        many = [f"c{number}" for number in range(snmp_rules.MOST)]
        self.assertEqual([], self.community("public", *many[1:]))
        self.refused("16 already", self.community("public", *many), conflict=True)

    def test_an_inform_needs_a_user_with_two_passwords(self) -> None:
        self.refused("needs auth_password", self.destination(INFORM, auth_password=None))
        self.refused("needs security_name and priv_password", self.destination(INFORM, priv_password="", security_name=None))
        self.refused("priv_password needs 8 characters", self.destination(INFORM, priv_password="1234567"))
        self.refused("security_name is 1 to 32", self.destination(INFORM, security_name="a b"))
        self.refused("community is for", self.destination(INFORM, community="public"))

    def test_a_password_that_is_stored_already_is_not_looked_at(self) -> None:
        self.assertEqual([], self.destination({**INFORM, "auth_password": "sealed"}, port=1162))

    def test_a_trap_has_no_user(self) -> None:
        self.refused("are for the type snmpv3_inform", self.destination(TRAP, security_name="watcher"))
