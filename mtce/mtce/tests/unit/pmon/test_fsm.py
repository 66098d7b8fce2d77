# SPDX-License-Identifier: Apache-2.0
"""The rules of A5.2, one by one, and under any order of events."""

import dataclasses
import itertools
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oslotest import base

from mtce.pmon import fsm, moves
from mtce.pmon.conf import Mode, ProcessConf, Severity, Style, Subfunction
from mtce.pmon.machine import (
    Answered,
    Cancel,
    ClearAlarm,
    Died,
    Done,
    Effect,
    Event,
    Find,
    Found,
    GateOpened,
    Initialised,
    Kill,
    Log,
    Machine,
    Maintenance,
    Order,
    Pulse,
    RaiseAlarm,
    Report,
    Spawn,
    State,
    Stop,
    Tick,
    Verb,
)
from mtce.tests.unit.pmon.world import World

CONF = ProcessConf(
    name="sleeper",
    severity=Severity.MAJOR,
    restarts=2,
    interval=1.0,
    debounce=5.0,
    startuptime=0.5,
    pidfile="/run/sleeper.pid",
    service="sleeper",
)
ACTIVE = dataclasses.replace(CONF, mode=Mode.ACTIVE, port=2201, period=2.0, timeout=1.0, threshold=3)
STATUS = dataclasses.replace(CONF, mode=Mode.STATUS, service="", script="/s", period=2.0, timeout=1.0)
COMMAND = dataclasses.replace(CONF, service="", command=("sleep", "1000"))


def check(is_so: bool, why: object = "") -> None:
    if not is_so:
        raise AssertionError(why)


def with_(conf: ProcessConf, **changes: Any) -> ProcessConf:
    return dataclasses.replace(conf, **changes)


def running(conf: ProcessConf) -> World:
    world = World(conf, is_alive=True)
    world.begin()
    check(world.machine.state is State.RUNNING, world.machine)
    return world


def crashing(conf: ProcessConf) -> World:
    """A process whose alarm is on because it dies at once, again and again."""
    world = running(conf)
    world.is_startable = False
    world.die()
    while not world.is_alarm_on:
        world.run_until(State.STARTING, State.RESTART_WAIT, State.FAILED, State.IGNORED)
        if world.is_alarm_on:
            break
        world.run(0.5)
    return world


class BeginTest(base.BaseTestCase):
    def test_a_process_that_is_up_is_adopted_without_a_start(self) -> None:
        world = running(CONF)
        self.assertEqual([Find()], [effect for _, effect in world.effects])

    def test_a_process_that_is_down_is_started_and_this_is_no_failure(self) -> None:
        world = World(CONF)
        world.begin()
        world.run_until(State.RUNNING)
        self.assertEqual(1, len(world.of(Spawn)))
        self.assertEqual([], world.of(Log, RaiseAlarm, Report))
        self.assertEqual((0, 0), (world.machine.failures, world.machine.restarts))

    def test_a_process_that_died_while_no_monitor_ran_counts_as_failed(self) -> None:
        world = World(CONF)
        world.begin(was_up=True)
        self.assertEqual(1, world.machine.failures)
        self.assertEqual(1, len(world.of(Log)))
        self.assertEqual(1, len(world.of(Spawn)))

    def test_an_ignored_process_is_left_alone_and_loses_its_alarm(self) -> None:
        world = World(with_(CONF, mode=Mode.IGNORE), machine=Machine(alarm=Severity.MAJOR))
        world.begin()
        self.assertEqual(State.IGNORED, world.machine.state)
        self.assertEqual([ClearAlarm(), Report(None)], [effect for _, effect in world.effects])

    def test_a_process_waits_for_its_configuration(self) -> None:
        world = World(with_(CONF, subfunction=Subfunction.WORKER))
        world.begin(is_gate_open=False)
        world.run(1000)
        self.assertEqual(State.WAITING, world.machine.state)
        self.assertEqual([], world.effects)
        world.feed(GateOpened())
        world.run_until(State.RUNNING)

    def test_an_alarm_known_at_the_start_is_cleared_after_debounce(self) -> None:
        world = World(CONF, is_alive=True, machine=Machine(alarm=Severity.MAJOR))
        world.begin()
        self.assertEqual(Severity.MAJOR, world.reported)
        world.run(4.9)
        self.assertEqual([], world.of(ClearAlarm))
        world.run(0.2)
        self.assertEqual(1, len(world.of(ClearAlarm)))
        self.assertIsNone(world.reported)

    def test_an_alarm_known_at_the_start_is_kept_when_the_process_dies_in_debounce(self) -> None:
        world = World(CONF, is_alive=True, machine=Machine(alarm=Severity.MAJOR))
        world.begin()
        world.run(4)
        world.die()
        world.run(4)
        self.assertEqual([], world.of(ClearAlarm, RaiseAlarm))
        world.run(10)
        self.assertEqual(1, len(world.of(ClearAlarm)))

    def test_a_failed_process_without_restarts_stays_failed_over_a_restart_of_the_monitor(self) -> None:
        world = World(with_(CONF, restarts=0), machine=Machine(alarm=Severity.MAJOR))
        world.begin()
        world.run(100)
        self.assertEqual(State.FAILED, world.machine.state)
        self.assertEqual([], world.of(Spawn, ClearAlarm))


