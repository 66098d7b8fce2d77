# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts by requests (spec sysinv.md 1.7.2)."""

import logging
import uuid
from typing import Any
from urllib import parse

import fixtures

from stx import testing
from sysinv.db import api as db_api
from sysinv.tests.unit import base

FIELDS = {
    "id",
    "uuid",
    "hostname",
    "personality",
    "subfunctions",
    "administrative",
    "operational",
    "availability",
    "subfunction_oper",
    "subfunction_avail",
    "invprovision",
    "action",
    "ihost_action",
    "action_state",
    "task",
    "mtce_info",
    "vim_progress_status",
    "reserved",
    "mgmt_mac",
    "mgmt_ip",
    "infra_ip",
    "bm_ip",
    "bm_type",
    "bm_username",
    "serialid",
    "location",
    "uptime",
    "capabilities",
    "config_status",
    "config_applied",
    "config_target",
    "boot_device",
    "rootfs_device",
    "install_output",
    "console",
    "tboot",
    "ttys_dcd",
    "vsc_controllers",
    "install_state",
    "install_state_info",
    "software_load",
    "target_load",
    "iscsi_initiator_name",
    "clock_synchronization",
    "hw_settle",
    "peers",
    "isystem_uuid",
    "forisystemid",
    "peer_id",
    "created_at",
    "updated_at",
    "links",
}
SUBLINKS = {
    "ports",
    "ethernet_ports",
    "inodes",
    "icpus",
    "imemorys",
    "idisks",
    "partitions",
    "pci_devices",
    "lldp_agents",
    "lldp_neighbours",
    "isensors",
    "isensorgroups",
}
SETTINGS = {
    "hostname",
    "personality",
    "subfunctions",
    "mgmt_mac",
    "mgmt_ip",
    "serialid",
    "location",
    "boot_device",
    "rootfs_device",
    "install_output",
    "console",
    "tboot",
    "ttys_dcd",
    "vsc_controllers",
    "hw_settle",
    "clock_synchronization",
    "bm_type",
    "bm_ip",
    "bm_username",
}


class ShowTest(base.RestTest):
    def test_one_host_has_the_published_fields(self) -> None:
        shown = self.rest.get("/v1/ihosts/controller-0").json
        self.assertEqual(FIELDS | SUBLINKS, set(shown))
        expected = {
            "id": 1,
            "hostname": "controller-0",
            "personality": "controller",
            "subfunctions": "controller,worker",
            "administrative": "unlocked",
            "operational": "disabled",
            "availability": "offline",
            "action": "none",
            "reserved": "False",
            "uptime": 0,
            "location": {},
            "boot_device": "sda",
            "peers": None,
            "isystem_uuid": self.system_uuid,
            "forisystemid": 1,
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})
        self.assert_links(f"ihosts/{shown['uuid']}", shown["links"])
        for name in SUBLINKS:
            self.assert_links(f"ihosts/{shown['uuid']}/{name}", shown[name])

    def test_a_host_is_found_by_id_uuid_and_name(self) -> None:
        found = [self.rest.get(f"/v1/ihosts/{reference}").json for reference in ("1", self.host()["uuid"], "controller-0")]
        self.assertEqual([found[0]] * 3, found)

    def test_a_host_that_is_not_there_is_named(self) -> None:
        for missing in ("nobody", "99", str(uuid.uuid4())):
            self.assert_refused(404, f"There is no host {missing}.", self.rest.get(f"/v1/ihosts/{missing}"))

    def test_links_follow_the_proxy(self) -> None:
        self.platform.conf.config(group="oslo_middleware", enable_proxy_headers_parsing=True)
        rest = self.useFixture(testing.Rest(base.root.make_application))
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "edge.example:6385"}
        shown = rest.request("GET", "/v1/ihosts/1", headers=headers).json
        self.assertEqual(f"https://edge.example:6385/v1/ihosts/{shown['uuid']}", shown["links"][0]["href"])


