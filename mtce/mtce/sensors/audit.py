# SPDX-License-Identifier: Apache-2.0
"""What follows from what the sensors of one host show: statuses, alarms, logs, and what is done to the host.

A status changes when two readings in a row say so. A sensor of which the board tells nothing any more is minor after three. A host
that is off has no readings: its sensors are offline, and nothing is wrong with them (spec mtce-sm.md A6.2).
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

from mtce.sensors.model import Action, Model, Reading, Sensor, Severity, is_watched

ALARMS = SENSOR_ALARM, MODEL_ALARM, GROUP_ALARM = "200.007", "200.014", "200.015"
OK, OFFLINE = "ok", "offline"
# Readings in a row that make a new status, failures in a row that make an alarm, and readings without a sensor until it is missing.
SAMPLES = 2
FAILURES = 2
MISSES = 3
# After a host was reset or power-cycled for a sensor, no sensor has that done again for so long.
RECOVERY_S = 15 * 60.0
_RECOVERIES = (Action.RESET, Action.POWERCYCLE)


@dataclasses.dataclass(frozen=True)
class Raise:
    """Raise an alarm, or change its severity."""

    alarm_id: str
    entity: str
    severity: str
    text: str


@dataclasses.dataclass(frozen=True)
class Clear:
    alarm_id: str
    entity: str


@dataclasses.dataclass(frozen=True)
class Log:
    entity: str
    severity: str
    text: str


@dataclasses.dataclass(frozen=True)
class Store:
    """Store the status of sensors, by name."""

    statuses: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Recover:
    """Reset or power-cycle the host."""

    action: Action
    sensor: str
    text: str


@dataclasses.dataclass(frozen=True)
class Grow:
    """The board has sensors that the model does not have: add them."""


Effect = Raise | Clear | Log | Store | Recover | Grow


@dataclasses.dataclass(frozen=True)
class Followed:
    """One sensor.

    :ivar next_status: what it has been for `samples` readings, other than its status
    :ivar alarm: severity of its alarm; empty when there is none
    :ivar logged: severity that was logged last, since it was well
    """

    status: str = OFFLINE
    next_status: str = ""
    samples: int = 0
    misses: int = 0
    alarm: str = ""
    logged: str = ""


@dataclasses.dataclass(frozen=True)
class Watch:
    """Where the audit of a host stands.

    :ivar group_alarms: the groups that have an alarm
    :ivar strangers: how many readings in a row told of sensors that the model does not have
    :ivar recovered_at: when the host was last reset or power-cycled for a sensor
    """

    sensors: Mapping[str, Followed] = dataclasses.field(default_factory=dict)
    failures: int = 0
    group_alarms: frozenset[str] = frozenset()
    has_model_alarm: bool = False
    strangers: int = 0
    recovered_at: float = -math.inf

    @property
    def is_degraded(self) -> bool:
        """Whether the host is degraded by its sensors (catalogue: from critical on)."""
        return any(followed.alarm == Severity.CRITICAL for followed in self.sensors.values())

    @property
    def is_unsure(self) -> bool:
        """Whether a sensor has shown something else than its status, and has to do so once more."""
        return any(followed.next_status for followed in self.sensors.values())


def resume(host: str, model: Model, statuses: Mapping[str, str], alarms: Collection[tuple[str, str]]) -> Watch:
    """The audit goes on, as the statuses are that were stored.

    :param alarms: that are on, by id and entity
    """
    of_sensor = _entity(host, "")
    named = {entity.removeprefix(of_sensor) for alarm_id, entity in alarms if alarm_id == SENSOR_ALARM}
    # Those of sensors that are no more are to go.
    sensors = {name: Followed(alarm=OFFLINE) for name in named}
    for name, sensor in model.sensors.items():
        status = statuses.get(name, OFFLINE)
        action = model.action(sensor, status)
        # It may be on for what an operator has set otherwise meanwhile.
        alarm = status if name in named else ""
        sensors[name] = Followed(status, alarm=alarm, logged=status if action is Action.LOG else "")
    of_group = _group_entity(host, "")
    groups = frozenset(entity.removeprefix(of_group) for _, entity in alarms if entity.startswith(of_group))
    return Watch(sensors, group_alarms=groups, has_model_alarm=(MODEL_ALARM, f"host={host}") in alarms)


def on_readings(
    watch: Watch, host: str, model: Model, readings: Sequence[Reading], now: float, may_recover: bool = True
) -> tuple[Watch, list[Effect]]:
    """The sensors were read.

    :param may_recover: whether the host may be reset or power-cycled now: not the active controller
    """
    shown = {reading.name: reading for reading in readings}
    is_recovering = now < watch.recovered_at + RECOVERY_S
    effects: list[Effect] = []
    sensors, changed = {}, {}
    recovered_at = watch.recovered_at
    for name, sensor in model.sensors.items():
        before = watch.sensors.get(name, Followed())
        followed = _sampled(before, shown.get(name))
        followed, said = _told(followed, host, model, sensor, _describe(shown.get(name), followed.status))
        effects += said
        action = model.action(sensor, followed.status)
        if followed.status != before.status:
            changed[name] = followed.status
        if action in _RECOVERIES and may_recover and not is_recovering:
            # One for all sensors: the host is on its way then.
            effects.append(Recover(action, name, _describe(shown.get(name), followed.status)))
            is_recovering, recovered_at = True, now
        sensors[name] = followed
    if changed:
        effects.append(Store(changed))
    effects += [
        Clear(SENSOR_ALARM, _entity(host, name)) for name, gone in watch.sensors.items() if name not in sensors and gone.alarm
    ]
    has_strangers = any(is_watched(reading) and reading.name not in model.sensors for reading in readings) and not model.left_out
    strangers = watch.strangers + 1 if has_strangers else 0
    if strangers == SAMPLES:
        effects.append(Grow())
        strangers = 0
    effects += _clear_groups(watch, host)
    watch = dataclasses.replace(
        watch, sensors=sensors, failures=0, group_alarms=frozenset(), strangers=strangers, recovered_at=recovered_at
    )
    return watch, effects


def on_failure(watch: Watch, host: str, model: Model, error: str) -> tuple[Watch, list[Effect]]:
    """The board answers, but its sensors could not be read. One that does not answer at all has an alarm of its own."""
    watch = dataclasses.replace(watch, failures=watch.failures + 1)
    if watch.failures < FAILURES or watch.group_alarms:
        return watch, []
    if not model.groups:
        return on_model(watch, host, model, f"they cannot be read: {error}")
    text = f"The sensors of {host} cannot be read: {error}"
    effects: list[Effect] = [Raise(GROUP_ALARM, _group_entity(host, group), Severity.MAJOR, text) for group in model.groups]
    return dataclasses.replace(watch, group_alarms=frozenset(model.groups)), effects


def on_power_off(watch: Watch, host: str, model: Model) -> tuple[Watch, list[Effect]]:
    """The host is off: nothing is to be read, and nothing is wrong."""
    sensors = {name: Followed() for name in model.sensors}
    effects: list[Effect] = [
        Clear(SENSOR_ALARM, _entity(host, name)) for name, followed in watch.sensors.items() if followed.alarm
    ]
    effects += _clear_groups(watch, host)
    # Without a model, what it tells of is that nothing could be read.
    has_model_alarm = watch.has_model_alarm and bool(model.groups)
    if watch.has_model_alarm and not has_model_alarm:
        effects.append(Clear(MODEL_ALARM, f"host={host}"))
    changed = {name: OFFLINE for name in model.sensors if watch.sensors.get(name, Followed()).status != OFFLINE}
    if changed:
        effects.append(Store(changed))
    watch = dataclasses.replace(
        watch, sensors=sensors, failures=0, group_alarms=frozenset(), has_model_alarm=has_model_alarm, strangers=0
    )
    return watch, effects


def on_settings(watch: Watch, host: str, model: Model) -> tuple[Watch, list[Effect]]:
    """An operator's settings count at once. Sensors that are no more have no alarm."""
    effects: list[Effect] = []
    sensors = {}
    for name, followed in watch.sensors.items():
        sensor = model.sensors.get(name)
        if sensor is None:
            effects += [Clear(SENSOR_ALARM, _entity(host, name))] if followed.alarm else []
            continue
        sensors[name], said = _told(followed, host, model, sensor, _describe(None, followed.status))
        effects += said
    return dataclasses.replace(watch, sensors=sensors), effects


