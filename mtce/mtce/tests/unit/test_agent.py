# SPDX-License-Identifier: Apache-2.0
"""mtce-agent with a clock of the test's, a real conductor and a real spool."""

import uuid
from typing import Any

import fixtures
import msgspec

from mtce import agent, client, process
from stx import context as stx_context
from stx import exception, rpc
from sysinv import client as sysinv_client
from sysinv import defaults
from sysinv.db import api as db_api
from sysinv.tests.unit import base

TIMEOUT_S = 15.0


class Clock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class AgentTest(base.SystemTest):
    """An agent that has just started; controller-0 is unlocked, and out of service."""

    def setUp(self) -> None:
        super().setUp()
        self.platform.conf.config(group="mtce", report_timeout=TIMEOUT_S)
        self.clock = Clock()
        self.agent = agent.Agent(self.clock)
        self.agent._teller.begin_with(())
        self.said: dict[str, client.HostReport] = {}

    def hear(self, hostname: str = "controller-0", uptime_s: int = 0, **failed: str) -> None:
        """A report of a host comes in."""
        self.say(hostname, uptime_s=uptime_s, failed=failed)

    def say(self, hostname: str, **changes: Any) -> client.Wish:
        """A report comes in that differs from the host's last one."""
        before = self.said.get(hostname) or client.HostReport(hostname, "boot", 0, {}, may_reboot=False)
        self.said[hostname] = msgspec.structs.replace(before, **changes)
        return self.agent.report(self.context, self.said[hostname])

    def pass_s(self, seconds: float) -> None:
        """Time passes, and the agent takes a step every second."""
        while seconds > 0:
            self.clock.now += min(seconds, 1.0)
            seconds -= 1.0
            self.agent.step()
            while self.obey():
                self.agent.step()

    def obey(self) -> bool:
        """Whether a host that was heard did what is wanted of it."""
        has_done = False
        for name in list(self.said):
            wish = self.agent._wishes.get(name, client.Wish())
            results = self.said[name].results
            missing = {task: token for task, token in wish.tasks.items() if task not in results or results[task].token != token}
            if missing:
                self.say(name, results={**results, **{task: client.Result(token, True) for task, token in missing.items()}})
                has_done = True
        return has_done

    def state(self, hostname: str = "controller-0") -> tuple[str, str, str]:
        host = self.host(hostname)
        return host["administrative"], host["operational"], host["availability"]

    def ask(self, hostname: str, action: str) -> None:
        """An operator asks for something, whatever the host's state; the event about it comes in."""
        host = self.host(hostname)
        db_api.update_host(host["uuid"], {"requested_action": action, "action_number": host["action_number"] + 1})
        self.tell_change(hostname)

    def tell_change(self, hostname: str) -> None:
        """The event that a host changed comes in."""
        self.agent.on_host_event(rpc.Event("sysinv.host.update", {"uuid": self.host(hostname)["uuid"]}))

    def told(self) -> list[tuple[str, str, str, str | None]]:
        """What Fault Management was told, beside what the conductor told it."""
        told = [(each.operation, each.alarm_id, each.entity_instance_id, each.severity) for each in self.faults()]
        return [each for each in told if each[1] in ("200.006", "200.022")]

    def alarms(self) -> list[str]:
        return [operation for operation, alarm_id, _, _ in self.told() if alarm_id == "200.006"]


