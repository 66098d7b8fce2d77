# SPDX-License-Identifier: Apache-2.0
"""The services of one controller: which state each shall have, what is done for it, and what is told of it.

One thread, woken by what happens: actions and processes end, the lease comes and goes, the other controller says something. Nothing is
polled. All decisions are in pure modules; this one carries them out.
"""

import collections
import dataclasses
import logging
import os
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sm import actions, activity, group, service
from sm.actions import Runner
from sm.activity import Activity, Copies, Order, Phase
from sm.daemon import View, Wish
from sm.group import GroupState, Side
from sm.messages import Hello
from sm.model import Model, Service
from sm.service import Condition, Desire, Died, Facts, Machine, Recover, Report, Result, Run, State, Status, Tick, Verb

LOG = logging.getLogger(__name__)

_IDLE_S = 60.0
# A group that failed, and has nowhere else to go, is tried again so often.
RECOVER_S = 30.0
# After the lease has ended, everything that needs it has to be gone by then; a host that cannot do that starts anew.
STOP_S = 60.0
# After its start, a controller listens for so long before it takes its own data for any good.
ORIENT_S = 1.5
# To stop everything when the process is told to end.
RETIRE_S = 60.0
_DATA = "data"


@dataclasses.dataclass(frozen=True)
class Shown:
    """What is told of a group: desired state, state, status, condition, and the services that are not well."""

    desired: State
    state: GroupState
    status: Status
    condition: Condition
    failing: tuple[str, ...] = ()


@dataclasses.dataclass
class _Held:
    """One service as the engine has it.

    :ivar failed_at: when it failed last
    :ivar watched: descriptor of its process
    :ivar is_managed: it is not left to itself
    :ivar restart: it is to be disabled, and enabled again
    """

    about: Service
    group: str
    machine: Machine = dataclasses.field(default_factory=Machine)
    failed_at: float | None = None
    watched: int | None = None
    is_managed: bool = True
    restart: bool = False


class Lease(Protocol):
    """What the engine sees of the lease, and tells it: a Leaseholder."""

    view: View

    @property
    def descriptor(self) -> int:
        """It can be read when there is something to hear."""

    @property
    def repeat_at(self) -> float:
        """When something is to be told again."""

    def want(self, wish: Wish) -> None: ...

    def hear(self) -> None:
        """:raises EOFError: when there is nobody any more who could hold the lease"""


class Observer:
    """What hears of changes; the database and alarms are behind it."""

    def service(self, name: str, group_name: str, machine: Machine, failed_at: float | None) -> None: ...

    def group(self, name: str, shown: Shown) -> None: ...

    def activity(self, now: Activity, before: Activity) -> None: ...

    def node(self, is_ready: bool, states: tuple[str, str, str]) -> None: ...

    def peers(self, view: View) -> None: ...

    def settled(self) -> None:
        """Everything that followed from one event has been told."""


