# SPDX-License-Identifier: Apache-2.0
"""mtce-agent has a host reset or power-cycled for a sensor; its boards are fake ones."""

import math
from collections.abc import Mapping
from unittest import mock

from mtce import agent, boards, client
from mtce.life.model import Procedure
from mtce.tests.unit.test_agent import AgentTest
from stx import exception
from stx.boards import Login
from sysinv import client as sysinv_client

BOARD = {"bm_type": "ipmi", "bm_ip": "192.0.2.7", "bm_username": "root", "bm_password": "secret"}


class FakeBoards:
    """All boards are reached, and do at once what they are told."""

    def __init__(self) -> None:
        self.power: dict[str, str] = {}
        self.ordered: list[tuple[str, str]] = []
        self.results: dict[str, boards.Result] = {}

    def keep(self, logins: Mapping[str, Login]) -> None:
        self.power = {name: self.power.get(name, "on") for name in logins}

    def state(self, host: str) -> boards.BoardState | None:
        return boards.BoardState(True, self.power.get(host), "", math.inf, self.results.get(host))

    def order(self, host: str, token: str, order: boards.Order) -> None:
        if self.results.get(host) != (result := boards.Result(token, True, "")):
            self.results[host] = result
            self.ordered.append((host, str(order)))
            self.power[host] = "off" if order is boards.Order.POWER_OFF else "on"

    def look(self, host: str) -> None:
        pass


class SensorTest(AgentTest):
    """compute-0 is in service and has a board; a sensor of it is critical."""

    def setUp(self) -> None:
        super().setUp()
        self.boards = FakeBoards()
        self.start()
        self.create(**BOARD)
        self.ask("compute-0", "unlock")
        self.boot = 0
        self.live(30)
        self.live(30)
        assert self.host("compute-0")["operational"] == "enabled"

    def start(self) -> None:
        self.agent = agent.Agent(self.clock, boards=self.boards)  # type: ignore[arg-type]

    def live(self, seconds: int) -> None:
        """Time passes; controller-0 is heard all the while, and compute-0 while it is on."""
        for _ in range(0, seconds, 5):
            self.hear()
            if self.boards.power.get("compute-0", "on") == "on":
                self.say("compute-0", boot_id=f"boot-{self.boot}", may_reboot=True)
            before = len(self.boards.ordered)
            self.pass_s(5)
            wish = self.agent._wishes.get("compute-0", client.Wish())
            has_ended = wish.boot_id == f"boot-{self.boot}" or len(self.boards.ordered) > before
            self.boot += has_ended

    def test_a_power_cycle_goes_its_way_and_keeps_sensors_held_off(self) -> None:
        self.assertEqual((True, False), _watched(self.agent))
        self.agent.recover_for_sensor("compute-0", Procedure.POWER_CYCLE)
        self.pass_s(1)
        self.assertEqual(("unlocked", "disabled", "failed"), self.state("compute-0"))
        self.assertEqual("Critical Event Power-Cycle 1; powering off", self.host("compute-0")["task"])
        self.assertEqual((False, True), _watched(self.agent))
        self.live(60)
        self.assertEqual([("compute-0", "power-off")], self.boards.ordered)
        self.assertEqual("Critical Event Power-Cycle 1; cooling off", self.host("compute-0")["task"])
        self.start()
        self.live(330)
        self.assertEqual([("compute-0", "power-off"), ("compute-0", "power-on")], self.boards.ordered)
        self.assertEqual(("unlocked", "enabled", "available"), self.state("compute-0"))
        self.assertEqual((True, True), _watched(self.agent))
        self.live(300)
        self.assertEqual((True, False), _watched(self.agent))

    def test_a_host_cools_for_as_long_as_is_set_meanwhile(self) -> None:
        self.agent.recover_for_sensor("compute-0", Procedure.POWER_CYCLE)
        self.live(60)
        self.assertEqual([("compute-0", "power-off")], self.boards.ordered)
        self.platform.conf.config(group="mtce", power_cycle_cool_off=60.0)
        self.live(20)
        self.assertEqual([("compute-0", "power-off"), ("compute-0", "power-on")], self.boards.ordered)

    def test_one_power_cycle_is_one_alarm_and_one_log(self) -> None:
        self.empty_spool()
        self.agent.recover_for_sensor("compute-0", Procedure.POWER_CYCLE)
        self.live(400)
        told = [(each.operation, each.alarm_id, each.entity_instance_id) for each in self.faults()]
        self.assertEqual(["set", "clear"], [operation for operation, alarm_id, _ in told if alarm_id == "200.004"])
        self.assertEqual(["host=compute-0.action=power-off"], [entity for _, alarm_id, entity in told if alarm_id == "200.021"])

    def test_a_reset_of_a_locked_host_is_logged(self) -> None:
        self.ask("compute-0", "lock")
        self.live(20)
        self.empty_spool()
        self.agent.recover_for_sensor("compute-0", Procedure.RESET)
        self.pass_s(1)
        logged = [each.entity_instance_id for each in self.faults() if each.alarm_id == "200.021"]
        self.assertEqual(["host=compute-0.action=reset"], logged)

    def test_a_host_that_is_to_be_in_service_and_has_no_power_is_switched_on_and_that_is_logged_once(self) -> None:
        self.empty_spool()
        self.boards.power["compute-0"] = "off"
        self.said.pop("compute-0")
        self.ask("compute-0", "unlock")
        self.live(30)
        self.assertIn(("compute-0", "power-on"), self.boards.ordered)
        logged = [each.entity_instance_id for each in self.faults() if each.alarm_id == "200.021"]
        self.assertEqual(1, logged.count("host=compute-0.action=power-on"), logged)

    def test_a_reset_goes_the_same_way(self) -> None:
        self.agent.recover_for_sensor("compute-0", Procedure.RESET)
        self.pass_s(1)
        self.assertEqual([("compute-0", "reset")], self.boards.ordered)

    def test_what_a_sensor_wants_waits_for_a_conductor_that_is_away(self) -> None:
        self.agent.recover_for_sensor("compute-0", Procedure.POWER_CYCLE)
        self.tell_change("compute-0")
        with mock.patch.object(sysinv_client.Conductor, "get_hosts", side_effect=exception.Unavailable("Away.")):
            self.assertRaises(exception.Unavailable, self.agent.step)
        self.pass_s(1)
        self.assertEqual("failed", self.host("compute-0")["availability"])

    def test_the_active_controller_is_not_power_cycled(self) -> None:
        self.assertFalse(self.agent._watched(self.host()).may_recover)


def _watched(of: agent.Agent) -> tuple[bool, bool]:
    watched = of.boarded()["compute-0"]
    return watched.may_recover, watched.is_held_off
