# SPDX-License-Identifier: Apache-2.0
"""What the tests of Fault Management have in common."""

import contextlib
import dataclasses
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import fixtures
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fm import catalogue, faults, manager
from fm.api import root
from fm.api.v1 import event_log
from fm.db import api as db_api
from stx import context as stx_context
from stx import db, paging, rpc, testing

TIMESTAMP = "2026-11-23T10:00:00.000001"


def report(operation: faults.Operation = "set", entity: str = "host=compute-1.process=sshd", **attributes: Any) -> faults.Report:
    """A well formed report; by default 200.006 is set on a process."""
    values: dict[str, Any] = {"uuid": str(uuid.uuid4()), "timestamp": TIMESTAMP}
    if operation != "clear-all":
        values["alarm_id"] = "200.006"
    if operation in ("set", "log"):
        values.update(severity="major", reason_text="a process has failed")
    return faults.Report(operation=operation, entity_instance_id=entity, **{**values, **attributes})


def catalogued(reports: list[faults.Report]) -> list[faults.Report]:
    """The reports of a component, of all of which the catalogue has the id, the form of the entity and the severity."""
    for report in reports:
        if report.operation != "clear-all":
            # What is cleared is to have the entity of what is set.
            catalogue.check(dataclasses.replace(report, operation="log") if report.operation == "clear" else report)
            severities = catalogue.all_of(catalogue.load()[report.alarm_id].severity)
            if report.severity not in (None, *severities):
                raise AssertionError(f"{report.alarm_id} is {report.severity}, which is none of {', '.join(severities)}")
    return reports


def wait_until(claim: Callable[[], Any], limit_s: float = 60.0) -> None:
    """Wait until the claim holds."""
    give_up_at = time.monotonic() + limit_s
    pause = threading.Event()
    while not claim():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"did not happen within {limit_s} s")
        pause.wait(0.005)


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    """Run as a process whose user keeps nothing from others."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def events(**page: Any) -> list[dict[str, Any]]:
    """The event log, oldest first."""
    return db_api.list_events(paging.Page(**{"limit": 2000, **page}))


@db_api.database.reader
def indexes_of(connection: Connection, select: sa.Select[Any]) -> str:
    """How SQLite would carry out a query."""
    text = str(select.compile(connection, compile_kwargs={"literal_binds": True}))
    return " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))


_templates: dict[Any, bytes] = {}


def fill_database(test: Any, database: db.Database, template: Any, make: Callable[[], None]) -> None:
    """Give a test a database file of its own as `make` makes it.

    It is made once a process and copied from then on: migrations would take most of the tests' time.
    """
    path = test.platform.path / f"{database.component}.sqlite"
    test.platform.conf.config(group=database.group, connection=f"sqlite:///{path}")
    database.reset()
    test.addCleanup(database.reset)
    if template in _templates:
        path.write_bytes(_templates[template])
        return
    make()
    # Only when the last connection is closed all is in the file.
    database.reset()
    _templates[template] = path.read_bytes()


def _make_database() -> None:
    db_api.database.migrate()
    db_api.synchronise_catalogue()


class DatabaseTest(testing.TestCase):
    """A test with a database of its own that has the catalogue's alarm types."""

    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        fill_database(self, db_api.database, "fm", _make_database)
        self.context = stx_context.internal("test")

    def start_manager(self) -> rpc.Server:
        server = rpc.Server(manager.Manager())
        server.start()
        self.addCleanup(server.stop)
        return server


class RestTest(DatabaseTest):
    """A test of the REST service, with fm-manager behind it.

    :ivar events: who follows the event log, as far as the test has it step
    """

    def setUp(self) -> None:
        super().setUp()
        self.start_manager()
        self.events = event_log.make_follower()
        self.rest = self.useFixture(testing.Rest(lambda: root.make_application(self.events)))

    def follow_events(self) -> None:
        """Open the stream of events; what it tells is told by further steps."""
        self.useFixture(fixtures.MonkeyPatch("fm.following.GRACE_S", 0.0))
        self.addCleanup(self.events.hub.close)
        self.events.step()

    def raise_alarm(self, **attributes: Any) -> str:
        """Gives the alarm's uuid."""
        raised = report(**attributes)
        db_api.store([raised])
        return raised.uuid

    def uuids(self, collection: str, path: str, **query: Any) -> list[str]:
        """What a list shows, in its order."""
        answer = self.rest.get(path, **query)
        self.assertEqual(200, answer.status, answer.body)
        return [item["uuid"] for item in answer.json[collection]]

    def assert_refused(self, status: int, text: str, answer: testing.Answer) -> None:
        self.assertEqual(status, answer.status, answer.body)
        self.assertIn(text, answer.fault)
