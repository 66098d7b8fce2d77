# SPDX-License-Identifier: Apache-2.0
"""Events arrive at whoever listens over HTTP, from a report on a host to the screen of an operator."""

import contextlib
import http.client
import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.functional import base, deployment
from tests.functional.deployment import wait_for

DEADLINE_S = 30.0
_SET = """
    import sys
    from fm import client
    client.FaultReporter().set_fault("200.006", f"host={sys.argv[1]}.process=p", sys.argv[2], "minor")
"""


class Listening:
    """What the tests do."""

    def report(self, entity: str, text: str) -> None:
        self.platform.python(_SET, entity, text)
        self.addCleanup(self.clear, f"host={entity}.process=p")

    def clear(self, entity: str) -> None:
        """It goes through the spool: the next test would meet an alarm that goes away by itself."""
        self.platform.python(f"from fm import client\nclient.FaultReporter().clear_fault('200.006', '{entity}')")

        def is_cleared() -> bool:
            return entity not in [alarm["entity_instance_id"] for alarm in self.platform.alarms(self.token)]

        wait_for(f"{entity} is cleared", is_cleared, 2 * DEADLINE_S, 0.2)

    @contextlib.contextmanager
    def listening(self, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """The answer, when the service tells events at all: it does not in the first seconds after its start."""
        where = self.platform.layout.url("faultmanagement").removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(where, timeout=DEADLINE_S)) as connection:

            def answer() -> http.client.HTTPResponse | None:
                try:
                    connection.request("GET", "/v1/event_log/stream", headers={"X-Auth-Token": self.token, **headers})
                    found = connection.getresponse()
                except ConnectionError:
                    connection.close()
                    return None
                if found.status == 200:
                    return found
                self.assertEqual(503, found.status, found.read())
                found.read()
                return None

            answers: list[http.client.HTTPResponse | None] = []
            wait_for("the stream", lambda: answers.append(answer()) or answers[-1] is not None, DEADLINE_S, 0.2)
            assert answers[-1] is not None
            yield answers[-1]

    def told(self, answer: http.client.HTTPResponse, text: str) -> tuple[str, dict[str, Any]]:
        """Read up to the event with this reason. Gives its id and what is told of it."""
        event_id, give_up_at = "", time.monotonic() + DEADLINE_S
        for line in iter(answer.readline, b""):
            # Lines come for as long as somebody reads.
            self.assertLess(time.monotonic(), give_up_at, f"{text!r} is not told")
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                event_id = value
            elif name == "data" and json.loads(value).get("reason_text") == text:
                return event_id, json.loads(value)
        raise AssertionError(f"the stream ended before {text!r} was told")


class EventStream(Listening):
    def test_a_report_of_a_host_is_told_in_full(self) -> None:
        with self.listening() as answer:
            self.report("told", "told in full")
            _, event = self.told(answer, "told in full")
        shown = self.platform.request("faultmanagement", "GET", f"/v1/event_log/{event['uuid']}", token=self.token)
        self.assertEqual(event, shown.json)

    def test_who_was_away_is_told_what_was_missed(self) -> None:
        with self.listening() as answer:
            self.report("away-1", "before")
            event_id, _ = self.told(answer, "before")
        self.report("away-2", "meanwhile")
        with self.listening(**{"Last-Event-ID": event_id}) as answer:
            self.told(answer, "meanwhile")

    def test_a_list_that_is_watched_shows_what_comes(self) -> None:
        with self.listening():
            pass
        argv = [str(deployment.PROGRAMS / "fm"), "alarm-list", "--watch", "-f", "csv"]
        with subprocess.Popen(argv, env=self.platform.environment(), stdout=subprocess.PIPE, text=True, cwd="/") as watching:
            # Its end is the end of what it says.
            late = threading.Timer(2 * DEADLINE_S, watching.kill)
            self.addCleanup(late.cancel)
            late.start()
            assert watching.stdout is not None
            self.assertIn("Alarm ID", watching.stdout.readline())
            self.report("watched", "seen on the screen")
            self.assertTrue(any("seen on the screen" in line for line in iter(watching.stdout.readline, "")))
            watching.send_signal(signal.SIGINT)
            self.assertEqual(0, watching.wait(DEADLINE_S))


EmbeddedEventStream, StandardEventStream = base.on_both(EventStream)


class StandardReturnTestCase(Listening, base.FunctionalTestCase):
    kind = deployment.Standard

    def test_a_reader_goes_on_after_the_service_was_away(self) -> None:
        with self.listening() as answer:
            self.report("return-1", "before the end")
            event_id, _ = self.told(answer, "before the end")
        with self.platform.without("fm-api"):
            self.report("return-2", "while it was away")
        with self.listening(**{"Last-Event-ID": event_id}) as answer:
            self.told(answer, "while it was away")
