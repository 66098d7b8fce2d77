# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about the system."""

from stxclient.tests.unit import cli
from stxclient.tests.unit import wire_data as data


class ShowTest(cli.CliTest):
    def test_settings_are_shown_in_the_published_order(self) -> None:
        rows = self.done(self.system("show")).rows
        self.assertEqual(["Property", "Value"], rows[0])
        self.assertEqual(
            [
                "name",
                "system_type",
                "system_mode",
                "description",
                "location",
                "contact",
                "timezone",
                "software_version",
                "uuid",
                "created_at",
                "updated_at",
                "region_name",
                "service_project_name",
                "security_feature",
                "vswitch_type",
                "sdn_enabled",
                "https_enabled",
            ],
            [label for label, _ in rows[1:]],
        )

    def test_programs_get_typed_values(self) -> None:
        shown = self.done(self.system("show", "-f", "json")).json
        self.assertIsNone(shown["system_mode"])
        self.assertIs(False, shown["sdn_enabled"])
        self.assertIs(True, shown["https_enabled"])

    def test_role_in_a_distributed_cloud_and_place_of_newer_services_are_shown_when_given(self) -> None:
        self.wire.lists["/v1/isystems"][0].update(distributed_cloud_role="subcloud", latitude="1.5", longitude=None)
        shown = self.done(self.system("show", "-f", "json")).json
        self.assertEqual(("subcloud", "1.5", None), tuple(shown[name] for name in _PLACE))

    def test_platform_without_a_system_says_so(self) -> None:
        self.wire.lists["/v1/isystems"] = []
        self.fails(self.system("show"), 1, "bootstrapped")


_PLACE = ("distributed_cloud_role", "latitude", "longitude")


class ModifyTest(cli.CliTest):
    def test_only_what_is_given_is_changed_and_the_system_shown(self) -> None:
        outcome = self.done(self.system("modify", "-d", "Edge", "-p", "true", "-f", "json"))
        patched = next(request for request in self.wire.requests if request.method == "PATCH")
        self.assertEqual(f"/v1/isystems/{data.SYSTEM_UUID}", patched.path)
        self.assertEqual(
            [
                {"op": "replace", "path": "/description", "value": "Edge"},
                {"op": "replace", "path": "/https_enabled", "value": "true"},
            ],
            patched.body,
        )
        self.assertEqual("Edge", outcome.json["description"])

    def test_every_setting_has_its_published_options(self) -> None:
        settings = {
            "name": ("-n", "x"),
            "sdn_enabled": ("-s", "false"),
            "timezone": ("-t", "UTC"),
            "system_mode": ("-m", "duplex"),
            "description": ("-d", "x"),
            "contact": ("-c", "x"),
            "location": ("-l", "x"),
            "https_enabled": ("-p", "false"),
            "vswitch_type": ("-v", "none"),
            "security_feature": ("-S", "spectre_meltdown_all"),
        }
        for name, (short, value) in settings.items():
            for option in (short, f"--{name}"):
                self.wire.requests.clear()
                self.done(self.system("modify", option, value))
                patched = next(request for request in self.wire.requests if request.method == "PATCH")
                self.assertEqual([{"op": "replace", "path": f"/{name}", "value": value}], patched.body)

    def test_place_on_earth_may_be_set(self) -> None:
        shown = self.done(self.system("modify", "--latitude", "-33.9", "--longitude", "18.4", "-f", "json")).json
        self.assertEqual(("-33.9", "18.4"), (shown["latitude"], shown["longitude"]))

    def test_setting_may_be_emptied(self) -> None:
        self.done(self.system("modify", "--contact", ""))
        self.assertEqual("", self.wire.lists["/v1/isystems"][0]["contact"])

    def test_columns_are_chosen_by_the_long_option(self) -> None:
        self.assertEqual({"name": "x"}, self.done(self.system("modify", "-n", "x", "--column", "name", "-f", "json")).json)

    def test_nothing_to_change_is_a_usage_error(self) -> None:
        self.fails(self.system("modify"), 2, "Nothing to change")
        self.assertEqual([], self.wire.requests)

    def test_unknown_value_is_a_usage_error(self) -> None:
        outcome = self.system("modify", "-S", "none")
        self.assertEqual(2, outcome.code)
        self.assertIn("spectre_meltdown_v1", outcome.err)
