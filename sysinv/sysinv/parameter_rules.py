# SPDX-License-Identifier: Apache-2.0
"""Which service parameters there are, and what they may be (pure; spec sysinv.md 9.2, mtce-sm.md C5).

A parameter belongs to a section of a service. To give a service another parameter, or another section, add it to SECTIONS.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sysinv.rules import Refusal

# No parameter has a longer value.
LONGEST = 255
# str.isdigit knows more of them.
_DIGITS = frozenset("0123456789")


@dataclasses.dataclass(frozen=True)
class Whole:
    """A whole number.

    :ivar also: numbers that it may be beside those from `least` to `most`
    """

    least: int
    most: int
    unit: str = ""
    also: tuple[int, ...] = ()

    def read(self, value: str) -> int:
        """:raises ValueError: saying what it may be"""
        is_number = bool(value) and len(value) <= len(str(self.most)) and set(value) <= _DIGITS
        number = int(value) if is_number else None
        if number is None or not (self.least <= number <= self.most or number in self.also):
            raise ValueError(f"it is {self}")
        return number

    def __str__(self) -> str:
        others = "".join(f"{number} or " for number in self.also)
        return f"{others}{self.least} to {self.most}{f' {self.unit}' if self.unit else ''}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, value: str) -> str:
        """:raises ValueError: saying what it may be"""
        if value not in self.words:
            raise ValueError(f"it is {self}")
        return value

    def __str__(self) -> str:
        return f"one of {', '.join(self.words)}"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter that a section may have.

    :ivar default: what it is where nobody says otherwise, as text
    :ivar is_mandatory: whether it is there from the beginning, and stays
    """

    name: str
    kind: Whole | Choice
    default: str
    help: str
    is_mandatory: bool = True


