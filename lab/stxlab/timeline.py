# SPDX-License-Identifier: Apache-2.0
"""What happened in a lab, and when: events, and the lanes of a picture that they make.

An event is a line of JSON: the seconds since the start, its kind, host, network, and what happened. Kinds are

- power: what a host is: off, frozen, or what its systemd says
- reach, hears: how a host answers on a network, and whom it hears there (reach.py)
- state, api: what the platform says of a host, and whether it says anything
- fault-begin, fault-end: a fault is in force from here, to here
- order: something was done in a moment
- step: a step of a scenario has come to an end; passed, failed or done, a colon, and its text
- looked: what was told of the power of hosts, or of networks, holds for all that was before here; no part of a timeline
"""

import dataclasses
import json
from collections.abc import Iterable, Sequence

from stxlab.topology import NETWORKS

LOOKED = "looked"
# What it is about.
POWER, NETWORK = "power", "network"
KINDS = ("power", "reach", "hears", "state", "api", "fault-begin", "fault-end", "order", "step", LOOKED)
# How a span looks: what it means, and not its colour.
GOOD, BUSY, WARN, BAD, IDLE, NONE, FAULT = "good", "busy", "warn", "bad", "idle", "none", "fault"
LAB = "lab"
_POWER_TONES = {"running": GOOD, "degraded": WARN, "off": IDLE, "frozen": BAD, "maintenance": BAD}
_REACH_TONES = {"answers": GOOD, "slow": WARN, "lossy": WARN, "silent": BAD, "no address": NONE}
_AVAILABILITY_TONES = {
    "available": GOOD,
    "online": GOOD,
    "degraded": WARN,
    "intest": BUSY,
    "failed": BAD,
    "offline": BAD,
    "power-off": IDLE,
    "offduty": IDLE,
}


class EventError(ValueError):
    """A line is no event."""


@dataclasses.dataclass(frozen=True)
class Event:
    time_s: float
    kind: str
    host: str
    network: str
    what: str

    def line(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)


def read(line: str) -> Event:
    """:raises EventError: when it is none"""
    try:
        content = json.loads(line)
        event = Event(**content)
        texts = (event.kind, event.host, event.network, event.what)
        if event.kind in KINDS and all(isinstance(text, str) for text in texts):
            return dataclasses.replace(event, time_s=float(event.time_s))
    except (ValueError, TypeError):
        pass
    raise EventError(f"{line[:100]!r} is no event.")


@dataclasses.dataclass(frozen=True)
class Span:
    """:ivar tone: how it looks"""

    start_s: float
    end_s: float
    what: str
    tone: str


@dataclasses.dataclass(frozen=True)
class Mark:
    """Something done in a moment, or a step that came to its end."""

    time_s: float
    what: str
    tone: str


