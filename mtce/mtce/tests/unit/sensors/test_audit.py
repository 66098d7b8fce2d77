# SPDX-License-Identifier: Apache-2.0
"""What follows from what sensors show."""

import dataclasses

import hypothesis
from hypothesis import strategies
from oslotest import base

from mtce.sensors import audit, model
from mtce.sensors.audit import Clear, Effect, Grow, Log, Raise, Recover, Store, Watch
from mtce.sensors.model import Action, Model, Severity
from stx.boards import Reading, SensorKind, Status

HOST = "compute-0"
ENTITY = "host=compute-0.sensor=Fan 1"


def fan(status: Status, name: str = "Fan 1") -> Reading:
    return Reading(name, SensorKind.FAN, 800.0, "RPM", status)


MODEL = model.learn([fan(Status.OK)])


def with_actions(**actions: str) -> Model:
    wanted = {**model.DEFAULTS, **{Severity(name): Action(action) for name, action in actions.items()}}
    return Model(MODEL.sensors, {"server fans": dataclasses.replace(MODEL.groups["server fans"], actions=wanted)})


class AuditTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.model = MODEL
        self.watch = Watch()
        self.now = 0.0

    def read(self, *statuses: Status, may_recover: bool = True) -> list[Effect]:
        effects: list[Effect] = []
        for status in statuses:
            self.now += 120
            self.watch, new = audit.on_readings(self.watch, HOST, self.model, [fan(status)], self.now, may_recover)
            effects += new
        return effects

    def test_one_reading_alone_changes_nothing(self) -> None:
        self.assertEqual([Store({"Fan 1": "ok"})], self.read(Status.OK))
        self.assertEqual([], self.read(Status.CRITICAL, Status.OK, Status.MAJOR, Status.CRITICAL, Status.OK))

    def test_two_readings_in_a_row_raise_and_two_clear(self) -> None:
        self.read(Status.OK)
        text = "Sensor Fan 1 of compute-0 is critical: 800 RPM."
        raised = [Raise("200.007", ENTITY, "critical", text), Store({"Fan 1": "critical"})]
        self.assertEqual(raised, self.read(Status.CRITICAL, Status.CRITICAL, Status.CRITICAL))
        self.assertTrue(self.watch.is_degraded)
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "ok"})], self.read(Status.OK, Status.OK))
        self.assertFalse(self.watch.is_degraded)

    def test_what_is_to_be_logged_is_logged_once(self) -> None:
        self.read(Status.OK)
        effects = self.read(*[Status.MAJOR] * 4)
        self.assertEqual(["major"], [effect.severity for effect in effects if isinstance(effect, Log)])

    def test_a_sensor_that_the_board_tells_nothing_of_is_minor_after_three_readings(self) -> None:
        self.read(Status.OK)
        self.model = with_actions(minor="alarm")
        effects = []
        for _ in range(3):
            self.assertEqual([], effects)
            self.watch, effects = audit.on_readings(self.watch, HOST, self.model, [], self.now)
        self.assertEqual(
            [Raise("200.007", ENTITY, "minor", "Sensor Fan 1 of compute-0 is minor."), Store({"Fan 1": "minor"})], effects
        )

    def test_a_sensor_without_a_reading_is_offline_and_has_no_alarm(self) -> None:
        self.read(Status.OK, Status.CRITICAL, Status.CRITICAL)
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "offline"})], self.read(Status.OFFLINE, Status.OFFLINE))

    def test_suppressing_clears_at_once_and_the_status_is_still_shown(self) -> None:
        self.read(Status.OK, Status.CRITICAL, Status.CRITICAL)
        self.model = Model({"Fan 1": dataclasses.replace(MODEL.sensors["Fan 1"], is_suppressed=True)}, MODEL.groups)
        self.watch, effects = audit.on_model(self.watch, HOST, self.model)
        self.assertEqual([Clear("200.007", ENTITY)], effects)
        self.assertEqual([Store({"Fan 1": "ok"})], self.read(Status.OK, Status.OK))
        self.read(Status.CRITICAL, Status.CRITICAL)
        self.watch, effects = audit.on_model(self.watch, HOST, MODEL)
        self.assertEqual(["critical"], [effect.severity for effect in effects if isinstance(effect, Raise)])

    def test_a_critical_sensor_has_its_host_reset_once_in_a_quarter_of_an_hour_and_says_why(self) -> None:
        self.model = with_actions(critical="reset")
        self.read(Status.OK)
        effects = self.read(Status.CRITICAL, Status.CRITICAL)
        self.assertEqual([(Action.RESET, "Fan 1")], [(e.action, e.sensor) for e in effects if isinstance(e, Recover)])
        self.assertEqual(1, sum(isinstance(effect, Raise) for effect in effects))
        begun = self.now
        while self.now + 120 < begun + audit.RECOVERY_S:
            self.assertEqual([], self.read(Status.CRITICAL))
        self.assertEqual(["Fan 1"], [e.sensor for e in self.read(Status.CRITICAL) if isinstance(e, Recover)])

    def test_a_host_that_may_not_be_reset_has_its_alarm(self) -> None:
        self.model = with_actions(critical="powercycle")
        effects = self.read(Status.OK, Status.CRITICAL, Status.CRITICAL, may_recover=False)
        self.assertEqual([], [effect for effect in effects if isinstance(effect, Recover)])
        self.assertEqual(1, sum(isinstance(effect, Raise) for effect in effects))

    def test_a_host_that_is_off_has_no_alarms_of_sensors(self) -> None:
        self.read(Status.OK, Status.CRITICAL, Status.CRITICAL)
        self.watch, effects = audit.on_power_off(self.watch, HOST, MODEL)
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "offline"})], effects)
        self.assertEqual((self.watch, []), audit.on_power_off(self.watch, HOST, MODEL))

    def test_sensors_that_cannot_be_read_twice_are_an_alarm_of_their_group_until_they_can(self) -> None:
        self.watch, effects = audit.on_failure(self.watch, HOST, MODEL, "Busy.")
        self.assertEqual([], effects)
        self.watch, effects = audit.on_failure(self.watch, HOST, MODEL, "Busy.")
        entity = "host=compute-0.sensorgroup=server fans"
        self.assertEqual([Raise("200.015", entity, "major", "The sensors of compute-0 cannot be read: Busy.")], effects)
        self.watch, effects = audit.on_failure(self.watch, HOST, MODEL, "Busy.")
        self.assertEqual([], effects)
        self.assertIn(Clear("200.015", entity), self.read(Status.OK))

    def test_an_alarm_of_a_group_is_over_though_the_group_is_none_any_more(self) -> None:
        for _ in range(2):
            self.watch, effects = audit.on_failure(self.watch, HOST, MODEL, "Busy.")
        self.model = Model()
        self.assertEqual([Clear("200.015", effects[0].entity)], self.read(Status.OK))

    def test_a_host_that_is_off_has_no_alarm_that_nothing_could_be_learned(self) -> None:
        for _ in range(2):
            self.watch, effects = audit.on_failure(self.watch, HOST, Model(), "Busy.")
        self.assertEqual([("200.014", "minor")], [(effect.alarm_id, effect.severity) for effect in effects])
        self.watch, effects = audit.on_power_off(self.watch, HOST, Model())
        self.assertEqual([Clear("200.014", "host=compute-0")], effects)

    def test_what_cannot_be_watched_is_an_alarm(self) -> None:
        self.watch, effects = audit.on_model(self.watch, HOST, MODEL, "It does not tell.")
        self.assertEqual([("200.014", "host=compute-0", "minor")], [(e.alarm_id, e.entity, e.severity) for e in effects])
        self.watch, effects = audit.on_model(self.watch, HOST, MODEL)
        self.assertEqual([Clear("200.014", "host=compute-0")], effects)

    def test_learning_anew_clears_the_alarms_and_the_next_readings_decide(self) -> None:
        self.read(Status.OK, Status.CRITICAL, Status.CRITICAL)
        self.watch, effects = audit.relearned(self.watch, HOST)
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "offline"})], effects)
        self.assertEqual(1, sum(isinstance(effect, Raise) for effect in self.read(Status.CRITICAL, Status.CRITICAL)))

    def test_sensors_that_the_model_does_not_have_make_it_grow_when_they_are_there_to_stay(self) -> None:
        both = [fan(Status.OK), fan(Status.OK, "Fan 2")]
        self.watch, effects = audit.on_readings(self.watch, HOST, MODEL, both, 0.0)
        self.assertNotIn(Grow(), effects)
        self.watch, effects = audit.on_readings(self.watch, HOST, MODEL, both, 0.0)
        self.assertIn(Grow(), effects)

    def test_after_a_restart_nothing_is_said_again(self) -> None:
        self.watch = audit.resume(HOST, MODEL, {"Fan 1": "critical"}, [(audit.SENSOR_ALARM, ENTITY)])
        self.assertEqual([], self.read(Status.CRITICAL))
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "ok"})], self.read(Status.OK, Status.OK))

    def test_what_an_operator_set_while_nobody_audited_counts(self) -> None:
        on = [(audit.SENSOR_ALARM, ENTITY)]
        suppressed = dataclasses.replace(MODEL.sensors["Fan 1"], is_suppressed=True)
        known = Model({"Fan 1": suppressed}, MODEL.groups)
        self.watch = audit.resume(HOST, known, {"Fan 1": "critical"}, on)
        _, effects = audit.on_readings(self.watch, HOST, known, [fan(Status.CRITICAL)], 0.0)
        self.assertEqual([Clear("200.007", ENTITY)], effects)
        # Learned anew without it, or cleared by hand.
        self.watch = audit.resume(HOST, Model(), {}, on)
        self.assertIn(Clear("200.007", ENTITY), audit.on_readings(self.watch, HOST, Model(), [], 0.0)[1])
        self.watch = audit.resume(HOST, MODEL, {"Fan 1": "critical"}, [])
        self.assertIsInstance(self.read(Status.CRITICAL)[0], Raise)

    def test_a_host_without_a_board_leaves_no_alarm(self) -> None:
        self.read(Status.OK, Status.CRITICAL, Status.CRITICAL)
        self.assertEqual([Clear("200.007", ENTITY), Store({"Fan 1": "offline"})], audit.forget(self.watch, HOST, MODEL))


