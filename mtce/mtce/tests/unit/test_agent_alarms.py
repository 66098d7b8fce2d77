# SPDX-License-Identifier: Apache-2.0
"""What mtce-agent tells operators of hosts that fail and change: alarms and logs."""

import ddt

from mtce import client
from mtce.tests.unit.test_agent import AgentTest
from sysinv.db import api as db_api


class AlarmTest(AgentTest):
    """Alarms that follow from what a host reports."""

    def told_of(self, alarm_id: str) -> list[tuple[str, str, str | None]]:
        told = [each for each in self.faults() if each.alarm_id == alarm_id]
        return [(each.operation, each.entity_instance_id, each.severity) for each in told]

    def test_a_configuration_that_failed_has_an_alarm_until_it_is_well(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        for name in ("controller-0", "compute-0"):
            self.say(name)
            self.pass_s(1)
            self.assertEqual([], self.told_of("200.011"))
            self.empty_spool()
            self.say(name, config=client.Config.FAILED)
            self.pass_s(1)
            entity = f"host={name}"
            self.assertEqual([("set", entity, "critical")], self.told_of("200.011"))
            self.say(name, config=client.Config.PASSED)
            for _ in range(35):
                self.say(name)
                self.pass_s(1)
            self.assertEqual([("set", entity, "critical"), ("clear", entity, None)], self.told_of("200.011"))
            self.assertEqual(("unlocked", "enabled", "available"), self.state(name))
            self.empty_spool()

    def test_a_worker_function_that_failed_has_an_alarm_until_it_is_well(self) -> None:
        obey, self.obey = self.obey, lambda: False  # type: ignore[method-assign]
        self.hear()
        for is_passed in (False, True):
            for task in ("goenabled", "start", "goenabled-worker", "start-worker"):
                self.pass_s(1)
                token = self.agent._wishes["controller-0"].tasks.get(client.Task(task))
                if token is not None:
                    ended = client.Result(token, is_passed or "worker" not in task)
                    self.say("controller-0", results={**self.said["controller-0"].results, task: ended})
            self.pass_s(1)
            if not is_passed:
                self.assertEqual([("set", "host=controller-0", "critical")], self.told_of("200.013"))
                self.assertEqual(("enabled", "failed"), (self.host()["operational"], self.host()["subfunction_avail"]))
                self.ask("controller-0", "lock")
                self.obey = obey  # type: ignore[method-assign]
                self.pass_s(1)
                self.ask("controller-0", "unlock")
        self.assertEqual(
            [("set", "host=controller-0", "critical"), ("clear", "host=controller-0", None)], self.told_of("200.013")
        )
        self.assertEqual(("enabled", "available"), (self.host()["operational"], self.host()["subfunction_avail"]))


@ddt.ddt
class LogTest(AgentTest):
    def logs(self) -> list[str]:
        return [entity for operation, alarm_id, entity, _ in self.told() if (operation, alarm_id) == ("log", "200.022")]

    def test_a_change_of_service_is_logged_as_state(self) -> None:
        self.hear()
        self.pass_s(1)
        self.assertEqual(["host=controller-0.status=intest", "host=controller-0.state=enabled"], self.logs())

    def test_a_host_that_fails_is_logged_as_both(self) -> None:
        self.create()
        self.ask("compute-0", "unlock")
        self.hear("compute-0")
        self.pass_s(1)
        self.empty_spool()
        self.hear("compute-0", nova="critical")
        self.pass_s(1)
        self.assertEqual(["host=compute-0.state=disabled", "host=compute-0.status=failed"], self.logs())

    def test_another_change_is_logged_as_status(self) -> None:
        self.create()
        self.hear("compute-0")
        self.pass_s(1)
        self.assertEqual(["host=compute-0.status=online"], self.logs())

    @ddt.data(
        (None, "reinstall-failed", "critical"),
        ("failed", "reinstall-failed", "critical"),
        ("booting", "reinstall-complete", None),
    )
    @ddt.unpack
    def test_how_a_reinstallation_went_is_logged_by_what_the_installer_told(
        self, install_state: str | None, status: str, severity: str | None
    ) -> None:
        self.create()
        self.say("compute-0", may_reboot=True)
        self.pass_s(1)
        self.ask("compute-0", "reinstall")
        self.pass_s(1)
        self.assertEqual("Reinstalling", self.host("compute-0")["task"])
        db_api.update_host(self.host("compute-0")["uuid"], {"install_state": install_state})
        self.tell_change("compute-0")
        self.say("compute-0", boot_id="another")
        for _ in range(9):
            self.pass_s(5)
            self.say("compute-0")
        ends = [(entity, level) for _, _, entity, level in self.told() if "reinstall" in entity]
        self.assertEqual([(f"host=compute-0.status={status}", severity)], ends)

    def test_nothing_is_logged_when_nothing_changed(self) -> None:
        self.hear()
        for _ in range(4):
            self.pass_s(1)
        self.assertEqual(2, len(self.logs()))

    def test_a_spool_that_is_full_does_not_keep_the_state_back(self) -> None:
        self.fill_spool()
        self.hear()
        self.pass_s(1)
        self.assertEqual(("unlocked", "enabled", "available"), self.state())