class PersonalityTest(base.RestTest):
    def capabilities(self) -> dict[str, dict[str, Any]]:
        return {item["hostname"]: item["capabilities"] for item in self.listed("/v1/ihosts")}

    def test_the_controller_that_answers_is_active_and_the_other_stands_by(self) -> None:
        self.create(1, personality="controller")
        self.create(2)
        expected = {
            "controller-0": {"Personality": "Controller-Active"},
            "controller-1": {"Personality": "Controller-Standby"},
            "compute-0": {},
        }
        self.assertEqual(expected, self.capabilities())
        self.platform.conf.config(host="controller-1")
        self.assertEqual("Controller-Standby", self.capabilities()["controller-0"]["Personality"])
        self.assertEqual({"Personality": "Controller-Active"}, self.rest.get("/v1/ihosts/controller-1").json["capabilities"])


class ListTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        for number in range(3):
            self.create(number)

    def names(self, **asked: Any) -> list[str]:
        return [item["hostname"] for item in self.listed("/v1/ihosts", **asked)]

    def test_a_list_has_the_fields_of_hosts_and_detail_their_parts_links(self) -> None:
        self.assertEqual(FIELDS, set(self.listed("/v1/ihosts")[0]))
        self.assertEqual(FIELDS | SUBLINKS, set(self.listed("/v1/ihosts/detail", "ihosts")[0]))

    def test_hosts_come_in_the_order_of_their_ids(self) -> None:
        self.assertEqual(["controller-0", "compute-0", "compute-1", "compute-2"], self.names())

    def test_hosts_are_listed_by_personality(self) -> None:
        self.assertEqual(["controller-0"], self.names(personality="controller"))
        self.assertEqual(["compute-0", "compute-1", "compute-2"], self.names(personality="worker"))
        self.assertEqual(["compute-0", "compute-1", "compute-2"], self.names(personality="compute"))
        self.assertEqual([], self.names(personality="storage"))

    def test_hosts_are_sorted_as_asked(self) -> None:
        self.assertEqual(
            ["controller-0", "compute-2", "compute-1", "compute-0"], self.names(sort_key="hostname", sort_dir="desc")
        )

    def test_hosts_without_a_value_come_first(self) -> None:
        self.assertEqual("controller-0", self.names(sort_key="mgmt_mac")[0])

    def test_a_page_leads_to_the_next_with_its_filters_kept(self) -> None:
        answer = self.rest.get("/v1/ihosts", limit=2, personality="worker", sort_key="hostname", sort_dir="desc").json
        self.assertEqual(["compute-2", "compute-1"], [item["hostname"] for item in answer["ihosts"]])
        where = parse.urlsplit(answer["next"])
        self.assertEqual(
            {
                "personality": "worker",
                "sort_key": "hostname",
                "sort_dir": "desc",
                "limit": "2",
                "marker": answer["ihosts"][1]["uuid"],
            },
            dict(parse.parse_qsl(where.query)),
        )
        answer = self.rest.request("GET", f"{where.path}?{where.query}").json
        self.assertEqual(["compute-0"], [item["hostname"] for item in answer["ihosts"]])
        self.assertNotIn("next", answer)

    def test_what_cannot_be_asked_is_named(self) -> None:
        for asked, text in (
            ("limit=0", "is not a positive number"),
            ("limit=-1", "is not a positive number"),
            ("sort_dir=up", "neither asc nor desc"),
            ("sort_key=colour", "Cannot sort by 'colour'."),
            ("sort_key=bm_password", "Cannot sort by 'bm_password'. Choose one of: action,"),
            ("sort_key=mtce_stage", "Cannot sort by 'mtce_stage'."),
            ("marker=x", "The marker 'x' is not a uuid"),
            (f"marker={uuid.uuid4()}", "is not the uuid of an item of this list"),
            ("colour=red", "There is no query parameter 'colour'."),
        ):
            self.assert_refused(400, text, self.rest.request("GET", f"/v1/ihosts?{asked}"))


