# SPDX-License-Identifier: Apache-2.0
"""No fault report that was accepted is lost or doubled, whoever dies: client, manager, broker, database."""

import json

from oslotest import base as oslotest_base

from tests.functional import deployment, engines
from tests.functional.deployment import wait_for

# Runs in a process of its own on the host: what it prints was accepted when it printed it.
_SET_AND_CLEAR = """
    import sys
    from fm import client
    reporter, entity = client.FaultReporter(), sys.argv[1]
    for number in range(100):
        reporter.set_fault("200.006", f"host={entity}.process=p{number:03}", f"process {number} failed", "minor")
        if number % 2:
            reporter.clear_fault("200.006", f"host={entity}.process=p{number:03}")
"""

_MANY_SETS = """
    import sys
    from fm import client
    reporter, entity, total = client.FaultReporter(), sys.argv[1], int(sys.argv[2])
    for start in range(0, total, 50):
        numbers = range(start, start + 50)
        reporter.report(
            [client.set_alarm("200.006", f"host={entity}.process=p{n:05}", f"process {n} failed", "minor") for n in numbers]
        )
        print(numbers[-1], flush=True)
"""

# Two deliveries of a spool are worked on at once, as when the first waited in the broker until its courier sent anew. The first
# knows how far the spool is stored, and looks at the alarms when the second one is stored, or waits for the first.
_LATE = """
    import sys, threading, time
    import sqlalchemy as sa
    from unittest import mock
    from fm import client
    from fm.db import api as db_api

    entity, touched, is_late, is_over = sys.argv[1], db_api._touched, threading.Event(), threading.Event()

    @db_api.database.reader
    def waits(connection):
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return connection.execute(sa.text(query)).scalar_one() > 0

    def touch(connection, reports):
        if reports == [again]:
            is_late.set()
            deadline = time.monotonic() + 30
            while not is_over.is_set() and not waits() and time.monotonic() < deadline:
                is_over.wait(0.02)
        return touched(connection, reports)

    first, again = (client.set_alarm("200.006", entity, "it failed", "minor") for _ in range(2))
    db_api.deliver(entity, [(1, first)])
    with mock.patch.object(db_api, "_touched", touch):
        late = threading.Thread(target=db_api.deliver, args=(entity, [(2, again)]))
        late.start()
        assert is_late.wait(30)
        db_api.deliver(entity, [(2, again), (3, client.clear("200.006", entity))])
        is_over.set()
        late.join(30)
        assert not late.is_alive()
"""


# Signs that mean something on the way to the database: of JSON, of SQL, of its parameters.
_ODD = ["%s", "%(rows)s", ":rows", "'; --", '"', "\\u0041", "\\", "a\nb\tc", "Straße 🚀", "$1", "{}", "null"]
_ODD_SETS = """
    import json, sys
    from fm import client
    texts = json.loads(sys.argv[2])
    for end in ("", "!"):
        client.FaultReporter().report(
            [client.set_alarm("200.006", f"host={sys.argv[1]}.process=p{n:02}", text + end, "minor") for n, text in enumerate(texts)]
        )
"""


