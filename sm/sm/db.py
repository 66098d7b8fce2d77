# SPDX-License-Identifier: Apache-2.0
"""What Service Management is to do, and what it finds, as tables of SQLite. Tables and columns: spec mtce-sm.md B1.1.

There are two files. The master on disk holds what was configured; the other one, in memory of the machine, is a copy with the states
beside it, which tools read. A disk that is full keeps nobody from being active.
"""

import pathlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MASTER = pathlib.Path("/var/lib/sm/sm.db")
RUNTIME = pathlib.Path("/run/sm/sm.db")
VERSION = "3.0"
_BUSY_S = 5.0

Row = dict[str, Any]

# By table: its columns, and which of them tell its rows apart.
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "NODES": (
        ("name", "administrative_state", "operational_state", "availability_status", "ready_state", "state_uuid"),
        ("name",),
    ),
    "SERVICE_DOMAIN_INTERFACES": (
        (
            *("provisioned", "service_domain", "service_domain_interface", "path_type", "auth_type", "auth_key", "old_auth_keys"),
            *("interface_name", "interface_state", "network_type", "network_multicast", "network_address", "network_port"),
            *("network_peer_address", "network_peer_port", "interface_connect_type"),
        ),
        ("service_domain", "service_domain_interface"),
    ),
    "SERVICE_DOMAINS": (
        ("provisioned", "name", "orchestration", "priority", "hello_interval", "dead_interval", "state", "leader", "generation"),
        ("name",),
    ),
    "SERVICE_DOMAIN_MEMBERS": (
        ("provisioned", "name", "service_group_name", "redundancy_model", "n_active", "m_standby", "service_group_aggregate"),
        ("name", "service_group_name"),
    ),
    "SERVICE_DOMAIN_NEIGHBORS": (("name", "service_domain", "state", "term"), ("name", "service_domain")),
    "SERVICE_DOMAIN_ASSIGNMENTS": (
        ("uuid", "name", "node_name", "service_group_name", "desired_state", "state", "status", "condition"),
        ("name", "node_name", "service_group_name"),
    ),
    "SERVICE_GROUPS": (
        ("provisioned", "name", "desired_state", "state", "status", "condition", "failure_debounce", "fatal_error_reboot"),
        ("name",),
    ),
    "SERVICE_GROUP_MEMBERS": (
        ("provisioned", "name", "service_name", "service_failure_impact"),
        ("name", "service_name"),
    ),
    "SERVICES": (
        (
            *("provisioned", "name", "desired_state", "state", "status", "condition", "max_failures", "fail_countdown_interval"),
            *("max_action_failures", "max_transition_failures", "pid_file", "failures", "failed_at", "has_data"),
        ),
        ("name",),
    ),
    "SERVICE_DEPENDENCY": (
        ("dependency_type", "service_name", "action", "dependent"),
        ("service_name", "action", "dependent"),
    ),
    "SERVICE_INSTANCES": (("service_name", "instance_name", "instance_parameters"), ("service_name",)),
    "SERVICE_ACTIONS": (
        (
            *("service_name", "action", "plugin_type", "plugin_class", "plugin_name", "plugin_command", "plugin_parameters"),
            *("max_failure_retries", "timeout_in_secs", "interval_in_secs"),
        ),
        ("service_name", "action"),
    ),
    "SERVICE_ACTION_RESULTS": (
        (
            *("plugin_type", "plugin_name", "plugin_command", "plugin_exit_code"),
            *("action_result", "service_state", "service_status", "service_condition"),
        ),
        ("plugin_type", "plugin_name", "plugin_command", "plugin_exit_code"),
    ),
    "BOARDS": (("name", "type", "address", "username", "password_file", "system", "verify"), ("name",)),
    "CONFIGURATION": (("key", "value"), ("key",)),
}


class DatabaseError(Exception):
    """The file cannot be used; the message says which, and why."""


class Database:
    """One file. Each call is one transaction; calls come from one thread.

    :param is_read_only: for those who only look: to open it as its owner does would write
    """

    def __init__(self, path: pathlib.Path, is_read_only: bool = False) -> None:
        """:raises DatabaseError: when the file cannot be opened, or is no database of this release"""
        self.path = path
        try:
            if is_read_only:
                self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=_BUSY_S, uri=True)
                self._connection.row_factory = sqlite3.Row
                return
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                # It holds keys.
                path.touch(0o600)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._make()
        except (OSError, sqlite3.Error) as error:
            if is_read_only:
                raise DatabaseError(f"{path} cannot be read: {error}.") from error
            raise DatabaseError(
                f"{path} cannot be used: {error}. Make room or put its directory right, then load it again."
            ) from error

    def _make(self) -> None:
        with self._connection:
            for table, (columns, key) in TABLES.items():
                listed = ", ".join(f'"{column}"' for column in columns)
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({listed}, PRIMARY KEY ({', '.join(key)}))")
            self._connection.execute("INSERT OR REPLACE INTO CONFIGURATION VALUES ('schema_version', ?)", (VERSION,))

    def close(self) -> None:
        self._connection.close()

    def rows(self, table: str, **wanted: Any) -> list[Row]:
        """The rows of a table that have these values, in the order of their keys.

        :raises DatabaseError: when they cannot be read
        """
        columns, key = TABLES[table]
        where = " AND ".join(f'"{column}" = ?' for column in wanted) or "1"
        order = ", ".join(f'"{column}"' for column in key)
        listed = ", ".join(f'"{column}"' for column in columns)
        statement = f"SELECT {listed} FROM {table} WHERE {where} ORDER BY {order}"
        try:
            return [dict(row) for row in self._connection.execute(statement, tuple(wanted.values()))]
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path} cannot be read: {error}.") from error

    def value(self, key: str, default: str = "") -> str:
        """One of the plain settings."""
        found = self.rows("CONFIGURATION", key=key)
        return str(found[0]["value"]) if found else default

    def load(self, tables: Mapping[str, Iterable[Row]]) -> None:
        """Have exactly these rows in these tables; all or nothing.

        :raises DatabaseError: when they cannot be stored
        """
        try:
            with self._connection:
                for table, rows in tables.items():
                    self._connection.execute(f"DELETE FROM {table} WHERE 1" if table != "CONFIGURATION" else "SELECT 1")
                    self._put(table, rows)
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path}: nothing was changed: {error}.") from error

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace those that have the same keys.

        :raises DatabaseError: when they cannot be stored
        """
        try:
            with self._connection:
                self._put(table, rows)
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path}: nothing was changed: {error}.") from error

    def change(self, changes: Iterable[tuple[str, Row, Row]]) -> None:
        """Change columns of rows, or add those that are not there; all or nothing.

        :param changes: of each row its table, its key, and what it shall have
        :raises DatabaseError: when they cannot be stored
        """
        try:
            with self._connection:
                for table, key, values in changes:
                    both = {**key, **values}
                    listed = ", ".join(f'"{column}"' for column in both)
                    sets = ", ".join(f'"{column}" = excluded."{column}"' for column in values)
                    self._connection.execute(
                        f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(both))}) "
                        f"ON CONFLICT ({', '.join(TABLES[table][1])}) DO UPDATE SET {sets}",
                        tuple(both.values()),
                    )
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path}: nothing was changed: {error}.") from error

    def copy_to(self, other: "Database") -> None:
        """Make the other file what this one is."""
        try:
            self._connection.backup(other._connection)
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path} cannot be copied to {other.path}: {error}.") from error

    def _put(self, table: str, rows: Iterable[Row]) -> None:
        columns = TABLES[table][0]
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({marks})", [tuple(row.get(column) for column in columns) for row in rows]
        )
