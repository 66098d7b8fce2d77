# SPDX-License-Identifier: Apache-2.0
"""The commands `system`, `fm` and `openstack stx`: what they print for people and for programs, and how they fail."""

import csv
import functools
import importlib.metadata
import io
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import yaml

from stx import testing
from tests.functional import base, deployment
from tests.functional.commands import called

T = TypeVar("T")

PROGRAMS = ("system", "fm")
STEADY_S = 60.0
HOST = "described"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# What has a list and a sheet, by the column of the list that names one in the sheet's arguments.
PARTS = {
    "cpu": "log_core",
    "node": "uuid",
    "memory": "processor",
    "disk": "device_node",
    "disk-partition": "device_path",
    "port": "name",
    "ethernet-port": "name",
    "device": "address",
    "sensor": "uuid",
    "sensorgroup": "uuid",
}
LLDP = ("agent", "neighbor")
# What an agent on another host would report of it.
INVENTORY = {
    "numa": [{"numa_node": 0}],
    "cpu": [{"cpu": number, "numa_node": 0, "core": number, "thread": 0, "cpu_model": "Übercore ☃ 3000"} for number in range(3)],
    "memory": [{"numa_node": 0, "memtotal_mib": 65536, "memavail_mib": 60000, "hugepages_configured": False}],
    "disk": [{"device_path": "/dev/disk/by-path/pci-1", "device_node": "/dev/sdq", "size_mib": 1024, "available_mib": 1}],
    "partition": [
        {
            "device_path": "/dev/disk/by-path/pci-1-part1",
            "device_node": "/dev/sdq1",
            "disk_node": "/dev/sdq",
            "type_name": 'quoted "name", with a comma',
            "size_mib": 512,
        }
    ],
    "port": [{"name": "eth7", "type": "ethernet", "mac": "52:54:00:77:00:07", "pciaddr": "0000:00:07.0", "numa_node": 0}],
    "pci": [{"pciaddr": "0000:00:08.0", "pclass_id": "030000", "pvendor_id": "8086", "pdevice_id": "0001"}],
    "lldp_agent": [{"port_name": "eth7", "status": "rx=enabled,tx=enabled", "system_name": HOST}],
    "lldp_neighbour": [{"port_name": "eth7", "msap": "1|2", "chassis_id": "52:54:00:00:00:ff", "system_name": "switch"}],
}
REPORT = """
    import json, sys
    from stx import context
    from sysinv import client
    reports = {kind: client.InventoryReport("made up", records) for kind, records in json.loads(sys.argv[2]).items()}
    client.Conductor().report_inventory(context.internal("test"), sys.argv[1], reports)
"""
# What mtce-agent would have learned of its board.
SENSORS = {
    "groups": [
        {
            "sensorgroupname": "server temperature",
            "sensortype": "temperature",
            "datatype": "analog",
            "state": "enabled",
            "audit_interval_group": 120,
            "suppress": False,
            "actions_minor_group": "ignore",
            "actions_major_group": "log",
            "actions_critical_group": "alarm",
        }
    ],
    "sensors": [
        {
            "sensorname": 'CPU "0" ☃, left',
            "sensorgroupname": "server temperature",
            "sensortype": "temperature",
            "datatype": "analog",
            "status": "ok",
            "state": "enabled",
            "suppress": False,
        }
    ],
}
LEARN = """
    import json, sys
    from stx import context
    from sysinv import client
    model = client.SensorModel(**json.loads(sys.argv[2]))
    client.Conductor().store_sensor_model(context.internal("test"), sys.argv[1], model)
"""
# Each argument is a command line; a NUL ends what it prints.
OPENSTACK = """
import sys
from openstackclient import shell
for line in sys.argv[1:]:
    code = shell.main(line.split())
    print(end="\\0")
    if code:
        sys.exit(code)
"""


def names(program: str) -> list[str]:
    return [point.name for point in importlib.metadata.entry_points(group=f"stxclient.{program}")]