class DoubtTest(base.BaseTestCase):
    """An alarm of an earlier time may be on."""

    def doubtful(self, conf: ProcessConf, *, is_alive: bool = True) -> World:
        world = World(conf, is_alive=is_alive, machine=Machine(owes_clear=True))
        world.begin()
        return world

    def test_it_is_cleared_once_when_the_process_has_proved_stable(self) -> None:
        world = self.doubtful(CONF)
        world.run(4.9)
        self.assertEqual([], world.of(ClearAlarm, Report))
        world.run(100)
        self.assertEqual([ClearAlarm(), Report(None)], world.of(ClearAlarm, Report))

    def test_it_is_not_cleared_while_the_process_keeps_failing(self) -> None:
        world = self.doubtful(CONF)
        world.is_startable = False
        world.die()
        world.run(100)
        self.assertEqual([RaiseAlarm], [type(effect) for effect in world.of(ClearAlarm, RaiseAlarm)])

    def test_a_process_is_started_however_severe_the_alarm_was(self) -> None:
        world = self.doubtful(with_(CONF, restarts=0, severity=Severity.CRITICAL), is_alive=False)
        world.run_until(State.RUNNING)
        self.assertEqual(1, len(world.of(ClearAlarm)))

    def test_it_is_cleared_when_nobody_watches_the_process(self) -> None:
        for machine, conf in (
            (Machine(owes_clear=True), with_(CONF, mode=Mode.IGNORE)),
            (Machine(owes_clear=True, state=State.STOPPED), CONF),
        ):
            world = World(conf, machine=machine)
            world.begin()
            self.assertEqual(1, len(world.of(ClearAlarm)))


