# SPDX-License-Identifier: Apache-2.0
"""Tells Fault Management what mtce-agent has decided: alarms until they are taken, logs once."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from fm import client as fm_client
from mtce.alarms import Alarm
from mtce.life.model import Life, Procedure, Stage
from stx import exception

LOG = logging.getLogger(__name__)

# What is done without an operator's word, by the stage that does it (log 200.021).
_AUTOMATIC = {Stage.BOARD_RESET: "reset", Stage.FENCE: "power-off"}
# Told beside whether a host is enabled (log 200.022).
_STATUSES = frozenset({"online", "offline", "failed"})


class Teller:
    """After one refusal a step tells no more: no state waits for a spool that is busy.

    :ivar is_shut: there was one in this step
    """

    def __init__(self, faults: fm_client.FaultReporter) -> None:
        self._faults = faults
        # What was on at the start, by id and entity; None until that is known.
        self._before: frozenset[tuple[str, str]] | None = None
        # By host, what was told of each alarm; one that is missing was not told since the start, whatever was told before.
        self._told: dict[str, dict[tuple[str, str], Alarm | None]] = {}
        # By host, the order of which was told that it switches the host on.
        self._powered_on: dict[str, str] = {}
        self.is_shut = False

    def begin(self) -> None:
        """Another step begins."""
        self.is_shut = False

    @property
    def is_ready(self) -> bool:
        """Whether it is known which alarms were on at the start; until then none is cleared, as most are not on."""
        return self._before is not None

    def begin_with(self, before: Collection[tuple[str, str]]) -> None:
        """These alarms were on at the start, by id and entity."""
        self._before = frozenset(before)

    def forget(self, name: str) -> None:
        self._told.pop(name, None)
        self._powered_on.pop(name, None)

    def tell_alarms(self, name: str, wanted: Mapping[tuple[str, str], Alarm | None]) -> None:
        """Have these alarms on, those that are None off, and others as they are."""
        if self.is_shut:
            return
        told = self._told.setdefault(name, {})
        for key, alarm in wanted.items():
            if alarm is None and key not in told and self._before is not None and key not in self._before:
                told[key] = None
        changed = {
            key: alarm
            for key, alarm in wanted.items()
            if (told[key] != alarm if key in told else alarm is not None or self._before is not None)
        }
        if not changed:
            return
        reports = [fm_client.clear(*key) if alarm is None else _report(name, key, alarm) for key, alarm in changed.items()]
        if self._tell(lambda: self._faults.report(reports)):
            told.update(changed)

    def tell_automatic(self, name: str, life: Life) -> None:
        """Log that something is done to a host that nobody asked for."""
        action = _AUTOMATIC.get(life.stage) if life.stage is not None else None
        if life.procedure is Procedure.POWER_CYCLE and (life.stage is not Stage.FENCE or life.attempts):
            # One log for each power cycle, and one for what ends them.
            action = "power-off" if life.stage is Stage.POWER_DOWN and not life.attempts else None
        if life.stage is Stage.END_BOOT and life.procedure is Procedure.ENABLE and life.cause is not None:
            action = "reboot"
        if action is not None:
            what = "does not reboot" if life.procedure is Procedure.REBOOT else "has failed"
            self._tell_action(name, action, f"{name} {what}: {action} is tried to have it back.")

    def tell_power_on(self, name: str, token: str) -> None:
        """Once for each order."""
        if self._powered_on.get(name) != token:
            self._powered_on[name] = token
            self._tell_action(
                name, "power-on", f"{name} has no power, and is to be in service: its board is told to switch it on."
            )

    def tell_reset(self, name: str) -> None:
        self._tell_action(name, "reset", f"{name} is reset, as a sensor of it is critical.")

    def _tell_action(self, name: str, action: str, text: str) -> None:
        self._tell(lambda: self._faults.log("200.021", f"host={name}.action={action}", text))

    def tell_reinstallation(self, name: str, is_done: bool) -> None:
        how, text = (
            ("complete", "is installed again") if is_done else ("failed", "was not installed again: install_state may tell why")
        )
        attributes = {} if is_done else {"severity": "critical"}
        self._tell(lambda: self._faults.log("200.022", f"host={name}.status=reinstall-{how}", f"{name} {text}.", **attributes))

    def tell_refused_swact(self, name: str, reason: str) -> None:
        LOG.error("The swact of %s that an operator asked for does not begin: %s", name, reason)
        text = f"The swact of {name} does not begin: {reason}"
        self._tell(lambda: self._faults.log("200.021", f"host={name}.command=swact", text[:255]))

    def tell_avoidance(self, name: str, is_begun: bool, hosts: Sequence[str]) -> None:
        event = "mnfa_enter" if is_begun else "mnfa_exit"
        whom = ", ".join(hosts) or "none"
        text = f"Many hosts do not answer together ({whom}): none is failed for it." if is_begun else f"Still missing: {whom}."
        self._tell(lambda: self._faults.log("200.020", f"host={name}.event={event}", text[:255]))

    def tell_silence(self, name: str) -> None:
        text = (
            f"mtce-heartbeat on {name} says nothing: no host is watched by pulses. If that lasts, swact to the other controller."
        )
        self._tell(lambda: self._faults.log("200.023", f"host={name}.service=heartbeat", text[:255]))

    def tell_parameter(self, name: str, parameter: str, before: Any, after: Any) -> None:
        text = f"{parameter} changed from {before} to {after}"
        self._tell(lambda: self._faults.log("200.024", f"host={name}.config={parameter}", text))

    def tell_states(self, decided: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """:param decided: the hosts as they were, and what changed of them"""
        reports = []
        for host, changes in decided:
            hostname, state = host["hostname"], {**host, **changes}
            if not {"operational", "availability"} & changes.keys():
                continue
            LOG.info("%s is %s %s %s", hostname, state["administrative"], state["operational"], state["availability"])
            told = {"state": changes.get("operational")}
            if not told["state"] or changes.get("availability") in _STATUSES:
                told["status"] = changes.get("availability")
            for kind, value in told.items():
                if value:
                    reports.append(fm_client.log("200.022", f"host={hostname}.{kind}={value}", f"{hostname} is now {value}."))
        if reports:
            self._tell(lambda: self._faults.report(reports))

    def _tell(self, tell: Callable[[], None]) -> bool:
        if self.is_shut:
            return False
        try:
            tell()
        except exception.Unavailable as error:
            LOG.error("Alarms of hosts wait for the next step, and state changes are not logged: %s", error.message)
            self.is_shut = True
        return not self.is_shut


def _report(name: str, key: tuple[str, str], alarm: Alarm) -> fm_client.Report:
    root = fm_client.root_host(name) if alarm.is_of_failure else {}
    return fm_client.set_alarm(*key, alarm.text[:255], alarm.severity, **root)