class StandardDurabilityTestCase(oslotest_base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        engines.require()
        self.platform = deployment.get(deployment.Standard)
        self.token = self.platform.token()

    def active(self, entity: str) -> list[str]:
        prefix = f"host={entity}."
        return [
            alarm["entity_instance_id"].removeprefix(prefix)
            for alarm in self.platform.alarms(self.token)
            if alarm["entity_instance_id"].startswith(prefix)
        ]

    def number(self) -> int:
        """Of alarms of the severity that all have here: told much quicker than which they are."""
        summary = self.platform.request("faultmanagement", "GET", "/v1/alarms/summary", token=self.token)
        return int(summary.json["minor"])

    def history(self, entity: str) -> list[tuple[str, str]]:
        query = f"&q.field=entity_instance_id&q.op=eq&q.value=host%3D{entity}."
        found = self.platform.events(self.token, query)
        return [(event["state"], event["entity_instance_id"].removeprefix(f"host={entity}.")) for event in found]

    def clear(self, entity: str) -> None:
        self.platform.python(f"from fm import client\nclient.FaultReporter().clear_all('host={entity}')")
        query = f"limit=1&q.field=entity_instance_id&q.op=eq&q.value=host%3D{entity}."

        def is_cleared() -> bool:
            return not self.platform.request("faultmanagement", "GET", f"/v1/alarms?{query}", token=self.token).json["alarms"]

        wait_for("all is cleared", is_cleared, 60, 0.2)

    def test_reports_made_while_the_manager_is_away_arrive_later_once_and_in_order(self) -> None:
        entity = "away"
        self.addCleanup(self.clear, entity)
        with self.platform.without("fm-manager"):
            self.platform.python(_SET_AND_CLEAR, entity)
        expected = [f"process=p{number:03}" for number in range(0, 100, 2)]
        wait_for("the reports are stored", lambda: len(self.history(entity)) >= 150, 60, 0.2)
        self.assertEqual(expected, self.active(entity))
        told = []
        for number in range(100):
            told.append(("set", f"process=p{number:03}"))
            if number % 2:
                told.append(("clear", f"process=p{number:03}"))
        self.assertEqual(told, self.history(entity))

    def test_a_delivery_that_comes_late_does_not_set_what_is_cleared(self) -> None:
        entity = "late"
        self.addCleanup(self.clear, entity)
        self.platform.python(_LATE, f"host={entity}.process=p")
        self.assertEqual([], self.active(entity))
        self.assertEqual([("set", "process=p"), ("clear", "process=p")], self.history(entity))

    def test_killing_the_manager_in_the_middle_of_10000_sets_loses_and_doubles_nothing(self) -> None:
        entity, total, before = "killed", 10_000, self.number()
        self.addCleanup(self.clear, entity)
        with self.platform.spawn_python(_MANY_SETS, entity, str(total)) as client:
            kills = 0
            for line in client.stdout:
                if int(line) in (1999, 3999, 5999):
                    self.platform.kill_service("fm-manager")
                    self.platform.start_service("fm-manager")
                    kills += 1
            self.assertEqual(0, client.wait(60))
        self.assertEqual(3, kills)
        wait_for("the reports are stored", lambda: self.number() >= before + total, 120, 0.2)
        expected = [f"process=p{number:05}" for number in range(total)]
        self.assertEqual(expected, self.active(entity))
        self.assertEqual([("set", name) for name in expected], self.history(entity))

    def test_broker_and_database_killed_under_load_lose_nothing(self) -> None:
        entity, total, before = "outage", 5_000, self.number()
        self.addCleanup(self.clear, entity)
        with self.platform.spawn_python(_MANY_SETS, entity, str(total)) as client:
            for line in client.stdout:
                if int(line) == 1499:
                    with self.platform.postgresql.away():
                        pass
                if int(line) == 2999:
                    with self.platform.rabbitmq.away():
                        pass
            self.assertEqual(0, client.wait(60))
        wait_for("the reports are stored", lambda: self.number() >= before + total, 120, 0.2)
        expected = [f"process=p{number:05}" for number in range(total)]
        self.assertEqual(expected, self.active(entity))
        self.assertEqual([("set", name) for name in expected], self.history(entity))

    def test_many_reports_at_once_are_stored_and_changed_to_the_letter(self) -> None:
        entity = "letters"
        self.addCleanup(self.clear, entity)
        self.platform.python(_ODD_SETS, entity, json.dumps(_ODD))
        wait_for("the reports are stored", lambda: len(self.history(entity)) >= 2 * len(_ODD), 60, 0.2)
        query = f"q.field=entity_instance_id&q.op=eq&q.value=host%3D{entity}."
        found = self.platform.request("faultmanagement", "GET", f"/v1/alarms?{query}", token=self.token).json["alarms"]
        self.assertEqual([f"{text}!" for text in _ODD], [alarm["reason_text"] for alarm in found])
        told = [event["reason_text"] for event in self.platform.events(self.token, f"&{query}")]
        self.assertEqual([text + end for end in ("", "!") for text in _ODD], told)