class PassiveTest(base.BaseTestCase):
    def test_the_first_death_is_logged_and_repaired_at_once(self) -> None:
        world = running(CONF)
        world.die()
        self.assertEqual(State.STARTUP, world.machine.state)
        self.assertEqual([Log(Severity.MAJOR, "sleeper failed: killed by signal 9")], world.of(Log, RaiseAlarm, Report))
        self.assertEqual(1, world.machine.restarts)

    def test_a_second_death_waits_for_the_interval(self) -> None:
        world = running(CONF)
        world.die()
        world.run(2)
        world.die()
        self.assertEqual(State.RESTART_WAIT, world.machine.state)
        world.run(0.99)
        self.assertEqual(1, len(world.of(Spawn)))
        world.run(0.02)
        self.assertEqual(2, len(world.of(Spawn)))

    def test_the_alarm_comes_with_the_death_that_is_one_too_many(self) -> None:
        world = running(CONF)
        for _ in range(2):
            world.die()
            world.run(3)
        self.assertFalse(world.is_alarm_on)
        world.die()
        self.assertEqual(1, len(world.alarm_texts))
        self.assertIn("killed by signal 9", world.alarm_texts[0])
        self.assertEqual(Severity.MAJOR, world.reported)

    def test_failures_are_forgotten_once_the_process_was_up_for_debounce(self) -> None:
        world = running(CONF)
        for _ in range(20):
            world.die()
            world.run(1 + 0.5 + 5.1)
        self.assertEqual([], world.of(RaiseAlarm))

    def test_restarts_go_on_while_the_alarm_is_on(self) -> None:
        world = crashing(CONF)
        before = len(world.of(Spawn))
        world.run(600)
        self.assertGreater(len(world.of(Spawn)), before + 10)
        self.assertEqual(1, len(world.of(RaiseAlarm)))
        self.assertEqual(1, len(world.of(Log)))

    def test_the_interval_grows_with_every_round_up_to_a_limit(self) -> None:
        world = crashing(CONF)
        world.run(5000)
        times = [when for when, effect in world.effects if isinstance(effect, Spawn)]
        gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
        self.assertEqual([1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 4.0], gaps[:8])
        self.assertEqual(60.0, gaps[-1])

    def test_the_alarm_is_cleared_once_the_process_has_stayed_up(self) -> None:
        world = crashing(CONF)
        world.is_startable = True
        world.run_until(State.DEBOUNCE)
        world.run(4.9)
        self.assertTrue(world.is_alarm_on)
        world.run(0.2)
        self.assertFalse(world.is_alarm_on)
        self.assertIsNone(world.reported)
        self.assertEqual(State.RUNNING, world.machine.state)

    def test_without_restarts_the_first_death_raises_and_nothing_is_started(self) -> None:
        world = running(with_(CONF, restarts=0))
        world.die()
        world.run(1000)
        self.assertEqual(1, len(world.of(Log)))
        self.assertEqual(1, len(world.of(RaiseAlarm)))
        self.assertEqual([], world.of(Spawn))

    def test_without_restarts_a_manual_start_is_noticed_and_clears(self) -> None:
        world = running(with_(CONF, restarts=0))
        world.die()
        world.run(10)
        world.is_alive = True
        world.run(1.1 + 5.1)
        self.assertFalse(world.is_alarm_on)
        self.assertEqual([], world.of(Spawn))

    def test_a_critical_process_without_restarts_is_given_up(self) -> None:
        world = running(with_(CONF, restarts=0, severity=Severity.CRITICAL))
        world.die()
        self.assertEqual(State.IGNORED, world.machine.state)
        self.assertIsNone(fsm.next_deadline(world.machine))
        self.assertEqual(Severity.CRITICAL, world.reported)

    def test_a_critical_process_with_restarts_is_tried_on_after_the_alarm(self) -> None:
        world = crashing(with_(CONF, severity=Severity.CRITICAL))
        world.is_startable = True
        world.run(60)
        self.assertFalse(world.is_alarm_on)

    def test_a_start_action_that_fails_counts_as_a_failure(self) -> None:
        world = World(CONF)
        world.is_startable = False
        world.begin()
        world.run(10)
        self.assertTrue(world.is_alarm_on)
        self.assertIn("its start action failed", world.alarm_texts[0])

    def test_a_start_action_that_hangs_is_cancelled_and_counts_as_a_failure(self) -> None:
        world = World(CONF)
        world.answers = False
        world.begin()
        world.finish()
        self.assertIsInstance(world.job, Spawn)
        world.run(90)
        self.assertEqual(1, len(world.of(Cancel)))
        self.assertEqual(1, world.machine.failures)

    def test_a_process_that_is_not_there_after_startuptime_has_failed(self) -> None:
        world = World(CONF)
        world.answers = False
        world.begin()
        world.feed(Found(False))
        world.feed(Done(True))
        world.answers, world.is_alive = True, False
        world.finish()
        world.run(0.6)
        self.assertEqual(1, world.machine.failures)

    def test_a_look_that_outlasts_startuptime_is_waited_for(self) -> None:
        world = World(CONF)
        world.answers = False
        world.begin()
        world.feed(Found(False))
        world.feed(Done(True))
        looks = len(world.of(Find))
        world.run(5)
        self.assertEqual(looks, len(world.of(Find)))
        world.feed(Found(True))
        self.assertEqual(State.RUNNING, world.machine.state)

    def test_the_old_process_may_end_after_its_restart_script(self) -> None:
        world = running(CONF)
        world.answers = False
        world.order(Verb.RESTART)
        world.feed(Done(True))
        world.feed(Found(True))
        world.feed(Died("ended", is_expected=True))
        self.assertEqual((State.STARTUP, 0), (world.machine.state, world.machine.failures))
        world.run(0.3)
        world.feed(Found(True))
        world.run(0.3)
        self.assertEqual(State.RUNNING, world.machine.state)

    def test_a_process_that_came_back_by_itself_is_not_started_twice(self) -> None:
        world = running(CONF)
        world.answers = False
        world.feed(Died("ended"))
        world.feed(Found(True))
        self.assertEqual((State.DEBOUNCE, 1), (world.machine.state, world.machine.failures))
        self.assertEqual([], world.of(Spawn))