class ServiceStateTest(AgentTest):
    def test_a_host_comes_into_service_with_its_first_report(self) -> None:
        self.agent.step()
        self.assertEqual(("unlocked", "disabled", "offline"), self.state())
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_the_worker_of_a_controller_is_in_the_same_state(self) -> None:
        self.hear()
        self.pass_s(1)
        host = self.host()
        self.assertEqual(("enabled", "available"), (host["subfunction_oper"], host["subfunction_avail"]))
        self.hear(sshd="major")
        self.pass_s(1)
        self.assertEqual("degraded", self.host()["subfunction_avail"])

    def test_a_plain_worker_has_no_second_state(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.pass_s(1)
        host = self.host("compute-0")
        self.assertEqual(
            ("enabled", "available", "disabled", "not-installed"),
            tuple(host[name] for name in ("operational", "availability", "subfunction_oper", "subfunction_avail")),
        )

    def test_a_major_failure_degrades_and_its_end_restores(self) -> None:
        self.hear(sshd="major")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_a_minor_failure_changes_nothing(self) -> None:
        self.hear(acpid="minor")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())

    def test_a_critical_failure_fails_a_worker(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0", libvirtd="critical")
        self.pass_s(1)
        self.assertEqual(("unlocked", "disabled", "failed"), self.state("compute-0"))
        self.hear("compute-0")
        self.pass_s(29)
        self.hear("compute-0")
        self.pass_s(2)
        self.assertEqual(("unlocked", "enabled", "available"), self.state("compute-0"))

    def test_a_critical_failure_degrades_the_last_controller(self) -> None:
        self.hear(sm="critical")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())

    def test_of_two_controllers_that_fail_none_is_taken_out_of_service(self) -> None:
        self.create(personality="controller")
        self.ask("controller-1", "unlock")
        for name in ("controller-0", "controller-1"):
            self.hear(name)
        self.pass_s(1)
        for name in ("controller-0", "controller-1"):
            self.hear(name, sm="critical")
        self.pass_s(1)
        self.assertEqual(
            [("unlocked", "enabled", "degraded")] * 2,
            [self.state("controller-0"), self.state("controller-1")],
        )

    def test_a_controller_that_fails_stays_in_service_while_the_other_one_is_silent(self) -> None:
        self.create(personality="controller")
        self.ask("controller-1", "unlock")
        for name in ("controller-0", "controller-1"):
            self.hear(name)
        self.pass_s(1)
        self.pass_s(TIMEOUT_S)
        self.hear(sm="critical")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        self.hear("controller-1")
        self.pass_s(1)
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())
        # It is the active one, and hands over now.
        self.assertIn("Requesting SWACT", self.host()["task"])

    def test_a_controller_that_fails_stays_in_service_when_the_other_one_is_being_locked(self) -> None:
        self.create(personality="controller")
        self.ask("controller-1", "unlock")
        for name in ("controller-0", "controller-1"):
            self.hear(name)
        self.pass_s(1)
        self.ask("controller-1", "lock")
        self.hear(sm="critical")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "degraded"), self.state())

    def test_a_locked_host_is_online_while_it_is_heard(self) -> None:
        self.create()
        self.pass_s(1)
        self.assertEqual(("locked", "disabled", "offline"), self.state("compute-0"))
        self.hear("compute-0", sshd="critical")
        self.pass_s(1)
        self.assertEqual(("locked", "disabled", "online"), self.state("compute-0"))
        self.pass_s(TIMEOUT_S)
        self.assertEqual(("locked", "disabled", "offline"), self.state("compute-0"))

    def test_a_host_in_service_that_is_locked_goes_out_of_service(self) -> None:
        self.hear()
        self.pass_s(1)
        self.ask("controller-0", "lock")
        self.pass_s(1)
        self.assertEqual(("locked", "disabled", "online"), self.state())

    def test_a_silent_host_does_not_come_into_service_when_unlocked(self) -> None:
        self.create()
        self.hear("compute-0")
        self.pass_s(1)
        self.pass_s(TIMEOUT_S)
        self.ask("compute-0", "unlock")
        self.pass_s(1)
        self.assertEqual(("unlocked", "disabled", "offline"), self.state("compute-0"))
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state("compute-0"))

    def test_a_host_without_name_is_left_alone(self) -> None:
        host = {
            **defaults.host("26.11"),
            "uuid": str(uuid.uuid4()),
            "mgmt_mac": base.MAC,
            "forisystemid": db_api.get_system()["id"],
        }
        db_api.create_host(host)
        self.hear()
        self.pass_s(1)
        self.assertEqual("enabled", self.host()["operational"])

    def test_a_host_with_a_key_of_its_own_reports_of_itself_alone(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("stx.rpc.caller", lambda: "compute-7"))
        self.assertRaises(exception.Forbidden, self.hear)
        self.pass_s(2)
        self.assertEqual("offline", self.state()[2])

    def test_a_report_of_a_host_that_nobody_added_does_no_harm(self) -> None:
        self.hear("stranger")
        self.hear()
        self.pass_s(1)
        self.assertEqual(["controller-0"], [host["hostname"] for host in db_api.all_hosts()])
        self.assertEqual("enabled", self.host()["operational"])


