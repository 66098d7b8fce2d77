# SPDX-License-Identifier: Apache-2.0
"""Hosts are added, changed and deleted by command and by REST; what the rules forbid is refused with the reason."""

import concurrent.futures
from typing import Any

from tests.functional import base, commands, deployment
from tests.functional.deployment import poll


class HostCase(base.FunctionalTestCase):
    def ask(self, method: str, path: str = "", body: Any = None) -> deployment.Reply:
        return self.platform.request("platform", method, f"/v1/ihosts{path}", body, self.token)

    def hosts(self) -> list[dict[str, Any]]:
        return self.ask("GET").json["ihosts"]

    def succeeds(self, *argv: str) -> deployment.Ran:
        ran = commands.called(self.platform.environment(), *argv)
        self.assertEqual((0, ""), (ran.code, ran.err), argv)
        return ran

    def fails(self, *argv: str, code: int = 1) -> str:
        """What a command that is refused says: one sentence or more, on one line, and nothing else."""
        ran = commands.called(self.platform.environment(), *argv)
        self.assertEqual((code, ""), (ran.code, ran.out), ran.err)
        self.assertNotIn("Traceback", ran.err)
        if code == 1:
            self.assertEqual(1, len(ran.err.splitlines()), ran.err)
        return ran.err


class StandardHostsTestCase(HostCase):
    kind = deployment.Standard

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.remove_all_but, {host["uuid"] for host in self.hosts()})

    def remove_all_but(self, kept: set[str]) -> None:
        for host in self.hosts():
            if host["uuid"] not in kept:
                self.assertEqual(204, self.ask("DELETE", f"/{host['uuid']}").status)

    def mac(self, number: int) -> str:
        return f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"

    def add(self, number: int, **attributes: Any) -> dict[str, Any]:
        body = {"personality": "worker", "hostname": f"w{number}", "mgmt_mac": self.mac(number), **attributes}
        reply = self.ask("POST", body=body)
        self.assertEqual(200, reply.status, reply)
        return reply.json

    def refused(self, status: int, method: str, path: str = "", body: Any = None) -> str:
        reply = self.ask(method, path, body)
        self.assertEqual(status, reply.status, reply)
        return reply.fault

    def test_hosts_of_every_personality_are_added_locked_and_offline(self) -> None:
        expected = {}
        for number, (personality, name, subfunctions) in enumerate(
            (
                ("compute", "rack7-a", "worker"),
                ("worker", "rack7-b", "worker"),
                ("storage", None, "storage"),
                ("controller", None, "controller"),
            )
        ):
            named = ["-n", name] if name else []
            ran = self.succeeds("system", "host-add", *named, "-p", personality, "-m", self.mac(number), "-f", "json")
            made = ran.json
            expected[made["hostname"]] = subfunctions
            states = [made[key] for key in ("administrative", "operational", "availability", "invprovision")]
            self.assertEqual(["locked", "disabled", "offline", None], states)
            self.assertEqual((self.mac(number), "sda", "text"), (made["mgmt_mac"], made["boot_device"], made["install_output"]))
        self.assertEqual(
            {"rack7-a": "worker", "rack7-b": "worker", "storage-0": "storage", "controller-1": "controller"}, expected
        )
        listed = self.succeeds("system", "host-list", "-f", "json").json
        self.assertEqual(sorted(host["id"] for host in listed), [host["id"] for host in listed])
        self.assertEqual(["controller-0", *expected], [host["hostname"] for host in listed])
        stored = {host["hostname"]: host["subfunctions"] for host in self.hosts()}
        self.assertEqual({"controller-0": "controller", **expected}, stored)

    def test_a_host_is_shown_by_id_uuid_and_name(self) -> None:
        made = self.add(1)
        sheets = [self.succeeds("system", "host-show", str(made[key]), "-f", "json").json for key in ("id", "uuid", "hostname")]
        self.assertEqual(sheets[0], sheets[1])
        self.assertEqual(sheets[0], sheets[2])
        self.assertEqual((made["uuid"], "w1"), (sheets[0]["uuid"], sheets[0]["hostname"]))
        shown = [self.ask("GET", f"/{made[key]}").json for key in ("id", "uuid", "hostname")]
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(shown[0], shown[2])

    def test_attributes_of_a_locked_host_change(self) -> None:
        made = self.add(1)
        changes = ("location=Rack 7", "serialid=4711", "boot_device=nvme0n1", "hw_settle=30", "console=")
        shown = self.succeeds("system", "host-update", "w1", *changes, "-f", "json").json
        expected = {
            "location": {"locn": "Rack 7"},
            "serialid": "4711",
            "boot_device": "nvme0n1",
            "hw_settle": "30",
            "console": "",
        }
        self.assertEqual(expected, {name: shown[name] for name in expected})
        now = self.ask("GET", "/w1").json
        self.assertEqual(expected, {name: now[name] for name in expected})
        self.assertIsNone(made["updated_at"])
        self.assertIsNotNone(now["updated_at"])

    def test_a_change_of_what_is_fixed_is_refused_and_changes_nothing(self) -> None:
        self.add(1)
        before = self.ask("GET", "/w1").json
        for change, expected in (
            ("hostname=w2", "The hostname of w1 is w1 and cannot be changed."),
            ("personality=storage", "The personality of w1 is worker and cannot be changed."),
            ("mgmt_mac=52:54:00:00:00:09", "The mgmt_mac of w1 is 52:54:00:00:00:01 and cannot be changed."),
        ):
            self.assertIn(expected, self.fails("system", "host-update", "w1", "serialid=1", change))
        for name in ("boot_device", "location", "clock_synchronization"):
            text = self.refused(400, "PATCH", "/w1", [{"op": "remove", "path": f"/{name}"}])
            self.assertIn(f"{name} cannot be empty", text)
        self.assertEqual(before, self.ask("GET", "/w1").json)
        text = self.fails("system", "host-update", "controller-0", "boot_device=sdb")
        self.assertIn("Lock controller-0 first", text)
        # What it is already is no change.
        self.succeeds("system", "host-update", "w1", "hostname=w1", "personality=compute")

    def test_an_unknown_attribute_is_refused(self) -> None:
        self.assertIn("'colour'", self.fails("system", "host-update", "controller-0", "colour=red"))
        self.fails("system", "host-update", "controller-0", "no assignment", code=2)
        self.fails("system", "host-add", "--colour", "red", code=2)

    def test_hosts_are_deleted_whatever_becomes_of_others(self) -> None:
        self.add(1)
        self.add(2)
        ran = commands.called(self.platform.environment(), "system", "host-delete", "w1", "no-such-host", "controller-0", "w2")
        self.assertEqual(1, ran.code)
        self.assertEqual(["Deleted host w1", "Deleted host w2"], ran.out.splitlines())
        first, second = ran.err.splitlines()
        self.assertRegex(first, "^no-such-host is not deleted: There is no host")
        self.assertRegex(second, "^controller-0 is not deleted: .*active controller")
        self.assertEqual(["controller-0"], [host["hostname"] for host in self.hosts()])
        self.assertIn("no host w1", self.refused(404, "GET", "/w1"))

    def test_a_taken_mac_or_name_conflicts(self) -> None:
        self.add(1)
        body = {"personality": "worker", "hostname": "w2", "mgmt_mac": self.mac(1).upper()}
        self.assertIn("taken already, by w1", self.refused(409, "POST", "", body))
        self.assertIn("taken already, by w1", self.fails("system", "host-add", "-n", "w1", "-p", "worker", "-m", self.mac(2)))
        self.add(3, mgmt_ip="192.168.204.33")
        body = {"personality": "worker", "hostname": "w4", "mgmt_mac": self.mac(4), "mgmt_ip": "192.168.204.33"}
        self.assertIn("taken already, by w3", self.refused(409, "POST", "", body))
        self.assertEqual(3, len(self.hosts()))

    def test_of_many_that_add_the_same_host_at_once_one_succeeds(self) -> None:
        def add(number: int) -> deployment.Reply:
            return self.ask("POST", body={"personality": "worker", "hostname": f"same-{number}", "mgmt_mac": self.mac(1)})

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(add, range(8)))
        self.assertEqual([200] + [409] * 7, sorted(reply.status for reply in replies))
        self.assertEqual(2, len(self.hosts()))

    def test_a_third_controller_is_refused(self) -> None:
        self.succeeds("system", "host-add", "-p", "controller", "-m", self.mac(1))
        text = self.fails("system", "host-add", "-p", "controller", "-m", self.mac(2))
        self.assertIn("There are 2 controllers already (controller-0, controller-1)", text)
        self.assertEqual(2, len(self.hosts()))

    def test_what_no_host_can_be_is_refused(self) -> None:
        self.fails("system", "host-add", "-n", "w1", "-p", "queen", "-m", self.mac(1), code=2)
        for personality in ("network", "profile"):
            self.assertIn("personality cannot be", self.fails("system", "host-add", "-p", personality, "-m", self.mac(1)))
        bodies = {
            "give mgmt_mac": {"personality": "worker", "hostname": "w1"},
            "needs a personality": {"hostname": "w1", "mgmt_mac": self.mac(1)},
            "must be named storage-0": {"personality": "storage", "hostname": "storage-7", "mgmt_mac": self.mac(1)},
            "must be named controller-1": {"personality": "controller", "hostname": "boss", "mgmt_mac": self.mac(1)},
            "is not a host name": {"personality": "worker", "hostname": "w 1", "mgmt_mac": self.mac(1)},
            "kept for another personality": {"personality": "worker", "hostname": "controller-7", "mgmt_mac": self.mac(1)},
            "cannot have the subfunctions": {
                "personality": "storage",
                "subfunctions": "lowlatency",
                "mgmt_mac": self.mac(1),
            },
        }
        for expected, body in bodies.items():
            self.assertIn(expected, self.refused(400, "POST", "", body))
        self.assertEqual(1, len(self.hosts()))

    def test_the_active_controller_is_not_deleted(self) -> None:
        self.assertIn("is the active controller", self.fails("system", "host-delete", "controller-0"))
        self.platform.await_in_service()

    def test_null_is_as_good_as_left_out(self) -> None:
        self.add(1)
        names = ("location", "boot_device", "rootfs_device", "install_output", "console", "tboot", "clock_synchronization")
        made = self.add(2, **dict.fromkeys((*names, "serialid", "hw_settle", "subfunctions")))
        expected = self.ask("GET", "/w1").json
        self.assertEqual({name: expected[name] for name in names}, {name: made[name] for name in names})

    def test_the_longest_text_is_kept_and_a_longer_one_refused(self) -> None:
        lengths = {
            "serialid": 255,
            "boot_device": 255,
            "rootfs_device": 255,
            "console": 255,
            "vsc_controllers": 255,
            "ttys_dcd": 31,
        }
        for number, letter in enumerate("xé☃😀"):
            texts = {name: letter * length for name, length in lengths.items()}
            made = self.add(number, **texts, location={"locn": letter * 5000})
            self.assertEqual(texts, {name: made[name] for name in texts})
            self.assertEqual({"locn": letter * 5000}, self.ask("GET", f"/w{number}").json["location"])
            for name, text in texts.items():
                too_long = [{"op": "replace", "path": f"/{name}", "value": text + letter}]
                self.assertIn(f"{len(text) + 1} characters", self.refused(400, "PATCH", f"/w{number}", too_long))

    def test_thirty_hosts_are_read_in_pages_of_seven(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self.add, range(30)))
        pages = []
        query = "?limit=7"
        while query:
            answer = self.ask("GET", query).json
            pages.append([host["id"] for host in answer["ihosts"]])
            query = answer.get("next", "").removeprefix(self.platform.layout.url("platform") + "/v1/ihosts")
        self.assertEqual([7, 7, 7, 7, 3], [len(page) for page in pages])
        ids = [number for page in pages for number in page]
        self.assertEqual(sorted(host["id"] for host in self.hosts()), ids)
        last = self.ask("GET", "?limit=31&sort_dir=desc").json["ihosts"]
        self.assertEqual(ids[::-1], [host["id"] for host in last])
        third = self.ask("GET", f"/{ids[2]}").json["uuid"]
        after = self.ask("GET", f"?limit=2&marker={third}").json
        self.assertEqual(ids[3:5], [host["id"] for host in after["ihosts"]])
        self.assertEqual(31, len(self.succeeds("system", "host-list", "-f", "json").json))

    def test_a_page_goes_on_where_the_one_before_ended_while_hosts_come_and_go(self) -> None:
        made = [self.add(number) for number in range(4)]
        answer = self.ask("GET", "?limit=3").json
        self.assertEqual(204, self.ask("DELETE", f"/{made[0]['uuid']}").status)
        self.add(9)
        rest = self.ask("GET", f"?marker={answer['ihosts'][-1]['uuid']}").json["ihosts"]
        self.assertEqual(["w2", "w3", "w9"], [host["hostname"] for host in rest])
        self.assertIn("not the uuid of an item", self.refused(400, "GET", f"?marker={made[0]['uuid']}"))

    def test_hosts_of_one_personality_are_listed(self) -> None:
        self.add(1)
        for personality in ("worker", "compute"):
            self.assertEqual(["w1"], [host["hostname"] for host in self.ask("GET", f"?personality={personality}").json["ihosts"]])
        self.assertEqual([], self.ask("GET", "?personality=storage").json["ihosts"])

    def test_an_action_that_does_not_fit_the_host_is_refused_by_command_and_by_rest(self) -> None:
        host = self.add(1)
        reasons = "Cannot unlock w1: it is offline. Wait until it is online. It is being installed. Wait until that is done."
        self.assertEqual(f"{reasons}\n", self.fails("system", "host-unlock", "w1"))
        body = [{"op": "replace", "path": "/action", "value": "unlock"}]
        self.assertEqual(reasons, self.refused(400, "PATCH", f"/{host['uuid']}", body))
        offered = {item["action"]: item.get("reason") for item in self.ask("GET", "/w1/actions").json["actions"]}
        self.assertEqual(("It is locked already.", None), (offered["lock"], offered["reboot"]))
        self.assertIsNone(self.ask("GET", "/w1").json["task"])

    def test_a_board_is_made_known_and_its_password_shown_to_nobody(self) -> None:
        self.add(1)
        known = {"bm_type": "ipmi", "bm_ip": "192.0.2.200", "bm_username": "root"}
        given = [f"{name}={value}" for name, value in {**known, "bm_password": "Hidden*7"}.items()]
        ran = self.succeeds("system", "host-update", "w1", *given, "-f", "json")
        self.assertEqual(known, {name: ran.json[name] for name in known})
        self.assertNotIn("Hidden*7", ran.out + str(self.hosts()))
        self.assertIn("give bm_username, or bm_type=none.", self.fails("system", "host-update", "w1", "bm_username="))
        ran = self.succeeds("system", "host-update", "w1", "bm_type=none", "-f", "json")
        self.assertEqual(dict.fromkeys(known), {name: ran.json[name] for name in known})

    def test_the_event_log_tells_of_a_new_and_a_deleted_host(self) -> None:
        name = self.add(1, hostname="told-of")["hostname"]
        self.platform.request(
            "faultmanagement",
            "POST",
            "/v1/alarms",
            {
                "alarm_id": "200.006",
                "entity_instance_id": f"host={name}.process=sshd",
                "reason_text": "gone",
                "severity": "major",
            },
            self.token,
        )
        self.assertEqual(204, self.ask("DELETE", f"/{name}").status)
        query = f"&q.field=entity_instance_id&q.op=eq&q.value=host%3D{name}."
        expected = [("200.020", "log"), ("200.006", "set"), ("200.006", "clear"), ("200.021", "log")]

        def seen() -> list[tuple[str, str]]:
            return [(event["event_log_id"], event["state"]) for event in self.platform.events(self.token, query)]

        # The log of a host's addition goes through the spool, an alarm by REST does not, so their order is open.
        found, _ = poll(seen, lambda found: len(found) >= len(expected), 60)
        self.assertEqual(sorted(expected), sorted(found))
        entities = [alarm["entity_instance_id"] for alarm in self.platform.alarms(self.token)]
        self.assertNotIn(f"host={name}.process=sshd", entities)