class ActiveTest(base.BaseTestCase):
    def test_a_process_that_answers_stays_running(self) -> None:
        world = running(ACTIVE)
        world.run(1000)
        self.assertEqual(State.RUNNING, world.machine.state)
        self.assertEqual(501, len(world.of(Pulse)))
        self.assertEqual(list(range(1, 502)), [effect.sequence for effect in world.of(Pulse)])

    def test_a_process_that_stops_answering_is_killed_and_restarted(self) -> None:
        world = running(ACTIVE)
        world.run(10)
        world.answers = False
        world.run(1 + 2 * 3)
        self.assertEqual(State.KILLING, world.machine.state)
        world.answers = True
        world.finish()
        self.assertEqual(1, len(world.of(Kill)))
        self.assertEqual(1, len(world.of(Spawn)))
        self.assertIn("unanswered", world.of(Log)[0].text)

    def test_answers_out_of_sequence_count_as_missed(self) -> None:
        world = running(ACTIVE)
        world.run(10)
        world.answers = False
        for _ in range(20):
            world.run(0.5)
            world.feed(Answered(world.machine.probe.sequence - 1))
        self.assertEqual(1, len(world.of(Kill)))

    def test_a_single_miss_is_forgiven_by_the_next_answer(self) -> None:
        world = running(ACTIVE)
        for _ in range(20):
            world.answers = False
            world.run(4)
            world.answers = True
            world.question = None
            world.run(2)
        self.assertEqual([], world.of(Kill))

    def test_a_new_process_has_three_minutes_for_its_first_answer(self) -> None:
        world = World(ACTIVE, is_alive=True)
        world.answers = False
        world.begin()
        world.feed(Found(True))
        world.run(179)
        self.assertEqual([], world.of(Kill))
        world.run(9)
        self.assertEqual(1, len(world.of(Kill)))

    def test_recovery_needs_one_more_good_answer_than_the_period_has_seconds(self) -> None:
        world = World(with_(ACTIVE, debounce=0.1), is_alive=True, machine=Machine(alarm=Severity.MAJOR))
        world.begin()
        world.run(3.9)
        self.assertEqual([], world.of(ClearAlarm))
        world.run(0.2)
        self.assertEqual(1, len(world.of(ClearAlarm)))

    def test_a_process_that_cannot_be_killed_is_not_started_a_second_time(self) -> None:
        world = running(ACTIVE)
        world.run(10)
        world.answers = False
        world.run_until(State.KILLING)
        world.run(6)
        self.assertEqual(State.LOOKING, world.machine.state)
        world.feed(Found(True))
        self.assertEqual([], world.of(Spawn))

    def test_nothing_is_asked_before_the_host_is_initialised_if_the_file_says_so(self) -> None:
        world = World(with_(ACTIVE, full_init_reqd=True), is_alive=True, machine=Machine(is_initialised=False))
        world.begin()
        world.run(1000)
        self.assertEqual([], world.of(Pulse))
        world.feed(Initialised(True))
        world.run(1)
        self.assertEqual(1, len(world.of(Pulse)))

    def test_nobody_is_killed_for_silence_during_maintenance(self) -> None:
        world = running(ACTIVE)
        world.run(10)
        world.feed(Maintenance(True))
        world.answers = False
        world.run(1000)
        self.assertEqual([], world.of(Kill))