class CreateTest(base.RestTest):
    def post(self, **values: Any) -> testing.Answer:
        return self.rest.request("POST", "/v1/ihosts", {"personality": "worker", "mgmt_mac": base.MAC, **values})

    def test_a_host_is_added(self) -> None:
        answer = self.post(mgmt_mac=base.MAC.upper())
        self.assertEqual((200, FIELDS | SUBLINKS), (answer.status, set(answer.json)))
        self.assertEqual(
            ("compute-0", "worker", base.MAC, "locked"),
            tuple(answer.json[name] for name in ("hostname", "personality", "mgmt_mac", "administrative")),
        )
        self.assertEqual(answer.json, self.rest.get("/v1/ihosts/compute-0").json)

    def test_what_the_command_line_sends_is_understood(self) -> None:
        answer = self.post(
            personality="compute", hostname="edge", subfunctions="lowlatency", tboot="true", install_output="graphical"
        )
        self.assertEqual(
            ("edge", "worker,lowlatency", "true", "graphical"),
            tuple(answer.json[name] for name in ("hostname", "subfunctions", "tboot", "install_output")),
        )

    def test_what_is_sent_as_null_gets_its_default(self) -> None:
        answer = self.post(**dict.fromkeys(SETTINGS - {"personality", "mgmt_mac"}))
        self.assertEqual((200, "compute-0", "sda"), (answer.status, answer.json["hostname"], answer.json["boot_device"]))

    def test_a_rule_that_is_broken_is_told(self) -> None:
        self.assert_refused(
            400, "Cannot add the host storage-0: An All-in-one system has no storage hosts", self.post(personality="storage")
        )

    def test_what_is_taken_is_a_conflict(self) -> None:
        self.post()
        reason = f"The MAC address {base.MAC} is taken already, by compute-0. Give another, or delete that host."
        self.assert_refused(409, reason, self.post())

    def test_what_is_wrong_is_named(self) -> None:
        for values, text in (
            ({"personality": "network"}, "personality cannot be 'network'"),
            ({"personality": None}, "A host needs a personality"),
            ({"mgmt_mac": "x"}, "'x' is not a MAC address such as 08:00:27:aa:bb:cc"),
            ({"mgmt_mac": None}, "give mgmt_mac"),
            ({"mgmt_ip": "10.0.0.256"}, "is not an IP address"),
            ({"hostname": 7}, "hostname cannot be 7"),
            ({"hostname": "a_b"}, "'a_b' is not a host name"),
            ({"location": "rack"}, "is not a JSON object"),
            ({"install_output": "loud"}, "install_output cannot be 'loud'"),
            ({"tboot": "perhaps"}, "tboot cannot be 'perhaps'"),
            ({"hw_settle": "soon"}, "hw_settle cannot be"),
            ({"clock_synchronization": "sun"}, "clock_synchronization cannot be 'sun'"),
            ({"console": "x" * 256}, "256 characters, 255 are allowed"),
            ({"console": "ttyS0 init=/bin/sh"}, "console cannot have spaces or control characters"),
            ({"mgmt_ip": "10.0.0.9"}, "not an address for hosts of the management network 192.168.204.0/24"),
            ({"colour": "red"}, "There is no attribute 'colour'."),
        ):
            self.assert_refused(400, text, self.post(**values))
        self.assertEqual(1, len(db_api.all_hosts()))

    def test_what_the_platform_decides_cannot_be_given(self) -> None:
        for name in sorted(FIELDS - SETTINGS):
            self.assert_refused(400, f"The attribute '{name}' cannot be set here.", self.post(**{name: "x"}))

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        for body in (b"", b"{", b"[]", b"7"):
            self.assert_refused(400, "JSON", self.rest.request("POST", "/v1/ihosts", body))


