# SPDX-License-Identifier: Apache-2.0
"""What the platform stands on goes away and comes back: services recover by themselves, and every request gets an answer."""

import threading
import time
import urllib.error

from oslotest import base as oslotest_base

from stx import db, rpc
from stxembedded import process
from tests.functional import deployment, engines
from tests.functional.deployment import wait_for

RECOVERY_S = 60.0
# What systemd waits for.
STOP_S = 8.0
WRITERS = ("sysinv-conductor", "fm-manager")
_REPORT = "from fm import client\nclient.FaultReporter().set_fault('200.006', 'host=outage.process=p', 'p failed', 'minor')"
_CALL = """
import sys
from stx import context, exception, rpc
if len(sys.argv) > 2:
    # Which registers the option.
    rpc.transport()
    config.CONF.set_override("transport_url", sys.argv[2])
    rpc.reset()
try:
    rpc.Client(sys.argv[1], "1.0").call(context.internal("probe"), "probe")
except exception.StxException as error:
    print(f"{type(error).__name__}: {error.message}")
"""


class StandardOutagesTestCase(oslotest_base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        engines.require()
        self.platform = deployment.get(deployment.Standard)
        self.token = self.platform.token()

    def add(self, number: int) -> deployment.Reply:
        body = {
            "hostname": f"outage-{number}",
            "personality": "worker",
            "mgmt_mac": f"52:54:00:aa:{number >> 8:02x}:{number & 255:02x}",
        }
        return self.platform.request("platform", "POST", "/v1/ihosts", body, self.token)

    def remove_added(self) -> None:
        hosts = self.platform.request("platform", "GET", "/v1/ihosts", token=self.token).json["ihosts"]
        for host in hosts:
            if (host["hostname"] or "").startswith("outage-"):
                reply = self.platform.request("platform", "DELETE", f"/v1/ihosts/{host['uuid']}", token=self.token)
                self.assertEqual(204, reply.status, reply)

    def load_during(self, outage: engines._Engine) -> dict[int, int]:
        """Add hosts all the while that an engine is killed and started again; gives the status of each request."""
        statuses: dict[int, int] = {}
        stopping = threading.Event()

        def add_hosts() -> None:
            number = 0
            while not stopping.is_set():
                try:
                    statuses[number] = self.add(number).status
                except (urllib.error.URLError, TimeoutError, OSError):
                    statuses[number] = 0
                number += 1

        thread = threading.Thread(target=add_hosts)
        thread.start()
        try:
            wait_for("some hosts are added", lambda: len(statuses) > 5, RECOVERY_S)
            with outage.away():
                pass
            seen = len(statuses)
            wait_for("hosts are added again", lambda: 200 in list(statuses.values())[seen:], RECOVERY_S)
        finally:
            stopping.set()
            thread.join(90)
        return statuses

    def assert_nothing_is_lost_silently(self, statuses: dict[int, int]) -> None:
        hosts = self.platform.request("platform", "GET", "/v1/ihosts?limit=2000", token=self.token).json["ihosts"]
        stored = {host["hostname"] for host in hosts}
        accepted = {f"outage-{number}" for number, status in statuses.items() if status == 200}
        self.assertLessEqual(accepted, stored)
        # Every request was answered, with success or with the error that says to try again.
        self.assertLessEqual(set(statuses.values()), {200, 409, 503})

    def test_the_database_is_killed_under_load(self) -> None:
        self.addCleanup(self.remove_added)
        self.assert_nothing_is_lost_silently(self.load_during(self.platform.postgresql))
        self.platform.await_in_service()

    def test_what_is_stopped_while_the_database_is_away_does_not_wait_for_it(self) -> None:
        self.addCleanup(self.platform.await_in_service)
        for name in WRITERS:
            self.addCleanup(self.platform.start_service, name)
        statuses: list[int] = []
        with self.platform.postgresql.away():
            self.platform.python(_REPORT)
            asking = threading.Thread(target=lambda: statuses.append(self.add(5000).status))
            asking.start()
            asking.join(db.RETRY_S / 5)
            self.assertTrue(asking.is_alive(), "nobody tries again")
            ended = {name: self.platform.stop_service(name, STOP_S) for name in WRITERS}
            asking.join(2 * rpc.DEADLINE_S)
        self.assertEqual(dict.fromkeys(WRITERS, process.Stopped.TERMINATED), ended)
        self.assertEqual([503], statuses)

    def test_the_broker_is_killed_under_load(self) -> None:
        self.addCleanup(self.remove_added)
        self.assert_nothing_is_lost_silently(self.load_during(self.platform.rabbitmq))
        self.platform.await_in_service()

    def test_a_topic_that_nobody_has_served_yet_is_told_at_once(self) -> None:
        began = time.monotonic()
        told = self.platform.python(_CALL, "never.served")
        self.assertIn("Unavailable: never.served is not served yet.", told)
        self.assertLess(time.monotonic() - began, rpc.DEADLINE_S)

    def test_a_bus_that_refuses_the_user_is_told(self) -> None:
        told = self.platform.python(_CALL, "sysinv.conductor_manager", self.platform.rabbitmq.url.replace("stx:", "stranger:"))
        self.assertRegex(told, r"Unavailable: The message bus refuses probe of sysinv.conductor_manager \(.*ACCESS_REFUSED")

    def test_a_conductor_that_is_killed_is_missed_with_503_and_serves_again_when_it_is_back(self) -> None:
        self.addCleanup(self.remove_added)
        self.platform.kill_service("sysinv-conductor")
        try:
            listed = self.platform.request("platform", "GET", "/v1/ihosts", token=self.token)
            self.assertEqual(200, listed.status)
            self.assertEqual(503, self.add(4000).status)
        finally:
            self.platform.start_service("sysinv-conductor")
        wait_for("hosts are added again", lambda: self.add(4000).status == 200, RECOVERY_S, 0.5)
