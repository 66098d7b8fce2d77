# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands about hosts."""

import csv
import io

import yaml

from stxclient.tests.unit import cli, wire
from stxclient.tests.unit import wire_data as data

COLUMNS = ["id", "hostname", "personality", "administrative", "operational", "availability"]


class ListTest(cli.CliTest):
    def test_hosts_are_a_table_ordered_by_id(self) -> None:
        rows = self.done(self.system("host-list")).rows
        self.assertEqual(COLUMNS, rows[0])
        self.assertEqual([["1", "controller-0"], ["2", "compute-0"], ["3", "storage-0"]], [row[:2] for row in rows[1:]])

    def test_json_has_typed_values(self) -> None:
        self.wire.lists["/v1/ihosts"][0]["hostname"] = None
        hosts = self.done(self.system("host-list", "-f", "json")).json
        self.assertEqual([(1, "controller-0"), (2, "compute-0"), (3, None)], [(host["id"], host["hostname"]) for host in hosts])
        self.assertEqual(COLUMNS, list(hosts[0]))

    def test_yaml_has_typed_values(self) -> None:
        hosts = yaml.safe_load(self.done(self.system("host-list", "-f", "yaml")).out)
        self.assertEqual([1, 2, 3], [host["id"] for host in hosts])

    def test_csv_has_a_heading_and_a_line_a_host(self) -> None:
        rows = list(csv.reader(io.StringIO(self.done(self.system("host-list", "-f", "csv")).out)))
        self.assertEqual([COLUMNS, ["1", "controller-0"]], [rows[0], rows[1][:2]])
        self.assertEqual(4, len(rows))

    def test_value_has_the_chosen_columns_only(self) -> None:
        outcome = self.done(self.system("host-list", "-f", "value", "-c", "hostname", "-c", "id"))
        self.assertEqual("1 controller-0\n2 compute-0\n3 storage-0\n", outcome.out)

    def test_list_without_hosts_is_a_heading(self) -> None:
        self.wire.lists["/v1/ihosts"] = []
        self.assertEqual([COLUMNS], self.done(self.system("host-list")).rows)
        self.assertEqual([], self.done(self.system("host-list", "-f", "json")).json)

    def test_unknown_column_is_a_usage_error_and_nothing_is_sent(self) -> None:
        self.fails(self.system("host-list", "-c", "id", "-c", "colour"), 2, "'colour'", "hostname")
        self.fails(self.system("host-add", "-n", "x", "--column", "colour"), 2, "'colour'", "hostname")
        self.assertEqual([], self.wire.requests)

    def test_column_may_be_spelled_in_any_case(self) -> None:
        self.assertEqual("1\n", self.done(self.system("host-list", "-f", "value", "-c", "ID")).out[:2])


class ShowTest(cli.CliTest):
    def labels(self, host: str) -> list[str]:
        return [row[0] for row in self.done(self.system("host-show", host)).rows[1:]]

    def test_lines_are_in_the_published_order(self) -> None:
        self.assertEqual(
            [
                "id",
                "uuid",
                "personality",
                "hostname",
                "invprovision",
                "administrative",
                "operational",
                "availability",
                "task",
                "action",
                "mgmt_mac",
                "mgmt_ip",
                "serialid",
                "capabilities",
                "config_status",
                "location",
                "uptime",
                "reserved",
                "created_at",
                "updated_at",
                "install_state",
                "install_state_info",
            ],
            self.labels("controller-0"),
        )

    def test_computes_show_their_subfunctions_and_storage_hosts_their_peers(self) -> None:
        self.assertEqual(["subfunctions", "subfunction_oper", "subfunction_avail"], self.labels("compute-0")[-3:])
        self.assertEqual("peers", self.labels("storage-0")[-1])

    def test_installation_state_is_shown_without_its_mark(self) -> None:
        shown = self.done(self.system("host-show", "1", "-f", "json")).json
        self.assertEqual(("completed", None), (shown["install_state"], shown["install_state_info"]))

    def test_programs_get_typed_values(self) -> None:
        shown = self.done(self.system("host-show", data.HOST_UUID, "-f", "json")).json
        self.assertEqual((1, 86400, False, None), tuple(shown[name] for name in ("id", "uptime", "reserved", "task")))
        self.assertEqual({"locn": "Rack 7"}, shown["location"])

    def test_rows_show_structured_values_as_json(self) -> None:
        rows = dict(self.done(self.system("host-show", "1")).rows)
        self.assertEqual('{"locn": "Rack 7"}', rows["location"])

    def test_chosen_lines_only(self) -> None:
        outcome = self.done(self.system("host-show", "1", "-c", "availability", "-f", "value"))
        self.assertEqual("available\n", outcome.out)
        self.assertEqual(2, len(self.done(self.system("host-show", "1", "-c", "id")).rows))

    def test_missing_host_is_a_failure(self) -> None:
        self.fails(self.system("host-show", "compute-9"), 1, "compute-9 could not be found.")


