# SPDX-License-Identifier: Apache-2.0
"""sm-dump and sm-query: what services and groups are on this host, for people and for scripts that search it."""

import json
import pathlib
import sys
from collections.abc import Sequence

from sm import control
from sm.db import Database, DatabaseError, Row
from stx.commandline import Parser

RUN_PATH = "/run/sm"
_COLUMNS = (("name", 32), ("desired_state", 20), ("state", 20), ("status", 10))
NOTHING = 1


def main(argv: Sequence[str] | None = None) -> int:
    """sm-dump: 0, or 1 when there is nothing to see."""
    parser = Parser(
        prog="sm-dump",
        description="Shows what services and groups are on this host.",
        example="sm-dump --verbose",
    )
    parser.add_argument("--run-path", default=RUN_PATH, help="where sm keeps states (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="with the condition of each")
    parser.add_argument("--impact", action="store_true", help="with what the failure of a service means")
    parser.add_argument("--lease", action="store_true", help="show who votes, who is heard, and what was dropped instead")
    parser.add_argument("-f", "--format", choices=("table", "json"), default="table", help="form of the output")
    arguments = parser.parse_args(argv)
    try:
        if arguments.lease:
            return _show_lease(control.ask(pathlib.Path(arguments.run_path), do="status"), arguments.format)
        database = _open(arguments.run_path)
        groups, services = _groups(database), _services(database)
    except (DatabaseError, control.ControlError) as error:
        print(f"sm-dump: {error}", file=sys.stderr)
        return NOTHING
    if arguments.format == "json":
        print(json.dumps({"service_groups": groups, "services": services}, indent=2))
        return 0
    extra = [("condition", 20)] if arguments.verbose else []
    _print("Service_Groups", groups, [*_COLUMNS, *extra])
    _print("Services", services, [*_COLUMNS, *extra, *([("impact", 10)] if arguments.impact else [])])
    return 0


def query(argv: Sequence[str] | None = None) -> int:
    """sm-query: one sentence, or a line a group."""
    parser = Parser(
        prog="sm-query",
        description="Says in one line what a service or a group is on this host.",
        example="sm-query service management-ip",
    )
    parser.add_argument("--run-path", default=RUN_PATH, help="where sm keeps states (default: %(default)s)")
    parser.add_argument("kind", choices=("service", "service-group"))
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--desired-state", action="store_true", help="of groups, what they shall be")
    arguments = parser.parse_args(argv)
    try:
        database = _open(arguments.run_path)
    except DatabaseError as error:
        print(f"sm-query: {error}", file=sys.stderr)
        return NOTHING
    if arguments.kind == "service":
        known = {row["name"]: row for row in _services(database)}
        for name in arguments.names:
            state, status = (known[name]["state"], known[name]["status"]) if name in known else ("disabled", "")
            print(f"{name} is {state}{'-' + status if status else ''}")
        return 0
    groups = {row["name"]: row for row in _groups(database)}
    for name in arguments.names:
        if name in groups:
            desired = [groups[name]["desired_state"]] if arguments.desired_state else []
            print(" ".join([name, *desired, groups[name]["state"]]))
        else:
            print(f"{name} not provisioned")
    return 0


def _open(run_path: str) -> Database:
    path = pathlib.Path(run_path) / "sm.db"
    if not path.exists():
        raise DatabaseError(f"{path} is not there. Is sm.service at work on this host?")
    return Database(path, is_read_only=True)


def _groups(database: Database) -> list[Row]:
    return database.rows("SERVICE_GROUPS", provisioned="yes")


def _services(database: Database) -> list[Row]:
    impact = {row["service_name"]: row["service_failure_impact"] for row in database.rows("SERVICE_GROUP_MEMBERS")}
    return [{**row, "impact": impact.get(row["name"], "")} for row in database.rows("SERVICES", provisioned="yes")]


def _print(title: str, rows: Sequence[Row], columns: Sequence[tuple[str, int]]) -> None:
    print(f"-{title}{'-' * (sum(width for _, width in columns) - len(title))}")
    for row in rows:
        print("".join(f"{row[name] or '':<{width}}" for name, width in columns).rstrip())
    print("-" * (sum(width for _, width in columns) + 1))


def _show_lease(found: control.Answer, form: str) -> int:
    if form == "json":
        print(json.dumps(found, indent=2))
        return 0
    # Of the other controller's board, where there is one.
    fencing = ["fencing"] if found.get("fencing") else []
    for name in ("name", "phase", "copies", "holds_lease", "term", *fencing):
        print(f"{name:<12} {found[name]}")
    for name in ("voters", "eligible"):
        print(f"{name:<12} {', '.join(found[name])}")
    for each in found["paths"]:
        print(f"{'path':<12} {each['network']}: {each['host']} is {'heard' if each['is_heard'] else 'not heard'}")
    for each in found["dropped"]:
        print(f"{'dropped':<12} {each['network']}: {each['datagrams']} {each['reason']}")
    return 0