class StatusTest(base.BaseTestCase):
    def test_a_bad_status_starts_the_process_up_to_restarts_times_and_then_raises(self) -> None:
        world = running(STATUS)
        world.is_alive = world.is_startable = False
        world.run(60)
        self.assertTrue(world.is_alarm_on)
        index = [type(effect) for _, effect in world.effects].index(RaiseAlarm)
        started = [effect for _, effect in world.effects[:index] if isinstance(effect, Spawn)]
        self.assertEqual(2, len(started))

    def test_a_good_status_for_debounce_clears(self) -> None:
        world = running(STATUS)
        world.is_alive = world.is_startable = False
        world.run(30)
        world.is_startable = True
        world.run(30)
        self.assertFalse(world.is_alarm_on)
        self.assertEqual(State.RUNNING, world.machine.state)

    def test_a_status_script_that_hangs_is_cancelled_and_counts_as_bad(self) -> None:
        world = running(STATUS)
        world.answers = False
        world.run(2 + 1)
        self.assertEqual(1, len(world.of(Cancel)))
        self.assertEqual(1, world.machine.failures)


class OrderTest(base.BaseTestCase):
    def test_a_stopped_process_stays_down_without_alarm_until_it_is_started(self) -> None:
        world = running(CONF)
        world.order(Verb.STOP)
        self.assertEqual(State.STOPPED, world.machine.state)
        world.run(1000)
        self.assertEqual([], world.of(Spawn, RaiseAlarm, Log))
        world.order(Verb.START)
        world.run_until(State.RUNNING)

    def test_stop_ends_the_alarm(self) -> None:
        world = crashing(CONF)
        world.order(Verb.STOP)
        self.assertFalse(world.is_alarm_on)
        self.assertIsNone(world.reported)

    def test_a_restart_is_no_failure(self) -> None:
        for conf in (CONF, COMMAND, with_(CONF, style=Style.OCF)):
            world = running(conf)
            for _ in range(5):
                world.order(Verb.RESTART)
                world.run_until(State.RUNNING)
            self.assertEqual(5, len(world.of(Spawn)))
            self.assertEqual([], world.of(Log, RaiseAlarm))
            self.assertEqual(0, world.machine.restarts)

    def test_a_command_is_stopped_before_it_is_started_again(self) -> None:
        world = running(COMMAND)
        world.order(Verb.RESTART)
        self.assertEqual([Stop(), Spawn()], world.of(Stop, Spawn))

    def test_a_process_that_does_not_stop_is_killed(self) -> None:
        world = running(COMMAND)
        world.answers = False
        world.order(Verb.STOP)
        world.run(10)
        self.assertIsInstance(world.job, Kill)
        world.answers = True
        world.finish()
        self.assertEqual(State.STOPPED, world.machine.state)

    def test_a_stop_script_that_hangs_is_cancelled_and_the_process_killed(self) -> None:
        world = running(CONF)
        world.answers = False
        world.order(Verb.STOP)
        world.run(90)
        self.assertEqual([Stop(), Cancel(), Kill()], world.of(Stop, Cancel, Kill))

    def test_the_last_of_several_orders_counts(self) -> None:
        for verbs, state in (
            ((Verb.RESTART, Verb.STOP), State.STOPPED),
            ((Verb.STOP, Verb.START), State.RUNNING),
            ((Verb.STOP, Verb.RESTART), State.RUNNING),
            ((Verb.STOP, Verb.START, Verb.STOP), State.STOPPED),
        ):
            world = running(COMMAND)
            world.answers = False
            for verb in verbs:
                world.order(verb)
            world.answers = True
            world.finish()
            world.run(10)
            self.assertEqual(state, world.machine.state, verbs)
            self.assertEqual(1, len(world.of(Stop)))

    def test_an_order_is_refused_where_it_cannot_be_followed(self) -> None:
        ignored = World(with_(CONF, mode=Mode.IGNORE))
        ignored.begin()
        held = running(CONF)
        held.feed(Maintenance(True))
        waiting = World(CONF)
        waiting.begin(is_gate_open=False)
        for world in (ignored, held, waiting):
            before = world.machine
            self.assertIsNotNone(fsm.orders.refusal(world.conf, world.machine, Verb.RESTART))
            world.order(Verb.RESTART)
            self.assertEqual(before, world.machine)
        self.assertIsNone(fsm.orders.refusal(CONF, held.machine, Verb.STOP))