class ModifyTest(base.RestTest):
    def setUp(self) -> None:
        super().setUp()
        self.create()

    def modify(self, **changes: Any) -> testing.Answer:
        return self.patch("/v1/ihosts/compute-0", **changes)

    def test_what_may_be_changed_is_changed(self) -> None:
        changes = {
            "location": {"locn": "rack 1"},
            "serialid": "7",
            "boot_device": "/dev/sdb",
            "rootfs_device": "/dev/sdc",
            "install_output": "graphical",
            "console": "",
            "tboot": "true",
            "ttys_dcd": "true",
            "vsc_controllers": "10.0.0.1",
            "hw_settle": "5",
            "clock_synchronization": "ptp",
        }
        answer = self.modify(**changes)
        self.assertEqual((200, changes), (answer.status, {name: answer.json[name] for name in changes}))
        self.assertEqual(changes, {name: self.host("compute-0")[name] for name in changes})

    def test_a_host_is_changed_by_id_uuid_and_name(self) -> None:
        made = self.host("compute-0")
        for reference in (str(made["id"]), made["uuid"], "compute-0"):
            answer = self.patch(f"/v1/ihosts/{reference}", serialid=reference)
            self.assertEqual((200, reference), (answer.status, answer.json["serialid"]))

    def test_a_change_to_what_is_there_changes_nothing(self) -> None:
        answer = self.modify(hostname="compute-0", personality="compute", mgmt_mac=self.host("compute-0")["mgmt_mac"].upper())
        self.assertEqual((200, None), (answer.status, answer.json["updated_at"]))

    def test_an_attribute_is_removed(self) -> None:
        self.modify(serialid="7")
        answer = self.rest.request("PATCH", "/v1/ihosts/compute-0", [{"op": "remove", "path": "/serialid"}])
        self.assertEqual((200, None), (answer.status, answer.json["serialid"]))

    def test_what_every_host_has_cannot_be_removed(self) -> None:
        for name in ("console", "location", "hw_settle"):
            answer = self.rest.request("PATCH", "/v1/ihosts/compute-0", [{"op": "remove", "path": f"/{name}"}])
            self.assert_refused(400, f"{name} cannot be empty.", answer)

    def test_what_a_host_is_cannot_be_changed(self) -> None:
        for name, value in (
            ("hostname", "edge"),
            ("personality", "controller"),
            ("mgmt_mac", base.MAC),
            ("mgmt_ip", "192.168.204.99"),
        ):
            self.assert_refused(400, f"The {name} of compute-0 is", self.modify(**{name: value}))

    def test_what_the_platform_decides_cannot_be_changed(self) -> None:
        for name in sorted(FIELDS - SETTINGS - {"action"}):
            self.assert_refused(400, f"The attribute '{name}' cannot be set here.", self.modify(**{name: "x"}))

    def test_an_unlocked_host_is_locked_first(self) -> None:
        self.assert_refused(400, "Lock controller-0 first.", self.patch("/v1/ihosts/controller-0", console="tty0"))

    def test_operations_that_cannot_be_are_named(self) -> None:
        replace = {"op": "replace", "path": "/serialid", "value": "7"}
        for body, text in (
            ([], "a list of 1 to 100 JSON-patch operations"),
            ({}, "a list of 1 to 100 JSON-patch operations"),
            ([replace] * 101, "a list of 1 to 100 JSON-patch operations"),
            (["x"], "is not a JSON-patch operation"),
            ([{**replace, "op": "add"}], "An attribute cannot be added: use replace for /serialid."),
            ([{**replace, "op": "move"}], "The operation 'move' is not known"),
            ([{**replace, "path": "serialid"}], "The path 'serialid' is not the path of an attribute"),
            ([{**replace, "path": "/location/locn"}], "replace /location as a whole"),
            ([{"op": "replace", "path": "/serialid"}], "The operation on /serialid has no value."),
            ([{**replace, "path": "/colour"}], "There is no attribute 'colour'."),
            ([replace, {**replace, "path": "/uuid"}], "The attribute 'uuid' cannot be set here."),
        ):
            self.assert_refused(400, text, self.rest.request("PATCH", "/v1/ihosts/compute-0", body))
        self.assertIsNone(self.host("compute-0")["serialid"])

    def test_a_host_that_is_not_there_is_named(self) -> None:
        self.assert_refused(404, "There is no host nobody.", self.patch("/v1/ihosts/nobody", serialid="7"))


