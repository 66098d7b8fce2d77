# SPDX-License-Identifier: Apache-2.0
"""A controller's loop: what it makes of the lease, of the other controller and of its own services, and what is told of it all.

One thread, woken by what happens: actions and processes end, the lease comes and goes, the other controller says something. Nothing but
the host's lock is polled. All decisions are in pure modules; this one carries them out.
"""

import collections
import dataclasses
import logging
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sm import actions, activity, fencing, recovery, sight
from sm.actions import Runner
from sm.activity import Activity, Copies, Order, Phase
from sm.daemon import View, Wish
from sm.fencing import FENCING
from sm.group import Side
from sm.messages import Hello
from sm.model import Model
from sm.peer_board import Means, PeerBoard
from sm.recovery import Recovery
from sm.service import Machine, State, Status
from sm.services import Held, Services, Shown

LOG = logging.getLogger(__name__)

_IDLE_S = 60.0
# How often it is looked whether the host is locked.
LOOK_S = 1.0
LOCKED_STATES = ("locked", "disabled", "online")
# After the lease has ended, everything that needs it has to be gone by then; a host that cannot do that starts anew.
STOP_S = 60.0
# After its start, a controller listens for so long before it takes its own data for any good.
ORIENT_S = 1.5
# To stop everything when the process is told to end.
RETIRE_S = 60.0
# For the other controller, after that, to do without it.
DEPART_S = 5.0
# A loop that has not turned for so long hangs: the lease's process asks for more than one turn a second.
ALIVE_S = 10.0
_DATA = "data"


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

    def fencing(self, text: str) -> None:
        """What is done to the other controller."""

    def settled(self) -> None:
        """Everything that followed from one event has been told."""


