# SPDX-License-Identifier: Apache-2.0
"""The history of events, and the suppression of kinds of alarm."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import autopage

from stxclient import exceptions, queries, resources
from stxclient.columns import Column, named
from stxclient.commands import alarms, arguments, base

_ON, _OFF = "suppressed", "unsuppressed"
_SUPPRESSED = [queries.Condition("suppression_status", _ON)]


class _PagedList(base.Lister):
    """A list that goes through a pager on a terminal."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_uuid(parser)
        parser.add_argument("--nopaging", action="store_true", help="Do not stop after each page of the terminal.")
        arguments.add_display(parser)

    def chosen(self, parsed_args: argparse.Namespace) -> Sequence[Column]:
        return (*([Column("UUID", "uuid")] if parsed_args.uuid else []), *self.columns)

    def produce_output(self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Iterable[Any]) -> int:
        if parsed_args.nopaging:
            return super().produce_output(parsed_args, column_names, data)
        stdout = self.app.stdout
        pager = autopage.AutoPager(stdout)
        try:
            with pager as self.app.stdout:
                super().produce_output(parsed_args, column_names, data)
        finally:
            self.app.stdout = stdout
        return pager.exit_code()


class List(_PagedList):
    """List what happened, newest first: alarms set and cleared, and logs."""

    example = "-q 'start=2026-11-01;severity=critical' -l 50"
    columns = (
        Column("Time Stamp", "timestamp"),
        Column("State", "state"),
        Column("Event Log ID", source=alarms.marked_if_suppressed("event_log_id")),
        Column("Reason Text", "reason_text"),
        Column("Entity Instance ID", "entity_instance_id"),
        Column("Severity", "severity"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_query(
            parser,
            "uuid, event_log_id, entity_type_id, entity_instance_id, severity, event_log_type, start, end (times)",
        )
        parser.add_argument(
            "-l", "--limit", metavar="<number>", type=base.argument(_count), help="Show so many events at the most."
        )
        parser.add_argument("--alarms", action="store_true", help="Only alarms set and cleared.")
        parser.add_argument("--logs", action="store_true", help="Only logs; with --alarms, everything.")
        parser.add_argument("--include_suppress", action="store_true", help="Also events of suppressed kinds.")
        super().add_arguments(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.events.list(
            parsed_args.query,
            alarms=parsed_args.alarms,
            logs=parsed_args.logs,
            include_suppressed=parsed_args.include_suppress,
            limit=parsed_args.limit,
        )


class Show(base.ShowOne):
    """Show an event."""

    example = "0d3e6c1e-6c55-4f5b-8a4b-31b5d2f1e9aa"
    columns = (
        *named("event_log_id", "state", "event_log_type", "entity_type_id", "entity_instance_id", "probable_cause"),
        *named("proposed_repair_action", "reason_text", "service_affecting", "severity", "suppression"),
        *named("suppression_status", "timestamp", "uuid"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("event", metavar="<uuid>", help="Uuid of the event, as event-list --uuid shows it.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.events.get(parsed_args.event)


class _Kinds(_PagedList):
    columns = (Column("Event ID", "alarm_id"), Column("Status", "suppression_status"))


class SuppressList(_Kinds):
    """List the kinds of alarm that are suppressed, or all kinds."""

    example = "--include-unsuppressed"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--include-unsuppressed", action="store_true", help="Also the kinds that are not suppressed.")
        super().add_arguments(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.event_suppression.list([] if parsed_args.include_unsuppressed else _SUPPRESSED)


class _Change(_Kinds):
    """Sets the status of kinds of alarm and shows them."""

    status: ClassVar[str]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--alarm_id",
            metavar="<id,id…>",
            required=True,
            type=base.argument(_ids),
            help="Alarm ids such as 100.101, separated by commas.",
        )
        super().add_arguments(parser)

    def wanted(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        """The kinds to change. Nothing changes when one of them does not exist."""
        known = {kind.alarm_id: kind for kind in self.client.event_suppression.list()}
        unknown = [alarm_id for alarm_id in parsed_args.alarm_id if alarm_id not in known]
        if unknown:
            raise exceptions.NotFound(
                f"There is no alarm id {', '.join(unknown)}: event-suppress-list --include-unsuppressed shows all.", 404
            )
        return [known[alarm_id] for alarm_id in parsed_args.alarm_id]

    def fetch(self, parsed_args: argparse.Namespace) -> list[resources.Resource]:
        # The list is read to its end first: changing it moves its pages.
        kinds = list(self.wanted(parsed_args))
        return [self.client.event_suppression.update(kind.uuid, self.status) for kind in kinds]


class Suppress(_Change):
    """Hide kinds of alarm: they are still recorded, but neither listed nor sent as traps."""

    example = "--alarm_id 100.101,100.103"
    status = _ON


class Unsuppress(_Change):
    """Show kinds of alarm again."""

    example = "--alarm_id 100.101"
    status = _OFF


class UnsuppressAll(_Change):
    """Show all kinds of alarm again."""

    example = ""
    status = _OFF

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _Kinds.add_arguments(self, parser)

    def wanted(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.event_suppression.list(_SUPPRESSED)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{text!r} is not a positive number")
    return int(text)


def _ids(text: str) -> list[str]:
    ids = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not ids:
        raise ValueError("no alarm id is given")
    return ids
