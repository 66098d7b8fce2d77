# SPDX-License-Identifier: Apache-2.0
"""What the conductor's parts have in common when they read and write the system and its hosts."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exception

from stx import exception, version
from sysinv import addressing, board, defaults, rules, vault
from sysinv.db import api as db_api

CONF = cfg.CONF


def management_plan() -> addressing.Plan:
    """:raises exception.ConfigurationError: when the options name no subnet that hosts can have their addresses in"""
    options = CONF.sysinv_conductor
    try:
        addressing.network(options.pxeboot_subnet)
        return addressing.plan(options.management_subnet, options.management_start)
    except ValueError as error:
        raise exception.ConfigurationError(f"[sysinv_conductor] management_subnet or pxeboot_subnet: {error}") from error


def create(values: Mapping[str, Any], host_uuid: str, system_row: Mapping[str, Any]) -> None:
    """Make the row of a host; what is not given of it is as it is by default.

    :raises exception.Conflict: when another host has its name or an address of it
    """
    row = {**defaults.host(version.SOFTWARE_VERSION), **values, "uuid": host_uuid, "forisystemid": system_row["id"]}
    with duplicates(row["hostname"] or row["mgmt_mac"]):
        db_api.create_host(row)


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of these attributes of a host: the password of its board is encrypted."""
    password = values.get(board.PASSWORD)
    return {**values, board.PASSWORD: vault.encrypt(password)} if password else dict(values)


def refuse(what: str, refusals: Sequence[rules.Refusal]) -> None:
    """:raises exception.Invalid, exception.Conflict: with all reasons, when there are any"""
    if refusals:
        raise refusal(refusals)(f"{what}: {' '.join(each.reason for each in refusals)}")


def refusal(refusals: Sequence[rules.Refusal]) -> type[exception.StxException]:
    """What a request is refused with."""
    return exception.Conflict if all(each.conflict for each in refusals) else exception.Invalid


@contextlib.contextmanager
def duplicates(name: str | None) -> Iterator[None]:
    """What the rules saw free was taken meanwhile, by a writer beside this one."""
    try:
        yield
    except db_exception.DBDuplicateEntry as error:
        raise exception.Conflict(f"{name}: {', '.join(error.columns)} is taken already. Look at `system host-list`.") from error


def system() -> dict[str, Any]:
    """:raises exception.Unavailable: before its database is filled"""
    found = db_api.get_system()
    if found is None:
        raise exception.Unavailable("The system's database is not filled yet. Try again in a moment.")
    return found


def check_records(kind: str, records: Sequence[dict[str, Any]]) -> None:
    """:raises exception.Invalid: when what a host reports of one kind of inventory is not of the form of its table"""
    table, key = db_api.TABLES[kind]
    for record in records:
        for name, value in record.items():
            if value is not None and name in table.c and not isinstance(value, table.c[name].type.python_type):
                raise exception.Invalid(f"The {name} of a {kind} record cannot be {str(value)[:60]!r}.")
        if any(record.get(name) is None for name in key):
            raise exception.Invalid(f"A {kind} record lacks {' or '.join(key)}.")
    if len({tuple(record[name] for name in key) for record in records}) != len(records):
        raise exception.Invalid(f"Two {kind} records have the same {' and '.join(key)}.")