class Engine:
    """:param name: of this controller
    :param peer: name of the other one, where there is one
    :param lease: what is seen of the lease, and told what is wanted
    :param reboot: starts the host anew, when a service cannot be stopped that must
    :param means: how the other one's power is cut, where it can be
    :param is_locked: whether an operator has this host out of service; a standby has no services then
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
        means: Means | None = None,
        is_locked: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.peer = peer
        self.activity = Activity(name)
        self._may_be_ready, self._told_states = True, ("unlocked", "enabled", "available")
        self._look_if_locked, self._is_locked, self._look_at = is_locked, False, clock()
        self._model = model
        self._observer = observer
        self._lease = lease
        self._reboot = reboot
        self._boot = boot
        self._clock = clock
        self._shown: dict[str, Shown] = {}
        self._told: dict[str, Machine] = {}
        self._events: collections.deque[Callable[[], None]] = collections.deque()
        # Of the last order that was given: its number, who has not carried it out yet, and how it came out.
        self._order = 0
        self._order_left: set[str] = set()
        self._order_done: bool | None = None
        # Who was eligible by the last record that was agreed on.
        self._agreed: frozenset[str] = frozenset()
        self._turned_at = clock()
        self._has_rebooted = False
        self._retire_by = self._depart_by = float("inf")
        self._oriented_at = clock() + ORIENT_S
        # By name, of services that have failed.
        self._recoveries: dict[str, Recovery] = {}
        self._stop_by = float("inf")
        self._was_expendable = False
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
            name: found
            for name, each in model.services.items()
            if each.is_address and (found := actions.floating(each.parameters)) is not None
        }
        self._runner = Runner(clock, self.watch, self.ignore, addresses)
        self.services = Services(model, self, self._runner, clock, failed_at or {})
        self._board: PeerBoard | None = None
        if means is not None and peer is not None:
            self._board = PeerBoard(peer, means, self._runner, clock, self.later, observer.fencing)

    # -- events from elsewhere

    def call(self, function: Callable[[], None]) -> None:
        """Have something done by the loop; may be called by a signal handler, and by any thread."""
        self.later(function)
        self.nudge()

    def later(self, event: Callable[[], None]) -> None:
        self._events.append(event)

    def nudge(self) -> None:
        """Look again; may be called by any thread."""
        try:
            self._waker.send(b"\0")
        except OSError:
            # It is full of such calls already, or the engine has ended.
            return

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def ignore(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def retire(self) -> None:
        """Stop services, then end."""
        if self._retire_by == float("inf"):
            LOG.info("told to end: services stop")
            self._retire_by = self._clock() + RETIRE_S
            self._may_be_ready = False

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
        while self._retire_by == float("inf") or not (self.is_done() or self._clock() >= self._retire_by):
            self.turn()
        self.close()

    def is_done(self) -> bool:
        """Whether nothing is left to stop.

        Nor does the other controller count on this one, for which it would cut its power; and it is owed none itself.
        """
        view = self._lease.view
        is_counted_on = {self.name, FENCING} <= view.record.voters and self.peer in view.heard
        is_owing = self._board is not None and self._board.is_owing
        if self.services.is_stopped and self._depart_by == float("inf"):
            self._depart_by = self._clock() + DEPART_S
        return self.services.is_stopped and not ((is_counted_on or is_owing) and self._clock() < self._depart_by)

    def close(self) -> None:
        """End what is at work; services stay as they are."""
        self._runner.close()
        self.services.close()
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def is_alive(self) -> bool:
        """Whether it has turned not long ago; may be called by any thread."""
        return self._clock() - self._turned_at < ALIVE_S

    def turn(self) -> None:
        """Wait for what comes next, and do all that follows from it."""
        self._turned_at = self._clock()
        self._look_for_lock()
        self.advance()
        for key, _ in self._selector.select(self._wait_s()):
            key.data()
        self._runner.expire()
        self.advance()

    def _wait_s(self) -> float:
        # What was due when this turn began has been done, or waits for something else.
        now = self._turned_at
        moments = [
            now + _IDLE_S,
            self._runner.next_deadline(),
            *(each.at for each in self._recoveries.values()),
            self._stop_by,
            self._retire_by,
            self._depart_by,
            self._look_at,
            self._board.next_moment(now) if self._board is not None else now + _IDLE_S,
            self._lease.repeat_at,
            self._next_of_activity(now),
            self.services.next_deadline(now),
        ]
        moments += [] if now >= self._oriented_at else [self._oriented_at]
        return max(0.0, min(moments) - self._clock())

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
            if self._was_expendable != self.is_expendable:
                self._was_expendable = self.is_expendable
                if self._was_expendable:
                    # Data of an active controller that was cut off do not follow by themselves.
                    self.services.look_at_data()
            self._fence()
            self.services.advance()
            if not self._events:
                break
        self._show()

    # -- the activity

    def facts(self) -> activity.Facts:
        view, now = self._lease.view, self._clock()
        hello = sight.other(view)
        return activity.Facts(
            now,
            Side(
                self.name,
                self.is_ready,
                True,
                tuple(self._status(name) for name in sorted(self.services.moving)),
                sight.down(view, hello),
            ),
            view.holds,
            # What is seen may be older than what was wanted last.
            view.record.eligible if view.is_agreed and view.number == self._wish.number else None,
            sight.side(view, hello, self.services.moving),
            hello is not None and hello.has_data,
            hello is not None and hello.is_active,
            self.services.leads,
            bool(self.services.standalone),
            self._order_done,
            self.services.is_stopped,
        )

    @property
    def fencing(self) -> str:
        """How far it is with the other controller's board; empty where there is none."""
        return str(self._board.step) if self._board is not None else ""

    def _fence(self) -> None:
        if self._board is None or self.peer is None:
            return
        view, before = self._lease.view, (self._board.off_at, self._board.is_reached)
        if view.is_agreed:
            self._agreed = view.record.eligible
        eligible = self._agreed | view.record.eligible
        is_needed = self.is_ready and fencing.is_needed(view.record.voters, view.holds, eligible, self.peer)
        # One that does not hear this one goes its own way too.
        self._board.advance(self.peer in view.heard and view.is_echoed, is_needed, view.holds, view.may_succeed)
        if before != (self._board.off_at, self._board.is_reached):
            self._tell()

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
        wants, eligible = self.activity.wants_lease and (self.is_ready or not self.services.is_stopped), self.activity.eligible
        number = self._wish.number + (eligible != self._wish.eligible)
        self._wish = Wish(self._hello(), wants, eligible, number, self._board.off_at if self._board is not None else None)
        self._lease.want(self._wish)

    def _hello(self) -> Hello:
        return Hello(
            self.name,
            True,
            self._boot,
            0,
            self.is_ready,
            self.activity.phase in (Phase.TAKING, Phase.ACTIVE),
            self.services.can_follow,
            {name: (str(each.state), str(each.status), str(each.condition)) for name, each in self._shown.items()},
            self.states,
            dict(self._lease.view.networks),
            sight.hears(self._lease.view, self.peer) if self.peer else {},
            self._board is not None and self._board.is_reached,
        )

    def _begin(self, order: Order) -> None:
        """Attach or detach all that has data, at the same time; what an earlier order has begun ends."""
        # What an audit found before is out of date.
        self.services.standalone.clear()
        self._order += 1
        self._order_left = {held.name for held in self.services.with_data}
        self._order_done = None if self._order_left else True
        for held in self.services.with_data:
            about, key = held.about, f"{_DATA}:{held.name}"
            heard = self._heard_of(order, self._order, held.name)
            self._runner.start(key, held.name, about.calls[str(order)], self.services.parameters(about), heard)

    def _heard_of(self, order: Order, number: int, name: str) -> actions.Done:
        def heard(code: int, text: str) -> None:
            if code:
                LOG.warning("%s: %s failed (%s): %s", name, order, code, text)
            self.later(lambda: self._carried_out(number, name, code == 0))

        return heard

    def _carried_out(self, number: int, name: str, is_done: bool) -> None:
        if number != self._order or self._order_done is not None:
            return
        self._order_left.discard(name)
        if not is_done or not self._order_left:
            self.services.standalone.clear()
            self._order_done = is_done

    def hand_over(self, is_forced: bool = False) -> str | None:
        """Let the other controller have the activity. Gives why not, if it cannot.

        :param is_forced: also when services have failed there; never to one that lacks data
        """
        before = self.activity
        now, reason = activity.leave(before, self.facts(), is_forced)
        self._follow(before, now, [])
        return reason

    # -- services

    def desired(self, held: Held) -> State:
        if not held.is_managed:
            return State.SHUTDOWN
        if held.restart or (held.about.has_data and not self._is_oriented()):
            return State.DISABLED
        return self._desired_of(held.group)

    def _desired_of(self, group_name: str) -> State:
        if not self.is_ready:
            return State.DISABLED
        is_active = group_name not in self.services.moving or self.activity.is_active
        return State.ACTIVE if is_active else State.STANDBY

    @property
    def is_expendable(self) -> bool:
        """Whether it is known that nobody counts on this controller's data, and the other one is active."""
        view = self._lease.view
        hello = sight.other(view)
        return hello is not None and hello.is_active and bool(view.record.voters) and self.name not in view.record.eligible

    @property
    def is_out(self) -> bool:
        """Whether it has no activity, and the kernel has shut the gate."""
        return self.activity.phase is Phase.PASSIVE and not self._lease.view.holds

    def _is_oriented(self) -> bool:
        """Whether the other controller, if it is active, has had time to say so, and whose data count."""
        return self.peer is None or self._lease.view.holds or self._clock() >= self._oriented_at

    @property
    def is_ready(self) -> bool:
        """Whether it may have services."""
        return self._may_be_ready and not self._is_locked

    @property
    def states(self) -> tuple[str, str, str]:
        """Administrative, operational, availability."""
        return LOCKED_STATES if self._is_locked else self._told_states

    def set_node(self, is_ready: bool, states: tuple[str, str, str]) -> None:
        self._may_be_ready, self._told_states = is_ready, states

    def _look_for_lock(self) -> None:
        """An active controller goes on, and one without which there would be none: it is alone, or alone has all data."""
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        is_needed = (
            self.peer is None or self.activity.phase is not Phase.PASSIVE or self._lease.view.record.eligible == {self.name}
        )
        is_locked = not is_needed and self._look_if_locked()
        if is_locked != self._is_locked:
            LOG.info("this host is locked: its services stop" if is_locked else "this host is not locked any more")
            self._is_locked = is_locked

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
        for name, held in self.services.every.items():
            told = _told(held.machine)
            if self._told.get(name) != told:
                self._told[name] = told
                self._observer.service(name, held.group, held.machine, held.failed_at)
        changed = False
        for name in self._model.groups:
            shown = self.services.look_at(name, self._desired_of(name))
            if self._shown.get(name) != shown:
                self._shown[name] = shown
                self._observer.group(name, shown)
                changed = True
        if changed:
            self._tell()
        self._care_for_failed()
        self._observer.settled()

    def _care_for_failed(self) -> None:
        """What failed and cannot go elsewhere is tried again; what cannot be stopped and must be takes the host along."""
        now, is_active = self._clock(), self.activity.is_active
        stuck = [] if is_active else self.services.stuck()
        if is_active or self.services.is_stopped:
            self._stop_by = float("inf")
        elif now >= self._stop_by:
            self._stop_by = float("inf")
            stuck.append("what needs the lease")
        if stuck and not self._has_rebooted:
            self._has_rebooted = True
            self._reboot(f"{', '.join(stuck)} cannot be stopped")
        # While the activity is let go, a start would only be in the way.
        failed = self.services.failed() if self.activity.phase is not Phase.LEAVING else {}
        for name in self._recoveries.keys() | failed.keys():
            self._recoveries[name], is_due = recovery.step(self._recoveries.get(name, Recovery()), name in failed, now)
            if is_due:
                self.services.try_again(failed[name])


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
        "fencing": engine.fencing,
    }
