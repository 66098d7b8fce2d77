# SPDX-License-Identifier: Apache-2.0
"""Lives of hosts at random: whatever happens, each comes to rest, and says only what may be said."""

import dataclasses
import datetime
import unittest

import hypothesis
from hypothesis import strategies as st

from mtce.life import machine
from mtce.life.model import Cause, FailureAction, Life, Procedure, Stage
from mtce.tests.unit.life.world import TASKS, World

HOUR_S = 3600.0
_ACTIONS = (
    *("lock", "force-lock", "unlock", "force-unlock", "swact", "force-swact"),
    *("reboot", "reset", "reinstall", "power-on", "power-off"),
)
_PUBLISHED = {
    ("locked", "disabled"): {"online", "offline", "power-off"},
    ("unlocked", "disabled"): {"online", "offline", "failed", "intest", "power-off"},
    ("unlocked", "enabled"): {"available", "degraded"},
}

_WORKER_OUT = {"not-installed", "online", "offline", "failed", "intest", "power-off"}

_event = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(_ACTIONS)),
    st.tuples(st.just("link"), st.sampled_from(("mgmt", "cluster")), st.booleans()),
    st.tuples(st.just("power"), st.sampled_from(("power_on", "power_off", "reset"))),
    st.tuples(st.just("set"), st.just("hangs"), st.booleans()),
    st.tuples(st.just("set"), st.just("obeys"), st.booleans()),
    st.tuples(st.just("set"), st.just("is_spared"), st.booleans()),
    st.tuples(st.just("set"), st.just("is_cold_start"), st.booleans()),
    st.tuples(st.just("set"), st.just("has_other"), st.booleans()),
    st.tuples(st.just("active"), st.booleans()),
    st.tuples(st.just("set"), st.just("hands_over"), st.sampled_from((None, False, True))),
    st.tuples(st.just("set"), st.just("config"), st.sampled_from(("passed", "failed", "pending"))),
    st.tuples(st.just("set"), st.just("failing"), st.frozensets(st.sampled_from(TASKS), max_size=2)),
    st.tuples(st.just("set"), st.just("severities"), st.frozensets(st.sampled_from(("minor", "major", "critical")), max_size=2)),
    st.tuples(st.just("set"), st.just("board"), st.sampled_from(("none", "good", "dead", "lying"))),
    st.tuples(st.just("set"), st.just("is_given_up"), st.booleans()),
    st.tuples(st.just("set"), st.just("is_degraded"), st.booleans()),
    st.tuples(st.just("action"), st.sampled_from(FailureAction)),
    st.tuples(st.just("set"), st.just("installer"), st.sampled_from(("good", "failing", "silent"))),
    st.tuples(st.just("sensor"), st.sampled_from((Procedure.RESET, Procedure.POWER_CYCLE, Procedure.POWER_CYCLE))),
    st.tuples(st.just("restart")),
    st.tuples(st.just("pass"), st.sampled_from((0.5, 1.5, 4.0, 12.0, 60.0, 310.0, 800.0))),
)
_world = st.fixed_dictionaries(
    {
        "personality": st.sampled_from(("worker", "controller", "storage")),
        "is_all_in_one": st.booleans(),
        "is_self": st.booleans(),
        "is_simplex": st.booleans(),
        "board": st.sampled_from(("none", "good", "dead", "lying")),
        "may_reboot": st.booleans(),
        # How it begins: whether it was unlocked already, and how often it was power-cycled a moment ago.
        "is_begun": st.booleans(),
        "cycles": st.integers(0, 3),
    }
)


def _make(given: dict[str, object]) -> World:
    given, is_begun, cycles = {**given}, given["is_begun"], given["cycles"]
    del given["is_begun"], given["cycles"]
    if given["personality"] != "controller":
        given |= {"is_all_in_one": False, "is_self": False, "is_simplex": False}
    world = World(**given)  # type: ignore[arg-type]
    world.power_on()
    world.pass_s(25.0)
    if is_begun:
        world.ask("unlock")
        world.pass_s(60.0)
    if cycles:
        world.life = world.life.changed(failures={**world.life.failures, str(Cause.SENSOR): cycles})
    return world


