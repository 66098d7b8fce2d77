# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands that ask for actions on hosts."""

import ddt

from stxclient.tests.unit import cli, wire

SIMPLE = ("reboot", "reset", "reinstall", "power-on", "power-off")
FORCEABLE = ("lock", "unlock")


class ListTest(cli.CliTest):
    def test_each_action_is_listed_with_the_reason_against_it(self) -> None:
        offered = [
            {"action": "lock", "allowed": True},
            {"action": "unlock", "allowed": False, "reason": "It is unlocked already."},
        ]
        self.wire.answers["GET", "/v1/ihosts/compute-0/actions"] = wire.as_json({"actions": offered})
        listed = self.done(self.system("host-action-list", "compute-0", "-f", "json")).json
        self.assertEqual([{**offered[0], "reason": None}, offered[1]], listed)


@ddt.ddt
class ActionTest(cli.CliTest):
    def asked(self) -> list[tuple[str, str]]:
        return [(request.path, request.body[0]["value"]) for request in self.wire.requests if request.method == "PATCH"]

    @ddt.data(*SIMPLE, *FORCEABLE)
    def test_an_action_is_asked_for_and_the_host_shown(self, action: str) -> None:
        shown = dict(self.done(self.system(f"host-{action}", "compute-0")).rows)
        self.assertEqual(("compute-0", [("/v1/ihosts/compute-0", action)]), (shown["hostname"], self.asked()))

    @ddt.data(*FORCEABLE)
    def test_it_is_forced_by_either_option(self, action: str) -> None:
        for option in ("-f", "--force"):
            self.done(self.system(f"host-{action}", option, "compute-0"))
        self.assertEqual([("/v1/ihosts/compute-0", f"force-{action}")] * 2, self.asked())

    @ddt.data(*SIMPLE)
    def test_what_cannot_be_forced_has_no_such_option(self, action: str) -> None:
        self.assertEqual(2, self.system(f"host-{action}", "--force", "compute-0").code)
        self.assertEqual([], self.wire.requests)

    @ddt.data(*SIMPLE, *FORCEABLE)
    def test_a_refusal_is_one_sentence(self, action: str) -> None:
        for status in (400, 409):
            text = f"Cannot {action} compute-0: the action reboot is in progress. Wait until it has ended."
            self.wire.answers["PATCH", "/v1/ihosts/compute-0"] = wire.refused(status, text)
            self.fails(self.system(f"host-{action}", "compute-0"), 1, text)

    @ddt.data(*SIMPLE, *FORCEABLE)
    def test_help_has_an_example(self, action: str) -> None:
        self.assertIn(f"system host-{action} compute-0", self.system(f"host-{action}", "--help").out)

    @ddt.data(*SIMPLE, *FORCEABLE)
    def test_a_host_is_named(self, action: str) -> None:
        self.assertEqual(2, self.system(f"host-{action}").code)
        self.assertEqual(2, self.system(f"host-{action}", "").code)
        self.assertEqual([], self.wire.requests)
