# SPDX-License-Identifier: Apache-2.0
"""Which alarms of a host are on, by how it is (pure; spec mtce-sm.md A7)."""

import dataclasses
from collections.abc import Mapping

from mtce.heartbeat.accounting import Level
from mtce.life import machine
from mtce.life.model import LOCKED, Cause, FailureAction, Life
from mtce.sensors import audit

# By network, the id of the alarm about pulses, and what operators call the network.
NETWORKS = {"mgmt": ("200.005", "Management"), "cluster": ("200.009", "Infrastructure")}
# Those of which an mtce-agent that starts has to ask whether they are on.
IDS = ("200.001", "200.004", "200.005", "200.006", "200.009", "200.010", "200.011", "200.013", *audit.ALARMS)


@dataclasses.dataclass(frozen=True)
class Alarm:
    """:ivar is_of_failure: it follows from the failure of its host, where that has failed"""

    severity: str
    text: str
    is_of_failure: bool = False


def of_host(
    name: str,
    life: Life,
    levels: Mapping[str, Level],
    action: FailureAction,
    is_monitored: bool | None,
    is_board_lost: bool | None,
) -> dict[tuple[str, str], Alarm | None]:
    """The alarms about a host that mtce-agent decides on, by id and entity, each with None where it is off.

    :param levels: by network, how the host answers pulses; of a network that is missing nothing is known
    :param is_monitored: None where that is not known, as :param is_board_lost: too
    """
    host = f"host={name}"
    found: dict[tuple[str, str], Alarm | None] = {
        ("200.001", host): _if(
            life.administrative == LOCKED, "warning", f"{name} was administratively locked to take it out of service."
        ),
        ("200.004", host): _if(
            machine.is_failed(life),
            "critical",
            f"{name} experienced a service-affecting failure. Auto-recovery is in progress; if it stays failed, lock and unlock it.",
        ),
        ("200.011", host): _if(
            life.cause is Cause.CONFIGURATION,
            "critical",
            f"{name} experienced a configuration failure. Its log of the configuration tells why.",
        ),
        ("200.013", host): _if(
            life.subfunction_avail == "failed" and life.operational == "enabled",
            "critical",
            f"The worker function of {name} has failed; its controller function works.",
        ),
    }
    is_told = life.administrative != LOCKED and action is not FailureAction.NONE
    for network, level in levels.items():
        if network in NETWORKS:
            alarm_id, called = NETWORKS[network]
            severity = "critical" if level is Level.LOST else "major"
            text = f"{name} {'has lost' if level is Level.LOST else 'misses'} pulses on the {called} network."
            found[(alarm_id, f"{host}.network={called}")] = _if(
                is_told and level >= Level.DEGRADED, severity, text, is_of_failure=True
            )
    if is_monitored is not None:
        text = f"{name} does not hear from its process monitor: nothing watches its processes."
        found[("200.006", f"{host}.process=pmond")] = _if(not is_monitored, "major", text, is_of_failure=True)
    if is_board_lost is not None:
        text = f"The board management controller of {name} has not answered for two minutes. Check its address and credentials."
        found[("200.010", host)] = _if(is_board_lost, "warning", text)
    return found


def _if(is_on: bool, severity: str, text: str, is_of_failure: bool = False) -> Alarm | None:
    return Alarm(severity, text, is_of_failure) if is_on else None
