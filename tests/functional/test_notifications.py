# SPDX-License-Identifier: Apache-2.0
"""Those outside are told of what happens, as commands and options say."""

import contextlib
import json
import re
import socket
import subprocess
from typing import Any

import testtools
from oslotest import base as oslotest_base

from tests.functional import base, commands, receivers
from tests.functional.receivers import COMMUNITY, TRAP_OID, report, wait_for

_ALARM = ".1.3.6.1.4.1.731.1.1.1.1.1.1"


class Snmp:
    def done(self, program: str, *argv: str) -> Any:
        ran = commands.called(self.platform.environment(), program, *argv)
        self.assertEqual((0, ""), (ran.code, ran.err), argv)
        return ran

    def column(self, number: int) -> list[str]:
        layout = self.platform.layout
        # Before the agent listens nobody answers: it is asked again soon.
        argv = ["snmpbulkwalk", "-v2c", "-c", COMMUNITY, "-Ovq", "-t", "1", "-r", "1"]
        argv += [f"{layout.address}:{layout.snmp_port}", f"{_ALARM}.{number}"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin", "MIBS": ""})
        if done.returncode != 0 or "No more variables" in done.stdout:
            return []
        return re.findall(r'"(.*?)"', done.stdout, re.DOTALL)

    def test_a_destination_and_a_community_of_commands_work(self) -> None:
        daemon = self.useFixture(receivers.TrapDaemon())
        self.done("system", "snmp-trapdest-add", "-i", "127.0.0.1", "-c", COMMUNITY, "--port", str(daemon.port))
        self.addCleanup(self.done, "system", "snmp-trapdest-delete", "127.0.0.1")
        wait_for(daemon.received, "coldStart arrives")
        body = {"alarm_id": "200.006", "entity_instance_id": "host=compute-9.process=sshd", "alarm_state": "set"}
        body |= {"severity": "critical", "reason_text": "sshd has failed"}
        reply = self.platform.request("faultmanagement", "POST", "/v1/alarms", body, self.token)
        self.assertEqual(200, reply.status, reply.text)
        wait_for(lambda: any("compute-9" in each.get(f"{_ALARM}.4", "") for each in daemon.told()), "the trap arrives")
        self.assertIn("127.0.0.1", self.done("system", "snmp-trapdest-list").out)

        self.done("system", "snmp-comm-add", "-c", COMMUNITY)
        self.addCleanup(self.done, "system", "snmp-comm-delete", COMMUNITY)
        wait_for(lambda: self.column(2), "the agent answers")

        def listed() -> list[str]:
            return sorted(row["UUID"] for row in json.loads(self.done("fm", "alarm-list", "--uuid", "-f", "json").out))

        wait_for(lambda: sorted(self.column(2)) == listed(), "the table is that of the list")
        self.done("fm", "alarm-delete", reply.json["uuid"])
        wait_for(lambda: any(each[TRAP_OID].endswith(".0.9") for each in daemon.told()), "the alarm's clearing arrives")


if receivers.missing():
    Snmp = testtools.skip(str(receivers.missing()))(Snmp)  # type: ignore[misc]
EmbeddedSnmp, StandardSnmp = base.on_both(Snmp)


class OutletsTest(oslotest_base.BaseTestCase):
    """What no SNMP is needed for."""

    def start(self, **options: Any) -> receivers.Faults:
        faults = self.useFixture(receivers.Faults(**options))
        faults.start()
        wait_for(lambda: "is ready" in faults.log, "the notifier is ready")
        return faults

    def test_a_webhook_and_alertmanager_are_told_with_their_tokens(self) -> None:
        web = self.useFixture(receivers.Web())
        faults = self.start(
            webhook_url=f"{web.url}/hook?key=a-secret-key",
            webhook_token="a-secret-token",
            alertmanager_url=web.url,
            alertmanager_token="another-secret",
        )
        faults.await_outlets("webhook", "alertmanager")
        faults.store(report(), report("clear"))
        # One whose answer comes late is told again.
        wait_for(lambda: len({path for path, _, _ in web.posted}) >= 2, "both are told")
        told = {path: (authorization, body) for path, authorization, body in web.posted}
        authorization, body = told["/hook?key=a-secret-key"]
        self.assertEqual("Bearer a-secret-token", authorization)
        self.assertEqual(["set", "clear"], [event["state"] for event in body["events"]])
        authorization, alerts = told["/api/v2/alerts"]
        self.assertEqual(("Bearer another-secret", 2), (authorization, len(alerts)))
        self.assertNotIn("secret", faults.log)

    def test_one_that_hangs_or_fails_is_told_later_and_holds_up_no_other(self) -> None:
        hung, well = self.useFixture(receivers.Web()), self.useFixture(receivers.Web())
        hung.status = 0
        # One after the other, the other would be told when this one was given up.
        faults = self.start(webhook_url=f"{hung.url}/a-secret-key", alertmanager_url=well.url, timeout=10.0)
        faults.await_outlets("webhook", "alertmanager")
        faults.store(report())
        wait_for(lambda: well.posted, "the other is told")
        self.assertNotIn("webhook cannot be told", faults.log)
        wait_for(lambda: "webhook cannot be told" in faults.log, "the failure is logged")
        hung.status = 500
        self.assertEqual([], hung.posted)
        hung.status = 200
        wait_for(lambda: hung.posted, "it is told later")
        self.assertNotIn("secret", faults.log)

    def test_every_event_is_a_line_of_a_syslog(self) -> None:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(receivers.DEADLINE_S)
            faults = self.start(syslog=f"127.0.0.1:{server.getsockname()[1]}")
            faults.await_outlets("syslog")
            faults.store(report(reason_text="caf\u00e9\nline"))
            line = server.recv(4096).decode()
        self.assertNotIn("\n", line)
        self.assertEqual("caf\u00e9\nline", json.loads(line.partition("fm-event.log: ")[2])["reason_text"])

    def test_the_notifier_ends_with_the_process_that_it_belongs_to(self) -> None:
        faults = self.start(syslog="127.0.0.1:9")
        process = faults.keeper._process
        self.addCleanup(process.wait)
        # As when that is killed.
        process.stdin.close()
        process.wait(receivers.DEADLINE_S)

    def test_a_new_process_goes_on_where_the_last_one_was_killed(self) -> None:
        web = self.useFixture(receivers.Web())
        faults = self.start(webhook_url=web.url)
        faults.await_outlets("webhook")
        faults.store(report("log", reason_text="1"))
        wait_for(lambda: web.posted, "it is told")
        faults.keeper._process.kill()
        faults.store(report("log", reason_text="2"))
        # What the last one was told of may be told again.
        told = lambda: [event["reason_text"] for _, _, body in web.posted for event in body["events"]]  # noqa: E731
        wait_for(lambda: told()[-1] == "2", "the new one tells the rest")
