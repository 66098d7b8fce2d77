# SPDX-License-Identifier: Apache-2.0
"""What the database says of services and groups, as the engine wants it."""

import dataclasses
from collections.abc import Mapping

from sm import service
from sm.db import Database, Row
from sm.group import Impact
from sm.parameters import read_parameters
from sm.service import Verb


@dataclasses.dataclass(frozen=True)
class Call:
    """How one action is carried out.

    :ivar plugin: systemd, ocf, lsb, command or address
    :ivar kind: class of an OCF resource agent, such as heartbeat
    :ivar name: of unit, agent, script or program
    :ivar command: what it is told
    """

    plugin: str
    kind: str
    name: str
    command: str
    timeout_s: float


@dataclasses.dataclass(frozen=True)
class Service:
    """:ivar calls: by action; attach and detach are among them where there is data
    :ivar waits: for which others each action waits
    """

    conf: service.Conf
    calls: Mapping[str, Call]
    parameters: Mapping[str, str]
    waits: Mapping[Verb, tuple[str, ...]]
    pid_file: str = ""
    has_data: bool = False

    @property
    def name(self) -> str:
        return self.conf.name

    @property
    def is_address(self) -> bool:
        """Whether it is floating addresses, which the kernel keeps to the lease."""
        return any(call.plugin == "address" for call in self.calls.values())


@dataclasses.dataclass(frozen=True)
class Group:
    """:ivar is_everywhere: all controllers have it at once; others have it with the activity"""

    name: str
    members: Mapping[str, Impact]
    is_everywhere: bool
    debounce_s: float
    is_fatal: bool


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an exit code means."""

    result: service.Result
    state: service.State | None
    status: service.Status
    condition: service.Condition


@dataclasses.dataclass(frozen=True)
class Model:
    services: Mapping[str, Service]
    groups: Mapping[str, Group]
    outcomes: Mapping[tuple[str, str, str, int], Outcome]

    def outcome(self, call: Call, code: int) -> Outcome:
        """What the exit code of a call means: that of the one agent, else of its kind, else 0 is success."""
        for name in (f"{call.kind}:{call.name}", ""):
            for command in (call.command, "*"):
                found = self.outcomes.get((call.plugin, name, command, code))
                if found is not None:
                    return found
        result = service.Result.FAILED if code else service.Result.SUCCESS
        return Outcome(result, None, service.Status.NONE, service.Condition.NONE)


def load(database: Database) -> Model:
    """All that is provisioned."""
    actions = _by(database.rows("SERVICE_ACTIONS"), "service_name")
    waits = _by(database.rows("SERVICE_DEPENDENCY"), "service_name")
    given = {row["service_name"]: row["instance_parameters"] for row in database.rows("SERVICE_INSTANCES")}
    members = _by(database.rows("SERVICE_GROUP_MEMBERS", provisioned="yes"), "name")
    models = {
        row["service_group_name"]: row["redundancy_model"] for row in database.rows("SERVICE_DOMAIN_MEMBERS", provisioned="yes")
    }
    services = {row["name"]: row for row in database.rows("SERVICES", provisioned="yes")}
    groups = {
        row["name"]: Group(
            row["name"],
            {
                each["service_name"]: Impact(each["service_failure_impact"])
                for each in members.get(row["name"], ())
                if each["service_name"] in services
            },
            models[row["name"]] == "N",
            row["failure_debounce"] / 1000,
            row["fatal_error_reboot"] == "yes",
        )
        for row in database.rows("SERVICE_GROUPS", provisioned="yes")
        if row["name"] in models
    }
    grouped = {name for group in groups.values() for name in group.members}
    return Model(
        {
            name: _service(row, actions.get(name, []), waits.get(name, []), given.get(name, ""), grouped)
            for name, row in services.items()
            if name in grouped
        },
        groups,
        {_place(row): _outcome(row) for row in database.rows("SERVICE_ACTION_RESULTS")},
    )


def _service(row: Row, actions: list[Row], waits: list[Row], given: str, known: set[str]) -> Service:
    conf = service.Conf(
        row["name"],
        {
            Verb(each["action"]): service.Action(each["timeout_in_secs"], each["max_failure_retries"], each["interval_in_secs"])
            for each in actions
            if each["action"] in list(Verb)
        },
        row["max_failures"],
        row["fail_countdown_interval"] / 1000,
        row["max_action_failures"],
        row["max_transition_failures"],
    )
    calls = {
        each["action"]: Call(
            each["plugin_type"], each["plugin_class"], each["plugin_name"], each["plugin_command"], each["timeout_in_secs"]
        )
        for each in actions
    }
    needed: dict[Verb, tuple[str, ...]] = {}
    for each in waits:
        if each["dependent"] in known:
            needed[Verb(each["action"])] = (*needed.get(Verb(each["action"]), ()), each["dependent"])
    return Service(conf, calls, read_parameters(given), needed, row["pid_file"] or "", row["has_data"] == "yes")


def _place(row: Row) -> tuple[str, str, str, int]:
    return row["plugin_type"], row["plugin_name"], row["plugin_command"], row["plugin_exit_code"]


def _outcome(row: Row) -> Outcome:
    return Outcome(
        service.Result(row["action_result"]),
        service.State(row["service_state"]) if row["service_state"] else None,
        service.Status(row["service_status"]),
        service.Condition(row["service_condition"]),
    )


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
