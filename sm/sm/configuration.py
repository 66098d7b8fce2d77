# SPDX-License-Identifier: Apache-2.0
"""What Service Management shall do, as people write it: YAML, read strictly, made into the rows of the database.

Files are laid over each other: the set that is shipped says which services there are, the one of a system which of them it has, on
which addresses, and with which parameters. Words of the tables: spec mtce-sm.md B1.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec
import yaml  # type: ignore[import-untyped]

from sm import service
from sm.parameters import parameters
from sm.service import Verb

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DOMAIN = "controller"
PORT = 2222
MOST_NAME = 32
# Ways to carry out an action.
PLUGINS = ("systemd", "ocf", "lsb", "command", "address")
# What each way calls the actions.
COMMANDS: dict[str, dict[str, str]] = {
    "systemd": {"enable": "start", "disable": "stop", "audit-enabled": "is-active", "audit-disabled": "is-active"},
    "lsb": {"enable": "start", "disable": "stop", "audit-enabled": "status", "audit-disabled": "status"},
    "ocf": {
        "enable": "start",
        "disable": "stop",
        "audit-enabled": "monitor",
        "audit-disabled": "monitor",
        "go-active": "promote",
        "go-standby": "demote",
        "attach": "attach",
        "detach": "detach",
    },
    "address": {"enable": "add", "disable": "remove", "audit-enabled": "check", "audit-disabled": "check"},
}
COMMANDS["command"] = COMMANDS["ocf"]
_DEFAULT_S = {"enable": 60, "disable": 60, "audit-enabled": 15, "audit-disabled": 15}
_INTERVAL_S = 40
# Whoever configures the network may take one away without a word.
_ADDRESS_INTERVAL_S = 5
_AUDIT_RETRIES = 2
_ACTIONS = (*Verb, "attach", "detach")


class ConfigurationError(Exception):
    """The file cannot be used; the message names the place, and what to write there."""


_Name = Annotated[str, msgspec.Meta(pattern=rf"^[a-z0-9][a-z0-9_-]{{0,{MOST_NAME - 1}}}$")]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class _Action(msgspec.Struct, forbid_unknown_fields=True):
    timeout: _Seconds | None = None
    interval: Annotated[float, msgspec.Meta(ge=0, le=86400)] | None = None
    retries: _Count | None = None


class _Service(msgspec.Struct, forbid_unknown_fields=True, rename=lambda name: name.replace("_", "-")):
    """:ivar pid_file: of the process whose death is noticed at once; of a unit the main process is known
    :ivar after: what must be in service before it is enabled
    :ivar before: what must be out of service before it is disabled; by default all that is enabled after it
    :ivar data: it has data that moves with the activity, and can do without the other controller: attach, detach
    """

    systemd: str | None = None
    ocf: str | None = None
    lsb: str | None = None
    command: str | None = None
    address: bool = False
    actions: dict[str, _Action] = {}
    parameters: dict[str, str | int] = {}
    pid_file: str | None = None
    after: list[_Name] = []
    before: list[_Name] | None = None
    active_after: list[_Name] = []
    standby: bool = False
    data: bool = False
    max_failures: _Count = 2
    forget_s: _Seconds = 90
    max_action_failures: _Count = 4
    max_transition_failures: _Count = 16
    provisioned: bool = True


class _Group(msgspec.Struct, forbid_unknown_fields=True, rename=lambda name: name.replace("_", "-")):
    services: dict[_Name, Literal["none", "minor", "major", "critical"]]
    model: Literal["N", "N + M"] = "N + M"
    active: _Count = 1
    standby: _Count = 1
    aggregate: str = "controller-aggregate"
    failure_debounce_s: _Seconds = 300
    fatal_error_reboot: bool = False
    provisioned: bool = True


class _Result(msgspec.Struct, forbid_unknown_fields=True):
    result: Literal["success", "failed"]
    state: str = ""
    status: str = ""
    condition: str = ""


class _Interface(msgspec.Struct, forbid_unknown_fields=True, rename=lambda name: name.replace("_", "-")):
    """:ivar peers: addresses of the controllers there, but for this one's own
    :ivar multicast: where hellos are sent, once for all; without it each controller is sent its own
    """

    device: str
    address: str
    peers: dict[_Name, str] = {}
    key: str = ""
    old_keys: list[str] = []
    multicast: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = PORT
    provisioned: bool = True


class _Board(msgspec.Struct, forbid_unknown_fields=True, rename=lambda name: name.replace("_", "-")):
    """How a controller's board is reached: stx.boards.Login, with the password in a file that nobody else reads."""

    type: Literal["ipmi", "redfish"]
    address: str
    username: str
    password_file: str
    system: str = ""
    verify: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """:ivar results: by way and command, such as `ocf monitor` or `ocf:starlingx:x stop`: what an exit code means"""

    node: _Name | None = None
    peer: _Name | None = None
    cluster: str | None = None
    interfaces: dict[_Name, _Interface] = {}
    boards: dict[_Name, _Board] = {}
    services: dict[_Name, Any] = {}
    groups: dict[_Name, Any] = {}
    results: dict[str, dict[int, _Result]] = {}


