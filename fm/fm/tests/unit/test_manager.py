# SPDX-License-Identifier: Apache-2.0
"""fm-manager over the bus."""

import concurrent.futures
import datetime
import queue
from typing import Any

import fixtures
import prometheus_client

from fm import client, manager
from fm.db import api as db_api
from fm.notify import keeper
from fm.tests.unit import base
from stx import exception, paging, rpc

PROCESS = "host=compute-1.process=sshd"


class ManagerTest(base.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.start_manager()
        self.manager = client.Manager()

    def deliver(self, sequence: int, *bodies: Any, sender: str = "a") -> client.Receipt:
        """Deliver bodies whose numbers begin with `sequence`."""
        return self.manager.deliver(self.context, sender, list(enumerate(bodies, sequence)))

    def texts(self) -> list[str]:
        return [event["reason_text"] for event in base.events()]


class DeliverTest(ManagerTest):
    def test_the_answer_is_the_last_number(self) -> None:
        self.assertEqual(client.Receipt(8, []), self.deliver(7, base.report("log"), base.report("log")))

    def test_nothing_is_delivered(self) -> None:
        self.assertEqual(client.Receipt(0, []), self.deliver(1))

    def test_an_overlapping_delivery_adds_what_is_new(self) -> None:
        reports = [base.report("log", reason_text=f"{number}") for number in range(4)]
        self.deliver(1, *reports[:3])
        self.assertEqual(4, self.deliver(2, *reports[1:]).up_to)
        self.assertEqual(["0", "1", "2", "3"], self.texts())

    def test_an_old_delivery_that_arrives_late_changes_nothing(self) -> None:
        first, second = base.report(), base.report("clear")
        self.deliver(1, first, second)
        self.assertEqual(1, self.deliver(1, first).up_to)
        self.assertEqual([], db_api.find_alarms())
        self.assertEqual(2, len(base.events()))

    def test_an_old_clearing_that_arrives_late_clears_nothing(self) -> None:
        for clearing in (base.report("clear"), base.report("clear-all")):
            sender = clearing.operation
            self.deliver(1, clearing, sender=sender)
            self.deliver(2, base.report(), sender=sender)
            self.deliver(1, clearing, sender=sender)
            self.assertEqual(1, len(db_api.find_alarms()), sender)


class HostTest(ManagerTest):
    """Deliveries that are sealed with the key of a host that is no controller."""

    def setUp(self) -> None:
        super().setUp()
        self.host = "compute-1"
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.caller", lambda: self.host))

    def test_a_host_reports_of_itself_and_what_it_has(self) -> None:
        self.assertEqual([], self.deliver(1, base.report(entity=PROCESS), base.report("clear-all", "host=compute-1")).refused)

    def test_what_it_reports_of_another_is_refused_and_holds_up_nothing(self) -> None:
        others = [base.report("log", f"host={name}.process=sshd") for name in ("compute-10", "compute-2")]
        others += [base.report("clear-all", entity) for entity in ("host=compute-2", "system=x", "host=x.host=compute-1")]
        receipt = self.deliver(1, *others, base.report("log", reason_text="last"))
        self.assertEqual([(number, "compute-1 reports of itself alone") for number in range(1, 6)], receipt.refused)
        self.assertEqual((6, ["last"]), (receipt.up_to, self.texts()))

    def test_it_clears_no_alarms_of_another(self) -> None:
        self.host = "compute-2"
        self.deliver(1, base.report(entity="host=compute-2.process=sshd"))
        self.host = "compute-1"
        for operation in ("clear", "clear-all"):
            self.deliver(1, base.report(operation, "host=compute-2.process=sshd"))
        self.assertEqual(1, len(db_api.find_alarms()))

    def test_it_cannot_make_reports_of_another_count_as_known(self) -> None:
        """By the name of the other's spool and a number that is still to come."""
        self.deliver(1000, base.report("log"), sender="spool of compute-2")
        self.host = "compute-2"
        own = base.report("log", "host=compute-2.process=sshd", reason_text="of compute-2")
        self.deliver(1, own, sender="spool of compute-2")
        self.assertIn("of compute-2", self.texts())


class RefuseTest(ManagerTest):
    """What is refused is answered with the reason, logged and counted, and holds up nothing."""

    def test_reports_around_those_that_are_refused_are_stored(self) -> None:
        good = [base.report("log", reason_text=text) for text in ("before", "between", "behind")]
        bad = [{"operation": "explode"}, base.report(alarm_id="999.001")]
        receipt = self.deliver(1, good[0], bad[0], good[1], bad[1], good[2])
        self.assertEqual((5, [2, 4]), (receipt.up_to, [sequence for sequence, _ in receipt.refused]))
        self.assertEqual(["before", "between", "behind"], self.texts())

    def test_the_answer_says_what_to_change(self) -> None:
        receipt = self.deliver(
            1,
            base.report(alarm_id="999.001"),
            base.report(entity="host=compute-1"),
            base.report(alarm_id="200.020", entity="host=compute-1.event=add"),
            base.report("log", severity="fatal"),
        )
        self.assertEqual(
            [
                (1, "alarm_id 999.001 is not in the catalogue: use an id that is, or add it to catalogue.yaml"),
                (
                    2,
                    "entity_instance_id 'host=compute-1' is not what 200.006 is about: make it host=<host>.process=<process>",
                ),
                (3, "alarm_id 200.020 is that of a log: write a log, or set an alarm's id"),
                (4, "severity 'fatal' is not one of critical, major, minor, warning, not-applicable"),
            ],
            receipt.refused,
        )

    def test_a_report_that_the_database_does_not_take_is_refused_alone(self) -> None:
        first = base.report("log", reason_text="first")
        impostor = base.report("log", reason_text="impostor", uuid=first.uuid)
        last = base.report("log", reason_text="last")
        receipt = self.deliver(1, first, impostor, last)
        self.assertEqual((3, [2]), (receipt.up_to, [sequence for sequence, _ in receipt.refused]))
        self.assertRegex(receipt.refused[0][1], r"\Athe database does not take it, .*UNIQUE.*\Z")
        self.assertEqual(["first", "last"], self.texts())
        self.assertEqual(client.Receipt(4, []), self.deliver(3, last, base.report("log", reason_text="next")))
        self.assertEqual(["first", "last", "next"], self.texts())

    def test_a_delivery_of_which_all_is_refused_is_done_with(self) -> None:
        receipt = self.deliver(1, None, "nonsense")
        self.assertEqual((2, [1, 2]), (receipt.up_to, [sequence for sequence, _ in receipt.refused]))
        self.assertEqual([], self.texts())

    def test_the_log_has_what_was_refused_and_why(self) -> None:
        log = self.useFixture(fixtures.FakeLogger("fm.manager"))
        self.deliver(7, base.report(alarm_id="999.001", reason_text="the flux is low"))
        self.assertIn("Report 7 of spool 'a' is refused: alarm_id 999.001 is not in the catalogue", log.output)
        self.assertIn("the flux is low", log.output)

    def test_what_is_refused_is_counted(self) -> None:
        before = prometheus_client.REGISTRY.get_sample_value("fm_reports_refused_total") or 0.0
        self.deliver(1, base.report(alarm_id="999.001"), base.report(), None)
        self.assertEqual(before + 2, prometheus_client.REGISTRY.get_sample_value("fm_reports_refused_total"))

    def test_an_alarm_whose_id_has_left_the_catalogue_can_be_cleared(self) -> None:
        self.assertEqual(client.Receipt(1, []), self.deliver(1, base.report("clear", alarm_id="999.001")))


class StoreTest(ManagerTest):
    def test_it_gives_the_uuid_of_the_alarm(self) -> None:
        report = client.set_alarm("200.006", "host=compute-1.process=sshd", "it failed", "major")
        self.assertEqual(report.uuid, self.manager.store(self.context, report))
        again = client.set_alarm("200.006", "host=compute-1.process=sshd", "it failed", "minor")
        self.assertEqual(report.uuid, self.manager.store(self.context, again))

    def test_a_cleared_alarm_has_none(self) -> None:
        self.manager.store(self.context, base.report())
        self.assertIsNone(self.manager.store(self.context, base.report("clear")))

    def test_a_malformed_report_is_refused_with_its_fault(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "The fault report is malformed: alarm_id 'x' is not of the form 200.006.",
            self.manager.store,
            self.context,
            base.report(alarm_id="x"),
        )

    def test_what_the_catalogue_does_not_have_is_refused(self) -> None:
        for wrong in ({"alarm_id": "999.001"}, {"entity": "host=compute-1"}):
            report = base.report(**wrong)
            self.assert_raises_with(
                exception.Invalid, "The fault report is malformed: ", self.manager.store, self.context, report
            )
        self.assertEqual([], base.events())


class ModifyTest(ManagerTest):
    def test_changes_made_at_once_are_all_kept(self) -> None:
        report = base.report()
        self.manager.store(self.context, report)
        changes: list[dict[str, Any]] = [
            {"severity": "critical"},
            {"probable_cause": "power-problem"},
            {"proposed_repair_action": "replace it"},
            {"service_affecting": True},
            {"suppression": True},
        ]
        with concurrent.futures.ThreadPoolExecutor(len(changes)) as pool:
            list(pool.map(lambda change: self.manager.modify_alarm(self.context, report.uuid, change), changes))
        (alarm,) = db_api.find_alarms()
        self.assertEqual(changes, [{name: alarm[name] for name in change} for change in changes])

    def test_what_is_not_active_cannot_be_modified(self) -> None:
        self.assert_raises_with(
            exception.NotFound,
            "No active alarm",
            self.manager.modify_alarm,
            self.context,
            base.report().uuid,
            {"severity": "minor"},
        )

    def test_an_alarm_whose_id_has_left_the_catalogue_is_not_modified(self) -> None:
        report = base.report()
        self.manager.store(self.context, report)
        with fixtures.MonkeyPatch("fm.catalogue.load", dict):
            self.assert_raises_with(
                exception.Invalid,
                "alarm_id 200.006 is not in the catalogue",
                self.manager.modify_alarm,
                self.context,
                report.uuid,
                {"severity": "minor"},
            )

    def test_what_tells_an_alarm_from_others_stays(self) -> None:
        report = base.report()
        self.manager.store(self.context, report)
        change = {"alarm_id": "200.001"}
        self.assert_raises_with(
            exception.Invalid, "alarm_id cannot be changed", self.manager.modify_alarm, self.context, report.uuid, change
        )


class DeleteTest(ManagerTest):
    def test_a_deleted_alarm_is_cleared_with_an_event(self) -> None:
        report = base.report()
        self.manager.store(self.context, report)
        self.manager.delete_alarm(self.context, report.uuid)
        self.assertEqual([], db_api.find_alarms())
        self.assertEqual(["set", "clear"], [event["state"] for event in base.events()])

    def test_what_is_not_active_cannot_be_deleted(self) -> None:
        uuid = base.report().uuid
        self.assert_raises_with(
            exception.NotFound, f"No active alarm has the uuid {uuid}.", self.manager.delete_alarm, self.context, uuid
        )


class FindTest(ManagerTest):
    def setUp(self) -> None:
        super().setUp()
        for alarm_id, entity in (
            ("200.004", "host=compute-1"),
            ("200.006", "host=compute-1.process=a"),
            ("200.004", "host=compute-10"),
            ("200.001", "host=compute-1"),
        ):
            self.manager.store(self.context, base.report(alarm_id=alarm_id, entity=entity))

    def found(self, **by: str) -> list[tuple[str, str]]:
        return [(alarm["alarm_id"], alarm["entity_instance_id"]) for alarm in self.manager.get_faults(self.context, **by)]

    def test_by_id(self) -> None:
        self.assertEqual([("200.001", "host=compute-1")], self.found(alarm_id="200.001"))

    def test_by_entity(self) -> None:
        self.assertEqual([("200.004", "host=compute-1"), ("200.001", "host=compute-1")], self.found(entity="host=compute-1"))

    def test_within_an_entity(self) -> None:
        inside = [("200.004", "host=compute-1"), ("200.006", "host=compute-1.process=a"), ("200.001", "host=compute-1")]
        self.assertEqual(inside, self.found(within="host=compute-1"))

    def test_all(self) -> None:
        self.assertEqual(4, len(self.found()))


class SuppressionTest(ManagerTest):
    def type_uuid(self) -> str:
        (found,) = [row for row in db_api.list_types(paging.Page(2000)) if row["alarm_id"] == "200.006"]
        return found["uuid"]

    def test_a_type_is_suppressed(self) -> None:
        self.manager.set_suppression(self.context, self.type_uuid(), "suppressed")
        self.assertEqual("suppressed", db_api.get_type(self.type_uuid())["suppression_status"])

    def test_other_words_are_refused(self) -> None:
        self.assert_raises_with(
            exception.Invalid,
            "suppression_status cannot be 'quiet': use suppressed or unsuppressed.",
            self.manager.set_suppression,
            self.context,
            self.type_uuid(),
            "quiet",
        )

    def test_a_type_that_is_not_there_is_named(self) -> None:
        uuid = base.report().uuid
        self.assert_raises_with(
            exception.NotFound, f"the uuid {uuid}", self.manager.set_suppression, self.context, uuid, "suppressed"
        )


class PublishTest(ManagerTest):
    def setUp(self) -> None:
        super().setUp()
        self.published: queue.Queue[rpc.Event] = queue.Queue()
        follower = rpc.Subscriber(self.published.put, "fm.")
        follower.start()
        self.addCleanup(follower.stop)

    def test_events_are_published(self) -> None:
        self.deliver(1, base.report(), base.report("clear"))
        event = self.published.get(timeout=60)
        self.assertEqual("fm.events", event.kind)
        told = [(item["state"], item["event_log_id"], item["entity_instance_id"]) for item in event.payload["events"]]
        self.assertEqual([("set", "200.006", PROCESS), ("clear", "200.006", PROCESS)], told)

    def test_what_changed_nothing_is_not_published(self) -> None:
        self.deliver(1, base.report("clear"))
        self.deliver(2, base.report("log", reason_text="the next one"))
        event = self.published.get(timeout=60)
        self.assertEqual(["the next one"], [item["reason_text"] for item in event.payload["events"]])


class ServiceTest(base.DatabaseTest):
    def test_it_makes_its_tables_and_serves(self) -> None:
        self.platform.conf.config(group="fm_database", connection=f"sqlite:///{self.platform.path}/other/fm.sqlite")
        db_api.database.reset()
        made = manager.make_service()
        made.start()
        self.addCleanup(made.stop)
        report = base.report()
        self.assertEqual(report.uuid, client.Manager().store(self.context, report))

    def test_the_notifier_stops_before_all_else(self) -> None:
        self.assertIsInstance(manager.make_service()._parts[-1], keeper.Keeper)

    def test_the_event_log_is_pruned_to_its_bound(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("fm.manager._PRUNE_BATCH", 3))
        db_api.store([base.report("log", reason_text=f"{number}") for number in range(1011)])
        self.platform.conf.config(group="fm", event_log_max_size=1000)
        pauses: list[float] = []
        manager.prune(pause=pauses.append)
        # Others have their turn between the pieces.
        self.assertEqual(3, len(pauses))
        kept = [event["reason_text"] for event in base.events()]
        self.assertEqual([f"{number}" for number in range(11, 1011)], kept)

    def test_events_that_are_older_than_the_option_says_are_pruned(self) -> None:
        db_api.store([base.report("log", reason_text="old")])
        self.platform.conf.config(group="fm", event_log_max_age=30)
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        manager.prune(now + datetime.timedelta(days=29))
        self.assertEqual(1, len(base.events()))
        self.platform.conf.config(group="fm", event_log_max_age=0)
        manager.prune(now + datetime.timedelta(days=3000))
        self.assertEqual(1, len(base.events()))
        self.platform.conf.config(group="fm", event_log_max_age=30)
        manager.prune(now + datetime.timedelta(days=31))
        self.assertEqual([], base.events())
