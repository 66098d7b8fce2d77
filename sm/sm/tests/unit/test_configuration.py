# SPDX-License-Identifier: Apache-2.0
"""What people write about services, made into rows."""

import dataclasses
import pathlib

import ddt
import fixtures
from oslotest import base

from sm import configuration, model
from sm.cmd import configure
from sm.db import Database
from sm.parameters import parameters, read_parameters
from sm.service import Result, State, Status, Verb

GOOD = """
node: controller-0
peer: controller-1
cluster: a
interfaces:
  management-interface: {device: mgmt, address: 10.0.0.3, peers: {controller-1: 10.0.0.4}, key: new, old-keys: [old]}
services:
  ip: {address: true, parameters: {ip: 10.0.0.2, prefix: 24, device: mgmt}}
  db: {ocf: "starlingx:db", standby: true, data: true, active-after: [ip], actions: {enable: {timeout: 5, retries: 3}}}
  web: {systemd: web.service, after: [db], pid-file: /run/web.pid}
groups:
  g: {services: {ip: critical, db: critical, web: minor}}
"""


def load(test: base.BaseTestCase, texts: dict[str, str]) -> model.Model:
    """What a database gives back of files."""
    database = Database(pathlib.Path(test.useFixture(fixtures.TempDir()).path) / "sm.db")
    test.addCleanup(database.close)
    database.load(configuration.parse(texts))
    return model.load(database)


def rows(text: str) -> configuration.Tables:
    return configuration.parse({"file": text})


