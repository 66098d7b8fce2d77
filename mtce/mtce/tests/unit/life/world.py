# SPDX-License-Identifier: Apache-2.0
"""A host as the state machine sees it, with a board, two networks and a virtual clock; it does what it is asked to, if it can."""

import dataclasses

from mtce.life import machine
from mtce.life.model import Board, Ended, Facts, Life, Limits, Procedure, Report

LOSS_S = 1.0
# One that was lost counts as such until it has answered for so long again.
BACK_S = {"mgmt": 0.5, "cluster": 1.5}
BOOT_S = 20.0
OFF_S = 2.0
TASKS = ("goenabled", "start", "goenabled-worker", "start-worker", "stop")


@dataclasses.dataclass
class World:
    """:ivar boot: counts boots; 0 before the first one
    :ivar obeys: whether the host does what mtce-agent says
    :ivar board: none, good, dead (not reached), or lying (it says yes and does nothing)
    :ivar failing: tasks that do not pass; `deaf_to`: those that do not end
    :ivar wanted_by_sensor: what a sensor wants done at the next step
    :ivar installer: good, failing, or silent: the host has what it had before
    :ivar orders: what the board was told, and how the host was then
    """

    personality: str = "worker"
    is_all_in_one: bool = False
    is_self: bool = False
    has_other: bool = True
    board: str = "none"
    watched: int = 2
    obeys: bool = True
    config: str = "passed"
    failing: frozenset[str] = frozenset()
    deaf_to: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    may_reboot: bool = True
    installer: str = "good"
    is_spared: bool = False
    is_given_up: bool = False
    is_simplex: bool = False
    is_degraded: bool = False
    is_cold_start: bool = False
    hands_over: bool | None = None
    limits: Limits = dataclasses.field(default_factory=Limits)
    now: float = 1000.0
    boot: int = 0
    is_on: bool = False
    hangs: bool = False
    action: str = ""
    action_number: int = 0
    wanted_by_sensor: Procedure | None = None
    life: Life = dataclasses.field(default_factory=Life)

    def __post_init__(self) -> None:
        self.links = {"mgmt": True, "cluster": True}
        self._up_at = float("inf")
        self._off_at = float("inf")
        self._silent_since = dict.fromkeys(self.links, -1e9)
        self._back_at = dict.fromkeys(self.links, -1e9)
        self._results: dict[str, Ended] = {}
        self._done_orders: dict[str, bool] = {}
        self._last_order = ""
        self.history: list[Life] = []
        self.orders: list[tuple[str, Life]] = []
        self.resets = self.cuts = 0
        self.is_installed: bool | None = None

    # -- what happens to it

    def power_on(self) -> None:
        if not self.is_on:
            self.is_on = True
            self._up_at = self.now + BOOT_S

    def power_off(self) -> None:
        self.is_on = self.hangs = False
        self._up_at = self._off_at = float("inf")
        self._results = {}

    def reset(self) -> None:
        self.resets += 1
        self.power_off()
        self.power_on()

    def ask(self, action: str) -> None:
        self.action, self.action_number = action, self.action_number + 1
        if action == "reinstall":
            self.is_installed = None

    # -- what is seen of it

    @property
    def is_up(self) -> bool:
        return self.is_on and self.now >= self._up_at and not self.hangs

    def facts(self) -> Facts:
        lost, silent = 0, float("inf")
        for network in self.links:
            silent_s = self.now - self._silent_since[network] if self._silent_since[network] is not None else 0.0
            is_lost = network in self._lost
            lost += is_lost
            silent = min(silent, silent_s)
        is_alive = lost < len(self.links)
        board = None
        if self.board != "none":
            board = Board(
                None if self.board == "dead" else self.is_on, self._last_order, self._done_orders.get(self._last_order, False)
            )
        boot_id = f"boot-{self.boot}" if self.boot else ""
        report = None
        if is_alive and self.boot and self.is_up and self._reported == self.boot:
            report = Report(boot_id, self.config, dict(self._results), self.severities, self.may_reboot)
        return Facts(
            personality=self.personality,
            is_all_in_one=self.is_all_in_one,
            is_self=self.is_self,
            has_other=self.has_other,
            action=self.action if self.action_number > self.life.action_taken else "",
            action_number=self.action_number,
            is_alive=is_alive,
            silent_s=0.0 if is_alive else silent,
            watched=0 if self.is_self else self.watched,
            lost=0 if self.is_self else min(lost, self.watched),
            is_mgmt_lost="mgmt" in self._lost and not self.is_self,
            boot_id=boot_id,
            report=report,
            is_spared=self.is_spared,
            is_given_up=self.is_given_up,
            is_simplex=self.is_simplex,
            is_degraded=self.is_degraded,
            is_cold_start=self.is_cold_start,
            board=board,
            hands_over=self.hands_over,
            wanted_by_sensor=self.wanted_by_sensor,
            is_installed=self.is_installed,
        )

    @property
    def _lost(self) -> set[str]:
        silent = {network for network, since in self._silent_since.items() if since is not None and self.now - since >= LOSS_S}
        return silent | {network for network, back_at in self._back_at.items() if self.now < back_at}

    # -- time

    def pass_s(self, seconds: float, tick_s: float = 0.5) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += tick_s
            self._live()
            before, facts = self.life, self.facts()
            self.life = machine.step(self.life, facts, self.limits, self.now)
            self.wanted_by_sensor = None
            if self.life != before:
                self.history.append(self.life)
            self._obey(machine.wanted(self.life, facts))

    def _live(self) -> None:
        if self.is_on and self._up_at <= self.now and self._off_at == float("inf") and not self._is_booted:
            self.boot += 1
            self._results = {}
            self._is_booted = True
        if not self.is_on or self.now < self._up_at:
            self._is_booted = False
        if self.now >= self._off_at:
            self.reset()
            self._is_booted = False
        if self.is_up and self.links["mgmt"]:
            self._reported = self.boot
        for network, has_link in self.links.items():
            if self.is_up and has_link:
                if network in self._lost and self._silent_since[network] is not None:
                    self._back_at[network] = self.now + BACK_S[network]
                self._silent_since[network] = None  # type: ignore[assignment]
            elif self._silent_since[network] is None:
                self._silent_since[network] = self.now

    _is_booted = False
    _reported = 0

    def _obey(self, wanted: machine.Wanted) -> None:
        # Orders and reports go over mgmt; a reset comes over any network.
        if self.obeys and self.is_up and self.links["mgmt"] and wanted.task and wanted.task not in self.deaf_to:
            known = self._results.get(wanted.task)
            if known is None or known.token != wanted.token:
                self._results[wanted.task] = Ended(wanted.token, wanted.task not in self.failing)
        if (
            self.obeys
            and self.is_up
            and wanted.end_boot
            and (self.links["mgmt"] or (wanted.end_boot == "reset" and any(self.links.values())))
            and wanted.boot_id == f"boot-{self.boot}"
            and self.may_reboot
            and self._off_at == float("inf")
        ):
            self._off_at = self.now + OFF_S
            if wanted.end_boot == "wipe":
                self.is_installed = {"good": True, "failing": False, "silent": None}[self.installer]
        if wanted.order and self.board not in ("none", "dead") and wanted.token not in self._done_orders:
            self._last_order = wanted.token
            self.orders.append((wanted.order, self.life))
            self._done_orders[wanted.token] = self.board == "good"
            self.cuts += wanted.order == "power-off"
            if self.board == "good":
                {"power-on": self.power_on, "power-off": self.power_off, "reset": self.reset}[wanted.order]()