class AddTest(cli.CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.wire.answers["POST", "/v1/ihosts"] = wire.as_json(data.COMPUTE)

    def sent(self) -> object:
        return self.wire.requests[-1].body

    def test_host_is_created_and_shown(self) -> None:
        outcome = self.done(self.system("host-add", "-n", "compute-0", "-p", "compute", "-m", "52:54:00:00:00:02"))
        self.assertEqual({"hostname": "compute-0", "personality": "worker", "mgmt_mac": "52:54:00:00:00:02"}, self.sent())
        self.assertEqual("compute-0", dict(outcome.rows)["hostname"])

    def test_every_attribute_has_its_published_options(self) -> None:
        attributes = {
            "hostname": "-n",
            "mgmt_mac": "-m",
            "mgmt_ip": "-i",
            "bm_ip": "-I",
            "bm_type": "-T",
            "bm_username": "-U",
            "bm_password": "-P",
            "boot_device": "-b",
            "rootfs_device": "-r",
            "console": "-c",
            "vsc_controllers": "-v",
            "ttys_dcd": "-D",
            "hw_settle": "-R",
        }
        chosen = {"personality": ("-p", "worker"), "subfunctions": ("-s", "lowlatency"), "install_output": ("-o", "text")}
        for name, (short, value) in {**{name: (short, "x") for name, short in attributes.items()}, **chosen}.items():
            for option in (short, f"--{name}"):
                self.done(self.system("host-add", option, value))
                self.assertEqual({name: value}, self.sent())

    def test_unknown_personality_is_a_usage_error(self) -> None:
        self.assertEqual(2, self.system("host-add", "-p", "printer").code)
        self.assertEqual([], self.wire.requests)

    def test_host_of_which_nothing_is_known_is_a_usage_error(self) -> None:
        self.fails(self.system("host-add"), 2, "--personality")

    def test_refusal_is_shown(self) -> None:
        self.wire.answers["POST", "/v1/ihosts"] = wire.refused(409, "Host 52:54 exists already.")
        self.fails(self.system("host-add", "-m", "52:54"), 1, "Host 52:54 exists already.")


class UpdateTest(cli.CliTest):
    def test_attributes_are_replaced_and_the_host_shown(self) -> None:
        outcome = self.done(self.system("host-update", "compute-0", "serialid=4711", "console=", "location=a=b", "-f", "json"))
        (request,) = self.wire.requests
        self.assertEqual(("PATCH", "/v1/ihosts/compute-0"), (request.method, request.path))
        self.assertEqual(
            [
                {"op": "replace", "path": "/serialid", "value": "4711"},
                {"op": "replace", "path": "/console", "value": ""},
                {"op": "replace", "path": "/location", "value": {"locn": "a=b"}},
            ],
            request.body,
        )
        self.assertEqual("4711", outcome.json["serialid"])

    def test_what_is_no_attribute_is_a_usage_error(self) -> None:
        for argument in ("serialid", "=x"):
            outcome = self.system("host-update", "compute-0", argument)
            self.assertEqual(2, outcome.code)
            self.assertIn(f"{argument!r} is not name=value", outcome.err)
        self.assertEqual([], self.wire.requests)

    def test_host_without_attributes_is_a_usage_error(self) -> None:
        self.assertEqual(2, self.system("host-update", "compute-0").code)


class DeleteTest(cli.CliTest):
    def test_each_host_is_deleted(self) -> None:
        outcome = self.done(self.system("host-delete", "compute-0", "storage-0"))
        self.assertEqual("Deleted host compute-0\nDeleted host storage-0\n", outcome.out)

    def test_failure_of_one_host_does_not_keep_the_others(self) -> None:
        self.wire.answers["DELETE", "/v1/ihosts/controller-0"] = wire.refused(409, "Host is unlocked.")
        outcome = self.system("host-delete", "controller-0", "nobody", "compute-0")
        self.assertEqual((1, "Deleted host compute-0\n"), (outcome.code, outcome.out))
        self.assertEqual(
            "controller-0 is not deleted: Host is unlocked.\nnobody is not deleted: nobody could not be found.\n", outcome.err
        )

    def test_no_host_is_a_usage_error(self) -> None:
        self.assertEqual(2, self.system("host-delete").code)
        self.assertEqual(2, self.system("host-delete", "").code)
        self.assertEqual([], self.wire.requests)