class MaintenanceTest(base.BaseTestCase):
    def test_nothing_is_restarted_and_nothing_raised_until_it_ends(self) -> None:
        world = running(CONF)
        world.feed(Maintenance(True))
        world.die()
        world.run(1000)
        self.assertEqual([], world.of(Spawn, RaiseAlarm, Log))
        world.feed(Maintenance(False))
        world.run_until(State.RUNNING)
        self.assertEqual(0, world.machine.failures)

    def test_a_start_that_was_about_to_be_made_is_not_made(self) -> None:
        world = World(CONF)
        world.answers = False
        world.begin()
        world.feed(Maintenance(True))
        world.feed(Found(False))
        self.assertEqual(State.HELD, world.machine.state)
        self.assertEqual([], world.of(Spawn))

    def test_a_process_that_was_stopped_for_a_restart_stays_down(self) -> None:
        world = running(COMMAND)
        world.answers = False
        world.order(Verb.RESTART)
        world.feed(Maintenance(True))
        world.answers = True
        world.finish()
        self.assertEqual(State.HELD, world.machine.state)
        self.assertEqual([], world.of(Spawn))

    def test_a_restart_that_was_waiting_is_not_made(self) -> None:
        world = crashing(CONF)
        world.run_until(State.RESTART_WAIT)
        count = len(world.of(Spawn))
        world.feed(Maintenance(True))
        world.run(1000)
        self.assertEqual(count, len(world.of(Spawn)))


SECONDS = st.sampled_from([0.0, 0.3, 1.0, 4.0])
CONFS = st.builds(
    ProcessConf,
    name=st.just("p"),
    mode=st.sampled_from(Mode),
    severity=st.sampled_from(Severity),
    restarts=st.integers(0, 3),
    interval=SECONDS,
    debounce=SECONDS,
    startuptime=SECONDS,
    service=st.sampled_from(["", "unit"]),
    command=st.just(("program",)),
    style=st.sampled_from(Style),
    full_init_reqd=st.booleans(),
    period=st.sampled_from([0.5, 1.0, 3.0]),
    timeout=st.just(0.4),
    threshold=st.integers(1, 3),
)
ANY_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Found, st.booleans()),
    st.builds(Done, st.booleans()),
    st.builds(Died, st.just("x"), st.booleans()),
    st.builds(Answered, st.integers(0, 20)),
    st.builds(Initialised, st.booleans()),
    st.builds(GateOpened),
    st.builds(Tick),
)


# Whether the host is initialised, whether the process's alarm is on, and whether an earlier one may be.
HOSTS = st.tuples(st.booleans(), st.booleans(), st.booleans())


# How many states a machine may pass without waiting, where all its times are 0.
MAX_STEPS_AT_ONCE = 5


