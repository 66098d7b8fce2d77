# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what is done to a lab, when, and what is expected of it then. A file of YAML, read strictly.

name: A host fails and comes back
hosts: [controller-0, compute-0]
steps:
  - at: 5s
    do: power-off compute-0
  - wait until: host compute-0 state off
    within: 10s
  - after: 10s
    do: power-on compute-0
  - expect: host compute-0 mgmt answers
    within: 60s
  - run: uptime
    host: compute-0
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]

from stxlab import reach, verbs
from stxlab.errors import LabError
from stxlab.topology import NETWORKS
from stxlab.verbs import Order

WAIT_DEADLINE_S = 60.0
# Longer than it takes the observer to be certain.
EXPECT_DEADLINE_S = 3.0
RUN_DEADLINE_S = 30.0
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h)")
_ACTIONS = ("do", "wait until", "expect", "run")

POWER_STATES = ("on", "off", "frozen", "starting", "running", "degraded", "maintenance", "stopping")
REACH_STATES = ("answers", "silent", "lossy", "slow", "no address")
PLATFORM_STATES = {
    "administrative": ("locked", "unlocked"),
    "operational": ("enabled", "disabled"),
    "availability": ("available", "degraded", "failed", "intest", "offline", "online", "offduty", "power-off"),
}
FORMS = (
    "host NAME state STATE[|STATE…]",
    f"host NAME NETWORK {'|'.join(REACH_STATES)}",
    "host NAME NETWORK hears|does-not-hear NAME",
    "host NAME administrative|operational|availability STATE[|STATE…]",
)