class Engine:
    """:param name: of this controller
    :param peer: name of the other one, where there is one
    :param lease: what is seen of the lease, and told what is wanted
    :param reboot: starts the host anew, when a service cannot be stopped that must
    """

    def __init__(
        self,
        name: str,
        peer: str | None,
        model: Model,
        observer: Observer,
        lease: Lease,
        reboot: Callable[[str], None],
        boot: str,
        clock: Callable[[], float] = time.monotonic,
        failed_at: Mapping[str, float] | None = None,
    ) -> None:
        self.name = name
        self.peer = peer
        self.activity = Activity(name)
        self.is_ready = True
        self.states = ("unlocked", "enabled", "available")
        self._model = model
        self._observer = observer
        self._lease = lease
        self._reboot = reboot
        self._boot = boot
        self._clock = clock
        self._held = {
            member: _Held(model.services[member], name_, failed_at=(failed_at or {}).get(member))
            for name_, each in model.groups.items()
            for member in each.members
        }
        self._shown: dict[str, Shown] = {}
        self._told: dict[str, Machine] = {}
        self._events: collections.deque[Callable[[], None]] = collections.deque()
        self._is_stopping = False
        self._order: Order | None = None
        self._order_left: set[str] = set()
        self._order_done: bool | None = None
        self._is_standalone = False
        self._retire_by = float("inf")
        self._oriented_at = clock() + ORIENT_S
        self._recover_at = float("inf")
        self._stop_by = float("inf")
        self._wish = Wish()
        self._seen_view: View | None = None
        self._seen_own: tuple[bool, tuple[str, str, str]] | None = None
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        self.watch(lease.descriptor, self._hear)
        addresses = {
            held.about.name: found
            for held in self._held.values()
            if any(call.plugin == "address" for call in held.about.calls.values())
            and (found := actions.floating(held.about.parameters)) is not None
        }
        self._runner = Runner(clock, self.watch, self.ignore, addresses)

    # -- events from elsewhere

    def call(self, function: Callable[[], None]) -> None:
        """Have something done in the engine's thread; may be called by any."""
        self._events.append(function)
        self.nudge()

    def nudge(self) -> None:
        """Look again; may be called by any thread."""
        try:
            self._waker.send(b"\0")
        except OSError:
            # It is full of such calls already, or the engine has ended.
            return

    def stop(self) -> None:
        """End the loop, and leave services as they are; may be called by any thread."""
        self._is_stopping = True
        self.nudge()

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def ignore(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def retire(self) -> None:
        """Stop services, then end."""
        if self._retire_by == float("inf"):
            LOG.info("told to end: services stop")
            self._retire_by = self._clock() + RETIRE_S
            self.is_ready = False

    def _hear(self) -> None:
        try:
            self._lease.hear()
        except EOFError as error:
            LOG.critical("%s: services stop", error)
            self._selector.unregister(self._lease.descriptor)
            self.retire()

    def _drain(self) -> None:
        self._woken.recv(4096)

    # -- the loop

    def run(self) -> None:
        while not self._is_stopping:
            self.turn()
            if self._retire_by < float("inf") and (self.is_stopped or self._clock() >= self._retire_by):
                break
        self.close()

    def close(self) -> None:
        """End what is at work; services stay as they are."""
        self._runner.close()
        for held in self._held.values():
            self._forget_process(held)
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def turn(self) -> None:
        """Wait for what comes next, and do all that follows from it."""
        self.advance()
        for key, _ in self._selector.select(self._wait_s()):
            key.data()
        self._runner.expire()
        self.advance()

    def _wait_s(self) -> float:
        now = self._clock()
        moments = [
            now + _IDLE_S,
            self._runner.next_deadline(),
            self._recover_at,
            self._stop_by,
            self._retire_by,
            self._lease.repeat_at,
            self._next_of_activity(now),
        ]
        moments += [] if now >= self._oriented_at else [self._oriented_at]
        moments += [held.machine.next_deadline(now) for held in self._held.values() if held.is_managed]
        return max(0.0, min(moments) - now)

    def _next_of_activity(self, now: float) -> float:
        mine = self.activity
        moments = [mine.deadline] if mine.phase in (Phase.LEAVING, Phase.AWAY) else []
        if mine.lost_at is not None:
            moments.append(mine.lost_at + activity.GRACE_S)
        if mine.phase is Phase.ACTIVE and mine.copies is Copies.ALONE and mine.retry_at > now:
            moments.append(mine.retry_at)
        return min(moments, default=float("inf"))

    def advance(self) -> None:
        """Until nothing follows from anything any more."""
        while True:
            while self._events:
                self._events.popleft()()
            self._advance_activity()
            self._advance_services()
            if not self._events:
                break
        self._show()

    # -- the activity

    def facts(self) -> activity.Facts:
        view, now = self._lease.view, self._clock()
        peer, hello = self._peer(view)
        return activity.Facts(
            now,
            Side(self.name, self.is_ready, True, tuple(self._status(name) for name in self._moving()), self._down(view, hello)),
            view.holds,
            # What is seen may be older than what was wanted last.
            view.record.eligible if view.is_agreed and view.number == self._wish.number else None,
            peer,
            hello is not None and hello.has_data,
            hello is not None and hello.is_active,
            all(held.machine.state is State.ACTIVE for held in self._held.values() if held.about.has_data),
            self._is_standalone,
            self._order_done,
            self.is_stopped,
        )

    def _peer(self, view: View) -> tuple[Side | None, Hello | None]:
        hello = next((each for each in view.heard.values() if each.is_controller), None)
        if hello is None:
            return None, None
        moving = self._moving()
        found = tuple(Status(status) for name, (_, status, _) in sorted(hello.groups.items()) if name in moving)
        down = group.down(hello.networks, view.networks, self._hears(view, hello.sender))
        # One that has not granted yet does not know the record, and could not ask for the lease.
        is_eligible = hello.sender in view.record.eligible and (hello.sender in view.granting or not view.holds)
        return Side(hello.sender, hello.is_ready, is_eligible, found, down), hello

    @staticmethod
    def _hears(view: View, name: str) -> dict[str, bool]:
        """Where a host that was ever heard still is."""
        return {network: is_heard for (network, heard), is_heard in view.paths.items() if heard == name}

    @staticmethod
    def _down(view: View, hello: Hello | None) -> int:
        return group.down(view.networks, hello.networks, hello.hears) if hello else group.down(view.networks, {}, {})

    def _moving(self) -> list[str]:
        return sorted(name for name, each in self._model.groups.items() if not each.is_everywhere)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing here needs the lease."""
        moving = set(self._moving())
        return all(
            held.machine.state in (held.about.conf.wanted(State.STANDBY), State.DISABLED) or not held.is_managed
            for held in self._held.values()
            if held.group in moving
        )

    def _advance_activity(self) -> None:
        before = self.activity
        now, orders = activity.step(before, self.facts())
        self._follow(before, now, orders)

    def _follow(self, before: Activity, now: Activity, orders: list[Order]) -> None:
        self.activity = now
        if now.phase is not before.phase or now.copies is not before.copies:
            LOG.info("%s, %s (before: %s, %s)", now.phase, now.copies, before.phase, before.copies)
            self._observer.activity(now, before)
            if before.phase not in (Phase.PASSIVE, Phase.AWAY) and now.phase is Phase.PASSIVE:
                self._stop_by = self._clock() + STOP_S
        for order in orders:
            self._begin(order)
        self._tell()

    def _tell(self) -> None:
        wants, eligible = self.activity.wants_lease and (self.is_ready or not self.is_stopped), self.activity.eligible
        number = self._wish.number + (eligible != self._wish.eligible)
        self._wish = Wish(self._hello(), wants, eligible, number)
        self._lease.want(self._wish)

    def _hello(self) -> Hello:
        with_data = [held for held in self._held.values() if held.about.has_data]
        return Hello(
            self.name,
            True,
            self._boot,
            0,
            self.is_ready,
            self.activity.phase in (Phase.TAKING, Phase.ACTIVE),
            all(held.machine.state is State.STANDBY and held.machine.status is not Status.FAILED for held in with_data),
            {name: (str(each.state), str(each.status), str(each.condition)) for name, each in self._shown.items()},
            self.states,
            dict(self._lease.view.networks),
            self._hears(self._lease.view, self.peer) if self.peer else {},
        )

    def _begin(self, order: Order) -> None:
        """Attach or detach all that has data, at the same time."""
        for held in self._held.values():
            self._runner.end(f"{_DATA}:{held.about.name}")
        wanted = [held.about for held in self._held.values() if held.about.has_data]
        self._order, self._order_done, self._is_standalone = order, None, False
        self._order_left = {each.name for each in wanted}
        if not wanted:
            self._order_done = True
        for each in wanted:
            self._runner.start(
                f"{_DATA}:{each.name}",
                each.name,
                each.calls[str(order)],
                self._parameters(each),
                self._heard_of(order, each.name),
            )

    def _heard_of(self, order: Order, name: str) -> actions.Done:
        def heard(code: int, text: str) -> None:
            self._events.append(lambda: self._carried_out(order, name, code, text))

        return heard

    def _carried_out(self, order: Order, name: str, code: int, text: str) -> None:
        if order is not self._order or name not in self._order_left:
            return
        self._order_left.discard(name)
        if code:
            LOG.warning("%s: %s failed (%s): %s", name, order, code, text)
            self._order_done, self._order_left = False, set()
        elif not self._order_left:
            # What an audit found before is out of date.
            self._order_done, self._is_standalone = True, False

    def hand_over(self, is_forced: bool = False) -> str | None:
        """Let the other controller have the activity. Gives why not, if it cannot.

        :param is_forced: also when services have failed there; never to one that lacks data
        """
        before = self.activity
        now, reason = activity.leave(before, self.facts(), is_forced)
        self._follow(before, now, [])
        return reason

    # -- services

    def desired(self, held: _Held) -> State:
        if not held.is_managed:
            return State.SHUTDOWN
        if not self.is_ready or held.restart or (held.about.has_data and not self._is_oriented()):
            return State.DISABLED
        if self._model.groups[held.group].is_everywhere or self.activity.is_active:
            return State.ACTIVE
        return State.STANDBY

    def _is_oriented(self) -> bool:
        """Whether the other controller, if it is active, has had time to say so, and whose data count."""
        return self.peer is None or self._lease.view.holds or self._clock() >= self._oriented_at

    def _advance_services(self) -> None:
        """Each step may let another one go on."""
        is_moving = True
        while is_moving:
            is_moving = False
            for held in self._held.values():
                wanted = self.desired(held)
                before = held.machine
                if wanted is not before.desired:
                    self._take(held, Desire(wanted))
                elif before.running is None:
                    self._take(held, Tick())
                if held.restart and held.machine.state is State.DISABLED:
                    held.restart = False
                    is_moving = True
                if held.machine is not before and held.machine != before:
                    is_moving = True

    def _take(self, held: _Held, event: service.Event) -> None:
        before = held.machine
        held.machine, runs = service.step(held.about.conf, before, event, self._dependencies(held), self._clock())
        if held.machine.status is Status.FAILED and before.status is not Status.FAILED:
            held.failed_at = time.time()
        if isinstance(event, Recover):
            held.failed_at = None
        if held.machine.state is not before.state:
            self._watch_process(held)
        for run in runs:
            self._run(held, run)

    def _run(self, held: _Held, run: Run) -> None:
        name, number = held.about.name, run.running.number
        call = dataclasses.replace(held.about.calls[str(run.running.verb)], timeout_s=run.timeout_s)

        def done(code: int, text: str) -> None:
            self._events.append(lambda: self._ended(held, run, code, text))

        LOG.debug("%s: %s (%s)", name, run.running.verb, number)
        self._runner.start(name, name, call, self._parameters(held.about), done)

    def _parameters(self, about: Service) -> dict[str, str]:
        """Those of a service; with data, also whether own data may be thrown away for those of the active controller."""
        return {**about.parameters, **({"expendable": "yes" if self.is_expendable else "no"} if about.has_data else {})}

    @property
    def is_expendable(self) -> bool:
        """Whether it is known that nobody counts on this controller's data, and the other one is active."""
        view = self._lease.view
        _, hello = self._peer(view)
        return hello is not None and hello.is_active and bool(view.record.voters) and self.name not in view.record.eligible

    def _ended(self, held: _Held, run: Run, code: int, text: str) -> None:
        verb, number = run.running.verb, run.running.number
        call = held.about.calls[str(verb)]
        if code == actions.TIMED_OUT:
            LOG.warning("%s: %s did not end within %g s: %s", held.about.name, verb, run.timeout_s, text)
            self._take(held, Report(number, Result.TIMEOUT))
            return
        outcome = self._model.outcome(call, code)
        if outcome.result is not Result.SUCCESS:
            LOG.warning("%s: %s failed (%s): %s", held.about.name, verb, code, text)
        if verb is Verb.AUDIT_ENABLED and held.about.has_data:
            self._is_standalone = outcome.condition is Condition.DATA_STANDALONE
            if outcome.condition is Condition.DATA_SYNCING and self.is_expendable:
                # It does not follow by itself: with another start it gets the data of the active one.
                LOG.warning("%s does not follow, and is started again", held.about.name)
                held.restart = True
        # What an action is for is known; only those that look may find something else.
        state = outcome.state if verb in service.AUDITS or outcome.state is State.DISABLED else None
        self._take(held, Report(number, outcome.result, state, outcome.status, outcome.condition))

    def _dependencies(self, held: _Held) -> Facts:
        return Facts({verb: all(self._allows(verb, other) for other in others) for verb, others in held.about.waits.items()})

    def _allows(self, verb: Verb, other: str) -> bool:
        held = self._held.get(other)
        if held is None or not held.is_managed:
            return True
        state, conf = held.machine.state, held.about.conf
        if verb in (Verb.ENABLE, Verb.GO_ACTIVE):
            return state is State.ACTIVE or conf.wanted(self.desired(held)) is State.STANDBY
        # One that is restarted in place does not take along what uses it.
        return state in (State.DISABLED, State.STANDBY) or self.desired(held) is State.ACTIVE

    def _watch_process(self, held: _Held) -> None:
        """Its end is heard of at once, where its process is known."""
        self._forget_process(held)
        if held.machine.state not in (State.ACTIVE, State.STANDBY):
            return
        call = held.about.calls.get("enable")
        pid = None
        if held.about.pid_file:
            pid = actions.pid_in(held.about.pid_file)
        elif call is not None and call.plugin == "systemd":
            pid = actions.main_pid(call.name)
        if pid is None:
            return
        try:
            held.watched = os.pidfd_open(pid)
        except OSError:
            # It has ended meanwhile.
            self._events.append(lambda: self._take(held, Died()))
            return
        self.watch(held.watched, lambda: self._died(held))

    def _forget_process(self, held: _Held) -> None:
        if held.watched is not None:
            self.ignore(held.watched)
            os.close(held.watched)
            held.watched = None

    def _died(self, held: _Held) -> None:
        self._forget_process(held)
        LOG.warning("%s: its process has ended", held.about.name)
        self._take(held, Died())

    # -- what operators may do

    def recover(self, name: str) -> None:
        """:raises KeyError: when there is no such service"""
        self._take(self._held[name], Recover())

    def restart(self, name: str) -> None:
        """:raises KeyError: when there is no such service"""
        self._held[name].restart = True

    def manage(self, name: str, is_managed: bool) -> None:
        """:raises KeyError: when there is no such service"""
        held = self._held[name]
        if is_managed and not held.is_managed:
            # What became of it meanwhile is looked at anew.
            held.machine = dataclasses.replace(Machine(), number=held.machine.number)
        held.is_managed = is_managed

    def set_node(self, is_ready: bool, states: tuple[str, str, str]) -> None:
        self.is_ready, self.states = is_ready, states

    # -- what is told

    def _status(self, name: str) -> Status:
        return self._shown[name].status if name in self._shown else Status.NONE

    def _show(self) -> None:
        own = self.is_ready, self.states
        if own != self._seen_own:
            self._seen_own = own
            self._observer.node(*own)
        view = self._lease.view
        if view != self._seen_view:
            self._seen_view = view
            self._observer.peers(view)
            self._tell()
        for name, held in self._held.items():
            told = _told(held.machine)
            if self._told.get(name) != told:
                self._told[name] = told
                self._observer.service(name, held.group, held.machine, held.failed_at)
        changed = False
        for name in self._model.groups:
            shown = self._look_at(name)
            if self._shown.get(name) != shown:
                self._shown[name] = shown
                self._observer.group(name, shown)
                changed = True
        if changed:
            self._tell()
        self._care_for_failed()
        self._observer.settled()

    def _look_at(self, name: str) -> Shown:
        about = self._model.groups[name]
        members = [
            group.Member(held.about.conf, about.members[member], held.machine.state, held.machine.status, held.failed_at)
            for member, held in self._held.items()
            if held.group == name and held.is_managed
        ]
        desired = (
            State.DISABLED
            if not self.is_ready
            else State.ACTIVE
            if about.is_everywhere or self.activity.is_active
            else State.STANDBY
        )
        failing = [
            held
            for held in self._held.values()
            if held.group == name and held.machine.status is not Status.NONE and held.is_managed
        ]
        worst = max(failing, key=lambda held: list(Status).index(held.machine.status), default=None)
        return Shown(
            desired,
            group.state(members, desired),
            group.status(members, about.debounce_s, time.time()),
            worst.machine.condition if worst else Condition.NONE,
            tuple(sorted(held.about.name for held in failing)),
        )

    def _care_for_failed(self) -> None:
        """What failed and cannot go elsewhere is tried again; what cannot be stopped and must be takes the host along."""
        now = self._clock()
        stuck = [
            held.about.name
            for held in self._held.values()
            if held.machine.condition in (Condition.ACTION_FAILURE, Condition.FATAL_FAILURE)
            and self._model.groups[held.group].is_fatal
            and not self.activity.is_active
        ]
        if self.activity.is_active or self.is_stopped:
            self._stop_by = float("inf")
        elif now >= self._stop_by:
            stuck.append("what needs the lease")
        if stuck:
            self._stop_by = float("inf")
            self._reboot(f"{', '.join(stuck)} cannot be stopped")
        failed = [held for held in self._held.values() if held.machine.status is Status.FAILED]
        if not failed:
            self._recover_at = float("inf")
        elif now >= self._recover_at:
            self._recover_at = now + RECOVER_S
            for held in failed:
                LOG.info("%s is tried again", held.about.name)
                # That it failed goes on counting for a while.
                failed_at = held.failed_at
                self._take(held, Recover())
                held.failed_at = failed_at
        elif self._recover_at == float("inf"):
            self._recover_at = now + RECOVER_S


def _told(machine: Machine) -> Machine:
    """What others see of it: not when it is looked at next."""
    return dataclasses.replace(
        machine, running=None, number=0, audit_at=0.0, forget_at=0.0, retry_at=0.0, action_failures=0, transition_failures=0
    )


def snapshot(engine: Engine) -> dict[str, Any]:
    """For tools: what is not in the database."""
    mine = engine.activity
    return {
        "name": engine.name,
        "phase": str(mine.phase),
        "copies": str(mine.copies),
        "result": mine.result,
        "ready": engine.is_ready,
    }
