# SPDX-License-Identifier: Apache-2.0
"""The sensors of all hosts: has their boards read them when it is time, and carries out what follows from what they show.

mtce-agent calls step() once a second and whenever there is news. It never waits for a board; what could not be told or stored is told
and stored by a later step.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from fm import client as fm_client
from mtce.boards import BoardState, Sensed
from mtce.sensors import audit, rows
from mtce.sensors import model as sensor_model
from mtce.sensors.audit import Clear, Effect, Log, Raise, Recover, Watch
from mtce.sensors.model import Action, Model, Reading
from stx import exception
from stx.boards import Power
from stx.context import RequestContext
from sysinv import client as sysinv_client

LOG = logging.getLogger(__name__)

# How many models are read from the conductor in one step, after a start.
_READ_AT_ONCE = 20
# Sensors of a host that was power-cycled a moment ago are read at least so often: whether they are critical again has to be seen in time.
_PROBATION_AUDIT_S = 120.0
# What a reading shows first is read once more after so long.
_CONFIRM_S = 5.0
# A model that could not be stored is learned again after so long.
_AGAIN_S = 60.0


class Boards(Protocol):
    """What is used of mtce.boards.Boards."""

    def state(self, host: str) -> BoardState | None: ...
    def sense(self, host: str, is_anew: bool = False) -> None: ...
    def sensed(self, host: str) -> Sensed | None: ...


@dataclasses.dataclass(frozen=True)
class Watched:
    """A host whose sensors are watched.

    :ivar may_recover: whether it may be reset or power-cycled for a sensor: not the active controller, and nothing else is done with it
    :ivar is_held_off: its sensors have time to settle, and are not read
    :ivar is_on_probation: it was power-cycled for a sensor not long ago
    """

    uuid: str
    may_recover: bool
    is_held_off: bool = False
    is_on_probation: bool = False


@dataclasses.dataclass
class _Host:
    """:ivar model: None until it was read
    :ivar relearn: token of an operator's wish to learn it anew
    :ivar read_at: when its sensors are read next
    :ivar seen_at: of the readings that were looked at last
    :ivar is_confirming: the next readings are to confirm what these have shown first
    """

    uuid: str
    model: Model | None = None
    watch: Watch = dataclasses.field(default_factory=Watch)
    relearn: str = ""
    must_learn: bool = False
    must_grow: bool = False
    is_stale: bool = False
    read_at: float = -math.inf
    seen_at: float = -math.inf
    is_confirming: bool = False


class Sensors:
    """The sensors of all hosts that have a board."""

    def __init__(
        self,
        boards: Boards,
        conductor: sysinv_client.Conductor,
        faults: fm_client.FaultReporter,
        context: RequestContext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._boards = boards
        self._conductor = conductor
        self._faults = faults
        self._context = context
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._reports: list[fm_client.Report] = []
        self._statuses: dict[str, dict[str, str]] = {}
        self._recoveries: list[tuple[str, Recover]] = []
        # What was on at the start about hosts that have not been looked at since.
        self._before: set[tuple[str, str]] = set()

    def begin_with(self, before: Collection[tuple[str, str]]) -> None:
        """These alarms were on at the start, by id and entity: an mtce-agent before this one has raised them."""
        self._before = {key for key in before if key[0] in audit.ALARMS}

    def changed(self, host_uuid: str) -> None:
        """What an operator has set of a host's sensors is read anew at the next step (event sysinv.sensor.update)."""
        # The thread of events may not look at what step() changes; a list of the values is a copy.
        for host in list(self._hosts.values()):
            if host.uuid == host_uuid:
                host.is_stale = True

    def is_degraded(self, host: str) -> bool:
        """Whether a host is degraded by what its sensors show."""
        known = self._hosts.get(host)
        return known is not None and known.watch.is_degraded

    def step(self, hosts: Mapping[str, Watched]) -> list[tuple[str, Recover]]:
        """Look at all hosts that have a board, by name. Gives which are to be reset or power-cycled.

        :raises exception.Unavailable: when the conductor or Fault Management is away; a later step finds what is left to do
        """
        for name in [name for name, known in self._hosts.items() if name not in hosts or hosts[name].uuid != known.uuid]:
            gone = self._hosts.pop(name)
            self._carry_out(name, gone, audit.forget(gone.watch, name, gone.model or Model()))
        # These have lost their boards while nobody looked.
        left = {key for key in self._before if _host_of(key[1]) not in hosts}
        self._before -= left
        self._reports += [fm_client.clear(*key) for key in left]
        for name, watched in hosts.items():
            self._hosts.setdefault(name, _Host(watched.uuid))
        self._read_models()
        for name, known in self._hosts.items():
            if known.model is not None:
                found = self._look_at(name, known, known.model, hosts[name])
                self._recoveries += [(name, effect) for effect in found]
        self._tell()
        recoveries, self._recoveries = self._recoveries, []
        return [(name, effect) for name, effect in recoveries if name in hosts]

    def _read_models(self) -> None:
        wanted = [name for name, known in self._hosts.items() if known.model is None or known.is_stale]
        for name in wanted[:_READ_AT_ONCE]:
            known = self._hosts[name]
            known.is_stale = False
            try:
                found = self._conductor.get_sensor_model(self._context, known.uuid)
            except Exception:
                known.is_stale = True
                raise
            read, is_first = rows.model(found.groups, found.sensors), known.model is None
            if is_first:
                known.watch = audit.resume(name, read, rows.statuses(found.sensors), self._left(name))
            elif known.model is not None and known.model.audit_s != read.audit_s:
                known.read_at = min(known.read_at, self._clock() + read.audit_s)
            left_out = known.model.left_out if known.model is not None else 0
            known.model = dataclasses.replace(read, left_out=left_out)
            known.must_learn |= not read.sensors
            if found.relearn and found.relearn != known.relearn:
                known.relearn, known.must_learn, known.read_at = found.relearn, True, self._clock()
                known.watch, effects = audit.relearned(known.watch, name)
                self._carry_out(name, known, effects)
            if not is_first:
                known.watch, effects = audit.on_settings(known.watch, name, known.model)
                self._carry_out(name, known, effects)

    def _left(self, name: str) -> set[tuple[str, str]]:
        """What was on about a host at the start: once, as it is followed from then on."""
        found = {key for key in self._before if _host_of(key[1]) == name}
        self._before -= found
        return found

    def _look_at(self, name: str, known: _Host, model: Model, watched: Watched) -> list[Recover]:
        state, now = self._boards.state(name), self._clock()
        if state is None or not state.is_reachable:
            return []
        if state.power is Power.OFF:
            known.watch, effects = audit.on_power_off(known.watch, name, model)
            self._carry_out(name, known, effects)
            return []
        if watched.is_held_off:
            # Nor is what was read just before.
            known.read_at = known.seen_at = now
            return []
        if now >= known.read_at:
            known.read_at = now + (min(model.audit_s, _PROBATION_AUDIT_S) if watched.is_on_probation else model.audit_s)
            is_relearn = known.must_learn and bool(known.relearn)
            if is_relearn:
                # What was read before the operator's wish is not what is to be learned.
                known.seen_at = now
            self._boards.sense(name, is_relearn)
        sensed = self._boards.sensed(name)
        if sensed is None or sensed.asked_at <= known.seen_at:
            return []
        known.seen_at = sensed.asked_at
        if sensed.error:
            known.watch, effects = audit.on_failure(known.watch, name, model, sensed.error)
            return self._carry_out(name, known, effects)
        model = self._learned(name, known, model, sensed.readings)
        known.watch, effects = audit.on_readings(known.watch, name, model, sensed.readings, now, watched.may_recover)
        # Once: what shows something else each time is no reason to read all the time.
        known.is_confirming = known.watch.is_unsure and not known.is_confirming
        if known.is_confirming:
            known.read_at = min(known.read_at, now + _CONFIRM_S)
        recoveries = self._carry_out(name, known, effects)
        if known.watch.has_model_alarm and not (known.watch.strangers or known.must_learn or known.must_grow):
            # The model has all that the board tells of: an alarm that it has not is over, whoever raised it.
            known.watch, effects = audit.on_model(known.watch, name, model)
            self._carry_out(name, known, effects)
        return recoveries

    def _learned(self, name: str, known: _Host, model: Model, readings: Sequence[Reading]) -> Model:
        """The model, learned from the readings where it is to be, and stored."""
        if not known.must_learn and not known.must_grow:
            return model
        new = sensor_model.learn(readings, model) if known.must_learn else sensor_model.grow(model, readings)
        stored = sysinv_client.SensorModel(rows.of_groups(new), rows.of_sensors(new), known.relearn)
        error = ""
        try:
            self._conductor.store_sensor_model(self._context, known.uuid, stored)
        except exception.Unavailable:
            known.read_at = min(known.read_at, self._clock() + _AGAIN_S)
            raise
        except exception.StxException as refused:
            LOG.error("The sensors of %s cannot be stored: %s", name, refused.message)
            error, new = refused.message, model
        known.model, known.must_grow = new, False
        known.must_learn = bool(error)
        known.watch, effects = audit.on_model(known.watch, name, new, error)
        self._carry_out(name, known, effects)
        return new

    def _carry_out(self, name: str, known: _Host, effects: Sequence[Effect]) -> list[Recover]:
        """Note what is to be told and stored; gives what is to be done to the host."""
        recoveries = []
        for effect in effects:
            if isinstance(effect, Raise | Clear | Log):
                try:
                    self._reports.append(_report(effect))
                except exception.Invalid as refused:
                    # What cannot be told of one sensor keeps nothing from being told of others.
                    LOG.error("Nothing is told of %s: %s", effect.entity, refused.message)
            elif isinstance(effect, audit.Store):
                self._statuses.setdefault(known.uuid, {}).update(effect.statuses)
            elif isinstance(effect, audit.Grow):
                known.must_grow, known.read_at = True, -math.inf
            else:
                LOG.warning("%s is to be %s for its sensor %s: %s", name, _DONE[effect.action], effect.sensor, effect.text)
                recoveries.append(effect)
        return recoveries

    def _tell(self) -> None:
        if self._reports:
            self._faults.report(self._reports)
            self._reports = []
        if self._statuses:
            self._conductor.update_sensor_states(self._context, self._statuses)
            self._statuses = {}


def _host_of(entity: str) -> str:
    return entity.removeprefix("host=").partition(".")[0]


def _report(effect: Raise | Clear | Log) -> fm_client.Report:
    if isinstance(effect, Clear):
        return fm_client.clear(effect.alarm_id, effect.entity)
    if isinstance(effect, Raise):
        return fm_client.set_alarm(effect.alarm_id, effect.entity, effect.text[:255], effect.severity)
    return fm_client.log(audit.SENSOR_ALARM, effect.entity, effect.text[:255], severity=effect.severity)


_DONE: Mapping[Any, str] = {Action.RESET: "reset", Action.POWERCYCLE: "power-cycled"}