@dataclasses.dataclass(frozen=True)
class Lane:
    """:ivar rows: spans that do not overlap, one below the other
    :ivar loose: spans that may overlap, with names that want to be read, and what was done in a moment
    """

    name: str
    rows: tuple[tuple[Span, ...], ...] = ()
    loose: tuple[Span | Mark, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.loose and not any(self.rows)


@dataclasses.dataclass(frozen=True)
class Track:
    """All lanes of one host, or those of the lab as a whole."""

    name: str
    lanes: tuple[Lane, ...]


@dataclasses.dataclass(frozen=True)
class Timeline:
    """:ivar steps: of the scenario, in their order"""

    end_s: float
    tracks: tuple[Track, ...]
    steps: tuple[Mark, ...]

    @property
    def has_failed(self) -> bool:
        return any(step.tone == BAD for step in self.steps)


def build(events: Iterable[Event], hosts: Sequence[str], end_s: float) -> Timeline:
    """:param hosts: in the order in which they are shown
    :param end_s: when looking ended
    """
    known = sorted(events, key=lambda event: event.time_s)
    tracks = [_track(name, [event for event in known if event.host == name], end_s) for name in hosts]
    of_lab = [event for event in known if event.host not in hosts]
    lab = [_faults(of_lab, end_s), _spans("platform API", of_lab, "api", end_s)]
    lanes = tuple(lane for lane in lab if not lane.is_empty)
    steps = tuple(_step(event) for event in known if event.kind == "step")
    return Timeline(end_s, (*([Track(LAB, lanes)] if lanes else []), *tracks), steps)


def _track(name: str, events: Sequence[Event], end_s: float) -> Track:
    lanes = [_faults(events, end_s), _spans("power", events, "power", end_s), _spans("platform", events, "state", end_s)]
    for network in NETWORKS:
        of_network = [event for event in events if event.network == network]
        lanes.append(_network(network, of_network, end_s))
    return Track(name, tuple(lane for lane in lanes if not lane.is_empty))


def _spans(name: str, events: Sequence[Event], kind: str, end_s: float) -> Lane:
    return Lane(name, (_row([event for event in events if event.kind == kind], end_s),))


def _network(name: str, events: Sequence[Event], end_s: float) -> Lane:
    """How it answers; below, where it is worth telling, whom it does not hear."""
    answers = _row([event for event in events if event.kind == "reach"], end_s)
    hears = _row([event for event in events if event.kind == "hears"], end_s)
    silent = [(span.start_s, span.end_s) for span in answers if span.tone == BAD]
    deaf = tuple(
        span
        for span in hears
        # Who is silent to all hears nobody, as a rule: that is told already.
        if span.tone not in (GOOD, NONE) and not any(start <= span.start_s + 1 and span.end_s <= end + 1 for start, end in silent)
    )
    return Lane(name, (answers, deaf) if deaf else (answers,))


def _row(events: Sequence[Event], end_s: float) -> tuple[Span, ...]:
    """Each event lasts until the next one."""
    ends = [*(event.time_s for event in events[1:]), end_s]
    spans = (
        Span(max(0.0, event.time_s), max(0.0, min(end, end_s)), event.what, tone(event.kind, event.what))
        for event, end in zip(events, ends, strict=False)
    )
    return tuple(span for span in spans if span.end_s > span.start_s)


def _faults(events: Sequence[Event], end_s: float) -> Lane:
    open_since: dict[str, float] = {}
    found: list[Span | Mark] = []
    for event in events:
        if event.kind == "fault-begin":
            open_since.setdefault(event.what, event.time_s)
        elif event.kind == "fault-end" and event.what in open_since:
            found.append(Span(open_since.pop(event.what), event.time_s, event.what, FAULT))
        elif event.kind == "order":
            found.append(Mark(event.time_s, event.what, FAULT))
    found += [Span(since, end_s, what, FAULT) for what, since in open_since.items()]
    return Lane("faults", loose=tuple(sorted(found, key=start)))


def start(item: Span | Mark) -> float:
    return item.start_s if isinstance(item, Span) else item.time_s


def _step(event: Event) -> Mark:
    result, _, text = event.what.partition(": ")
    return Mark(event.time_s, text or event.what, {"failed": BAD, "passed": GOOD}.get(result, IDLE))


def tone(kind: str, what: str) -> str:
    """How the span after an event looks."""
    first = what.partition(",")[0]
    if kind == "power":
        return _POWER_TONES.get(first, BUSY)
    if kind == "reach":
        return _REACH_TONES.get(first, WARN)
    if kind == "hears":
        return {"hears all": GOOD, "hears nobody": BAD, "is off": NONE}.get(what, WARN)
    if kind == "api":
        return GOOD if what == "answers" else BAD
    parts = first.split("-", 2)
    if len(parts) < 3:
        return BUSY
    _, operational, availability = parts
    found = _AVAILABILITY_TONES.get(availability, BUSY)
    return BUSY if found == GOOD and operational != "enabled" else found