_STATUSES = strategies.sampled_from(list(Status))
_ACTIONS = strategies.fixed_dictionaries({severity: strategies.sampled_from(model.CHOICES[severity]) for severity in Severity})
_EVENTS = strategies.one_of(
    strategies.tuples(
        strategies.just("read"), strategies.lists(strategies.one_of(strategies.none(), _STATUSES), min_size=3, max_size=3)
    ),
    strategies.tuples(strategies.just("actions"), _ACTIONS),
    strategies.tuples(strategies.sampled_from(["fail", "off", "suppress", "relearn", "restart"]), strategies.integers(0, 2)),
)


NAMES = ("Fan 1", "Fan 2", "Fan 3")


class LifeTest(base.BaseTestCase):
    """Three fans, and what the two remember that outlive the audit: the database the statuses, Fault Management the alarms."""

    def begin(self) -> None:
        self.known = model.learn([fan(Status.OK, name) for name in NAMES])
        self.watch, self.now = Watch(), 0.0
        self.alarms: dict[str, str] = {}
        self.statuses: dict[str, str] = {}

    def happens(self, event: str, told: object) -> list[Effect]:
        effects: list[Effect] = []
        if event == "read":
            assert isinstance(told, list)
            readings = [fan(status, name) for name, status in zip(NAMES, told, strict=True) if status is not None]
            self.watch, effects = audit.on_readings(self.watch, HOST, self.known, readings, self.now)
        elif event == "fail":
            self.watch, effects = audit.on_failure(self.watch, HOST, self.known, "Busy.")
        elif event == "off":
            self.watch, effects = audit.on_power_off(self.watch, HOST, self.known)
        elif event == "relearn":
            self.watch, effects = audit.relearned(self.watch, HOST)
        elif event == "restart":
            if set(self.watch.sensors) == set(NAMES):
                alarms = [
                    (audit.GROUP_ALARM if ".sensorgroup=" in entity else audit.SENSOR_ALARM, entity)
                    for entity in self.alarms
                    if "." in entity
                ]
                self.watch = audit.resume(HOST, self.known, self.statuses, alarms)
        else:
            self.known = self.changed(event, told)
            self.watch, effects = audit.on_model(self.watch, HOST, self.known)
        return effects

    def changed(self, event: str, told: object) -> Model:
        group, sensors = self.known.groups["server fans"], dict(self.known.sensors)
        if event == "actions":
            group = dataclasses.replace(group, actions=told)
        else:
            assert isinstance(told, int)
            sensor = sensors[NAMES[told]]
            sensors[sensor.name] = dataclasses.replace(sensor, is_suppressed=not sensor.is_suppressed)
        return Model(sensors, {"server fans": group})

    def take(self, effect: Effect) -> None:
        if isinstance(effect, Raise):
            self.assertNotEqual(self.alarms.get(effect.entity), effect.severity)
            self.alarms[effect.entity] = effect.severity
        elif isinstance(effect, Clear):
            self.assertIn(effect.entity, self.alarms)
            del self.alarms[effect.entity]
        elif isinstance(effect, Store):
            self.statuses.update(effect.statuses)

    @hypothesis.given(strategies.lists(_EVENTS, max_size=40))
    @hypothesis.settings(max_examples=300, deadline=None)
    def test_the_alarms_that_stand_are_those_that_the_statuses_and_actions_ask_for(
        self, events: list[tuple[str, object]]
    ) -> None:
        self.begin()
        for event, told in events:
            self.now += 120
            for effect in self.happens(event, told):
                self.take(effect)
            wanted = {
                f"host={HOST}.sensor={name}": followed.status
                for name, followed in self.watch.sensors.items()
                if self.known.action(self.known.sensors[name], followed.status) not in (Action.IGNORE, Action.LOG)
            }
            self.assertEqual(wanted, {entity: severity for entity, severity in self.alarms.items() if ".sensor=" in entity})
            for name, followed in self.watch.sensors.items():
                self.assertEqual(self.statuses.get(name, "offline"), followed.status)

    @hypothesis.given(strategies.lists(_EVENTS, max_size=60))
    @hypothesis.settings(max_examples=100, deadline=None)
    def test_no_host_is_restarted_twice_within_a_quarter_of_an_hour(self, events: list[tuple[str, object]]) -> None:
        self.begin()
        recovered = -audit.RECOVERY_S
        for event, told in events:
            self.now += 120
            if event == "restart":
                # That is not remembered.
                continue
            for effect in self.happens(event, told):
                if isinstance(effect, Recover):
                    self.assertGreaterEqual(self.now, recovered + audit.RECOVERY_S)
                    recovered = self.now