class ScenarioError(LabError):
    """The file is no scenario; the message says where, and what is wrong."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """What can be seen of a host.

    :ivar what: state, reach, hears, does-not-hear, administrative, operational or availability
    :ivar values: any of them will do
    :ivar network: where it says something of one
    """

    text: str
    host: str
    what: str
    values: tuple[str, ...]
    network: str = ""


@dataclasses.dataclass(frozen=True)
class Step:
    """One of order, condition and command is there.

    :ivar at_s: since the start of the scenario, not earlier; None for at once
    :ivar after_s: since the end of the step before, not earlier
    :ivar is_expectation: the scenario goes on when the condition does not hold, but has failed
    :ivar within_s: how long it may take
    :ivar holds_s: how long the condition must hold without a break
    :ivar exit_code: that the command shall have
    """

    text: str
    at_s: float | None = None
    after_s: float = 0.0
    order: Order | None = None
    condition: Condition | None = None
    is_expectation: bool = False
    within_s: float = 0.0
    holds_s: float = 0.0
    command: str = ""
    host: str = ""
    exit_code: int = 0

    def hosts(self) -> set[str]:
        named = {self.host, self.condition.host if self.condition else "", *(self.order.hosts if self.order else ())}
        if self.condition and self.condition.what in ("hears", "does-not-hear"):
            named.update(self.condition.values)
        return named - {""}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """:ivar hosts: that it is about; others may be there
    :ivar settle_s: how long it goes on looking after the last step
    """

    name: str
    description: str
    hosts: tuple[str, ...]
    steps: tuple[Step, ...]
    settle_s: float


# A number without a unit is read, so that it can be refused with a better word than "wrong type".
_Duration = str | int | float | None


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    at: _Duration = None
    after: _Duration = None
    do: str | None = None
    wait_until: str | None = msgspec.field(default=None, name="wait until")
    expect: str | None = None
    run: str | None = None
    host: str | None = None
    within: _Duration = None
    holds: _Duration = msgspec.field(default=None, name="for")
    exit_code: int | None = msgspec.field(default=None, name="exit code")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    hosts: list[str]
    steps: list[_Step]
    description: str = ""
    settle: _Duration = "5s"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses keys that are there twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ScenarioError(f"line {key_node.start_mark.line + 1}: a key is a word, not {key!r}")
            if key in made:
                raise ScenarioError(f"line {key_node.start_mark.line + 1}: {key} is there twice")
            made[key] = self.construct_object(value_node, deep=True)
        return made


# A name may look like a date, also like one that is not in any calendar.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)


def parse(text: str) -> Scenario:
    """:raises ScenarioError: naming the line"""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        content = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError(f"line {line}: this is no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"this is no YAML: {error}") from error
    lines = _step_lines(node)
    try:
        file = msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        raise ScenarioError(_with_line(str(error), lines)) from error
    if not file.steps:
        raise ScenarioError("steps: there is none")
    if not file.hosts:
        raise ScenarioError("hosts: name those that the scenario is about")
    steps = []
    for number, raw in enumerate(file.steps, 1):
        try:
            step = _step(raw)
            if strange := step.hosts() - set(file.hosts):
                raise ScenarioError(f"{', '.join(sorted(strange))} is not among the scenario's hosts: {', '.join(file.hosts)}")
            steps.append(step)
        except (ScenarioError, verbs.OrderError) as error:
            raise ScenarioError(f"step {number} (line {lines[number - 1]}): {error}") from error
    try:
        settle_s = duration(file.settle)
    except ScenarioError as error:
        raise ScenarioError(f"settle: {error}") from error
    return Scenario(file.name, file.description.strip(), tuple(file.hosts), tuple(steps), settle_s)


def _step_lines(node: yaml.Node | None) -> list[int]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if getattr(key, "value", "") == "steps" and isinstance(value, yaml.SequenceNode):
            return [step.start_mark.line + 1 for step in value.value]
    return []


def _with_line(message: str, lines: list[int]) -> str:
    text, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    if found := re.match(r"\.steps\[(\d+)\]\.?(.*)", path):
        number = int(found.group(1))
        where = f"step {number + 1}" + (f" (line {lines[number]})" if number < len(lines) else "")
        return f"{where}: {found.group(2) + ': ' if found.group(2) else ''}{text}"
    return f"{path.lstrip('.') or 'the file as a whole'}: {text}"


def duration(text: str | float | None) -> float:
    """Seconds.

    :raises ScenarioError: when it has no unit
    """
    found = _DURATION.fullmatch(str(text).strip())
    if not found:
        raise ScenarioError(f"{text} is no duration: write a number and its unit, as in 500ms, 5s, 2m")
    return float(found.group(1)) * _UNITS_S[found.group(2)]


def _step(raw: _Step) -> Step:
    given = {"do": raw.do, "wait until": raw.wait_until, "expect": raw.expect, "run": raw.run}
    actions = [name for name in _ACTIONS if given[name] is not None]
    if len(actions) != 1:
        raise ScenarioError(f"a step has one of {', '.join(_ACTIONS)}; this one has {' and '.join(actions) or 'none'}")
    action = actions[0]
    text = str(given[action])
    _refuse(raw, action)
    if raw.at is not None and raw.after is not None:
        raise ScenarioError("a step has `at` or `after`, not both")
    at_s = None if raw.at is None else duration(raw.at)
    after_s = _seconds(raw.after, 0.0)
    if action == "do":
        return Step(text, at_s, after_s, order=verbs.parse(text))
    if action == "run":
        if raw.host is None:
            raise ScenarioError("`run` needs a `host` on which it runs")
        within_s = _seconds(raw.within, RUN_DEADLINE_S)
        return Step(text, at_s, after_s, command=text, host=raw.host, within_s=within_s, exit_code=raw.exit_code or 0)
    usual_s = EXPECT_DEADLINE_S if action == "expect" else WAIT_DEADLINE_S
    return Step(
        text,
        at_s,
        after_s,
        condition=condition(text),
        is_expectation=action == "expect",
        within_s=_seconds(raw.within, usual_s),
        holds_s=_seconds(raw.holds, 0.0),
    )


def _seconds(given: _Duration, usual: float) -> float:
    return usual if given is None else duration(given)


def _refuse(raw: _Step, action: str) -> None:
    """Keys that mean nothing where they stand were meant to."""
    places: Mapping[str, tuple[object, Iterable[str]]] = {
        "within": (raw.within, ("wait until", "expect", "run")),
        "for": (raw.holds, ("wait until", "expect")),
        "host": (raw.host, ("run",)),
        "exit code": (raw.exit_code, ("run",)),
    }
    for name, (value, allowed) in places.items():
        if value is not None and action not in allowed:
            raise ScenarioError(f"`{name}` belongs to {' or '.join(allowed)}, not to {action}")


def condition(text: str) -> Condition:
    """:raises ScenarioError: when it is in none of the FORMS"""
    match text.split():
        case ["host", host, "state", values]:
            return Condition(text, host, "state", _values(values, POWER_STATES))
        case ["host", host, network, ("hears" | "does-not-hear") as what, other] if network in NETWORKS:
            return Condition(text, host, what, (other,), network)
        case ["host", host, network, *values] if network in NETWORKS:
            return Condition(text, host, "reach", _values(" ".join(values), REACH_STATES), network)
        case ["host", host, what, values] if what in PLATFORM_STATES:
            return Condition(text, host, what, _values(values, PLATFORM_STATES[what]))
    raise ScenarioError(f"{text!r} is no condition: write {'; '.join(FORMS)}")


def _values(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(text.split("|"))
    if strange := [value for value in values if value not in known]:
        raise ScenarioError(f"there is no state {', '.join(strange)}; there are: {', '.join(known)}")
    return values


class Sights:
    """What was seen last of each host: whether conditions hold."""

    def __init__(self) -> None:
        self._power: dict[str, str] = {}
        self._reach: dict[tuple[str, str], str] = {}
        self._hears: dict[tuple[str, str], str] = {}
        self._platform: dict[str, str] = {}

    def see(self, kind: str, host: str, network: str, what: str) -> None:
        """Take an event of the timeline."""
        if kind == "power":
            self._power[host] = what
        elif kind == "reach":
            self._reach[host, network] = what
        elif kind == "hears":
            self._hears[host, network] = what
        elif kind == "state":
            self._platform[host] = what

    def seen(self, condition: Condition) -> str:
        """What was seen of what the condition is about; empty when nothing was."""
        if condition.what == "state":
            return self._power.get(condition.host, "")
        if condition.what == "reach":
            return self._reach.get((condition.host, condition.network), "")
        if condition.what in ("hears", "does-not-hear"):
            return self._hears.get((condition.host, condition.network), "")
        parts = self._platform.get(condition.host, "").partition(",")[0].split("-", 2)
        return dict(zip(PLATFORM_STATES, parts, strict=False)).get(condition.what, "")

    def hold(self, condition: Condition) -> bool:
        seen = self.seen(condition)
        if not seen:
            return False
        if condition.what == "state":
            return seen in condition.values or ("on" in condition.values and seen != "off")
        if condition.what in ("hears", "does-not-hear"):
            does_not = seen in (reach.HEARS_NOBODY, reach.IS_OFF) or condition.values[0] in seen.removeprefix(
                "does not hear "
            ).split(", ")
            return does_not == (condition.what == "does-not-hear")
        return seen.partition(",")[0] in condition.values
