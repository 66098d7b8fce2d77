# SPDX-License-Identifier: Apache-2.0
"""What runs in the process mtce-agent: its step, and beside it all that may have to wait for others."""

import logging
import pathlib
from typing import Any

from oslo_config import cfg

from fm import client as fm_client
from mtce import conf
from mtce.agent import HAND_OVER_S, REFRESH_S, STEP_S, Agent
from mtce.boards import Boards
from mtce.life.model import Procedure
from mtce.parameters import is_about
from mtce.pulses import Pulses
from mtce.sensors.keeper import Sensors
from mtce.sensors.model import Action
from stx import context as stx_context
from stx import rpc, service
from sysinv import client as sysinv_client

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# What is done to a host for a sensor.
_PROCEDURES = {Action.RESET: Procedure.RESET, Action.POWERCYCLE: Procedure.POWER_CYCLE}


class _Parts:
    """The RPC server, the follower of host events and the step; made at start, when the options are known."""

    def start(self) -> None:
        uptime_s = float(pathlib.Path("/proc/uptime").read_text().split()[0])
        self._pulses = Pulses(pathlib.Path(CONF.run_path) / "heartbeat.sock", lambda: self._worker.nudge())  # noqa: PLW0108 (there is no worker yet)
        self._boards = Boards(lambda name: agent.on_news(name))  # noqa: PLW0108 (there is no agent yet)
        agent = Agent(pulses=self._pulses, boards=self._boards, uptime_s=uptime_s)

        def step() -> None:
            agent.step()
            self._worker.period_s = agent.period_s

        sensors = Sensors(self._boards, sysinv_client.Conductor(), fm_client.FaultReporter(), stx_context.internal("mtce-agent"))
        agent.is_degraded_by_sensors, agent.begin_sensors_with = sensors.is_degraded, sensors.begin_with

        def sense() -> None:
            agent.learn_alarms()
            if not agent.knows_boards:
                return
            for name, recovery in sensors.step(agent.boarded()):
                LOG.warning("%s: %s for the sensor %s: %s", name, recovery.action, recovery.sensor, recovery.text)
                agent.recover_for_sensor(name, _PROCEDURES[recovery.action])

        self._worker = service.Worker("mtce-agent", step, STEP_S)
        # It may wait for others, which no host that fails may have to.
        self._sensing = service.Worker("mtce-sensors", sense, STEP_S)
        self._handing_over = service.Worker("mtce-handover", agent.hand_over, HAND_OVER_S)
        agent.nudge = self._worker.nudge
        agent.nudge_handover = self._handing_over.nudge
        # Nor may any have to wait for these.
        self._reading = service.Worker("mtce-parameters", agent.read_parameters, REFRESH_S)
        self._server = rpc.Server(agent)

        def follow(event: rpc.Event) -> None:
            if event.kind.startswith("sysinv.host."):
                agent.on_host_event(event)
            elif event.kind.startswith("sysinv.sensor."):
                sensors.changed(event.payload["host_uuid"])
            elif is_about(event):
                self._reading.nudge()

        self._follower = rpc.Subscriber(follow, "sysinv.")
        for part in self._parts():
            part.start()

    def _parts(self) -> tuple[Any, ...]:
        workers = (self._worker, self._sensing, self._reading, self._handing_over)
        return self._server, self._follower, *workers, self._pulses

    def stop(self) -> None:
        for part in reversed(self._parts()):
            part.stop()
        self._boards.close()

    def is_healthy(self) -> bool:
        return self._worker.is_healthy()


def make_service() -> service.Service:
    conf.register()
    return service.Service("mtce-agent", [_Parts()])