def parse(texts: Mapping[str, str]) -> Tables:
    """The rows of all tables that hold configuration.

    :param texts: what is in each file, by its name; what a later one says of a service goes over what an earlier one says, and null takes
        that away
    :raises ConfigurationError: when they cannot be used
    """
    merged: dict[str, Any] = {}
    for name, text in texts.items():
        merged = _over(merged, _read(name, text))
    where = " + ".join(texts)
    file = _convert(where, merged, _File)
    services = {name: _convert(f"{where}: services.{name}", raw, _Service) for name, raw in file.services.items()}
    groups = {name: _convert(f"{where}: groups.{name}", raw, _Group) for name, raw in file.groups.items()}
    _check(where, services, groups)
    _check_multicast(where, file.interfaces)
    if strange := [name for name in file.boards if file.node and name not in (file.node, file.peer)]:
        raise ConfigurationError(f"{where}: boards.{strange[0]}: that is neither this controller, {file.node}, nor its peer")
    return {
        "CONFIGURATION": [
            {"key": key, "value": value}
            for key, value in (("node", file.node), ("peer", file.peer), ("cluster", file.cluster))
            if value
        ],
        "BOARDS": [{"name": name, **msgspec.structs.asdict(each)} for name, each in file.boards.items()],
        "SERVICE_DOMAINS": [
            {"provisioned": "yes", "name": DOMAIN, "orchestration": "regional", "priority": 230, "hello_interval": 100}
            | {"dead_interval": 500, "state": "initial", "leader": "", "generation": 1}
        ],
        "SERVICE_DOMAIN_INTERFACES": [_interface(name, each) for name, each in file.interfaces.items()],
        "SERVICE_DOMAIN_MEMBERS": [_member(name, group) for name, group in groups.items()],
        "SERVICE_GROUPS": [_group(name, group) for name, group in groups.items()],
        "SERVICE_GROUP_MEMBERS": [
            {"provisioned": "yes", "name": name, "service_name": member, "service_failure_impact": impact}
            for name, group in groups.items()
            for member, impact in group.services.items()
        ],
        "SERVICES": [_service(name, each) for name, each in services.items()],
        "SERVICE_INSTANCES": [
            {"service_name": name, "instance_name": name, "instance_parameters": parameters(each.parameters)}
            for name, each in services.items()
            if each.parameters
        ],
        "SERVICE_ACTIONS": [row for name, each in services.items() for row in _actions(where, name, each)],
        "SERVICE_DEPENDENCY": _dependencies(services),
        "SERVICE_ACTION_RESULTS": _results(where, file.results),
    }


def _read(name: str, text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}: line {line}: this is no YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{name}: this is no YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{name}: the file shall have keys such as services and groups")
    return content


def _over(lower: Any, upper: Any) -> Any:
    if isinstance(lower, dict) and isinstance(upper, dict):
        merged = {**lower, **{key: _over(lower.get(key), value) for key, value in upper.items()}}
        # Nothing is no value: it takes away what a file before has said.
        return {key: value for key, value in merged.items() if value is not None}
    return upper