@dataclasses.dataclass(frozen=True)
class Section:
    """Parameters that are looked at together.

    :ivar check: what is wrong with the section as a whole, by the values of its parameters; asked when they are applied, as several
        parameters cannot be changed at the same moment
    """

    service: str
    name: str
    parameters: tuple[Parameter, ...]
    check: Callable[[Mapping[str, Any]], Sequence[str]] = lambda values: ()

    def find(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


def _check_maintenance(values: Mapping[str, Any]) -> Sequence[str]:
    degrade, failure = values.get("heartbeat_degrade_threshold"), values.get("heartbeat_failure_threshold")
    if degrade is not None and failure is not None and degrade > failure:
        against = f"heartbeat_degrade_threshold ({degrade}) is more than heartbeat_failure_threshold ({failure})"
        return [f"{against}: a host would fail before it is degraded."]
    return []


MAINTENANCE = Section(
    "platform",
    "maintenance",
    (
        Parameter(
            "worker_boot_timeout",
            Whole(720, 1800, "seconds"),
            "720",
            "Time in which a worker or a storage host has to boot and to report.",
        ),
        Parameter(
            "controller_boot_timeout",
            Whole(1200, 1800, "seconds"),
            "1200",
            "Time in which a controller has to boot and to report.",
        ),
        Parameter(
            "heartbeat_period",
            Whole(100, 1000, "milliseconds"),
            "100",
            "Time between two pulses that every host has to answer.",
        ),
        Parameter(
            "heartbeat_failure_action",
            Choice(("fail", "degrade", "alarm", "none")),
            "fail",
            "What becomes of a host that is lost.",
        ),
        Parameter(
            "heartbeat_failure_threshold",
            Whole(10, 100),
            "10",
            "After so many pulses missed in a row a host is lost.",
        ),
        Parameter(
            "heartbeat_degrade_threshold",
            Whole(4, 100),
            "6",
            "So many pulses missed in a row degrade a host. Not more than heartbeat_failure_threshold.",
        ),
        Parameter(
            "mnfa_threshold",
            Whole(2, 100),
            "2",
            "When so many hosts in service miss pulses together, none of them is failed.",
        ),
        Parameter(
            "mnfa_timeout",
            Whole(100, 86400, "seconds", also=(0,)),
            "0",
            "Time after which hosts that are spared so fail all the same; 0 for never.",
        ),
    ),
    _check_maintenance,
)

SECTIONS = (MAINTENANCE,)


def services() -> list[str]:
    return sorted({section.service for section in SECTIONS})


def find(service: str, name: str) -> Section | None:
    return next((section for section in SECTIONS if (section.service, section.name) == (service, name)), None)


def mandatory() -> list[dict[str, str]]:
    """The rows that every system has, with their defaults."""
    return [
        {"service": section.service, "section": section.name, "name": parameter.name, "value": parameter.default}
        for section in SECTIONS
        for parameter in section.parameters
        if parameter.is_mandatory
    ]


def check_create(
    service: str,
    section_name: str,
    given: Mapping[str, Any],
    existing: Sequence[Mapping[str, Any]],
    personality: str | None = None,
    resource: str | None = None,
) -> list[Refusal]:
    """What is against adding parameters.

    :param existing: rows of the parameters that there are
    """
    section = find(service, section_name)
    if section is None:
        known = ", ".join(f"{each.service} {each.name}" for each in SECTIONS)
        return [Refusal(f"There is no section {section_name[:60]} of the service {service[:60]}. There are: {known}.")]
    if not given:
        return [Refusal("Give at least one parameter with its value.")]
    refusals = []
    if personality is not None or resource is not None:
        refusals.append(
            Refusal(f"Parameters of {service} {section_name} hold for the whole system: no personality and no resource.")
        )
    taken = {row["name"] for row in existing if (row["service"], row["section"]) == (service, section_name)}
    for name, value in given.items():
        parameter = section.find(name)
        if parameter is None:
            known = ", ".join(each.name for each in section.parameters)
            refusals.append(Refusal(f"There is no parameter {name[:60]} in {service} {section_name}. There are: {known}."))
            continue
        if name in taken:
            refusals.append(Refusal(f"There is {name} already: change it with `system service-parameter-modify`.", conflict=True))
        refusals += _check_value(parameter, value)
    return refusals


def check_update(row: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Refusal]:
    """What is against changing a parameter. Clients give what it is beside its value; that stays as it is."""
    refusals = [
        Refusal(f"The {name} of a parameter stays what it is. Add another parameter instead.")
        for name in sorted(changes.keys() - {"value"})
        if changes[name] != row[name]
    ]
    section = find(row["service"], row["section"])
    parameter = section.find(row["name"]) if section is not None else None
    if parameter is None:
        # Of a release that knew more.
        refusals.append(Refusal("This release does not know it: delete it with `system service-parameter-delete`."))
    elif "value" in changes:
        refusals += _check_value(parameter, changes["value"])
    return refusals


def check_delete(row: Mapping[str, Any]) -> list[Refusal]:
    section = find(row["service"], row["section"])
    parameter = section.find(row["name"]) if section is not None else None
    if parameter is not None and parameter.is_mandatory:
        return [Refusal(f"It is mandatory. Its default is {parameter.default}.")]
    return []


def check_apply(service: str, existing: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    """What is against making the parameters of a service effective, as they are."""
    if service not in services():
        return [Refusal(f"There is no service {service[:60]} with parameters. There are: {', '.join(services())}.")]
    refusals = []
    for section in SECTIONS:
        if section.service != service:
            continue
        values: dict[str, Any] = {}
        for row in existing:
            parameter = section.find(row["name"]) if (row["service"], row["section"]) == (service, section.name) else None
            if parameter is None:
                continue
            if wrong := _check_value(parameter, row["value"]):
                refusals += wrong
            else:
                values[row["name"]] = parameter.kind.read(row["value"])
        refusals += [Refusal(reason) for reason in section.check(values)]
    return refusals


def effective(service: str, applied: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The values of parameters by section and name: numbers as numbers. Those that this release does not take are left out."""
    found: dict[str, dict[str, Any]] = {}
    for row in applied:
        section = find(service, row["section"])
        parameter = section.find(row["name"]) if section is not None else None
        if parameter is not None and not _check_value(parameter, row["value"]):
            found.setdefault(row["section"], {})[row["name"]] = parameter.kind.read(row["value"])
    return found


def _check_value(parameter: Parameter, value: Any) -> list[Refusal]:
    if not isinstance(value, str) or len(value) > LONGEST:
        return [Refusal(f"{parameter.name} is a text of at most {LONGEST} characters.")]
    try:
        parameter.kind.read(value)
    except ValueError as error:
        return [Refusal(f"{parameter.name} cannot be {value[:60]!r}: {error}.")]
    return []
