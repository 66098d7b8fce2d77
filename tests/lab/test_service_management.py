# SPDX-License-Identifier: Apache-2.0
"""Two controllers, and a host that votes or their boards: whatever becomes of the active one, the other one goes on, and nothing is lost.

Looked at from outside: who has the floating address, every 5 ms, and rows that a client writes through it.
"""

import json
import unittest

import ddt
from oslotest import base as oslo_base

from bench import failover_faults, failover_own
from bench.failover_product import READY_DEADLINE_S, FailoverError
from stxlab import boards
from stxlab.errors import LabError
from stxlab.machine import Machine
from tests.lab import base

_DOOMED = "/etc/pmon.d/doomed.conf"
# Each takes half a minute; `stx bench sm-failover` has all of them, often.
FAULTS = ("swact", "power_off", "freeze", "cut_mgmt", "deaf", "partition_1_2", "partition_1_1")


class Controllers(oslo_base.BaseTestCase):
    kind = failover_own.OwnProduct
    product: failover_own.OwnProduct

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := base.missing():
            raise unittest.SkipTest(reason)
        cls.product = cls.kind(base.new_lab().layout.directory, lambda text: None)
        cls.addClassCleanup(base.remove, cls.product.lab)
        cls.product.bring_up()

    def heal(self) -> None:
        for command in ("heal-all", "join"):
            failover_faults.lab(self.product, command)

    def standby(self) -> Machine:
        active = self.product.active()
        return next(machine for machine in self.product.controllers() if machine.host != active.host)


@ddt.ddt
class ServiceManagementTest(Controllers):
    @ddt.data(*FAULTS)
    def test_the_cloud_goes_on_and_nothing_is_lost_after(self, name: str) -> None:
        fault = failover_faults.FAULTS[name]
        self.addCleanup(self.heal)
        gaps = failover_faults.measure(self.product, fault)
        self.assertEqual((0, 0), (gaps.lost_writes, gaps.double_holder_samples), gaps)
        self.assertEqual(fault.moves, gaps.moved, gaps)

    def test_one_that_hangs_loses_the_activity_and_starts_anew(self) -> None:
        """Its process alone: the host, and the process with the lease, go on."""
        self.product.await_ready()
        active, standby = self.product.active(), self.standby()
        main = ["systemctl", "show", "--property=MainPID", "--value", "sm"]
        before = active.run(main).strip()
        active.run(["kill", "-STOP", before])
        failover_faults.wait_for("the other one is active", lambda: self.product.phase(standby) == "active", 60.0)
        self.product.await_ready()
        self.assertEqual(standby.host, self.product.active().host)
        self.assertNotEqual(before, active.run(main).strip())

    def test_services_and_groups_are_shown_on_both(self) -> None:
        self.product.await_ready()
        active = self.product.active()
        standby = self.standby()

        def states(machine: Machine) -> set[str]:
            found = json.loads(machine.run(["sm-dump", "-f", "json"]))["service_groups"]
            return {group["state"] for group in found if group["name"] != "watching"}

        self.assertEqual({"active"}, states(active))
        # One that has just started is on its way.
        failover_faults.wait_for("the other one is the standby", lambda: states(standby) == {"standby"}, 60.0)
        self.assertEqual("postgres is enabled-standby\n", standby.run(["sm-query", "service", "postgres"]))

    def test_a_standby_that_is_locked_has_no_services_until_it_is_unlocked(self) -> None:
        self.product.await_ready()
        active, standby = self.product.active(), self.standby()

        def groups() -> set[str]:
            found = json.loads(standby.run(["sm-dump", "-f", "json"]))["service_groups"]
            return {group["state"] for group in found}

        self.product.system("host-lock", standby.host.name)
        self.addCleanup(self.product.await_ready)
        self.addCleanup(self.product.in_service, standby)
        failover_faults.wait_for("nothing runs on the standby", lambda: groups() == {"disabled"}, 60.0)
        failover_faults.wait_for("the active one has data alone", lambda: self.product.eligible() == {active.host.name}, 60.0)
        with self.assertRaisesRegex(LabError, "is locked"):
            self.product.system("host-swact", active.host.name)
        self.product.in_service(standby)
        self.product.await_ready()
        self.assertEqual(active.host, self.product.active().host)

    def test_a_swact_that_an_operator_asks_for_is_told_until_it_is_complete(self) -> None:
        self.product.await_ready()
        before, after = self.product.active(), self.standby()

        def task() -> str:
            # That it is complete is told for ten seconds: nobody is looked for meanwhile.
            return self.product.host(before.host.name, after)[-1]

        self.product.system("host-swact", before.host.name)
        failover_faults.wait_for("the other one is active", lambda: self.product.phase(after) == "active", 60.0)
        failover_faults.wait_for("it is complete", lambda: task() == "Swact: Complete", 60.0)
        failover_faults.wait_for("it is over", lambda: not task(), 60.0)
        self.product.await_ready()

    def test_an_active_controller_of_which_a_critical_process_fails_hands_over_and_comes_back(self) -> None:
        self.product.await_ready()
        before, after = self.product.active(), self.standby()
        conf = (
            "[process]\nprocess = doomed\ncommand = /bin/false\npidfile = /run/doomed.pid\nmode = passive\nseverity = critical\n"
        )
        conf += "restarts = 1\ninterval = 1\ndebounce = 10\nstartuptime = 1\n"
        again = "systemctl kill -s HUP --kill-whom=main mtce-client"
        watch, forget = f"printf '{conf}' > {_DOOMED}; {again}", f"rm -f {_DOOMED}; {again}"
        boot = base.boot_id(before)
        self.addCleanup(self.product.await_ready)
        self.addCleanup(failover_faults.wait_for, "it is forgotten", lambda: before.run(["sh", "-c", forget]) == "", 60.0)
        before.run(["sh", "-c", watch])
        failover_faults.wait_for("the other one is active", lambda: self.product.phase(after) == "active", 60.0)
        failover_faults.wait_for("it is forgotten", lambda: before.run(["sh", "-c", forget]) == "", 60.0)
        self.product.await_ready()
        self.assertNotEqual(boot, base.boot_id(before))

    def test_what_was_begun_with_a_host_goes_on_when_the_controller_dies(self) -> None:
        self.product.await_ready()
        active = self.product.active()
        compute = self.product.lab.machine(self.product.wanted.host("compute-0"))
        self.addCleanup(self.product.await_ready)
        self.addCleanup(self.product.in_service, compute)
        # Else it may be over before the power is cut.
        active.run(["systemctl", "kill", "-s", "STOP", "mtce-agent"])
        self.product.system("host-lock", compute.host.name)
        active.power_off()
        self.addCleanup(failover_faults.lab, self.product, "power-on", active.host.name)

        seen: list[tuple[str, ...]] = []

        def is_locked() -> bool:
            seen.append(self.product.host(compute.host.name))
            return seen[-1] == ("locked", "disabled", "online", "", "")

        try:
            failover_faults.wait_for("it is locked", is_locked, READY_DEADLINE_S)
        except FailoverError as error:
            self.fail(f"{error} It was {list(dict.fromkeys(seen))}.")

    def test_a_system_that_is_switched_on_as_a_whole_has_one_leader_and_resets_nobody_who_comes_late(self) -> None:
        self.product.await_ready()
        machines = self.product.lab.machines()
        late = machines[-1]
        failover_faults.lab(self.product, "power-off", *(machine.host.name for machine in machines))
        self.addCleanup(lambda: late.is_on or failover_faults.lab(self.product, "power-on", late.host.name))
        failover_faults.lab(self.product, "power-on", *(machine.host.name for machine in self.product.controllers()))
        failover_faults.wait_for("one is active", lambda: bool(self.product.active()), READY_DEADLINE_S)
        failover_faults.wait_for("it is missed", lambda: self.product.host(late.host.name)[2] == "failed", READY_DEADLINE_S)
        failover_faults.lab(self.product, "power-on", late.host.name)
        failover_faults.wait_for("it runs", lambda: bool(base.boot_id(late)), 60.0)
        boots = [base.boot_id(machine) for machine in machines]
        self.product.await_ready()
        self.assertEqual(boots, [base.boot_id(machine) for machine in machines])

    def test_a_service_more_needs_no_code(self) -> None:
        self.product.await_ready()
        active = self.product.active()
        more = "services: {watch: {systemd: watch.service}}\ngroups: {watching: {model: N, services: {watch: minor}}}\n"
        unit = "[Service]\nExecStart=/bin/sleep infinity\n"
        active.run(["sh", "-c", f"printf '{unit}' > /etc/systemd/system/watch.service; systemctl daemon-reload"])
        active.run(
            ["sh", "-c", f"printf '%s' '{more}' > /tmp/more.yaml; sm-configure load /etc/starlingx/sm.yaml /tmp/more.yaml"]
        )
        self.addCleanup(self.product.await_ready)
        self.addCleanup(active.run, ["systemctl", "restart", "sm"], 120.0)
        self.addCleanup(active.run, ["sm-configure", "load", "/etc/starlingx/sm.yaml"])
        # It hands over, so the new set is tried on a standby.
        active.run(["systemctl", "restart", "sm"], 120.0)
        self.product.await_ready()
        failover_faults.wait_for(
            "the new service", lambda: active.run(["sm-query", "service", "watch"]) == "watch is enabled-active\n", 60.0
        )