def _happen(world: World, event: tuple[object, ...]) -> None:
    kind, *rest = event
    if kind == "ask":
        world.ask(str(rest[0]))
    elif kind == "link":
        world.links[str(rest[0])] = bool(rest[1])
    elif kind == "power":
        getattr(world, str(rest[0]))()
    elif kind == "active":
        world.is_self = bool(rest[0]) and world.personality == "controller"
    elif kind == "sensor":
        # A step takes it up at once, before anything else happens.
        world.wanted_by_sensor = Procedure(str(rest[0]))
        world.pass_s(0.5)
    elif kind == "action":
        world.limits = dataclasses.replace(world.limits, failure_action=FailureAction(str(rest[0])))
    elif kind == "restart":
        world.life = world.life.changed(since=world.now)
    elif kind == "set":
        setattr(world, str(rest[0]), rest[1])
    else:
        world.pass_s(float(str(rest[0])), 0.5 if float(str(rest[0])) < 100 else 5.0)


def _become_kind(world: World) -> None:
    """From now on everything works."""
    world.links.update(mgmt=True, cluster=True)
    world.hangs, world.obeys, world.is_spared, world.is_cold_start, world.has_other = False, True, False, False, True
    world.is_given_up = world.is_degraded = False
    world.limits = dataclasses.replace(world.limits, failure_action=FailureAction.FAIL)
    world.config, world.failing, world.severities = "passed", frozenset(), frozenset()
    world.board = "good" if world.board != "none" else "none"
    world.power_on()


class LivesTest(unittest.TestCase):
    @hypothesis.settings(max_examples=100, deadline=datetime.timedelta(seconds=20))
    @hypothesis.given(_world, st.lists(_event, max_size=25))
    def test_every_life_comes_to_rest_once_everything_works(
        self, given: dict[str, object], events: list[tuple[object, ...]]
    ) -> None:
        world = _make(given)
        for event in events:
            _happen(world, event)
        _become_kind(world)
        world.pass_s(3 * HOUR_S, 20.0)
        life = world.life
        self.assertIsNone(life.procedure, life)
        self.assertIsNone(life.stage)
        is_left = "threshold reached" in life.task or "powered off until" in life.task
        self.assertTrue(life.task == "" or is_left, life)
        if life.administrative == "unlocked":
            self.assertTrue(life.operational == "enabled" or is_left, life)
            if life.operational == "enabled" and world.is_all_in_one:
                self.assertTrue(life.subfunction_oper == "enabled" or life.cause is not None, life)
        else:
            self.assertIn(life.availability, ("online", "power-off"))
        for each in world.history:
            allowed = _PUBLISHED[(each.administrative, each.operational)]
            self.assertIn(each.availability, allowed, each)
            self._check_worker(each, world)
            if each.procedure is not None:
                self.assertIn(each.stage, machine.STAGES[each.procedure])
        self._check_power_cycles(world)

    def _check_worker(self, life: Life, world: World) -> None:
        """The worker of a controller works at most while the controller does; a host without one has no second state."""
        if not world.is_all_in_one:
            self.assertEqual(("disabled", "not-installed"), (life.subfunction_oper, life.subfunction_avail), life)
        elif life.subfunction_oper == "enabled":
            self.assertEqual(("unlocked", "enabled"), (life.administrative, life.operational), life)
            self.assertIn(life.subfunction_avail, ("available", "degraded"), life)
        else:
            self.assertIn(life.subfunction_avail, _WORKER_OUT, life)

    def _check_power_cycles(self, world: World) -> None:
        """Nothing has a host switched on while it cools, and none is power-cycled more often than it may be."""
        for order, life in world.orders:
            if life.procedure is Procedure.POWER_CYCLE and life.stage is not Stage.POWER and life.stage is not Stage.BOOT:
                self.assertEqual("power-off", order)
        for life in world.history:
            self.assertNotIn("power-on", machine.wanted(life, world.facts()).order if life.stage is Stage.COOL_OFF else "")
            self.assertLessEqual(life.failures.get(Cause.SENSOR, 0), world.limits.attempts[Cause.SENSOR])

    @hypothesis.settings(max_examples=60, deadline=datetime.timedelta(seconds=20))
    @hypothesis.given(_world, st.lists(_event, max_size=20))
    def test_every_host_can_be_locked_and_unlocked_again(
        self, given: dict[str, object], events: list[tuple[object, ...]]
    ) -> None:
        world = _make(given)
        for event in events:
            _happen(world, event)
        world.ask("force-lock")
        world.pass_s(200.0, 1.0)
        self.assertEqual(("locked", None), (world.life.administrative, world.life.procedure))
        _become_kind(world)
        world.pass_s(60.0, 1.0)
        world.ask("unlock")
        world.pass_s(2000.0, 2.0)
        self.assertEqual(("unlocked", "enabled"), (world.life.administrative, world.life.operational), world.life)

    def test_every_procedure_has_stages_and_every_stage_a_step(self) -> None:
        self.assertEqual(set(Procedure), set(machine.STAGES))
        self.assertEqual(set(Stage), set().union(*machine.STAGES.values()))
