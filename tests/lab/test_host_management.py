# SPDX-License-Identifier: Apache-2.0
"""What becomes of hosts in service that fail, and of those that operators have something done to (spec mtce-sm.md A2, C4)."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any

import ddt
from keystoneauth1 import exceptions as keystone_exceptions

from stx.boards import Kind
from stxlab import board_files, registration
from stxlab.errors import LabError
from tests.lab import platform

COMPUTES = ("compute-0", "compute-1", "compute-2")
ALONE, BOARDED, THIRD = COMPUTES
# A reboot, tests, services and a soak of 11 s, on a machine that is busy.
SERVICE_S = 120.0
# Ten pulses are missed, and nothing is heard for five seconds more.
GRACE_S = 6.0
_BOARD_S = 60.0
# Told of a host that is missing together with others.
WAITS = "Graceful Recovery Wait"
# What takes a few seconds, on a machine that is busy.
_SOON_S = 60.0
# Of the lab's boards; what it shows then is critical.
SENSOR, HOT = "cpu-temp", "97"
COOL_S = 8.0
# A host that is looked at has no power for so much longer, or less long, than it is seen to have none.
_LOOK_S = 2.0


class _Seen:
    """What the platform has published of one host, each time that it changed."""

    def __init__(self, test: "HostManagementTest", name: str) -> None:
        self._test, self._name = test, name
        self._states: list[tuple[float, tuple[Any, ...]]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        test.addCleanup(self.end)

    def end(self) -> None:
        self._is_over.set()
        self._thread.join(30)

    def states(self) -> list[tuple[Any, ...]]:
        return [state for _, state in self._states]

    def changed_at(self, begun: float) -> float:
        """When something else was published first, from a moment on."""
        return next(moment for moment, _ in self._states if moment >= begun)

    def at(self, availability: str) -> float:
        """When this was published first, by the monotonic clock."""
        return next(moment for moment, state in self._states if state[2] == availability)

    def has(self, availability: str) -> bool:
        return any(state[2] == availability for _, state in tuple(self._states))

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            try:
                row = self._test.row(self._name)
            except (keystone_exceptions.ClientException, multiprocessing.TimeoutError):
                # The platform may be away.
                continue
            if row is None:
                continue
            state = tuple(row[name] for name in ("administrative", "operational", "availability", "task"))
            if not self._states or self._states[-1][1] != state:
                self._states.append((time.monotonic(), state))


@ddt.ddt
class HostManagementTest(platform.PlatformTestCase):
    """Three computes, of which one has a board that the platform knows."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.command, "heal-all")
        self.addCleanup(self.command, "join")

    def reboots(self, name: str, *words: str) -> None:
        """Have a command end a host's boot, and wait until it is online in another one."""
        before = self.boot_id(name)
        self.system(*words)

        def is_back() -> bool:
            try:
                return self.boot_id(name) != before and self.has_availability(name, "online") and not self.ihost_action(name)
            except LabError:
                # It boots.
                return False

        self.wait_for(f"{name} is back", is_back, SERVICE_S, 0.5)

    def in_service(self, *names: str) -> None:
        """Have hosts in service; they are locked again when the test ends, as others want them."""
        for name in names:
            if not self.is_in_service(name):
                if self.state(name)[0] != "locked":
                    self.locked(name)
                self.online(name)
                self.system("host-unlock", name)
            self.addCleanup(self.locked, name)
        for name in names:
            self.await_service(name)

    def await_service(self, name: str) -> None:
        self.wait_for(f"{name} is in service", lambda: self.is_in_service(name), SERVICE_S)

    def is_in_service(self, name: str) -> bool:
        return self.state(name) == ("unlocked", "enabled", "available")

    def state(self, name: str) -> tuple[str, str, str]:
        row = self.row(name)
        if row is None:
            return "locked", "disabled", "offline"
        return row["administrative"], row["operational"], row["availability"]

    def locked(self, name: str) -> None:
        if self.state(name)[0] == "locked":
            return
        self.command("heal-all")
        done = self.call("host-lock", "-f", name)
        self.assertEqual(0, done.returncode, done.stderr)
        self.wait_for(f"{name} is locked", lambda: self.state(name)[0] == "locked" and not self.ihost_action(name), SERVICE_S)
        if not self.machine(name).is_on:
            self.power_on(name)

    def ihost_action(self, name: str) -> Any:
        row = self.row(name)
        return row["ihost_action"] if row is not None else None

    def voters(self) -> set[str]:
        """Whose votes make a controller the active one."""
        return set(json.loads(self.machine(platform.FIRST).run(["sm-dump", "--lease", "-f", "json"]))["voters"])

    def boot_id(self, name: str) -> str:
        return self.machine(name).run(["cat", "/proc/sys/kernel/random/boot_id"]).strip()

    def to_test(self, name: str, command: str) -> str:
        """Have a host run one more test before it comes into service; gives where that is."""
        script = "/etc/goenabled.d/more.sh"
        self.machine(name).run(["sh", "-c", f"printf '#!/bin/sh\\n{command}\\n' > {script}; chmod 700 {script}"])
        self.addCleanup(self.no_more_test, name, script)
        return script

    def no_more_test(self, name: str, script: str) -> None:
        def is_gone() -> bool:
            try:
                return self.machine(name).run(["rm", "-f", script]) == ""
            except LabError:
                # Locked a moment ago, it boots.
                return False

        self.wait_for(f"{name} has no such test", is_gone, SERVICE_S)

    def with_board(self, name: str, kind: Kind = Kind.IPMI) -> None:
        """Have the platform know a host's board."""
        words = [f"bm_ip={self.wanted.host(name).board_address}", f"bm_username={board_files.USER}"]
        secret = self.lab.layout.read_secrets()["board"]
        self.system("host-update", name, f"bm_type={kind}", *words, f"bm_password={secret}")
        self.addCleanup(self.call, "host-update", name, "bm_type=none")

    def configure(self, options: str) -> None:
        """Have mtce-agent run with other options, those that may change meanwhile, until the test ends."""
        first, path = self.machine(platform.FIRST), "/etc/starlingx/starlingx.conf"
        before = first.run(["cat", path])
        again = "systemctl kill -s HUP --kill-whom=main mtce-agent"
        write = f'umask 077; printf %s "$1" > {path}; {again}'
        self.addCleanup(first.run, ["sh", "-c", write, "sh", before])
        first.run(["sh", "-c", write, "sh", f"{before}\n{options}"])

    def alarms(self, name: str) -> dict[str, str]:
        """Severity by id of the alarms of a host."""
        argv = ["bash", "-c", ". /root/openrc; fm alarm-list -f json"]
        found = json.loads(self.machine(platform.FIRST).run(argv, 60.0))
        return {each["Alarm ID"]: each["Severity"] for each in found if each["Entity ID"].split(".")[0] == f"host={name}"}

    def await_alarms(self, name: str, *ids: str) -> None:
        seen: list[dict[str, str]] = [{}]

        def is_so() -> bool:
            seen[0] = self.alarms(name)
            return set(seen[0]) == set(ids)

        try:
            self.wait_for(f"alarms {ids} of {name}", is_so, _SOON_S, 0.5)
        except AssertionError as error:
            self.fail(f"{error}; there are {seen[0]}")

    def after(self, name: str, do: Callable[[], Any]) -> tuple[_Seen, float]:
        """Have something happen; gives what is published of a host from before on, and when it was begun."""
        seen = _Seen(self, name)
        self.wait_for("it is seen", lambda: bool(seen.states()), _SOON_S)
        begun = time.monotonic()
        do()
        return seen, begun

    # -- what operators ask for

    def test_a_host_that_is_unlocked_reboots_and_comes_into_service(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        self.await_alarms(ALONE, "200.001")
        # Else its tests may be over before anybody has seen that it is tested.
        self.to_test(ALONE, "sleep 5")
        before = self.boot_id(ALONE)
        seen, _ = self.after(ALONE, lambda: self.system("host-unlock", ALONE))
        self.addCleanup(self.locked, ALONE)
        self.await_service(ALONE)
        self.assertNotEqual(before, self.boot_id(ALONE))
        self.assertEqual("provisioned", (self.row(ALONE) or {})["invprovision"])
        self.wait_for("that is seen", lambda: seen.has("available"), _SOON_S)
        # It may be back before it was missed.
        availabilities = [each for each in dict.fromkeys(state[2] for state in seen.states()) if each != "offline"]
        self.assertEqual(["online", "intest", "available"], availabilities, seen.states())
        self.assertLessEqual({"Reboot Request", "Testing"}, {state[3] for state in seen.states()})
        self.await_alarms(ALONE)

    def test_a_host_that_is_locked_goes_out_of_service_and_says_so(self) -> None:
        self.in_service(ALONE)
        before = self.boot_id(ALONE)
        self.assertEqual("Locking", self.system("host-lock", ALONE)["task"])
        self.wait_for("it is locked", lambda: self.state(ALONE) == ("locked", "disabled", "online"), SERVICE_S)
        self.assertEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE, "200.001")
        self.wait_for(
            "it knows", lambda: self.machine(ALONE).run(["ls", "-A", "/run/starlingx"]).split().count(".node_locked") == 1, 20.0
        )
        self.assertIn("locked already", self.refused("host-lock", ALONE))

    def test_a_test_that_fails_keeps_a_host_out_of_service_until_it_is_unlocked_again(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        script = self.to_test(ALONE, "exit 1")
        self.system("host-unlock", ALONE)
        self.addCleanup(self.locked, ALONE)
        self.wait_for("it has failed", lambda: self.state(ALONE) == ("unlocked", "disabled", "failed"), SERVICE_S)
        self.assertEqual("In-Test Failed, re-enabling", (self.row(ALONE) or {})["task"])
        self.await_alarms(ALONE, "200.004")
        self.machine(ALONE).run(["rm", "-f", script])
        # It is tried once more by itself.
        self.await_service(ALONE)
        self.await_alarms(ALONE)

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_board_resets_and_switches_a_host_that_is_locked(self, kind: Kind) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.assertIn("board management controller", self.refused("host-reset", BOARDED))
        self.with_board(BOARDED, kind)
        before = self.boot_id(BOARDED)
        self.system("host-reset", BOARDED)
        self.wait_for("the reset is over", lambda: not self.ihost_action(BOARDED), _BOARD_S)
        self.wait_for("it is online", lambda: self.has_availability(BOARDED, "online"), SERVICE_S)
        self.assertNotEqual(before, self.boot_id(BOARDED))
        self.system("host-power-off", BOARDED)
        self.wait_for("it is off", lambda: self.has_availability(BOARDED, "power-off"), _BOARD_S)
        self.assertFalse(self.machine(BOARDED).is_on)
        self.assertIn("powered off", self.refused("host-unlock", BOARDED))
        self.system("host-power-on", BOARDED)
        self.wait_for("it is online", lambda: self.has_availability(BOARDED, "online"), SERVICE_S)

    def test_a_host_is_rebooted_and_one_that_hangs_is_by_its_board(self) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.reboots(BOARDED, "host-reboot", BOARDED)
        self.with_board(BOARDED)
        self.assertEqual(0, self.command("hang", BOARDED)[0])
        self.wait_for("it is offline", lambda: self.has_availability(BOARDED, "offline"), _SOON_S)
        self.reboots(BOARDED, "host-reboot", BOARDED)

    def test_a_forced_lock_has_a_board_reset_a_host_that_hangs(self) -> None:
        self.locked(BOARDED)
        self.online(BOARDED)
        self.with_board(BOARDED)
        self.assertEqual(0, self.command("hang", BOARDED)[0])
        self.wait_for("it is offline", lambda: self.has_availability(BOARDED, "offline"), _SOON_S)
        self.reboots(BOARDED, "host-lock", "--force", BOARDED)
        self.assertIsNone((self.row(BOARDED) or {})["task"])

    def test_a_host_that_was_out_of_reach_when_its_lock_was_forced_is_reset_when_it_is_back(self) -> None:
        self.locked(ALONE)
        self.online(ALONE)
        before = self.boot_id(ALONE)
        for network in ("mgmt", "cluster"):
            self.assertEqual(0, self.command("cut", ALONE, network)[0])
        self.wait_for("it is offline", lambda: self.has_availability(ALONE, "offline"), _SOON_S)
        self.system("host-lock", "--force", ALONE)
        self.wait_for("it is told", lambda: (self.row(ALONE) or {})["task"] == "Reboot/Reset Timeout", _SOON_S)
        self.assertEqual(before, self.boot_id(ALONE))
        self.command("heal-all")
        self.wait_for("it is reset", lambda: (self.row(ALONE) or {})["task"] is None, SERVICE_S)
        self.wait_for("it is online", lambda: self.has_availability(ALONE, "online"), SERVICE_S)
        self.assertNotEqual(before, self.boot_id(ALONE))

    def test_a_host_that_is_reinstalled_comes_back_with_an_empty_disk(self) -> None:
        self.locked(THIRD)
        self.online(THIRD)
        self.machine(THIRD).run(["touch", "/var/old"])
        self.system("host-reinstall", THIRD)
        self.wait_for("it is installed", lambda: (self.row(THIRD) or {})["task"] == "Reinstall Succeeded", 2 * SERVICE_S)
        self.wait_for("it is online", lambda: self.has_availability(THIRD, "online"), SERVICE_S)
        self.assertNotIn("old", self.machine(THIRD).run(["ls", "/var"]).split())
        self.wait_for("the action is over", lambda: not self.ihost_action(THIRD), SERVICE_S)
        self.assertEqual("reinstalled", (self.row(THIRD) or {})["action_state"])

    # -- what happens to hosts in service

    def test_a_host_without_board_that_loses_its_power_fails_after_the_grace_time_and_comes_back(self) -> None:
        self.in_service(ALONE)
        seen, off_at = self.after(ALONE, self.machine(ALONE).power_off)
        self.wait_for("it has failed", lambda: seen.has("failed"), _SOON_S)
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
        self.wait_for("it has failed", lambda: seen.has("failed"), _SOON_S)
        # From when it was missed: until then a busy machine takes its time.
        self.assertLess(seen.at("failed") - seen.changed_at(off_at), GRACE_S - 1)
        # Nobody else switches it on.
        self.wait_for("it is on again", lambda: self.machine(BOARDED).is_on, _BOARD_S)
        self.await_service(BOARDED)

    def test_a_cable_that_is_out_for_a_moment_reboots_nothing(self) -> None:
        self.in_service(ALONE)
        before = self.boot_id(ALONE)
        seen = _Seen(self, ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "mgmt")[0])
        # Not for longer: it would fail after its grace time.
        self.wait_for(
            "it is waited for", lambda: any(state[3] in ("Graceful Recovery", WAITS) for state in seen.states()), _SOON_S
        )
        self.assertEqual(0, self.command("heal", ALONE, "mgmt")[0])
        self.await_service(ALONE)
        self.assertFalse(seen.has("failed"), seen.states())
        self.assertEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE)

    def test_a_host_that_is_lost_on_one_network_for_good_fails_and_is_told_by_it(self) -> None:
        self.in_service(ALONE)
        seen, before = _Seen(self, ALONE), self.boot_id(ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "cluster")[0])
        self.wait_for("it has failed", lambda: seen.has("failed"), _SOON_S)
        self.wait_for("its alarms", lambda: {"200.004", "200.009"} <= set(self.alarms(ALONE)), _SOON_S, 0.5)
        tree = self.machine(platform.FIRST).run(["bash", "-c", ". /root/openrc; fm alarm-list --tree"], 60.0)
        self.assertRegex(tree, "\u2514\u2500 200.009")
        self.assertEqual(0, self.command("heal", ALONE, "cluster")[0])
        self.await_service(ALONE)
        self.assertNotEqual(before, self.boot_id(ALONE))
        self.await_alarms(ALONE)

    def test_a_host_that_fails_and_only_the_second_network_reaches_is_reset_over_that(self) -> None:
        self.in_service(ALONE)
        seen, before = _Seen(self, ALONE), self.boot_id(ALONE)
        self.assertEqual(0, self.command("cut", ALONE, "mgmt")[0])
        self.wait_for("it has failed", lambda: seen.has("failed"), _SOON_S)

        def is_reset() -> bool:
            try:
                return self.boot_id(ALONE) != before
            except LabError:
                # It boots.
                return False

        self.wait_for("it is in another boot", is_reset, _SOON_S, 0.5)
        self.assertEqual(("unlocked", "disabled", "failed"), self.state(ALONE))
        self.assertEqual(0, self.command("heal", ALONE, "mgmt")[0])
        self.await_service(ALONE)
        self.await_alarms(ALONE)

    def test_clocks_that_jump_fail_nobody_and_keep_nobody_from_reporting(self) -> None:
        self.in_service(ALONE)
        seen, before = _Seen(self, ALONE), self.boot_id(ALONE)
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
        self.wait_for("none of them votes", lambda: not self.voters() & set(COMPUTES), _SOON_S)
        self.in_service(*COMPUTES)
        # An odd number of hosts votes, so one of these may be left out.
        self.wait_for("they vote", lambda: len(self.voters() & set(COMPUTES)) >= len(COMPUTES) - 1, _SOON_S)
        boots = {name: self.boot_id(name) for name in (ALONE, BOARDED)}
        seen = [_Seen(self, name) for name in boots]
        self.assertEqual(0, self.command("partition", f"{ALONE},{BOARDED}:controller-0,{THIRD}", "--network", "mgmt")[0])
        spared = ("unlocked", "enabled", "degraded", WAITS)
        for each in seen:
            self.wait_for("it is spared", lambda each=each: spared in each.states(), _SOON_S)
        # For longer than one alone would be given.
        time.sleep(GRACE_S + 1)
        self.assertEqual(0, self.command("join")[0])
        for name in COMPUTES:
            self.await_service(name)
        self.assertFalse(any(each.has("failed") for each in seen), [each.states() for each in seen])
        self.assertEqual(boots, {name: self.boot_id(name) for name in boots})

    def test_a_sensor_that_is_critical_degrades_its_host_and_has_it_reset_where_that_is_wished(self) -> None:
        self.in_service(BOARDED)
        self.with_board(BOARDED)
        self.addCleanup(self.command, "sensor", BOARDED, SENSOR, "40")
        self.wait_for("its sensors are known", lambda: bool(self.system("host-sensorgroup-list", BOARDED)), _BOARD_S, 1.0)
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
        self.wait_for("its sensors are known", lambda: bool(self.system("host-sensorgroup-list", BOARDED)), _BOARD_S, 1.0)
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
        self.wait_for("mtce-client has checked in", lambda: "mtce-client" in machine.run(heard), _SOON_S, 0.5)
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
        seen = _Seen(self, BOARDED)
        self.wait_for("it is missed", lambda: seen.has("failed"), SERVICE_S)
        # It is not in the first boot's way either when its board switches it on.
        self.wait_for("it is on", lambda: self.machine(BOARDED).is_on, _BOARD_S)
        self.wait_for("they run", lambda: all(self.machine(name).leader is not None for name in hosts))
        boots = {name: self.boot_id(name) for name in hosts}
        for name in hosts:
            self.await_service(name)
        self.assertEqual(boots, {name: self.boot_id(name) for name in hosts})

    def test_what_was_begun_with_a_host_goes_on_when_mtce_agent_is_killed(self) -> None:
        self.in_service(ALONE)
        self.machine(ALONE).power_off()
        self.wait_for("it has failed", lambda: self.state(ALONE)[2] == "failed", _SOON_S)
        self.machine(platform.FIRST).run(["systemctl", "kill", "-s", "KILL", "mtce-agent"])
        self.power_on(ALONE)
        self.await_service(ALONE)
