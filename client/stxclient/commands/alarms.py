# SPDX-License-Identifier: Apache-2.0
"""Active alarms."""

import argparse
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from stxclient import exceptions, resources, tree
from stxclient.columns import Column, Named, named
from stxclient.commands import arguments, base, watching

_DEPTH = "depth below its root"
# Of a terminal: to its first line, and nothing on it.
_CLEAR = "\x1b[H\x1b[2J"
_UUID = "6f5a2f5e-5a3c-4d0f-9d0b-1f0a5b0e7c11"


def marked_if_suppressed(field: str) -> Any:
    """A source of columns: the id, in people's eyes S(id) when its kind is suppressed."""

    def value(item: resources.Resource) -> Any:
        alarm_id = item.get(field)
        if item.get("suppression_status") != "suppressed":
            return alarm_id
        return Named(alarm_id, f"S({alarm_id})")

    return value


class List(base.Lister):
    """List the active alarms, newest first; S(id) marks a kind of alarm that is suppressed."""

    example = "-q severity=major --uuid"
    columns = (
        Column("Alarm ID", source=marked_if_suppressed("alarm_id")),
        Column("Reason Text", "reason_text"),
        Column("Entity ID", "entity_instance_id"),
        Column("Severity", "severity"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_query(
            parser, "uuid, alarm_id, entity_type_id, entity_instance_id, severity, alarm_type (parts of values match)"
        )
        arguments.add_uuid(parser)
        parser.add_argument("--include_suppress", action="store_true", help="Also alarms of suppressed kinds.")
        parser.add_argument(
            "--mgmt_affecting", action="store_true", help="Show whether an alarm stands in the way of management."
        )
        parser.add_argument("--degrade_affecting", action="store_true", help="Show whether an alarm degrades its host.")
        parser.add_argument(
            "--tree",
            action="store_true",
            help="Show alarms below the one that they follow from: that of a host that failed, or the root that they name.",
        )
        parser.add_argument(
            "--watch", action="store_true", help="Show the list anew whenever an alarm is set or cleared, until interrupted."
        )
        arguments.add_display(parser)

    def chosen(self, parsed_args: argparse.Namespace) -> Sequence[Column]:
        name, *others = self.columns
        return (
            *([Column("UUID", "uuid")] if parsed_args.uuid else []),
            Column(name.label, source=_below_root(name)) if parsed_args.tree else name,
            *others,
            *([Column("Management Affecting", "mgmt_affecting")] if parsed_args.mgmt_affecting else []),
            *([Column("Degrade Affecting", "degrade_affecting")] if parsed_args.degrade_affecting else []),
            Column("Time Stamp", "timestamp"),
        )

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        # Only in full they name their roots.
        found = self.client.alarms.list(
            parsed_args.query, include_suppressed=parsed_args.include_suppress, expand=parsed_args.tree
        )
        alarms = sorted(found, key=lambda alarm: alarm.get("timestamp") or "", reverse=True)
        if not parsed_args.tree:
            return alarms
        fields = [alarm.to_dict() for alarm in alarms]
        return [resources.Resource({**fields[index], _DEPTH: depth}) for index, depth in tree.arranged(fields)]

    def run(self, parsed_args: argparse.Namespace) -> int:
        if not parsed_args.watch:
            return super().run(parsed_args)
        stdout, told = self.app.stdout, set[str]()

        def complain(error: exceptions.ClientError) -> None:
            # Once, however often it is tried again.
            if str(error) not in told:
                told.add(str(error))
                self.complain(error)

        def show() -> bool:
            stdout.write(_CLEAR if stdout.isatty() else "")
            try:
                super(List, self).run(parsed_args)
            except (exceptions.CannotConnect, exceptions.ServerError) as error:
                complain(error)
                return False
            stdout.write("" if stdout.isatty() else "\n")
            stdout.flush()
            told.clear()
            return True

        with contextlib.suppress(KeyboardInterrupt):
            watching.watch(self.client.events.follow(on_loss=complain), show)
        return 0


def _below_root(name: Column) -> Any:
    """A source of columns: the id, for people below that of its root."""

    def value(item: resources.Resource) -> Any:
        shown, depth = name.value(item), item.get(_DEPTH, 0)
        if not depth:
            return shown
        for_people = shown.human_readable() if isinstance(shown, Named) else shown
        return Named(item.get("alarm_id"), f"{'   ' * (depth - 1)}└─ {for_people}")

    return value


class Show(base.ShowOne):
    """Show an active alarm."""

    example = _UUID
    columns = (
        *named("alarm_id", "alarm_state", "alarm_type", "entity_type_id", "entity_instance_id", "probable_cause"),
        *named("proposed_repair_action", "reason_text", "service_affecting", "severity", "suppression"),
        *named("suppression_status", "timestamp", "uuid", "mgmt_affecting", "degrade_affecting"),
        Column("root_alarm_id", optional=True),
        Column("root_entity_instance_id", optional=True),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("alarm", metavar="<uuid>", help="Uuid of the alarm, as alarm-list --uuid shows it.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.alarms.get(parsed_args.alarm)


class Delete(base.Action):
    """Remove an active alarm, whatever its cause does."""

    example = _UUID

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("alarm", metavar="<uuid>", help="Uuid of the alarm, as alarm-list --uuid shows it.")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.client.alarms.delete(parsed_args.alarm)


class Summary(base.Lister):
    """Count the active alarms by severity."""

    example = "--include_suppress"
    columns = (
        Column("Critical Alarms", "critical"),
        Column("Major Alarms", "major"),
        Column("Minor Alarms", "minor"),
        Column("Warnings", "warnings"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--include_suppress", action="store_true", help="Count alarms of suppressed kinds too.")

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return [self.client.alarms.summary(include_suppressed=parsed_args.include_suppress)]
