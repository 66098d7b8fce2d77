# SPDX-License-Identifier: Apache-2.0
"""Two controllers and a host that votes: whatever becomes of the active one, the other one goes on, and nothing is lost.

Looked at from outside: who has the floating address, every 5 ms, and rows that a client writes through it.
"""

import json
import unittest

import ddt
from oslotest import base as oslo_base

from bench import failover_faults, failover_own
from tests.lab import base

# Each takes half a minute; `stx bench sm-failover` has all of them, often.
FAULTS = ("swact", "power_off", "freeze", "cut_mgmt", "deaf", "partition_1_2", "partition_1_1")


@ddt.ddt
class ServiceManagementTest(oslo_base.BaseTestCase):
    product: failover_own.OwnProduct

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := base.missing():
            raise unittest.SkipTest(reason)
        cls.product = failover_own.OwnProduct(base.new_lab().layout.directory, lambda text: None)
        cls.addClassCleanup(base.remove, cls.product.lab)
        cls.product.bring_up()

    @ddt.data(*FAULTS)
    def test_the_cloud_goes_on_and_nothing_is_lost_after(self, name: str) -> None:
        fault = failover_faults.FAULTS[name]
        self.addCleanup(self.heal)
        gaps = failover_faults.measure(self.product, fault)
        self.assertEqual((0, 0), (gaps.lost_writes, gaps.double_holder_samples), gaps)
        self.assertEqual(fault.moves, gaps.moved, gaps)

    def heal(self) -> None:
        for command in ("heal-all", "join"):
            failover_faults.lab(self.product, command)

    def test_services_and_groups_are_shown_on_both(self) -> None:
        self.product.await_ready()
        active = self.product.active()
        standby = next(machine for machine in self.product.controllers() if machine.host != active.host)
        shown = {
            machine.host.name: json.loads(machine.run(["sm-dump", "-f", "json"]))["service_groups"]
            for machine in (active, standby)
        }
        self.assertEqual({"active"}, {group["state"] for group in shown[active.host.name]})
        moving = [group for group in shown[standby.host.name] if group["name"] != "watching"]
        self.assertEqual({"standby"}, {group["state"] for group in moving})
        self.assertEqual("postgres is enabled-standby\n", standby.run(["sm-query", "service", "postgres"]))

    def test_a_service_more_needs_no_code(self) -> None:
        active = self.product.active()
        more = "services: {watch: {systemd: watch.service}}\ngroups: {watching: {model: N, services: {watch: minor}}}\n"
        unit = "[Service]\nExecStart=/bin/sleep infinity\n"
        active.run(["sh", "-c", f"printf '{unit}' > /etc/systemd/system/watch.service; systemctl daemon-reload"])
        active.run(
            ["sh", "-c", f"printf '%s' '{more}' > /tmp/more.yaml; sm-configure load /etc/starlingx/sm.yaml /tmp/more.yaml"]
        )
        # From its next start on it is as it was; to start it now would disturb what is tried next.
        self.addCleanup(active.run, ["sm-configure", "load", "/etc/starlingx/sm.yaml"])
        # It hands over, so the new set is tried on a standby.
        active.run(["systemctl", "restart", "sm"], 120.0)
        self.product.await_ready()
        failover_faults.wait_for(
            "the new service", lambda: active.run(["sm-query", "service", "watch"]) == "watch is enabled-active\n", 60.0
        )