def _convert(where: str, raw: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _check(where: str, services: Mapping[str, _Service], groups: Mapping[str, _Group]) -> None:
    grouped: dict[str, str] = {}
    for name, group in groups.items():
        for member in group.services:
            if member not in services:
                raise ConfigurationError(f"{where}: groups.{name} has {member}, which is not among the services")
            if member in grouped:
                raise ConfigurationError(f"{where}: {member} is in two groups, {grouped[member]} and {name}")
            grouped[member] = name
    for name in services:
        if name not in grouped:
            raise ConfigurationError(f"{where}: services.{name} is in no group, so it would never run")
    _check_order(where, services)


def _check_multicast(where: str, interfaces: Mapping[str, _Interface]) -> None:
    for name, each in interfaces.items():
        version, example = (6, "ff15::2222") if ":" in each.address else (4, "239.255.22.22")
        try:
            found = ipaddress.ip_address(each.multicast) if each.multicast else None
        except ValueError as error:
            raise ConfigurationError(f"{where}: interfaces.{name}: {error}") from error
        if found is not None and not (found.is_multicast and found.version == version):
            raise ConfigurationError(
                f"{where}: interfaces.{name}: {found} is no multicast address of IPv{version}, such as {example}"
            )


def _check_order(where: str, services: Mapping[str, _Service]) -> None:
    for name, each in services.items():
        for other in (*each.after, *(each.before or ()), *each.active_after):
            if other not in services:
                raise ConfigurationError(f"{where}: services.{name} waits for {other}, which is not among the services")
    enabling = {name: [*each.after, *each.active_after] for name, each in services.items()}
    for kind, waits in (("enabled", enabling), ("disabled", _before(services))):
        if circle := _circle(waits):
            raise ConfigurationError(f"{where}: nothing could ever be {kind}: {' waits for '.join(circle)}")


def _plugin(where: str, name: str, each: _Service) -> tuple[str, str]:
    """Which way a service has, and what is called."""
    ways = [(way, given) for way in PLUGINS if (given := getattr(each, way))]
    if len(ways) != 1:
        raise ConfigurationError(f"{where}: services.{name} shall have one of {', '.join(PLUGINS)}; it has {len(ways)}")
    way, given = ways[0]
    return way, name if way == "address" else str(given)


def _circle(waits: Mapping[str, Iterable[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for other in waits.get(name, ()):
            if found := visit(other, (*path, name)):
                return found
        done.add(name)
        return None

    for name in waits:
        if found := visit(name, ()):
            return found
    return None


def _before(services: Mapping[str, _Service]) -> dict[str, list[str]]:
    """What each service waits for when it is disabled: what it says, or else whatever is enabled after it."""
    dependents: dict[str, list[str]] = {name: [] for name in services}
    for name, each in services.items():
        for other in (*each.after, *each.active_after):
            dependents[other].append(name)
    return {name: each.before if each.before is not None else dependents[name] for name, each in services.items()}


def _dependencies(services: Mapping[str, _Service]) -> list[Row]:
    before = _before(services)
    found = []
    for name, each in services.items():
        waits = {Verb.ENABLE: each.after, Verb.DISABLE: before[name]}
        if each.standby:
            waits |= {Verb.GO_ACTIVE: each.active_after, Verb.GO_STANDBY: before[name]}
        found += [
            {"dependency_type": "action", "service_name": name, "action": str(verb), "dependent": other}
            for verb, others in waits.items()
            for other in dict.fromkeys(others)
        ]
    return found


def _interface(name: str, each: _Interface) -> Row:
    return {
        "provisioned": _yes(each.provisioned),
        "service_domain": DOMAIN,
        "service_domain_interface": name,
        "path_type": "secondary",
        "auth_type": "hmac-sha512" if each.key else "none",
        "auth_key": each.key,
        "old_auth_keys": ",".join(each.old_keys),
        "interface_name": each.device,
        "interface_state": "unknown",
        "network_type": "ipv6-udp" if ":" in each.address else "ipv4-udp",
        "network_multicast": each.multicast,
        "network_address": each.address,
        "network_port": each.port,
        "network_peer_address": parameters(each.peers),
        "network_peer_port": each.port,
        "interface_connect_type": "tor",
    }


def _member(name: str, group: _Group) -> Row:
    return {
        "provisioned": _yes(group.provisioned),
        "name": DOMAIN,
        "service_group_name": name,
        "redundancy_model": group.model,
        "n_active": group.active,
        "m_standby": group.standby,
        "service_group_aggregate": group.aggregate,
    }


def _group(name: str, group: _Group) -> Row:
    return {
        "provisioned": _yes(group.provisioned),
        "name": name,
        "desired_state": "initial",
        "state": "initial",
        "status": "",
        "condition": "",
        "failure_debounce": round(group.failure_debounce_s * 1000),
        "fatal_error_reboot": _yes(group.fatal_error_reboot),
    }


def _service(name: str, each: _Service) -> Row:
    return {
        "provisioned": _yes(each.provisioned),
        "name": name,
        "desired_state": "initial",
        "state": "initial",
        "status": "",
        "condition": "",
        "max_failures": each.max_failures,
        "fail_countdown_interval": round(each.forget_s * 1000),
        "max_action_failures": each.max_action_failures,
        "max_transition_failures": each.max_transition_failures,
        "pid_file": each.pid_file or "",
        "failures": 0,
        "failed_at": None,
        "has_data": _yes(each.data),
    }


def _actions(where: str, name: str, each: _Service) -> list[Row]:
    way, called = _plugin(where, name, each)
    commands = COMMANDS[way]
    wanted = [action for action in _DEFAULT_S if action in commands]
    wanted += [action for action in ("go-active", "go-standby") if each.standby]
    wanted += [action for action in ("attach", "detach") if each.data]
    if strange := [action for action in each.actions if action not in wanted]:
        raise ConfigurationError(f"{where}: services.{name} has no action {strange[0]}; it has {', '.join(wanted)}")
    if lacking := [action for action in wanted if action not in commands]:
        raise ConfigurationError(f"{where}: services.{name}: {way} cannot {lacking[0]}: use ocf or command")
    rows = []
    for action in wanted:
        chosen = each.actions.get(action, _Action())
        is_audit = action.startswith("audit-")
        retries = chosen.retries if chosen.retries is not None else _AUDIT_RETRIES if action == "audit-enabled" else 0
        often = _ADDRESS_INTERVAL_S if way == "address" else _INTERVAL_S
        interval = chosen.interval if chosen.interval is not None else often if is_audit else 0
        rows.append(
            {
                "service_name": name,
                "action": action,
                "plugin_type": way,
                "plugin_class": called.rpartition(":")[0] if way == "ocf" else "",
                "plugin_name": called.rpartition(":")[2] if way == "ocf" else called,
                "plugin_command": commands[action],
                "plugin_parameters": "",
                "max_failure_retries": retries,
                "timeout_in_secs": chosen.timeout or _DEFAULT_S.get(action, 60),
                "interval_in_secs": interval,
            }
        )
    return rows


def _results(where: str, given: Mapping[str, Mapping[int, _Result]]) -> list[Row]:
    rows = []
    for place, codes in given.items():
        words = place.split()
        if len(words) != 2:
            raise ConfigurationError(f"{where}: results.{place}: write the way and the command, such as `ocf monitor`")
        way, _, name = words[0].partition(":")
        for code, each in codes.items():
            _known(where, place, each.state, service.State)
            _known(where, place, each.status, service.Status)
            _known(where, place, each.condition, service.Condition)
            rows.append(
                {"plugin_type": way, "plugin_name": name, "plugin_command": words[1], "plugin_exit_code": code}
                | {"action_result": each.result, "service_state": each.state}
                | {"service_status": each.status, "service_condition": each.condition}
            )
    return rows


def _known(where: str, place: str, value: str, kind: Any) -> None:
    if value and value not in list(kind):
        raise ConfigurationError(f"{where}: results.{place}: there is no {value}: use one of {', '.join(filter(None, kind))}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