def on_model(watch: Watch, host: str, model: Model, error: str = "") -> tuple[Watch, list[Effect]]:
    """The model was learned, or could not be made."""
    effects: list[Effect] = []
    problem = error or (f"{model.left_out} sensors are too many to be watched." if model.left_out else "")
    if problem and not watch.has_model_alarm:
        text = f"The sensors of {host} are not all watched: {problem}"
        effects.append(Raise(MODEL_ALARM, f"host={host}", Severity.MINOR, text))
    elif not problem and watch.has_model_alarm:
        effects.append(Clear(MODEL_ALARM, f"host={host}"))
    watch, said = on_settings(dataclasses.replace(watch, has_model_alarm=bool(problem)), host, model)
    return watch, [*effects, *said]


def relearned(watch: Watch, host: str) -> tuple[Watch, list[Effect]]:
    """An operator has the model learned anew: no sensor has an alarm or a status until it is read again."""
    effects: list[Effect] = [
        Clear(SENSOR_ALARM, _entity(host, name)) for name, followed in watch.sensors.items() if followed.alarm
    ]
    changed = {name: OFFLINE for name, followed in watch.sensors.items() if followed.status != OFFLINE}
    if changed:
        effects.append(Store(changed))
    return dataclasses.replace(watch, sensors={}, strangers=0), effects


