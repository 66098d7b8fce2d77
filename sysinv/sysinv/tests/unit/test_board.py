# SPDX-License-Identifier: Apache-2.0
"""What may be said of a host's board, how it is stored, and who gets to know its password."""

from typing import Any

import ddt

from stx import exception, testing
from sysinv import board, client, vault
from sysinv.db import api as db_api
from sysinv.tests.unit import base

SECRET = "Secret*1"
KNOWN = {"bm_type": "ipmi", "bm_ip": "192.0.2.7", "bm_username": "root"}
GIVEN = {**KNOWN, "bm_password": SECRET}
NOTHING = dict.fromkeys(KNOWN)


@ddt.ddt
class CheckTest(testing.TestCase):
    def check(self, host: dict[str, Any], **changes: Any) -> list[str]:
        return board.check({**NOTHING, **host}, board.complete(changes))

    @ddt.data("bmc", "dynamic", "ipmi", "redfish")
    def test_a_board_is_known_by_all_that_it_is_reached_with(self, kind: str) -> None:
        self.assertEqual([], self.check({}, **{**GIVEN, "bm_type": kind}))

    @ddt.data(
        ({"bm_type": "ipmi"}, "bm_ip, bm_username and bm_password"),
        ({"bm_type": "redfish", "bm_ip": "192.0.2.7"}, "bm_username and bm_password"),
        (KNOWN, "bm_password"),
        ({**GIVEN, "bm_username": ""}, "bm_username"),
    )
    @ddt.unpack
    def test_what_is_missing_is_named(self, changes: dict[str, Any], missing: str) -> None:
        expected = "A board management controller is reached with bm_ip, bm_username and bm_password"
        self.assertEqual([f"{expected}: give {missing}, or bm_type=none."], self.check({}, **changes))

    def test_its_kind_is_said_with_it(self) -> None:
        expected = "Say what kind of board management controller it is beside bm_ip, bm_password: bm_type=dynamic, ipmi, redfish."
        self.assertEqual([expected], self.check({}, bm_ip="192.0.2.7", bm_password=SECRET))

    def test_the_password_that_is_stored_is_as_good(self) -> None:
        self.assertEqual([], self.check({**KNOWN, "has_bm_password": True}, bm_ip="192.0.2.8", bm_type="redfish"))

    def test_the_password_alone_cannot_be_taken_away(self) -> None:
        (reason,) = self.check({**KNOWN, "has_bm_password": True}, bm_password=None)
        self.assertIn("give bm_password, or bm_type=none.", reason)

    def test_another_user_has_another_password(self) -> None:
        stored = {**KNOWN, "has_bm_password": True}
        self.assertEqual(["Another bm_username has another bm_password: give both."], self.check(stored, bm_username="other"))
        self.assertEqual([], self.check(stored, bm_username="other", bm_password=SECRET))

    @ddt.data(({}, {"bm_type": "none"}), ({**KNOWN, "has_bm_password": True}, {"bm_type": "none", "bm_ip": "192.0.2.9"}))
    @ddt.unpack
    def test_without_a_board_nothing_is_kept_of_it(self, stored: dict[str, Any], changes: dict[str, Any]) -> None:
        self.assertEqual(dict.fromkeys(board.FIELDS), board.complete(changes))
        self.assertEqual([], self.check(stored, **changes))

    def test_other_attributes_are_left_alone(self) -> None:
        self.assertEqual({"console": "", "bm_username": None}, board.complete({"console": "", "bm_username": ""}))

    @ddt.data(
        (NOTHING, {"serialid": "7"}, None),
        (NOTHING, GIVEN, "provision"),
        (KNOWN, {"bm_password": "x"}, "reprovision"),
        (KNOWN, dict.fromkeys(board.FIELDS), "deprovision"),
        (NOTHING, dict.fromkeys(board.FIELDS), None),
        ({}, {"hostname": "x"}, None),
    )
    @ddt.unpack
    def test_what_was_done_has_a_name(self, before: dict[str, Any], changed: dict[str, Any], expected: str | None) -> None:
        self.assertEqual(expected, board.command(before, changed))


class StoredTest(base.SystemTest):
    """Boards over the bus."""

    def setUp(self) -> None:
        super().setUp()
        self.made = self.create(**GIVEN)

    def update(self, **changes: Any) -> dict[str, Any]:
        return self.conductor.update_host(self.context, self.made["uuid"], changes)

    def login(self) -> client.BoardLogin | None:
        return self.conductor.get_board_logins(self.context).get("compute-0")

    def stored(self) -> str | None:
        (row,) = db_api.boards()
        return row["bm_password"]

    def commands(self) -> list[str]:
        return [told.entity_instance_id for told in self.faults() if told.alarm_id == "200.021"]

    def test_mtce_gets_to_know_how_a_board_is_reached(self) -> None:
        self.create(2)
        self.assertEqual(
            {"compute-0": client.BoardLogin("ipmi", "192.0.2.7", "root", SECRET)}, self.conductor.get_board_logins(self.context)
        )

    def test_a_login_is_shown_without_its_password(self) -> None:
        self.assertEqual("BoardLogin('ipmi', '192.0.2.7', 'root')", repr(self.login()))

    def test_the_password_is_stored_encrypted(self) -> None:
        self.assertNotIn(SECRET, str(self.stored()))
        self.assertEqual(SECRET, vault.decrypt(str(self.stored())))

    def test_whoever_reads_hosts_does_not_get_it(self) -> None:
        answers = (self.made, self.update(bm_password="Other*2"), self.conductor.get_hosts(self.context))
        for told in answers:
            for secret in (SECRET, "Other*2", str(self.stored())):
                self.assertNotIn(secret, str(told))
        self.assertEqual("Other*2", self.login().password)

    def test_without_a_board_its_password_goes_too(self) -> None:
        self.update(bm_type="none")
        self.assertEqual(([], False), (db_api.boards(), self.host("compute-0")["has_bm_password"]))

    def test_what_was_done_is_logged(self) -> None:
        self.update(bm_ip="192.0.2.8")
        self.update(serialid="7")
        self.update(bm_type="none")
        expected = [f"host=compute-0.command={command}" for command in ("provision", "reprovision", "deprovision")]
        self.assertEqual(expected, self.commands())

    def test_what_is_as_it_was_is_no_change(self) -> None:
        self.update(**{name: value for name, value in KNOWN.items() if name != "bm_type"}, bm_type="bmc")
        self.assertEqual(["host=compute-0.command=provision"], self.commands())

    def test_a_password_that_cannot_be_read_keeps_no_other_board_back(self) -> None:
        self.create(2, **{**GIVEN, "bm_ip": "192.0.2.9"})
        db_api.update_host(self.made["uuid"], {"bm_password": "gAAAA"})
        self.assertEqual(["compute-1"], list(self.conductor.get_board_logins(self.context)))

    def test_a_refusal_changes_nothing(self) -> None:
        before = (self.host("compute-0"), self.stored())
        self.assert_raises_with(exception.Invalid, "Another bm_username has another bm_password", self.update, bm_username="x")
        self.assertEqual(before, (self.host("compute-0"), self.stored()))