@ddt.ddt
class ParseTest(base.BaseTestCase):
    def loaded(self, text: str) -> model.Model:
        return load(self, {"file": text})

    def test_a_service_is_rows_and_rows_are_a_service(self) -> None:
        found = self.loaded(GOOD).services["db"]
        self.assertEqual(
            {"enable", "disable", "audit-enabled", "audit-disabled", "go-active", "go-standby", "attach", "detach"},
            set(found.calls),
        )
        self.assertEqual((5, 3), (found.conf.actions[Verb.ENABLE].timeout_s, found.conf.actions[Verb.ENABLE].retries))
        self.assertEqual(
            ("ocf", "starlingx", "db", "promote"),
            (
                found.calls["go-active"].plugin,
                found.calls["go-active"].kind,
                found.calls["go-active"].name,
                found.calls["go-active"].command,
            ),
        )
        self.assertTrue(found.has_data and found.conf.has_standby)

    def test_what_is_enabled_after_another_is_disabled_before_it(self) -> None:
        services = self.loaded(GOOD).services
        self.assertEqual(("db",), services["web"].waits[Verb.ENABLE])
        self.assertEqual(("web",), services["db"].waits[Verb.DISABLE])
        self.assertEqual(("ip",), services["db"].waits[Verb.GO_ACTIVE])
        self.assertEqual(("db",), services["ip"].waits[Verb.DISABLE])

    def test_parameters_keep_what_they_are(self) -> None:
        given = {"a": "1,2", "b": "x=y", "c": "10.0.0.1"}
        self.assertEqual(given, read_parameters(parameters(given)))

    def test_later_files_go_over_earlier_ones(self) -> None:
        more = "services: {web: {provisioned: false}, ip: {parameters: {nic: x}}}"
        tables = configuration.parse({"first": GOOD, "second": more})
        self.assertEqual({"web": "no", "ip": "yes", "db": "yes"}, {row["name"]: row["provisioned"] for row in tables["SERVICES"]})
        given = {row["service_name"]: row["instance_parameters"] for row in tables["SERVICE_INSTANCES"]}
        self.assertEqual("device=mgmt,ip=10.0.0.2,nic=x,prefix=24", given["ip"])

    def test_null_takes_away_what_an_earlier_file_said(self) -> None:
        less = {"file": GOOD, "more": "services: {db: {actions: {enable: null}}, web: {systemd: null, lsb: web}}"}
        found = load(self, less).services
        self.assertEqual(60, found["db"].calls["enable"].timeout_s)
        self.assertEqual("lsb", found["web"].calls["enable"].plugin)

    def test_the_platforms_files_may_be_on_a_device_that_drbd_replicates(self) -> None:
        texts = {path.name: path.read_text() for path in (configure.SHIPPED, configure.SHIPPED.with_name("drbd.yaml"))}
        found = load(self, texts | {"own": "node: a"}).services
        device, files = found["drbd-platform"], found["platform-fs"]
        self.assertEqual(("linbit", "drbd", "promote"), dataclasses.astuple(device.calls["go-active"])[1:4])
        self.assertEqual(("heartbeat", "Filesystem", "start"), dataclasses.astuple(files.calls["enable"])[1:4])
        self.assertEqual(("management-ip",), device.waits[Verb.GO_ACTIVE])
        self.assertEqual(("platform-fs",), device.waits[Verb.GO_STANDBY])
        self.assertEqual((("drbd-platform",), False), (files.waits[Verb.ENABLE], files.has_data))

    def test_the_shipped_set_is_sound(self) -> None:
        tables = configuration.parse({"shipped": configure.SHIPPED.read_text()})
        self.assertLessEqual(
            {"management-ip", "postgres", "rabbit", "sysinv-conductor"}, {row["name"] for row in tables["SERVICES"]}
        )

    @ddt.unpack
    @ddt.data(
        ("services: {", "file: line 1: this is no YAML"),
        ("- a", "the file shall have keys such as services and groups"),
        ("node: Bad Name", "file: Expected `str` matching regex"),
        ("color: red", "Object contains unknown field `color`"),
        ("services: {a: {systemd: a.service}}", "services.a is in no group, so it would never run"),
        (
            "services: {a: {}}\ngroups: {g: {services: {a: critical}}}",
            "services.a shall have one of systemd, ocf, lsb, command, address; it has 0",
        ),
        ("groups: {g: {services: {a: critical}}}", "groups.g has a, which is not among the services"),
        (
            "services: {a: {lsb: a, after: [b]}}\ngroups: {g: {services: {a: none}}}",
            "services.a waits for b, which is not among the services",
        ),
        (
            "services: {a: {lsb: a, after: [b]}, b: {lsb: b, after: [a]}}\ngroups: {g: {services: {a: none, b: none}}}",
            "nothing could ever be enabled: a waits for b waits for a",
        ),
        (
            "services: {a: {lsb: a, standby: true}}\ngroups: {g: {services: {a: none}}}",
            "services.a: lsb cannot go-active: use ocf or command",
        ),
        (
            "services: {a: {lsb: a, actions: {dance: {}}}}\ngroups: {g: {services: {a: none}}}",
            "services.a has no action dance; it has enable, disable",
        ),
        (
            "services: {a: {lsb: a, actions: {enable: {timeout: 0}}}}\ngroups: {g: {services: {a: none}}}",
            "Expected `float` > 0.0 - at `$.actions[...].timeout`",
        ),
        ("services: {a: {lsb: a}}\ngroups: {g: {services: {a: none}}, h: {services: {a: none}}}", "a is in two groups, g and h"),
        ("results: {ocf monitor: {0: {result: success, state: fine}}}", "results.ocf monitor: there is no fine: use one of"),
        (
            "boards: {a: {type: ilo, address: b, username: c, password-file: d}}",
            "Invalid enum value 'ilo' - at `$.boards[...].type`",
        ),
        (
            "node: a\npeer: b\nboards: {c: {type: ipmi, address: b, username: c, password-file: d}}",
            "boards.c: that is neither this controller, a, nor its peer",
        ),
        ("boards: {a: {type: ipmi, address: b, username: c, password: d}}", "Object contains unknown field `password`"),
        ("results: {ocf: {0: {result: success}}}", "results.ocf: write the way and the command"),
    )
    def test_what_cannot_be_is_refused_with_its_place(self, text: str, said: str) -> None:
        self.assertIn(said, str(self.assertRaises(configuration.ConfigurationError, rows, text)))


class OutcomeTest(base.BaseTestCase):
    def test_an_exit_code_means_what_the_agent_the_kind_or_the_rows_say(self) -> None:
        found = load(self, {"shipped": configure.SHIPPED.read_text()})
        monitor = model.Call("ocf", "heartbeat", "IPaddr2", "monitor", 5)
        self.assertEqual((Result.SUCCESS, State.DISABLED), (found.outcome(monitor, 7).result, found.outcome(monitor, 7).state))
        self.assertEqual(Status.DEGRADED, found.outcome(monitor, 36).status)
        self.assertEqual(Result.FAILED, found.outcome(monitor, 1).result)
        unmount = model.Call("ocf", "heartbeat", "Filesystem", "stop", 5)
        self.assertEqual((Result.SUCCESS, State.DISABLED), (found.outcome(unmount, 1).result, found.outcome(unmount, 1).state))
        unit = model.Call("systemd", "", "a.service", "is-active", 5)
        self.assertEqual([State.ACTIVE, State.DISABLED], [found.outcome(unit, code).state for code in (0, 3)])