def forget(watch: Watch, host: str, model: Model) -> list[Effect]:
    """The host has no board any more, or is no more: no alarm of its sensors stays, and no status that one would be on for."""
    watch, effects = on_power_off(watch, host, model)
    return [*effects, Clear(MODEL_ALARM, f"host={host}")] if watch.has_model_alarm else effects


def _sampled(followed: Followed, reading: Reading | None) -> Followed:
    """With one more reading; None when the board told of no such sensor."""
    misses = followed.misses + 1 if reading is None else 0
    if reading is None:
        if misses < MISSES:
            return dataclasses.replace(followed, misses=misses)
        return dataclasses.replace(followed, status=Severity.MINOR, next_status="", samples=0, misses=misses)
    status = str(reading.status)
    if status == followed.status:
        return dataclasses.replace(followed, next_status="", samples=0, misses=0)
    samples = followed.samples + 1 if status == followed.next_status else 1
    if samples < SAMPLES and not (status == OK and followed.status == OFFLINE):
        return dataclasses.replace(followed, next_status=status, samples=samples, misses=0)
    # That a sensor is there and well needs no second reading.
    return dataclasses.replace(followed, status=status, next_status="", samples=0, misses=0)


def _told(followed: Followed, host: str, model: Model, sensor: Sensor, text: str) -> tuple[Followed, list[Effect]]:
    """What is to be said of a sensor that has not been said."""
    action = model.action(sensor, followed.status)
    alarm = followed.status if action in (Action.ALARM, *_RECOVERIES) else ""
    logged = followed.status if action is Action.LOG else ""
    entity, text = _entity(host, sensor.name), f"Sensor {sensor.name} of {host} is {text}."
    effects: list[Effect] = []
    if alarm and alarm != followed.alarm:
        effects.append(Raise(SENSOR_ALARM, entity, alarm, text))
    elif followed.alarm and not alarm:
        effects.append(Clear(SENSOR_ALARM, entity))
    if logged and logged != followed.logged:
        effects.append(Log(entity, logged, text))
    return dataclasses.replace(followed, alarm=alarm, logged=logged), effects


def _clear_groups(watch: Watch, host: str) -> list[Effect]:
    return [Clear(GROUP_ALARM, _group_entity(host, group)) for group in sorted(watch.group_alarms)]


def _group_entity(host: str, group: str) -> str:
    return f"host={host}.sensorgroup={group}"


def _entity(host: str, sensor: str) -> str:
    return f"host={host}.sensor={sensor}"


def _describe(reading: Reading | None, status: str) -> str:
    if reading is None or reading.value is None:
        return status
    return f"{status}: {reading.value:g} {reading.unit}".rstrip()