class AnyHistory(RuleBasedStateMachine):
    """Any events at any time; `attempts` counts how often the process was up or was started since it was last stable."""

    @initialize(conf=CONFS, is_alive=st.booleans(), was_up=st.booleans(), is_gate_open=st.booleans(), host=HOSTS)
    def begin(self, conf: ProcessConf, is_alive: bool, was_up: bool, is_gate_open: bool, host: tuple[bool, bool]) -> None:
        is_initialised, had_alarm, self.is_doubtful = host
        machine = Machine(is_initialised=is_initialised, alarm=conf.severity if had_alarm else None, owes_clear=self.is_doubtful)
        self.world = World(conf, is_alive=is_alive, machine=machine)
        self.world.answers = False
        self.is_alarm_on = had_alarm
        self.attempts = int(was_up)
        self.is_ordered_down = False
        self.seen = 0
        self.last_spawn = 0.0
        self.act(lambda: self.world.begin(was_up=was_up, is_gate_open=is_gate_open))

    def act(self, action: Any) -> None:
        before = self.world.machine
        action()
        machine = self.world.machine
        for when, effect in self.world.effects[self.seen :]:
            self.judge(when, effect)
        self.seen = len(self.world.effects)
        is_up = machine.state in (State.RUNNING, State.DEBOUNCE)
        if before.state is State.LOOKING and is_up:
            self.attempts += 1
        if (before.state is State.DEBOUNCE and machine.state is State.RUNNING) or machine.state is State.STOPPED:
            self.attempts = int(machine.state is State.RUNNING)

    def judge(self, when: float, effect: Effect) -> None:
        conf, machine = self.world.conf, self.world.machine
        match effect:
            case Spawn():
                check(not machine.is_maintenance)
                check(not self.is_ordered_down)
                check(conf.mode is not Mode.IGNORE)
                self.attempts += 1
            case RaiseAlarm(severity, text):
                check(not self.is_alarm_on)
                check(severity is conf.severity)
                check(text)
                check(self.attempts > conf.restarts, "raised before the restarts were used up")
                self.is_alarm_on = True
            case ClearAlarm():
                check(self.is_alarm_on or self.is_doubtful)
                self.is_alarm_on = self.is_doubtful = False
            case Report(severity):
                check((severity is not None) == self.is_alarm_on)

    @rule(event=ANY_EVENTS)
    def anything_happens(self, event: Event) -> None:
        self.act(lambda: self.world.feed(event))

    @rule()
    def the_job_ends(self) -> None:
        self.act(self.world.finish)

    @rule(is_startable=st.booleans())
    def the_program_is_replaced(self, is_startable: bool) -> None:
        self.world.is_startable = is_startable

    @precondition(lambda self: self.world.is_alive)
    @rule()
    def the_process_dies(self) -> None:
        self.act(self.world.die)

    @rule()
    def the_next_deadline_comes(self) -> None:
        due = fsm.next_deadline(self.world.machine)
        if due is None:
            return
        self.world.now = max(due, self.world.now)
        for _ in range(MAX_STEPS_AT_ONCE):
            self.act(lambda: self.world.feed(Tick()))
            due = fsm.next_deadline(self.world.machine)
            if due is None or due > self.world.now:
                return
        check(False, "it spins")

    @rule(seconds=st.sampled_from([0.01, 0.5, 3.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.act(lambda: self.world.run(seconds))

    @rule(verb=st.sampled_from(Verb))
    def an_operator_orders(self, verb: Verb) -> None:
        if fsm.orders.refusal(self.world.conf, self.world.machine, verb) is None:
            self.is_ordered_down = verb is Verb.STOP
        self.act(lambda: self.world.feed(Order(verb)))

    @rule(is_on=st.booleans())
    def maintenance(self, is_on: bool) -> None:
        self.act(lambda: self.world.feed(Maintenance(is_on)))

    @invariant()
    def the_machine_knows_its_alarm(self) -> None:
        if hasattr(self, "world"):
            check((self.world.machine.alarm is not None) == self.is_alarm_on)
            check(self.world.machine.owes_clear == self.is_doubtful)

    def teardown(self) -> None:
        """From wherever it got to, a healthy process gets well."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.is_startable = world.answers = True
        for event in (Maintenance(False), GateOpened(), Initialised(True)):
            world.feed(event)
        world.finish()
        if world.conf.mode is Mode.IGNORE:
            check(world.machine.state is State.IGNORED)
            return
        self.get_well()
        if world.machine.state in (State.STOPPED, State.IGNORED, State.FAILED):
            self.is_ordered_down = False
            world.order(Verb.START)
        self.get_well()
        check(world.machine.state is State.RUNNING, world.machine)
        check(world.machine.alarm is None)
        check(not world.machine.owes_clear)
        check(world.machine.failures == 0)

    def get_well(self) -> None:
        """For a thousand seconds, which are never needed, or until time changes nothing any more."""
        for _ in range(50):
            self.world.run(20)
            if self.world.machine.state in (State.RUNNING, State.STOPPED, State.IGNORED, State.FAILED):
                return


AnyHistory.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


class AnyHistoryTest(AnyHistory.TestCase):
    pass


class IntervalTest(base.BaseTestCase):
    def test_an_interval_of_zero_is_no_busy_loop(self) -> None:
        world = World(with_(CONF, interval=0.0, startuptime=0.0))
        world.is_startable = False
        world.begin()
        world.run(60)
        self.assertLess(len(world.of(Spawn)), 200)

    def test_a_long_interval_is_not_shortened_by_the_limit(self) -> None:
        self.assertEqual(300.0, moves.restart_interval(with_(CONF, interval=300.0), 9))