class EmbeddedHostsTestCase(HostCase):
    kind = deployment.Embedded

    def test_a_simplex_takes_no_other_host(self) -> None:
        for personality in ("worker", "controller", "storage"):
            text = self.fails("system", "host-add", "-p", personality, "-m", "52:54:00:00:00:01")
            self.assertIn("This is a simplex system: it has one host and takes no other.", text)
        self.assertEqual(["controller-0"], [host["hostname"] for host in self.hosts()])

    def test_what_nothing_could_bring_back_stays_up(self) -> None:
        for action in ("reboot", "reset", "reinstall", "power-on", "power-off"):
            self.assertIn("it is the only host of a simplex system", self.fails("system", f"host-{action}", "controller-0"))

    def test_the_only_host_is_not_deleted(self) -> None:
        text = self.fails("system", "host-delete", "controller-0")
        self.assertIn("the only host of a simplex system", text)
        self.assertEqual(["controller-0"], [host["hostname"] for host in self.hosts()])

    def test_the_location_of_the_unlocked_host_changes(self) -> None:
        def locate(location: Any) -> None:
            body = [{"op": "replace", "path": "/location", "value": location}]
            self.assertEqual(200, self.ask("PATCH", "/controller-0", body).status)

        self.addCleanup(locate, self.platform.host(self.token)["location"])
        self.succeeds("system", "host-update", "controller-0", "location=Küche")
        self.assertEqual({"locn": "Küche"}, self.platform.host(self.token)["location"])
        self.assertIn("Lock controller-0 first", self.fails("system", "host-update", "controller-0", "console=ttyS1"))


