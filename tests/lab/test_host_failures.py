# SPDX-License-Identifier: Apache-2.0
"""What becomes of hosts in service that fail, or seem to (spec mtce-sm.md A2, A3, C4)."""

import pathlib
import time

import ddt

from stx.boards import Kind
from stxlab import registration
from tests.lab import management, platform
from tests.lab.management import ALONE, BOARD_S, BOARDED, COMPUTES, SERVICE_S, SOON_S, THIRD, Seen

# Ten pulses are missed, and nothing is heard for five seconds more.
GRACE_S = 6.0
# Told of a host that is missing together with others.
WAITS = "Graceful Recovery Wait"
# Of the lab's boards; what it shows then is critical.
SENSOR, HOT = "cpu-temp", "97"
COOL_S = 8.0
STARVED_S = 20.0
FORGER = pathlib.Path(__file__).with_name("forger.py")
PYTHON = "/opt/starlingx/bin/python"
# A host that is looked at has no power for so much longer, or less long, than it is seen to have none.
_LOOK_S = 2.0


@ddt.ddt
class HostFailuresTest(management.ManagedTestCase):
    """Three computes, of which one has a board that the platform knows."""

    def test_a_host_without_board_that_loses_its_power_fails_after_the_grace_time_and_comes_back(self) -> None:
        self.in_service(ALONE)
        seen, off_at = self.after(ALONE, self.machine(ALONE).power_off)
        self.wait_for("it has failed", lambda: seen.has("failed"), SOON_S)
        self.assertGreaterEqual(seen.at("failed") - off_at, GRACE_S - 0.3)
        self.assertLess(seen.at("degraded"), seen.at("failed"))
        self.await_alarms(ALONE, "200.004", "200.005", "200.009")
        self.power_on(ALONE)
        self.await_service(ALONE)
        self.await_alarms(ALONE)

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_host_with_a_board_is_known_to_be_off_before_it_counts_as_failed_and_is_switched_on_again(self, kind: Kind) -> None:
        self.in_service(BOARDED)
        self.with_board(BOARDED, kind)
        seen, off_at = self.after(BOARDED, self.machine(BOARDED).power_off)
        self.wait_for("it has failed", lambda: seen.has("failed"), SOON_S)
        # From when it was missed: until then a busy machine takes its time.
        self.assertLess(seen.at("failed") - seen.changed_at(off_at), GRACE_S - 1)
        # Nobody else switches it on.
        self.wait_for("it is on again", lambda: self.machine(BOARDED).is_on, BOARD_S)
        self.await_service(BOARDED)

    def test_a_cable_that_is_out_for_a_moment_reboots_nothing(self) -> None:
        self.in_service(ALONE)
        before = self.boot_id(ALONE)
        seen = Seen(self, ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "mgmt")[0])
        # Not for longer: it would fail after its grace time.
        self.wait_for(
            "it is waited for", lambda: any(state[3] in ("Graceful Recovery", WAITS) for state in seen.states()), SOON_S
        )
        self.assertEqual(0, self.command("heal", ALONE, "mgmt")[0])
        self.await_service(ALONE)
        self.assertFalse(seen.has("failed"), seen.states())
        self.assertEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE)

    def test_a_host_that_is_lost_on_one_network_for_good_fails_and_is_told_by_it(self) -> None:
        self.in_service(ALONE)
        seen, before = Seen(self, ALONE), self.boot_id(ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "cluster")[0])
        self.wait_for("it has failed", lambda: seen.has("failed"), SOON_S)
        self.wait_for("its alarms", lambda: {"200.004", "200.009"} <= set(self.alarms(ALONE)), SOON_S, 0.5)
        tree = self.machine(platform.FIRST).run(["bash", "-c", ". /root/openrc; fm alarm-list --tree"], 60.0)
        self.assertRegex(tree, "\u2514\u2500 200.009")
        self.assertEqual(0, self.command("heal", ALONE, "cluster")[0])
        self.await_service(ALONE)
        self.assertNotEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE)

    def test_a_host_that_fails_and_only_the_second_network_reaches_is_reset_over_that(self) -> None:
        self.in_service(ALONE)
        seen, before = Seen(self, ALONE), self.boot_id(ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "mgmt")[0])
        self.wait_for("it has failed", lambda: seen.has("failed"), SOON_S)
        self.wait_for("it is in another boot", lambda: self.has_booted(ALONE, before), SOON_S, 0.5)
        self.assertEqual(("unlocked", "disabled", "failed"), self.state(ALONE))
        self.assertEqual(0, self.command("heal", ALONE, "mgmt")[0])
        self.await_service(ALONE)
        self.await_alarms(ALONE)

    def test_clocks_that_jump_fail_nobody_and_keep_nobody_from_reporting(self) -> None:
        self.in_service(ALONE)
        seen, before = Seen(self, ALONE), self.boot_id(ALONE)
        for name, seconds in ((ALONE, "3600"), (platform.FIRST, "-3600")):
            self.assertEqual(0, self.command("clock", name, seconds)[0])
        # What starts with the wrong time is believed too.
        self.machine(ALONE).run(["systemctl", "restart", "mtce-client"])
        known = (self.row(ALONE) or {})["uptime"]
        self.wait_for("it reports", lambda: (self.row(ALONE) or {})["uptime"] > known, SERVICE_S, 0.5)
        self.assertEqual({("unlocked", "enabled", "available")}, {state[:3] for state in seen.states()})
        self.assertEqual(before, self.boot_id(ALONE))

    def test_of_hosts_that_are_missing_together_none_fails(self) -> None:
        for name in COMPUTES:
            self.locked(name)
            self.online(name)
        # Unlocked together, all reboot: nobody may count on them meanwhile.
        self.wait_for("none of them votes", lambda: not self.voters() & set(COMPUTES), SOON_S)
        self.in_service(*COMPUTES)
        # An odd number of hosts votes, so one of these may be left out.
        self.wait_for("they vote", lambda: len(self.voters() & set(COMPUTES)) >= len(COMPUTES) - 1, SOON_S)
        boots = {name: self.boot_id(name) for name in (ALONE, BOARDED)}
        seen = [Seen(self, name) for name in boots]
        self.assertEqual(0, self.command("partition", f"{ALONE},{BOARDED}:controller-0,{THIRD}", "--network", "mgmt")[0])
        spared = ("unlocked", "enabled", "degraded", WAITS)
        for each in seen:
            self.wait_for("it is spared", lambda each=each: spared in each.states(), SOON_S)
        # For longer than one alone would be given.
        time.sleep(GRACE_S + 1)
        self.assertEqual(0, self.command("join")[0])
        for name in COMPUTES:
            self.await_service(name)
        self.assertFalse(any(each.has("failed") for each in seen), [each.states() for each in seen])
        self.assertEqual(boots, {name: self.boot_id(name) for name in boots})

    def test_hosts_that_are_missing_together_for_too_long_have_failed(self) -> None:
        self.in_service(*COMPUTES)
        self.configure("[mtce]\nmnfa_timeout = 8\n")
        boots = {name: self.boot_id(name) for name in COMPUTES}
        seen = {name: Seen(self, name) for name in COMPUTES}
        # They vote on, over the other network: else no controller were active.
        self.assertEqual(0, self.command("partition", f"{','.join(COMPUTES)}:controller-0", "--network", "mgmt")[0])
        for name, each in seen.items():
            self.wait_for(f"{name} has failed", lambda each=each: each.has("failed"), SERVICE_S)
            self.assertIn(WAITS, [task for *_, task in each.states()])
            self.assertGreaterEqual(each.at("failed") - each.at("degraded"), 8.0 - 2 * _LOOK_S)
        self.assertEqual(0, self.command("join")[0])
        for name in COMPUTES:
            self.await_service(name)
            self.assertNotEqual(boots[name], self.boot_id(name))

    def test_what_a_host_says_in_the_name_of_others_changes_nothing(self) -> None:
        self.in_service(ALONE, BOARDED)
        before, seen = self.boot_id(ALONE), Seen(self, ALONE)
        hosts = [self.wanted.host(name) for name in (ALONE, platform.FIRST)]
        networks = [":".join((network, *(str(host.address(network)) for host in hosts))) for network in ("mgmt", "cluster")]
        said = self.machine(BOARDED).run([PYTHON, "-c", FORGER.read_text(), ALONE, before, *networks], SOON_S)
        self.assertIn("speaks for itself alone", said)
        counted = "journalctl -u mtce-heartbeat -o cat --no-pager | grep 'were not taken' || true"
        for name in (ALONE, platform.FIRST):
            self.wait_for(
                f"{name} counts", lambda name=name: "forged" in self.machine(name).run(["sh", "-c", counted]), SERVICE_S, 1.0
            )
        # What it had heard as meant for it would be there at once, and the reset a moment later.
        self.assertNotIn("mtce-told.json", self.machine(ALONE).run(["ls", "/run/starlingx"]))
        self.assertEqual({("unlocked", "enabled", "available")}, {state[:3] for state in seen.states()})
        self.assertEqual(before, self.boot_id(ALONE))

    def test_a_controller_that_is_short_of_processor_fails_nobody(self) -> None:
        self.in_service(ALONE, BOARDED)
        boots = {name: self.boot_id(name) for name in (ALONE, BOARDED)}
        seen = [Seen(self, name) for name in boots]
        self.assertEqual(0, self.command("steal", platform.FIRST, "90")[0])
        time.sleep(STARVED_S)
        self.assertEqual(0, self.command("steal", platform.FIRST, "0")[0])
        for name in boots:
            self.await_service(name)
        self.assertFalse(any(each.has("failed") for each in seen), [each.states() for each in seen])
        self.assertEqual(boots, {name: self.boot_id(name) for name in boots})

    def test_a_sensor_that_is_critical_degrades_its_host_and_has_it_reset_where_that_is_wished(self) -> None:
        self.in_service(BOARDED)
        self.with_board(BOARDED)
        self.addCleanup(self.command, "sensor", BOARDED, SENSOR, "40")
        self.wait_for("its sensors are known", lambda: bool(self.system("host-sensorgroup-list", BOARDED)), BOARD_S, 1.0)
        group = "server temperature"
        # What another test has set of it stays.
        self.system("host-sensorgroup-modify", BOARDED, group, "audit_interval_group=10", "actions_critical_group=alarm")
        self.assertEqual(0, self.command("sensor", BOARDED, SENSOR, HOT)[0])
        self.wait_for("the host is degraded", lambda: self.state(BOARDED)[2] == "degraded", SERVICE_S, 0.5)
        self.await_alarms(BOARDED, "200.007")
        self.assertEqual(0, self.command("sensor", BOARDED, SENSOR, "40")[0])
        self.await_service(BOARDED)
        before = self.boot_id(BOARDED)
        self.system("host-sensorgroup-modify", BOARDED, group, "actions_critical_group=reset")
        self.assertEqual(0, self.command("sensor", BOARDED, SENSOR, HOT)[0])
        self.wait_for("it is reset", lambda: self.state(BOARDED)[1] == "disabled", SERVICE_S)
        self.assertEqual(0, self.command("sensor", BOARDED, SENSOR, "40")[0])
        self.await_service(BOARDED)
        self.assertNotEqual(before, self.boot_id(BOARDED))

    def test_a_host_is_power_cycled_for_a_sensor_and_cools_where_that_is_wished(self) -> None:
        self.in_service(BOARDED)
        self.with_board(BOARDED)
        self.addCleanup(self.command, "sensor", BOARDED, SENSOR, "40")
        self.configure(f"[mtce]\npower_cycle_cool_off = {COOL_S:g}\n")
        self.wait_for("its sensors are known", lambda: bool(self.system("host-sensorgroup-list", BOARDED)), BOARD_S, 1.0)
        wished = ("audit_interval_group=10", "actions_critical_group=powercycle")
        self.system("host-sensorgroup-modify", BOARDED, "server temperature", *wished)
        before = self.boot_id(BOARDED)
        seen, _ = self.after(BOARDED, lambda: self.command("sensor", BOARDED, SENSOR, HOT))
        self.wait_for("it has no power", lambda: not self.machine(BOARDED).is_on, SERVICE_S)
        without = time.monotonic()
        self.assertEqual(0, self.command("sensor", BOARDED, SENSOR, "40")[0])
        self.wait_for("it has power again", lambda: self.machine(BOARDED).is_on, SERVICE_S)
        self.assertGreaterEqual(time.monotonic() - without, COOL_S - _LOOK_S)
        self.await_service(BOARDED)
        self.assertNotEqual(before, self.boot_id(BOARDED))
        self.assertIn("Critical Event Power-Cycle 1; cooling off", [task for *_, task in seen.states()])

    def test_a_host_whose_mtce_client_hangs_is_started_anew_by_its_watchdog(self) -> None:
        self.in_service(ALONE)
        machine, before = self.machine(ALONE), self.boot_id(ALONE)
        told = "/etc/starlingx/watchdog.yaml"
        machine.run(
            ["sh", "-c", f"cp {told} /root/watchdog.yaml; echo 'silence_s: 10' >> {told}; systemctl restart mtce-watchdog"]
        )
        self.addCleanup(machine.run, ["sh", "-c", f"cp /root/watchdog.yaml {told}; systemctl restart mtce-watchdog"])
        heard = ["sh", "-c", "cat /run/starlingx/watchdog.heard 2>/dev/null || true"]
        self.wait_for("mtce-client has checked in", lambda: "mtce-client" in machine.run(heard), SOON_S, 0.5)
        # systemd's own watchdog would end it first.
        machine.run(["sh", "-c", "systemctl show -p MainPID --value mtce-client | xargs kill -STOP"])
        self.wait_for("it is out of service", lambda: self.state(ALONE)[1] == "disabled", SERVICE_S)
        self.await_service(ALONE)
        self.assertNotEqual(before, self.boot_id(ALONE))

    def test_a_system_that_is_switched_on_as_a_whole_resets_nothing(self) -> None:
        hosts = (ALONE, BOARDED)
        self.in_service(*hosts)
        self.with_board(BOARDED)
        self.assertEqual(0, self.command("power-off", platform.FIRST, *hosts)[0])
        self.power_on(platform.FIRST, ALONE)
        registration.await_service(self.machine(platform.FIRST))
        seen = Seen(self, BOARDED)
        self.wait_for("it is missed", lambda: seen.has("failed"), SERVICE_S)
        # It is not in the first boot's way either when its board switches it on.
        self.wait_for("it is on", lambda: self.machine(BOARDED).is_on, BOARD_S)
        self.wait_for("they run", lambda: all(self.has_booted(name) for name in hosts))
        boots = {name: self.boot_id(name) for name in hosts}
        for name in hosts:
            self.await_service(name)
        self.assertEqual(boots, {name: self.boot_id(name) for name in hosts})

    def test_what_was_begun_with_a_host_goes_on_when_mtce_agent_is_killed(self) -> None:
        self.in_service(ALONE)
        self.machine(ALONE).power_off()
        self.wait_for("it has failed", lambda: self.state(ALONE)[2] == "failed", SOON_S)
        self.machine(platform.FIRST).run(["systemctl", "kill", "-s", "KILL", "mtce-agent"])
        self.power_on(ALONE)
        self.await_service(ALONE)
