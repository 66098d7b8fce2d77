# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about services."""

from stxclient.tests.unit import cli, wire
from stxclient.tests.unit import wire_data as data


class NodeTest(cli.CliTest):
    def test_controllers_have_the_published_columns(self) -> None:
        rows = self.done(self.system("servicenode-list")).rows
        self.assertEqual(
            [
                ["id", "name", "administrative", "operational", "availability", "ready_state"],
                ["1", "controller-0", "unlocked", "enabled", "available", "enabled"],
                ["2", "controller-1", "unlocked", "enabled", "available", "disabled"],
            ],
            rows,
        )

    def test_one_is_shown_by_name_id_and_uuid(self) -> None:
        for wanted in ("controller-1", "2", data.SERVICE_NODES[1]["uuid"]):
            shown = self.done(self.system("servicenode-show", wanted, "-f", "json")).json
            self.assertEqual((2, "controller-1", "disabled"), tuple(shown[name] for name in ("id", "name", "ready_state")))


class ServiceTest(cli.CliTest):
    def test_services_have_the_published_columns_and_their_status_behind_the_state(self) -> None:
        rows = self.done(self.system("service-list")).rows
        self.assertEqual(
            [
                ["id", "service_name", "hostname", "state"],
                ["1", "management-ip", "controller-0", "enabled-active"],
                ["2", "postgres", "controller-0", "disabled-failed"],
            ],
            rows,
        )

    def test_services_of_which_nothing_is_known_yet_are_not_listed(self) -> None:
        found = self.done(self.system("service-list", "-f", "json")).json
        self.assertNotIn("new", [item["service_name"] for item in found])
        self.assertEqual("initial", self.done(self.system("service-show", "new", "-f", "json")).json["state"])

    def test_one_is_shown_by_name(self) -> None:
        shown = self.done(self.system("service-show", "postgres", "-f", "json")).json
        self.assertEqual(["id", "service_name", "hostname", "state", "desired_state", "condition"], list(shown))
        self.assertEqual(("disabled-failed", "recovery-failure"), (shown["state"], shown["condition"]))

    def test_one_that_is_not_there_is_a_failure(self) -> None:
        self.fails(self.system("service-show", "nobody"), 1, "nobody could not be found.")


class GroupTest(cli.CliTest):
    def test_groups_have_the_published_columns_and_their_status_behind_the_state(self) -> None:
        rows = self.done(self.system("servicegroup-list")).rows
        self.assertEqual(["uuid", "service_group_name", "hostname", "state"], rows[0])
        self.assertEqual(
            [
                ["controller-services", "controller-0", "active"],
                ["controller-services", "controller-1", "standby-degraded"],
                ["oam-services", "controller-0", "active"],
            ],
            [row[1:] for row in rows[1:]],
        )

    def test_one_is_shown(self) -> None:
        shown = self.done(self.system("servicegroup-show", data.SERVICE_GROUPS[1]["uuid"], "-f", "json")).json
        self.assertEqual(["uuid", "name", "service_group_name", "hostname", "state", "desired_state", "condition"], list(shown))
        self.assertEqual(("standby-degraded", "data-syncing"), (shown["state"], shown["condition"]))


class SwactTest(cli.CliTest):
    def actions(self) -> list[str]:
        return [request.body[0]["value"] for request in self.wire.requests if request.method == "PATCH"]

    def test_the_activity_is_handed_over_and_the_host_shown(self) -> None:
        shown = dict(self.done(self.system("host-swact", "controller-0")).rows)
        self.assertEqual(("controller-0", ["swact"]), (shown["hostname"], self.actions()))

    def test_it_is_forced_by_either_option(self) -> None:
        for option in ("-f", "--force"):
            self.done(self.system("host-swact", option, "controller-0"))
        self.assertEqual(["force-swact"] * 2, self.actions())

    def test_programs_choose_the_form_by_its_long_option(self) -> None:
        self.assertEqual(
            "controller-0", self.done(self.system("host-swact", "controller-0", "--format", "json")).json["hostname"]
        )

    def test_the_short_option_of_other_commands_sends_nothing(self) -> None:
        self.assertEqual(2, self.system("host-swact", "controller-0", "-f", "json").code)
        self.assertEqual([], self.wire.requests)

    def test_a_refusal_is_one_sentence(self) -> None:
        text = "Cannot swact controller-1: it is not the active controller, controller-0 is."
        self.wire.answers["PATCH", "/v1/ihosts/controller-1"] = wire.refused(400, text)
        self.fails(self.system("host-swact", "controller-1"), 1, text)