class BoardTest(base.RestTest):
    """How a host's board management controller is reached."""

    SECRET = "Secret*1"

    def setUp(self) -> None:
        super().setUp()
        self.given = {"bm_type": "bmc", "bm_ip": "192.0.2.7", "bm_username": "root", "bm_password": self.SECRET}
        self.create()

    def board(self) -> tuple[str | None, ...]:
        host = self.rest.get("/v1/ihosts/compute-0").json
        return tuple(host[name] for name in ("bm_type", "bm_ip", "bm_username"))

    def test_it_is_said_when_a_host_is_added(self) -> None:
        answer = self.rest.request("POST", "/v1/ihosts", {"personality": "worker", "mgmt_mac": base.MAC, **self.given})
        self.assertEqual((200, "ipmi", "192.0.2.7"), (answer.status, answer.json["bm_type"], answer.json["bm_ip"]))
        self.assertEqual(["compute-1"], list(self.conductor.get_board_logins(self.context)))

    def test_it_is_changed_and_taken_away(self) -> None:
        self.assertEqual(200, self.patch("/v1/ihosts/compute-0", **self.given).status)
        self.assertEqual(("ipmi", "192.0.2.7", "root"), self.board())
        self.assertEqual(200, self.patch("/v1/ihosts/compute-0", bm_type="redfish").status)
        self.assertEqual(("redfish", "192.0.2.7", "root"), self.board())
        self.assertEqual(200, self.patch("/v1/ihosts/compute-0", bm_type="none").status)
        self.assertEqual(((None, None, None), {}), (self.board(), self.conductor.get_board_logins(self.context)))

    def test_the_password_is_never_shown(self) -> None:
        shown = [self.patch("/v1/ihosts/compute-0", **self.given)]
        shown += [self.rest.get(f"/v1/ihosts{path}") for path in ("", "/detail", "/compute-0", "/compute-0/actions")]
        for answer in shown:
            self.assertEqual(200, answer.status)
            self.assertNotIn(self.SECRET.encode(), answer.body)
            self.assertNotIn(b"has_bm_password", answer.body)
            self.assertNotIn(b"gAAAA", answer.body)

    def test_no_log_has_it_however_much_is_logged(self) -> None:
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.assertEqual(200, self.patch("/v1/ihosts/compute-0", **self.given).status)
        self.conductor.get_board_logins(self.context)
        self.assertIn("sysinv:ihosts:modify", log.output)
        self.assertNotIn(self.SECRET, log.output)

    def test_a_refusal_does_not_quote_it(self) -> None:
        path = "/v1/ihosts/compute-0"
        operation = {"op": "replace", "path": "/bm_password", "value": self.SECRET}
        for answer in (
            self.patch(path, bm_password=self.SECRET),
            self.patch(path, **{**self.given, "bm_password": [self.SECRET]}),
            self.patch(path, **{**self.given, "bm_password": self.SECRET + "\0"}),
            self.patch(path, **{**self.given, "bm_ip": None}),
            self.rest.request("PATCH", path, [{**operation, "path": None}]),
            self.rest.request("PATCH", path, [{**operation, "op": "move"}]),
            self.rest.request("PATCH", path, [{**operation, "path": "/bm_password/x"}]),
            self.rest.request("POST", "/v1/ihosts", {"personality": "worker", **self.given}),
        ):
            self.assertEqual(400, answer.status, answer.body)
            self.assertNotIn(self.SECRET, answer.fault)

    def test_what_is_wrong_is_named(self) -> None:
        for changes, text in (
            ({"bm_type": "ilo9"}, "bm_type cannot be 'ilo9'"),
            ({"bm_ip": "rack-7"}, "bm_ip cannot be 'rack-7'"),
            ({"bm_password": 7}, "bm_password cannot be what was given: it is not text."),
            ({"bm_ip": None, "bm_username": None}, "give bm_ip and bm_username, or bm_type=none."),
        ):
            self.assert_refused(400, text, self.patch("/v1/ihosts/compute-0", **{**self.given, **changes}))

    def test_an_address_is_that_of_one_board(self) -> None:
        self.create(2, **self.given)
        answer = self.patch("/v1/ihosts/compute-0", **self.given)
        self.assert_refused(409, "The board management address 192.0.2.7 is taken already, by compute-1.", answer)


class DeleteTest(base.RestTest):
    def delete(self, reference: str) -> testing.Answer:
        return self.rest.request("DELETE", f"/v1/ihosts/{reference}")

    def test_a_host_is_deleted_by_id_uuid_and_name(self) -> None:
        for reference in ("id", "uuid", "hostname"):
            answer = self.delete(str(self.create()[reference]))
            self.assertEqual((204, b""), (answer.status, answer.body))
        self.assertEqual(["controller-0"], [item["hostname"] for item in self.listed("/v1/ihosts")])

    def test_a_rule_that_is_broken_is_told(self) -> None:
        self.assert_refused(400, "controller-0 is the active controller and cannot be deleted.", self.delete("controller-0"))

    def test_an_unlocked_host_is_a_conflict(self) -> None:
        self.create()
        self.conductor.update_host_states(self.context, {"compute-0": {"administrative": "unlocked"}})
        self.assert_refused(409, "compute-0 is unlocked. Lock it first.", self.delete("compute-0"))

    def test_a_host_that_is_not_there_is_named(self) -> None:
        self.assert_refused(404, "There is no host nobody.", self.delete("nobody"))