class Commands:
    def setUp(self) -> None:
        super().setUp()
        self.environment = self.platform.environment()

    def ask(self, service: str, method: str, path: str, body: Any = None) -> deployment.Reply:
        reply = self.platform.request(service, method, path, body, self.token)
        self.assertLess(reply.status, 300, reply)
        return reply

    def call(self, program: str, *argv: str) -> deployment.Ran:
        ran = called(self.environment, program, *argv)
        self.assertEqual((0, ""), (ran.code, ran.err), argv)
        return ran

    def steady(self, look: Callable[[], Any], do: Callable[[], T]) -> tuple[Any, T]:
        """What is seen before and after something is done, and what came of that.

        It is done again when it is not the same: mtce-agent tells every minute for how long a host is up, and reports come when they come.
        """
        give_up_at = time.monotonic() + STEADY_S
        while True:
            before = look()
            done = do()
            after = look()
            if before == after:
                return before, done
            self.assertLess(time.monotonic(), give_up_at, (before, after))

    def raise_alarm(self, alarm_id: str = "100.103", **attributes: str) -> dict[str, Any]:
        part = {"100.103": "numa=", "100.104": "filesystem=/"}[alarm_id]
        entity = f"host=controller-0.{part}{uuid.uuid4().hex[:8]}"
        body = {"alarm_id": alarm_id, "entity_instance_id": entity, "severity": "minor", "reason_text": "Too much", **attributes}
        found = self.ask("faultmanagement", "POST", "/v1/alarms", body).json["uuid"]
        self.addCleanup(self.platform.request, "faultmanagement", "DELETE", f"/v1/alarms/{found}", None, self.token)
        return self.ask("faultmanagement", "GET", f"/v1/alarms/{found}").json

    def described_host(self) -> str:
        """A host with something of everything, where the system takes another host; else the controller."""
        if self.kind is deployment.Embedded:
            return "controller-0"
        body = {"hostname": HOST, "personality": "worker", "mgmt_mac": "52:54:00:dd:00:01"}
        made = self.ask("platform", "POST", "/v1/ihosts", body).json["uuid"]
        self.addCleanup(self.ask, "platform", "DELETE", f"/v1/ihosts/{made}")
        self.platform.python(REPORT, made, json.dumps(INVENTORY))
        self.platform.python(LEARN, made, json.dumps(SENSORS))
        for path, told in (
            ("icommunity", {"community": "lists"}),
            ("itrapdest", {"ip_address": "127.0.0.1", "port": 9, "community": "lists"}),
        ):
            added = self.ask("platform", "POST", f"/v1/{path}", told).json["uuid"]
            self.addCleanup(self.ask, "platform", "DELETE", f"/v1/{path}/{added}")
        device = self.ask("platform", "GET", f"/v1/ihosts/{made}/pci_devices").json["pci_devices"]
        self.assertEqual(1, len(device))
        return HOST

    def lists(self, host: str) -> list[tuple[str, ...]]:
        of_host = [f"host-{part}-list" for part in (*PARTS, *(f"lldp-{which}" for which in LLDP))]
        return [
            ("system", "host-list"),
            ("system", "host-list", "--allowed", "force-lock"),
            ("system", "host-action-list", host),
            *(("system", name, host, *(["--all"] if name == "host-device-list" else [])) for name in of_host),
            ("system", "snmp-comm-list"),
            ("system", "snmp-trapdest-list"),
            ("fm", "alarm-list"),
            ("fm", "alarm-summary"),
            ("fm", "event-list", "--limit", "20"),
            ("fm", "event-suppress-list", "--include-unsuppressed"),
        ]

    def sheets(self, host: str) -> list[tuple[str, ...]]:
        alarm = self.raise_alarm(reason_text="Zu heiß ☃ “quoted” | a,b")["uuid"]
        [event] = self.ask("faultmanagement", "GET", "/v1/event_log?limit=1").json["event_log"]
        found: list[tuple[str, ...]] = [
            ("system", "show"),
            ("system", "host-show", host),
            ("fm", "alarm-show", alarm),
            ("fm", "event-show", event["uuid"]),
        ]
        for listed, column, shown in (
            *((f"host-{part}-list", column, (f"host-{part}-show", host)) for part, column in PARTS.items()),
            *((f"host-lldp-{which}-list", "uuid", (f"lldp-{which}-show",)) for which in LLDP),
        ):
            every = ["--all"] if listed == "host-device-list" else []
            items = self.call("system", listed, host, *every, "-f", "json").out
            found += [("system", *shown, str(item[column])) for item in json.loads(items)[:1]]
        for what, column in (("comm", "SNMP community"), ("trapdest", "IP Address")):
            items = self.call("system", f"snmp-{what}-list", "-f", "json").out
            found += [("system", f"snmp-{what}-show", str(item[column])) for item in json.loads(items)[:1]]
        return found

    def test_every_list_and_sheet_is_a_table_for_people(self) -> None:
        host = self.described_host()
        lists, sheets = self.lists(host), self.sheets(host)
        for command in lists + sheets:
            lines = self.call(*command).out.splitlines()
            self.assertRegex(lines[0], r"^\+-[-+]+-\+$", command)
            if command in sheets:
                self.assertRegex(lines[1], r"^\| Property +\| Value +\|$")
            self.assertEqual(lines[0], lines[2])
            self.assertEqual(lines[0], lines[-1])
        tested = {command[1] for command in lists + sheets}
        known = {name for program in PROGRAMS for name in names(program) if name.endswith(("list", "show", "summary"))}
        # Answered by Service Management, which these deployments do not have.
        known = {name for name in known if not name.startswith("service")}
        if self.kind is deployment.Standard:
            self.assertEqual(known, tested)
        self.assertLessEqual(tested, known)

    def test_a_program_prints_what_a_call_in_this_process_does(self) -> None:
        self.raise_alarm(reason_text="Zu heiß ☃ “quoted” | a,b")
        for command in (("system", "host-list"), ("system", "show"), ("fm", "alarm-list")):
            called_here, ran = self.steady(functools.partial(self.call, *command), functools.partial(self.platform.run, *command))
            self.assertEqual(called_here, ran)

    def test_bash_is_offered_the_hosts_on_which_an_action_is_allowed(self) -> None:
        code = 'eval "$(system complete)"\nCOMP_WORDS=(system "$1" contr); COMP_CWORD=2; _system_or_hosts; echo "${COMPREPLY[@]}"'
        # The active controller is reset by nobody.
        for command, offered in (("host-show", "controller-0"), ("host-reset", "")):
            done = self.platform.run("bash", "-c", code, "bash", command)
            self.assertEqual((0, offered, ""), (done.code, done.out.strip(), done.err))

    def in_forms(self, command: Sequence[str], *forms: str, options: Sequence[str] = ()) -> tuple[Any, dict[str, str]]:
        """What a command has in JSON, and what it prints in other forms, with options, while that is so."""
        return self.steady(
            lambda: self.call(*command, "-f", "json").json,
            lambda: {form: self.call(*command, "-f", form, *options).out for form in forms},
        )

    def test_every_list_is_the_same_in_all_forms_for_programs(self) -> None:
        host = self.described_host()
        self.raise_alarm(reason_text="Zu heiß ☃ “quoted” | a,b")
        for command in self.lists(host):
            rows, shown = self.in_forms(command, "yaml", "csv")
            if self.kind is deployment.Standard:
                self.assertTrue(rows, command)
            self.assertEqual(rows, yaml.safe_load(shown["yaml"]), command)
            table = list(csv.reader(io.StringIO(shown["csv"])))
            self.assertEqual([[text(value) for value in row.values()] for row in rows], table[1:], command)
            for row in rows:
                self.assertEqual(table[0], list(row))
            rows, shown = self.in_forms(command, "value", options=("-c", table[0][0]))
            lines = shown["value"].splitlines()
            self.assertEqual([text(row[table[0][0]]) for row in rows], lines, command)

    def test_every_sheet_is_the_same_in_all_forms_for_programs(self) -> None:
        for command in self.sheets(self.described_host()):
            shown, forms = self.in_forms(command, "yaml", "value", "shell")
            self.assertEqual(shown, yaml.safe_load(forms["yaml"]), command)
            self.assertEqual(len(shown), len(forms["value"].splitlines()), command)
            expected = [name.lower().replace(" ", "_") for name in shown]
            self.assertEqual(expected, [line.partition("=")[0] for line in forms["shell"].splitlines()], command)
            name = list(shown)[-1]
            shown, forms = self.in_forms(command, "json", options=("-c", name))
            self.assertEqual({name: shown[name]}, json.loads(forms["json"]), command)

    def test_the_help_of_every_command_has_an_example(self) -> None:
        for program in PROGRAMS:
            for name in names(program):
                for argv in ((name, "--help"), ("help", name)):
                    text = called(self.environment, program, *argv).out
                    self.assertRegex(text, rf"^usage: {program} {name} ")
                    self.assertRegex(text, rf"(?m)^example:\n  {program} {name}( |$)")
            text = called({}, program, "--help").out
            for name in names(program):
                self.assertRegex(text, rf"(?m)^  {name}  +\S")

    def test_what_is_not_understood_ends_with_2(self) -> None:
        for argv in (
            ("system", "no-such-command"),
            ("fm", "no-such-command"),
            ("system", "--no-such-option", "host-list"),
            ("system", "host-list", "--no-such-option"),
            ("system", "host-list", "surplus"),
            ("system", "host-show"),
            ("system", "host-list", "-c", "no-such-column"),
            ("system", "host-list", "-f", "no-such-format"),
            ("system", "host-show", ""),
            ("fm", "alarm-list", "-q", "severity"),
            ("fm", "event-list", "--limit", "many"),
            ("fm", "event-suppress"),
            ("system", "hos"),
        ):
            ran = called(self.environment, *argv)
            self.assertEqual((2, ""), (ran.code, ran.out), argv)
            self.assertIn(next((word for word in argv if "no-such" in word), argv[1] if argv[-1] else "name"), ran.err)
            self.assertNotIn("Traceback", ran.err)

    def assert_sentence(self, ran: deployment.Ran, *expected: str) -> None:
        self.assertEqual((1, ""), (ran.code, ran.out), ran.err)
        self.assertRegex(ran.err, r"^\S.* .*[.)]\n$")
        for part in expected:
            self.assertIn(part, ran.err)

    def test_what_is_not_found_is_one_sentence(self) -> None:
        commands = [("system", f"host-{part}-list", "no-such-host") for part in PARTS]
        commands += [("system", f"host-{part}-show", "no-such-host", "0") for part in PARTS]
        commands += [("system", f"host-{part}-show", "controller-0", "no-such-part") for part in PARTS]
        commands += [("system", f"lldp-{which}-show", UNKNOWN) for which in LLDP]
        commands += [("system", "host-show", "no-such-host"), ("system", "host-delete", "no-such-host")]
        commands += [("system", "host-update", "no-such-host", "serialid=1")]
        commands += [("fm", name, UNKNOWN) for name in ("alarm-show", "alarm-delete", "event-show")]
        commands += [("fm", "event-suppress", "--alarm_id", "999.999")]
        for command in commands:
            sought = next(word for word in command[2:] if word.startswith(("no-such", "0000", "999")))
            self.assert_sentence(called(self.environment, *command), sought)
        self.assert_sentence(self.platform.run("system", "host-show", "no-such-host"), "no-such-host")

    def test_wrong_credentials_and_addresses_are_one_sentence_each(self) -> None:
        closed = f"http://127.0.0.1:{testing.free_port()}"
        keystone = self.platform.layout.auth_url
        cases = (
            ({"OS_PASSWORD": "wrong"}, (keystone, "OS_PASSWORD")),
            ({"OS_PROJECT_NAME": "no such project"}, (keystone, "OS_PROJECT_NAME")),
            ({"OS_AUTH_URL": f"{closed}/v3"}, (closed, "OS_AUTH_URL")),
            ({"OS_AUTH_URL": f"{keystone}/nowhere"}, ("OS_AUTH_URL",)),
            ({"OS_AUTH_URL": ""}, ("OS_AUTH_URL",)),
            ({"OS_REGION_NAME": "nowhere"}, ("OS_REGION_NAME",)),
            ({"SYSTEM_URL": closed, "FM_URL": closed}, (closed,)),
        )
        for variables, expected in cases:
            for command in (("system", "host-list"), ("fm", "alarm-list")):
                self.assert_sentence(called({**self.environment, **variables}, *command), *expected)
        self.assert_sentence(self.platform.run("fm", "alarm-list", OS_PASSWORD="wrong"), keystone)

    def test_a_reader_looks_and_is_told_that_the_role_allows_no_more(self) -> None:
        environment = self.platform.environment("reader")
        self.assertEqual(0, called(environment, "system", "host-list").code)
        for command in (
            ("system", "modify", "--name", "mine"),
            ("system", "host-update", "controller-0", "serialid=1"),
            ("system", "host-delete", "controller-0"),
            ("fm", "event-suppress", "--alarm_id", "100.103"),
            ("fm", "alarm-delete", self.raise_alarm()["uuid"]),
        ):
            self.assert_sentence(called(environment, *command), "Your role does not allow this")

    def test_openstack_gives_the_same_as_our_own_commands(self) -> None:
        self.raise_alarm()
        hosts, ran = self.steady(
            lambda: self.call("system", "host-list", "-f", "json").json,
            lambda: self.platform.run("openstack", "stx", "host", "list", "-f", "json"),
        )
        self.assertEqual((0, hosts), (ran.code, ran.json), ran.err)
        # In one process, because `openstack` takes seconds to load.
        lines = ("stx host show controller-0 -f json", "stx alarm list -f json")
        commands = (("system", "host-show", "controller-0"), ("fm", "alarm-list"))
        own, ran = self.steady(
            lambda: [self.call(*command, "-f", "json").json for command in commands],
            lambda: self.platform.run(sys.executable, "-c", OPENSTACK, *lines),
        )
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(own, [json.loads(text) for text in ran.out.split("\0")[:-1]])

    def test_completion_is_a_script_that_bash_accepts_and_that_knows_the_commands(self) -> None:
        for program in PROGRAMS:
            script = self.platform.run(program, "complete").out
            checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=20)
            self.assertEqual((0, "", ""), (checked.returncode, checked.stdout, checked.stderr))
            loaded = ["bash", "-c", f"{script}\ncomplete -p {program}"]
            bound = subprocess.run(loaded, capture_output=True, text=True, timeout=20)
            function = "_system_or_hosts" if program == "system" else f"_{program}"
            self.assertEqual(f"complete -F {function} {program}\n", bound.stdout)
            for name in names(program):
                self.assertIn(name.replace("-", "_"), script.replace("-", "_"))

    def test_output_that_nobody_reads_is_no_error(self) -> None:
        for command in ("system host-show controller-0", "fm event-suppress-list --include-unsuppressed --nopaging"):
            ran = self.platform.run("bash", "-c", f"set -o pipefail; {command} | true")
            self.assertNotIn("Traceback", ran.err)
            self.assertNotIn("Exception", ran.err)

    def test_an_alarm_is_listed_shown_counted_and_deleted(self) -> None:
        before = self.call("fm", "alarm-summary", "-f", "json").json
        alarm = self.raise_alarm(severity="major", reason_text="Zu heiß ☃")
        counted = self.call("fm", "alarm-summary", "-f", "json").json
        self.assertEqual([{**before[0], "Major Alarms": before[0]["Major Alarms"] + 1}], counted)
        for variables in ({}, {"LC_ALL": "C"}):
            ran = self.platform.run("fm", "alarm-list", "--uuid", "-f", "json", **variables)
            [listed] = [row for row in ran.json if row["UUID"] == alarm["uuid"]]
            self.assertEqual(("100.103", "Zu heiß ☃", "major"), tuple(listed[k] for k in ("Alarm ID", "Reason Text", "Severity")))
        self.assertIn("Zu heiß ☃", self.call("fm", "alarm-list", "--nowrap").out)
        entity = alarm["entity_instance_id"]
        query = f"entity_instance_id={entity};severity=major"
        self.assertEqual(1, len(self.call("fm", "alarm-list", "-q", query, "-f", "json").json))
        self.assertEqual([], self.call("fm", "alarm-list", "-q", f"{query};alarm_id=100.104", "-f", "json").json)
        shown = self.call("fm", "alarm-show", alarm["uuid"], "-f", "json").json
        same = ("alarm_id", "entity_instance_id", "reason_text", "severity", "timestamp", "uuid")
        self.assertEqual({name: alarm[name] for name in same}, {name: shown[name] for name in same})
        ran = self.platform.run("fm", "alarm-delete", alarm["uuid"])
        self.assertEqual((0, ""), (ran.code, ran.err))
        self.assert_sentence(called(self.environment, "fm", "alarm-show", alarm["uuid"]), alarm["uuid"])
        events = self.call("fm", "event-list", "-q", f"entity_instance_id={entity}", "-f", "json").json
        self.assertEqual(["clear", "set"], [event["State"] for event in events])
        self.assertEqual(before, self.call("fm", "alarm-summary", "-f", "json").json)

    def test_events_are_listed_newest_first_by_kind(self) -> None:
        alarm = self.raise_alarm()
        entity = alarm["entity_instance_id"]
        body = {"alarm_id": "100.103", "alarm_state": "log", "entity_instance_id": entity, "reason_text": "It was seen"}
        self.ask("faultmanagement", "POST", "/v1/alarms", body)
        query = ("-q", f"entity_instance_id={entity}", "-f", "json")
        for options, expected in (((), ["log", "set"]), (("--alarms",), ["set"]), (("--logs",), ["log"]), (("-l", "1"), ["log"])):
            rows = self.call("fm", "event-list", *options, *query).json
            self.assertEqual(expected, [row["State"] for row in rows], options)
        [listed] = self.call("fm", "event-list", "--logs", "--uuid", *query).json
        shown = self.call("fm", "event-show", listed["UUID"], "-f", "json").json
        self.assertEqual(
            ("100.103", "It was seen", entity), tuple(shown[k] for k in ("event_log_id", "reason_text", "entity_instance_id"))
        )
        late = f"entity_instance_id={entity};start=2100-01-01"
        self.assertEqual([], self.call("fm", "event-list", "-q", late, "-f", "json").json)

    def test_a_suppressed_kind_is_hidden_until_it_is_asked_for_or_unsuppressed(self) -> None:
        self.addCleanup(called, self.environment, "fm", "event-unsuppress-all")
        entity = self.raise_alarm("100.104")["entity_instance_id"]
        seen = ("fm", "alarm-list", "-q", f"entity_instance_id={entity}")
        summary = self.call("fm", "alarm-summary", "-f", "json").json
        ran = self.call("fm", "event-suppress", "--alarm_id", "100.104,100.103", "-f", "json")
        self.assertEqual({"100.103": "suppressed", "100.104": "suppressed"}, _statuses(ran.json))
        self.assertEqual({"100.103", "100.104"}, set(_statuses(self.call("fm", "event-suppress-list", "-f", "json").json)))
        self.assertEqual([], self.call(*seen, "-f", "json").json)
        [event] = self.call("fm", "event-list", "--include_suppress", "-q", seen[-1], "-f", "json").json
        self.assertEqual("100.104", event["Event Log ID"])
        self.assertEqual([], self.call("fm", "event-list", "-q", seen[-1], "-f", "json").json)
        self.assertIn("| S(100.104) ", self.call(*seen, "--include_suppress").out)
        self.assertEqual("100.104", self.call(*seen, "--include_suppress", "-f", "json").json[0]["Alarm ID"])
        self.assertEqual(summary, self.call("fm", "alarm-summary", "--include_suppress", "-f", "json").json)
        self.assertNotEqual(summary, self.call("fm", "alarm-summary", "-f", "json").json)
        ran = self.call("fm", "event-unsuppress", "--alarm_id", "100.104", "-f", "json")
        self.assertEqual({"100.104": "unsuppressed"}, _statuses(ran.json))
        self.assertIn("| 100.104 ", self.call(*seen).out)
        ran = self.call("fm", "event-unsuppress-all", "-f", "json")
        self.assertEqual({"100.103": "unsuppressed"}, _statuses(ran.json))
        self.assertEqual([], self.call("fm", "event-suppress-list", "-f", "json").json)

    def test_no_kind_is_suppressed_when_one_of_several_does_not_exist(self) -> None:
        self.assert_sentence(called(self.environment, "fm", "event-suppress", "--alarm_id", "100.103,999.999"), "999.999")
        self.assertEqual([], self.call("fm", "event-suppress-list", "-f", "json").json)


def text(value: Any) -> str:
    """A value as it is printed."""
    return "" if value is None else str(value)


def _statuses(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    return {row["Event ID"]: row["Status"] for row in rows}


EmbeddedCommands, StandardCommands = base.on_both(Commands)