class UptimeTest(AgentTest):
    def test_the_uptime_is_stored_about_every_minute(self) -> None:
        stored = []
        for uptime_s in (50, 60, 100, 119, 120):
            self.hear(uptime_s=uptime_s)
            self.pass_s(1)
            stored.append(self.host()["uptime"])
        self.assertEqual([0, 60, 60, 60, 120], stored)

    def test_a_reboot_is_stored_at_once(self) -> None:
        self.hear(uptime_s=5000)
        self.pass_s(1)
        self.hear(uptime_s=3)
        self.pass_s(1)
        self.assertEqual(3, self.host()["uptime"])

    def test_what_could_not_be_stored_of_a_host_is_not_taken(self) -> None:
        """It would be tried again and again, and all hosts read anew each time."""
        report = {"hostname": "compute-0", "boot_id": "boot", "uptime_s": 1, "failed": {}}
        self.assertEqual("boot", msgspec.convert(report, client.HostReport).boot_id)
        for bad in ({"uptime_s": -1}, {"boot_id": "b" * 64}, {"boot_id": "b\0"}):
            self.assertRaises(msgspec.ValidationError, msgspec.convert, {**report, **bad}, client.HostReport)


class HindranceTest(AgentTest):
    """The conductor does not store what was decided of one host."""

    def setUp(self) -> None:
        super().setUp()
        for number in (1, 2):
            self.create(number)
        for name in ("controller-0", "compute-0", "compute-1"):
            self.hear(name)
        self.error: exception.StxException | None = None
        store = sysinv_client.Conductor.update_host_states

        def hindered(conductor: Any, context: Any, states: dict[str, dict[str, Any]]) -> list[str]:
            if self.error is not None and "compute-0" in states:
                raise self.error
            return store(conductor, context, states)

        self.useFixture(fixtures.MonkeyPatch("sysinv.client.Conductor.update_host_states", hindered))

    def states(self) -> list[str]:
        return [self.state(name)[2] for name in ("controller-0", "compute-0", "compute-1")]

    def test_a_conductor_that_goes_away_ends_the_round_and_the_next_one_does_the_rest(self) -> None:
        self.error = exception.Unavailable("the conductor is away")
        self.assertRaises(exception.Unavailable, self.pass_s, 1)
        self.assertEqual(["offline", "offline", "offline"], self.states())
        self.error = None
        self.pass_s(1)
        self.assertEqual(["available", "online", "online"], self.states())
        logs = [entity for operation, _, entity, _ in self.told() if operation == "log"]
        self.assertEqual(
            ["status=intest", "status=online", "status=online", "state=enabled"], [log.partition(".")[2] for log in logs]
        )

    def test_an_error_about_one_host_keeps_no_other_back(self) -> None:
        self.error = exception.Invalid("not that one")
        self.pass_s(1)
        self.assertEqual(["available", "offline", "online"], self.states())
        self.error = None
        self.pass_s(1)
        self.assertEqual(["available", "online", "online"], self.states())