class System:
    def restore(self, system: dict[str, Any]) -> None:
        names = ("name", "description", "contact", "location", "timezone", "latitude", "longitude")
        body = [{"op": "replace", "path": f"/{name}", "value": system[name]} for name in names]
        reply = self.platform.request("platform", "PATCH", f"/v1/isystems/{system['uuid']}", body, self.token)
        self.assertEqual(200, reply.status, reply)

    def system(self) -> dict[str, Any]:
        [system] = self.platform.request("platform", "GET", "/v1/isystems", token=self.token).json["isystems"]
        return system

    def test_settings_change_and_change_back(self) -> None:
        before = self.system()
        self.addCleanup(self.restore, before)
        changes = {
            "name": "edge-17",
            "description": "Roof of the mall",
            "contact": "noc@example.org",
            "timezone": "Europe/Berlin",
        }
        options = [word for name, value in changes.items() for word in (f"--{name}", value)]
        ran = commands.called(self.platform.environment(), "system", "modify", *options, "-f", "json")
        self.assertEqual((0, ""), (ran.code, ran.err))
        self.assertEqual(changes, {name: ran.json[name] for name in changes})
        shown = commands.called(self.platform.environment(), "system", "show", "-f", "json").json
        self.assertEqual(changes, {name: shown[name] for name in changes})
        self.restore(before)
        after = self.system()
        self.assertEqual({**before, "updated_at": None}, {**after, "updated_at": None})

    def test_wrong_settings_are_refused_and_none_is_taken_over(self) -> None:
        before = self.system()
        for options, code, expected in (
            ((), 2, "Nothing to change"),
            (("--name", ""), 1, "name cannot be"),
            (("--description", "new", "--timezone", "somewhere else"), 1, "timezone cannot be"),
            (("--description", "new", "--system_mode", "duplex"), 1, "'system_mode'"),
            (("--description", "x" * 256), 1, "256 characters"),
            (("--colour", "red"), 2, "colour"),
        ):
            ran = commands.called(self.platform.environment(), "system", "modify", *options)
            self.assertEqual((code, ""), (ran.code, ran.out), options)
            self.assertIn(expected, ran.err)
            self.assertNotIn("Traceback", ran.err)
        self.assertEqual(before, self.system())


EmbeddedSystem, StandardSystem = base.on_both(System)
