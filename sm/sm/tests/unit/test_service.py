# SPDX-License-Identifier: Apache-2.0
"""The state machine of a service, with a service that does as the test says."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from sm import service
from sm.service import Action, Condition, Conf, Desire, Died, Facts, Machine, Recover, Report, Result, State, Status, Tick, Verb

PLAIN = Conf(
    "web",
    {
        Verb.ENABLE: Action(15, 2),
        Verb.DISABLE: Action(15, 1),
        Verb.AUDIT_ENABLED: Action(15, 2, 40),
        Verb.AUDIT_DISABLED: Action(15, 0, 40),
    },
)
PAIRED = Conf("database", {**PLAIN.actions, Verb.GO_ACTIVE: Action(180, 2), Verb.GO_STANDBY: Action(180, 2)})


class ServiceTest(base.BaseTestCase):
    """:ivar done: the verbs that were carried out, in order"""

    conf = PLAIN

    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.machine = Machine(State.DISABLED)
        self.facts = Facts()
        self.done: list[Verb] = []
        self.waiting: list[service.Run] = []

    def take(self, event: service.Event) -> None:
        self.machine, runs = service.step(self.conf, self.machine, event, self.facts, self.now)
        self.waiting += runs
        self.done += [run.running.verb for run in runs]

    def report(self, result: Result = Result.SUCCESS, **found: Any) -> None:
        """The action at work ends."""
        run = self.waiting.pop(0)
        self.take(Report(run.running.number, result, **found))

    def want(self, desired: State) -> None:
        """All goes well."""
        self.take(Desire(desired))
        while self.waiting:
            self.report()

    def pass_s(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.machine.next_deadline(self.now)) <= end:
            self.now = max(self.now, deadline)
            self.take(Tick())
            while self.waiting:
                self.report()
        self.now = end

    def fail(self, times: int, result: Result = Result.FAILED) -> None:  # type: ignore[override]
        for _ in range(times):
            self.report(result)

    def shown(self) -> tuple[State, Status, Condition]:
        return self.machine.state, self.machine.status, self.machine.condition


class PlainTest(ServiceTest):
    def test_one_that_waits_for_another_service_wants_no_tick_meanwhile(self) -> None:
        self.want(State.ACTIVE)
        self.facts = Facts({Verb.DISABLE: False})
        self.now += 100.0
        self.take(Desire(State.DISABLED))
        self.take(Tick())
        self.assertEqual((State.ACTIVE, [], math.inf), (self.machine.state, self.waiting, self.machine.next_deadline(self.now)))

    def test_it_is_enabled_and_disabled_as_wanted(self) -> None:
        self.want(State.ACTIVE)
        self.assertEqual(State.ACTIVE, self.machine.state)
        self.want(State.DISABLED)
        self.assertEqual((State.DISABLED, [Verb.ENABLE, Verb.DISABLE]), (self.machine.state, self.done))

    def test_standby_is_disabled_where_there_is_no_standby(self) -> None:
        self.want(State.STANDBY)
        self.assertEqual((State.DISABLED, []), (self.machine.state, self.done))

    def test_it_waits_for_what_it_depends_on(self) -> None:
        self.facts = Facts({Verb.ENABLE: False})
        self.want(State.ACTIVE)
        self.assertEqual((State.DISABLED, []), (self.machine.state, self.done))
        self.facts = Facts()
        self.take(Tick())
        self.assertEqual((State.ENABLING, [Verb.ENABLE]), (self.machine.state, self.done))

    def test_an_action_is_tried_as_often_as_its_retries_say(self) -> None:
        self.take(Desire(State.ACTIVE))
        self.fail(2, Result.TIMEOUT)
        self.report()
        self.assertEqual(([Verb.ENABLE] * 3, State.ACTIVE, 0), (self.done, self.machine.state, self.machine.failures))

    def test_what_cannot_be_enabled_is_taken_out_and_tried_once_more_then_failed(self) -> None:
        self.take(Desire(State.ACTIVE))
        self.fail(3)
        self.now += service.RETRY_S
        self.take(Tick())
        self.report()
        self.assertEqual([*[Verb.ENABLE] * 3, Verb.DISABLE, Verb.ENABLE], self.done)
        self.fail(3)
        self.pass_s(1)
        self.assertEqual((State.DISABLED, Status.FAILED, Condition.RECOVERY_FAILURE), self.shown())
        self.assertEqual(Verb.DISABLE, self.done[-1])

    def test_the_end_of_its_process_is_mended_in_place_once(self) -> None:
        self.want(State.ACTIVE)
        self.take(Died())
        self.assertEqual(State.ENABLING, self.machine.state)
        self.report()
        self.assertEqual((State.ACTIVE, Status.NONE, Condition.NONE), self.shown())
        self.take(Died())
        self.assertEqual((State.DISABLED, Status.FAILED, Condition.RECOVERY_FAILURE), self.shown())
        self.assertEqual([], self.waiting)

    def test_a_failure_is_forgotten_after_a_while_in_service(self) -> None:
        self.want(State.ACTIVE)
        self.take(Died())
        self.report()
        self.pass_s(self.conf.forget_s + 1)
        self.assertEqual(0, self.machine.failures)
        self.take(Died())
        self.assertEqual(State.ENABLING, self.machine.state)

    def test_what_was_failed_is_well_again_when_it_is_wanted_off_or_forgiven(self) -> None:
        for forgive in (Desire(State.DISABLED), Recover()):
            self.machine = Machine(State.DISABLED, State.ACTIVE, Status.FAILED, Condition.RECOVERY_FAILURE, failures=2)
            self.take(forgive)
            self.assertEqual(
                (Status.NONE, Condition.NONE, 0), (self.machine.status, self.machine.condition, self.machine.failures)
            )

    def test_it_is_looked_at_at_its_interval(self) -> None:
        self.want(State.ACTIVE)
        self.pass_s(121)
        self.assertEqual([Verb.ENABLE, *[Verb.AUDIT_ENABLED] * 3], self.done)

    def test_one_that_is_found_out_of_service_is_brought_back(self) -> None:
        self.want(State.ACTIVE)
        self.now = self.machine.audit_at
        self.take(Tick())
        self.report(state=State.DISABLED)
        self.assertEqual((State.ENABLING, 1), (self.machine.state, self.machine.failures))

    def test_one_that_runs_though_nobody_wants_it_is_taken_out(self) -> None:
        self.machine = Machine(State.INITIAL)
        self.take(Tick())
        self.report(state=State.ACTIVE)
        self.report()
        self.assertEqual((State.DISABLED, [Verb.AUDIT_ENABLED, Verb.DISABLE]), (self.machine.state, self.done))

    def test_one_that_cannot_be_taken_out_says_so(self) -> None:
        self.want(State.ACTIVE)
        self.take(Desire(State.DISABLED))
        for _ in range(4):
            self.fail(2)
            self.now += service.RETRY_S
            self.take(Tick())
        self.assertEqual((State.DISABLING, Status.FAILED, Condition.ACTION_FAILURE), self.shown())

    def test_reports_of_earlier_attempts_change_nothing(self) -> None:
        self.take(Desire(State.ACTIVE))
        before = self.machine
        self.take(Report(0, Result.SUCCESS))
        self.assertEqual(before, self.machine)

    def test_one_that_is_left_alone_is_not_touched(self) -> None:
        self.want(State.ACTIVE)
        self.take(Desire(State.SHUTDOWN))
        self.pass_s(1000)
        self.assertEqual(([Verb.ENABLE], State.ACTIVE), (self.done, self.machine.state))


class PairedTest(ServiceTest):
    conf = PAIRED

    def test_it_goes_through_standby_both_ways(self) -> None:
        self.want(State.ACTIVE)
        self.want(State.DISABLED)
        self.assertEqual([Verb.ENABLE, Verb.GO_ACTIVE, Verb.GO_STANDBY, Verb.DISABLE], self.done)

    def test_activity_moves_without_stopping_it(self) -> None:
        self.want(State.STANDBY)
        self.want(State.ACTIVE)
        self.want(State.STANDBY)
        self.assertEqual([Verb.ENABLE, Verb.GO_ACTIVE, Verb.GO_STANDBY], self.done)

    def test_what_cannot_become_active_goes_back_to_standby_and_then_is_failed(self) -> None:
        self.want(State.STANDBY)
        self.take(Desire(State.ACTIVE))
        for _ in range(2):
            self.fail(3)
            self.now += service.RETRY_S
            self.take(Tick())
            self.report()
        self.assertEqual((State.STANDBY, Status.FAILED, Condition.RECOVERY_FAILURE), self.shown())
        self.assertEqual([], self.waiting)

    def test_what_an_action_says_of_the_data_is_shown(self) -> None:
        self.take(Desire(State.STANDBY))
        self.report(status=Status.DEGRADED, condition=Condition.DATA_SYNCING)
        self.assertEqual((State.STANDBY, Status.DEGRADED, Condition.DATA_SYNCING), self.shown())


class AnyHistoryTest(base.BaseTestCase):
    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from((PLAIN, PAIRED)),
        st.lists(
            st.one_of(
                st.sampled_from((Desire(State.ACTIVE), Desire(State.STANDBY), Desire(State.DISABLED), Died(), Recover(), Tick())),
                st.sampled_from(Result),
                st.floats(0.01, 200),
            ),
            max_size=60,
        ),
    )
    def test_one_action_at_a_time_and_it_ends_where_it_is_wanted_when_all_goes_well(self, conf: Conf, history: list[Any]) -> None:
        machine, now, waiting = Machine(), 0.0, []
        for happens in [*history, Recover(), Desire(State.ACTIVE), *[Tick()] * 3]:
            now += happens if isinstance(happens, float) else 0.0
            event = Tick() if isinstance(happens, float) else happens
            if isinstance(event, Result):
                event = Report(waiting.pop().running.number, event) if waiting else Tick()
            machine, runs = service.step(conf, machine, event, Facts(), now)
            # An action that is not waited for any more is ended by the next one.
            waiting = runs or (waiting if machine.running is not None else [])
            self.assertLessEqual(len(waiting), 1)
            self.assertEqual(bool(waiting), machine.running is not None)
            self.assertEqual(machine.status is Status.FAILED, machine.condition in _FAILURES)
        for _ in range(12):
            if waiting:
                event = Report(waiting.pop().running.number, Result.SUCCESS)
            else:
                deadline = machine.next_deadline(now)
                now = deadline if deadline < math.inf else now + 1
                event = Tick()
            machine, runs = service.step(conf, machine, event, Facts(), now)
            waiting = runs or (waiting if machine.running is not None else [])
            if machine.state is State.ACTIVE and not waiting:
                return
        self.fail(f"{machine}")


_FAILURES = (Condition.RECOVERY_FAILURE, Condition.ACTION_FAILURE, Condition.FATAL_FAILURE)
