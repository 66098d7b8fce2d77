# SPDX-License-Identifier: Apache-2.0
"""What Service Management says of itself: its process, asked over the control socket, and the rows that it keeps for tools.

Nothing is shown while the process is away: rows that nobody keeps up to date would call a controller active that is not.
"""

import contextlib
import pathlib
import uuid
from typing import Any

from sm import conf, control
from sm.api import rules
from sm.db import Database, DatabaseError, Row
from stx import exception

CONF = conf.CONF

_STATES = ("administrative_state", "operational_state", "availability_status")


def ask(**request: Any) -> control.Answer:
    """Ask the process on this host.

    :raises control.ControlError: when it refuses, or is not there
    """
    return control.ask(_run_path(), **request)


def status() -> control.Answer:
    """What the process says of itself.

    :raises exception.Unavailable: when it is not there
    """
    try:
        return ask(do="status")
    except control.ControlError as error:
        raise exception.Unavailable(str(error)) from error


def tables(*names: str) -> list[list[Row]]:
    """All rows of each of these tables, as they were at one moment or a little later.

    :raises exception.Unavailable: when they cannot be read
    """
    try:
        with contextlib.closing(Database(_run_path() / "sm.db", is_read_only=True)) as database:
            return [database.rows(name) for name in names]
    except DatabaseError as error:
        raise exception.Unavailable(f"{error} Is sm.service at work on this host?") from error


def records(table: str) -> list[Row]:
    """The rows of a table as REST shows them: with a number, the uuid, and the host whose they are.

    A number stays the same as long as nothing is configured anew. What is not provisioned has one too, but is not shown.

    :raises exception.Unavailable: when Service Management is away
    """
    own = status()["name"]
    (rows,) = tables(table)
    return [
        {"id": number, "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{table}.{own}.{row['name']}")), "node_name": own, **row}
        for number, row in enumerate(rows, 1)
        if row.get("provisioned", "yes") == "yes"
    ]


def facts() -> rules.Facts:
    """What decisions about controllers rest on.

    :raises exception.Unavailable: when Service Management is away
    """
    found = status()
    nodes, assignments, members, impacts, services = tables(
        "NODES", "SERVICE_DOMAIN_ASSIGNMENTS", "SERVICE_DOMAIN_MEMBERS", "SERVICE_GROUP_MEMBERS", "SERVICES"
    )
    provisioned = {row["name"] for row in services if row["provisioned"] == "yes"}
    return rules.Facts(
        own=found["name"],
        # It has no row before anything happened to it.
        nodes={found["name"]: dict.fromkeys(_STATES), **{row["name"]: row for row in nodes}},
        heard=found["heard"],
        assignments=assignments,
        everywhere=frozenset(row["service_group_name"] for row in members if row["redundancy_model"] == "N"),
        critical=[
            (row["name"], row["service_name"])
            for row in impacts
            if row["service_failure_impact"] == "critical" and row["service_name"] in provisioned
        ],
    )


def _run_path() -> pathlib.Path:
    return pathlib.Path(CONF.sm.run_path)