@ddt.ddt
class DuplexTest(Controllers):
    """Nobody else votes, so the boards do."""

    kind = failover_own.DuplexProduct

    @ddt.data("power_off", "freeze", "partition_1_1", "other_freeze")
    def test_one_of_two_goes_on_and_nothing_is_lost_after(self, name: str) -> None:
        fault = failover_faults.DUPLEX_FAULTS[name]
        self.addCleanup(self.heal)
        gaps = failover_faults.measure(self.product, fault)
        self.assertEqual((0, 0), (gaps.lost_writes, gaps.double_holder_samples), gaps)
        self.assertEqual(fault.moves, gaps.moved, gaps)

    def test_service_management_that_is_restarted_costs_nobody_the_power(self) -> None:
        self.product.await_ready()
        standby = self.standby()
        before = standby.leader
        standby.run(["systemctl", "restart", "sm"], 120.0)
        self.product.await_ready()
        self.assertEqual(before, standby.leader)

    def test_a_controller_that_is_lost_with_its_board_keeps_the_other_one_from_nothing(self) -> None:
        """Which goes on alone when its promise has ended."""
        self.product.await_ready()
        standby = self.standby()
        board = boards.Board(self.product.lab.layout, standby.host, self.product.lab.switch)
        self.addCleanup(board.start, self.product.lab.layout.read_secrets()["board"])
        board.group.end()
        failover_faults.lab(self.product, "power-off", standby.host.name)
        self.addCleanup(failover_faults.lab, self.product, "power-on", standby.host.name)
        active = self.product.active()
        failover_faults.wait_for(
            f"{active.host.name} goes on alone",
            lambda: json.loads(active.run(["sm-dump", "--lease", "-f", "json"]))["voters"] == [active.host.name],
            60.0,
        )