class ScaleTest(AgentTest):
    def test_work_grows_as_the_number_of_hosts_does(self) -> None:
        self.hear()
        self.pass_s(1)
        (host,), heard = self.agent._hosts.values(), self.agent._watch._said["controller-0"]
        (life,) = self.agent._lives.values()
        looks = []

        class Watched(dict[str, Any]):
            def __getitem__(self, name: str) -> Any:
                looks.append(name)
                return super().__getitem__(name)

        per_host = []
        for number in (10, 100):
            names = [f"controller-{index}" for index in range(number)]
            self.agent._hosts = {name: Watched({**host, "hostname": name, "uuid": name}) for name in names}
            self.agent._lives = dict.fromkeys(names, life)
            self.agent._watch._said = dict.fromkeys(names, heard)
            looks.clear()
            self.pass_s(1)
            per_host.append(len(looks) / number)
        self.assertEqual(per_host[0], per_host[1])

    def test_a_bus_that_is_away_is_waited_for_once_a_step(self) -> None:
        looks = []

        def look(host: client.Host, context: Any, hostname: str) -> None:
            looks.append(hostname)
            raise exception.Unavailable("The bus is away.")

        self.useFixture(fixtures.MonkeyPatch("mtce.client.Host.look", look))
        for number in range(3):
            self.create(number + 1)
            self.say(f"compute-{number}", may_reboot=True)
        self.pass_s(1)
        for number in range(3):
            self.ask(f"compute-{number}", "reboot")
        self.clock.now += 1
        self.agent.step()
        self.assertEqual(1, len(looks))

    def test_states_of_many_hosts_are_stored_in_one_go(self) -> None:
        self.hear()
        for number in range(1, 6):
            self.create(number)
        self.pass_s(1)
        calls = []
        store = sysinv_client.Conductor.update_host_states

        def counted(conductor: Any, context: Any, states: dict[str, dict[str, Any]]) -> list[str]:
            calls.append(sorted(states))
            return store(conductor, context, states)

        self.useFixture(fixtures.MonkeyPatch("sysinv.client.Conductor.update_host_states", counted))
        self.useFixture(fixtures.MonkeyPatch("mtce.agent._BATCH", 3))
        for number in range(5):
            self.hear(f"compute-{number}")
        self.pass_s(1)
        self.assertEqual([["compute-0", "compute-1", "compute-2"], ["compute-3", "compute-4"]], calls)
        self.assertEqual({"online"}, {self.state(f"compute-{number}")[2] for number in range(5)})

    def test_news_of_one_host_have_only_that_one_looked_at(self) -> None:
        self.create()
        self.hear()
        self.pass_s(2)
        looks = []
        decide = self.agent._decide

        def watched(host: dict[str, Any], *rest: Any) -> dict[str, Any]:
            looks.append(host["hostname"])
            return decide(host, *rest)

        self.agent._decide = watched  # type: ignore[method-assign]
        self.hear("compute-0")
        self.clock.now += 0.1
        self.agent.step()
        self.assertEqual(["compute-0"], looks)
        self.assertEqual("online", self.state("compute-0")[2])


class NudgeTest(AgentTest):
    def setUp(self) -> None:
        super().setUp()
        self.nudges: list[bool] = []
        self.agent.nudge = lambda: self.nudges.append(True)

    def test_news_bring_the_next_step_forward(self) -> None:
        self.hear()
        self.assertEqual(1, len(self.nudges))
        self.hear(sshd="major")
        self.assertEqual(2, len(self.nudges))
        self.tell_change("controller-0")
        self.assertEqual(3, len(self.nudges))

    def test_no_news_do_not(self) -> None:
        self.hear(sshd="major")
        self.hear(uptime_s=5, sshd="major")
        self.assertEqual(1, len(self.nudges))


class ServiceTest(base.SystemTest):
    def test_a_report_over_the_bus_brings_a_host_into_service(self) -> None:
        made = process.make_service()
        made.start()
        self.addCleanup(made.stop)
        reporting = client.Agent(timeout_s=20)
        results: dict[str, client.Result] = {}

        def is_in_service() -> bool:
            wish = reporting.report(
                stx_context.internal("test"), client.HostReport("controller-0", "boot", 1, {}, results=results)
            )
            results.update({task: client.Result(token, True) for task, token in wish.tasks.items()})
            return bool(self.host()["operational"] == "enabled")

        base.wait_until(is_in_service)
        self.create()
        reporting.report(stx_context.internal("test"), client.HostReport("compute-0", "boot", 1, {}))
        base.wait_until(lambda: self.host("compute-0")["availability"] == "online")
        self.assertTrue(made.is_healthy())
