# SPDX-License-Identifier: Apache-2.0
"""Every fault, applied and seen from outside, and ended and seen to be so; scenarios, and what they write."""

import contextlib
import json
import math
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Iterator
from unittest import mock

import ddt

from stxlab import faultfile, faults, observer, reach, scenario, timeline
from stxlab.faultbook import Book
from stxlab.network import bridge, port
from stxlab.player import EVENTS_FILE, PAGE_FILE, Player, PlayError
from tests.lab import base

HOST, PEER, THIRD = "compute-0", "controller-0", "controller-1"
PERIOD_S = 0.005
# For how long answers are waited for that are missing in the end: of a host that has answered, and of one that has not.
LATE_S, SILENT_S = 2.0, 0.5
# By which a clock may seem off, as asking takes a while on a machine that is busy.
CLOCK_S = 60.0
DAY_S = 86400
# Of a program on a host, on a machine that is busy.
RUN_DEADLINE_S = 120.0


class FaultTestCase(base.LabTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.faults = faults.Faults(self.lab)
        self.addCleanup(self.faults.heal_all)
        for host in self.wanted.hosts:
            if not self.machine(host.name).is_on:
                self.machine(host.name).power_on(self.lab.layout.layers())
            self.await_answer(host.name)
            self.lab.await_running(self.machine(host.name))

    def pings(self, name: str, network: str = "mgmt") -> bool:
        """Whether a host answers to one of three probes."""
        return any(round_trip is not None for round_trip in self.probe(name, network, 3 * PERIOD_S))

    def await_answer(self, name: str, network: str = "mgmt") -> None:
        self.wait_for(f"{name} answers on {network}", lambda: self.pings(name, network))

    def probe(self, name: str, network: str = "mgmt", seconds: float = 1.0) -> list[float | None]:
        """How long the answers to probes took: as many as are sent in that time, which may be longer on a machine that is busy."""
        host, count = self.wanted.host(name), round(seconds / PERIOD_S)
        probes: list[float | None] = self.inside(_probe, host.mac(network), host.address(network), network, count)
        return probes

    def lost(self, name: str, network: str = "mgmt", seconds: float = 1.0) -> float:
        """The part of the probes that had no answer."""
        probes = self.probe(name, network, seconds)
        return probes.count(None) / len(probes)

    def round_trip_ms(self, name: str, network: str = "mgmt", seconds: float = 1.0) -> float:
        """The shortest, to which a machine that is busy adds least."""
        round_trips = [round_trip for round_trip in self.probe(name, network, seconds) if round_trip is not None]
        return min(round_trips, default=math.inf) * 1000

    def hears(self, name: str, other: str, network: str = "mgmt") -> bool:
        """Whether a host gets an answer from another one."""
        address = self.wanted.host(other).address(network)
        return self.run_on(name, f"ping -c 3 -i 0.05 -W 1 -q {address} > /dev/null || echo no") == ""

    def await_hearing(self, name: str, other: str, network: str = "mgmt") -> None:
        self.wait_for(f"{name} hears {other} on {network}", lambda: self.hears(name, other, network))

    def run_on(self, name: str, text: str) -> str:
        return self.machine(name).run(["/bin/sh", "-c", text], deadline_s=RUN_DEADLINE_S).strip()

    def arrived(self, name: str) -> int:
        """How many frames have come to a host."""
        return int(self.run_on(name, "cat /sys/class/net/mgmt/statistics/rx_packets"))

    def texts(self, name: str = HOST) -> list[str]:
        return faultfile.read(self.lab.layout).texts(name)

    @contextlib.contextmanager
    def service(self, name: str, text: str) -> Iterator[str]:
        """A program that runs on HOST, as a unit there; gives its name."""
        self.run_on(HOST, f"systemd-run --quiet --collect --unit={name} /bin/sh -c '{text}'")
        try:
            yield f"{name}.service"
        finally:
            self.run_on(HOST, f"systemctl stop {name}.service 2>/dev/null || true")

    def is_active(self, unit: str, name: str = HOST) -> bool:
        return self.run_on(name, f"systemctl is-active {unit} || true") == "active"


class HangTest(FaultTestCase):
    def test_a_host_that_hangs_stops_and_is_silent_while_its_links_stay_up(self) -> None:
        with self.service("counting", "i=0; while :; do i=$((i+1)); echo $i > /run/count; sleep 0.02; done"):
            self.wait_for("it counts", lambda: self.count() > 0)
            self.faults.hang(HOST)
            count = self.count()
            self.assertEqual(1.0, self.lost(HOST))
            self.assertEqual(count, self.count())
            self.assertEqual("1", self.run_on(HOST, "cat /sys/class/net/mgmt/carrier"))
            self.assertEqual("frozen", self.machine(HOST).state())
            self.await_answer(PEER)
            self.faults.thaw(HOST)
            self.await_answer(HOST)
            self.wait_for("it counts again", lambda: self.count() > count)

    def count(self) -> int:
        return int(self.run_on(HOST, "cat /run/count 2>/dev/null || true") or 0)

    def test_a_host_whose_programs_alone_hang_still_answers(self) -> None:
        self.faults.hang(HOST, answers=True)
        self.await_answer(HOST)
        self.assertEqual("frozen", self.machine(HOST).state())

    def test_a_host_that_hangs_does_so_no_more_when_it_is_reset(self) -> None:
        self.faults.hang(HOST)
        self.machine(HOST).reset(self.lab.layout.layers())
        self.await_answer(HOST)
        self.assertEqual([], self.texts())

    def test_a_host_that_is_off_cannot_hang(self) -> None:
        self.machine(HOST).power_off()
        refused = self.assertRaises(faults.PowerError, self.faults.hang, HOST)
        self.assertIn("is off", str(refused))


@ddt.ddt
class CableTest(FaultTestCase):
    def test_a_cut_cable_carries_nothing_and_others_are_whole(self) -> None:
        self.faults.cut(HOST, "mgmt")
        self.assertEqual(1.0, self.lost(HOST))
        self.assertEqual("0", self.run_on(HOST, "cat /sys/class/net/mgmt/carrier"))
        self.await_answer(HOST, "cluster")
        self.await_answer(PEER)
        self.faults.heal(HOST, "mgmt")
        self.await_answer(HOST)

    @ddt.unpack
    @ddt.data(("in", False), ("out", True))
    def test_a_cable_may_be_cut_one_way(self, direction: str, do_frames_arrive: bool) -> None:
        self.faults.cut(HOST, "mgmt", direction)
        before = self.arrived(HOST)
        self.assertEqual(1.0, self.lost(HOST))
        self.assertEqual(do_frames_arrive, self.arrived(HOST) > before + 10)
        self.assertEqual("1", self.run_on(HOST, "cat /sys/class/net/mgmt/carrier"))
        self.faults.heal(HOST, "mgmt")
        self.await_answer(HOST)

    def test_a_cable_stays_cut_when_its_host_is_powered_off_and_on(self) -> None:
        self.faults.cut(HOST, "mgmt")
        self.machine(HOST).reset(self.lab.layout.layers())
        self.await_answer(HOST, "cluster")
        self.assertEqual(1.0, self.lost(HOST))
        self.faults.heal(HOST, "mgmt")
        self.await_answer(HOST)

    def test_a_cable_that_is_healed_while_its_host_is_off_is_whole_afterwards(self) -> None:
        self.faults.cut(HOST, "mgmt")
        self.faults.delay(HOST, "mgmt", 50)
        self.machine(HOST).power_off()
        self.faults.heal(HOST, "mgmt")
        self.machine(HOST).power_on(self.lab.layout.layers())
        self.await_answer(HOST)
        self.assertLess(self.round_trip_ms(HOST), 40)

    def test_a_lossy_cable_loses_frames_both_ways(self) -> None:
        self.faults.loss(HOST, "mgmt", 30)
        # An answer needs two frames.
        self.assertAlmostEqual(1 - 0.7**2, self.lost(HOST, seconds=4), delta=0.12)
        self.assertLess(self.lost(PEER), 0.05)
        self.faults.loss(HOST, "mgmt", 0)
        self.assertLess(self.lost(HOST), 0.05)
        self.assertEqual([], self.texts())

    def test_a_slow_cable_holds_frames_back_both_ways_until_it_is_healed(self) -> None:
        self.faults.delay(HOST, "mgmt", 50)
        self.assertAlmostEqual(100, self.round_trip_ms(HOST), delta=30)
        self.assertLess(self.round_trip_ms(PEER), 30)
        self.assertLess(self.lost(HOST), 0.05)
        self.faults.delay(HOST, "mgmt", 20)
        self.wait_for("it is less slow", lambda: self.round_trip_ms(HOST, seconds=0.2) < 70)
        self.assertAlmostEqual(40, self.round_trip_ms(HOST), delta=25)
        self.faults.heal(HOST, "mgmt")
        self.assertLess(self.round_trip_ms(HOST), 25)
        self.assertEqual([], list(self.lab.layout.run.glob("wire-*.pid")))

    def test_the_delay_of_a_cable_may_vary(self) -> None:
        self.faults.delay(HOST, "mgmt", 50, jitter=40)
        trips = [round_trip for round_trip in self.probe(HOST, seconds=3) if round_trip is not None]
        self.assertGreater(statistics.stdev(trips), 0.015)
        self.assertGreater(min(trips), 0.019)

    def test_what_goes_through_a_slow_cable_is_not_damaged(self) -> None:
        self.faults.delay(HOST, "mgmt", 2)
        address = self.wanted.host(HOST).address("mgmt")
        with self.service("receiving", "nc -l -N -p 5000 | sha256sum > /run/sum"):
            self.wait_for("it listens", lambda: self.run_on(HOST, "ss -tln sport = 5000 | grep -c LISTEN || true") == "1")
            sent = self.run_on(
                PEER, f"head -c 20000000 /dev/urandom > /root/x; sha256sum < /root/x; nc -N {address} 5000 < /root/x"
            )
            self.wait_for("all has arrived", lambda: self.run_on(HOST, "cat /run/sum") == sent)
        self.assertEqual("0", self.run_on(HOST, "awk '/^Tcp: [0-9]/ {print $14}' /proc/net/snmp"))

    def test_a_slow_cable_is_slow_again_after_a_reset(self) -> None:
        self.faults.delay(HOST, "mgmt", 50)
        self.machine(HOST).reset(self.lab.layout.layers())
        self.wait_for("it answers", lambda: self.lost(HOST, seconds=0.3) < 1)
        self.assertAlmostEqual(100, self.round_trip_ms(HOST), delta=30)

    def test_ports_that_go_while_cables_are_mended_keep_no_other_cable_from_it(self) -> None:
        self.faults.cut(PEER, "mgmt")
        self.machine(HOST).power_off()
        gone = {port(self.wanted.host(HOST), network) for network in self.wanted.host(HOST).networks()}
        self.wait_for("its ports are gone", lambda: not gone & self.lab.switch.devices())
        there = self.lab.switch.devices()
        with mock.patch.object(self.lab.switch, "devices", side_effect=[there | gone, there, there]):
            self.faults.heal_all()
        self.await_answer(PEER)

    def test_a_port_that_a_host_has_not_is_refused(self) -> None:
        refused = self.assertRaises(faults.FaultError, self.faults.cut, HOST, "oam")
        self.assertIn("has no port on oam", str(refused))


class PartitionTest(FaultTestCase):
    def test_sets_do_not_hear_each_other_until_they_are_joined(self) -> None:
        self.faults.partition([[HOST, PEER], [THIRD]], ["mgmt"])
        self.await_hearing(HOST, PEER)
        self.assertFalse(self.hears(HOST, THIRD))
        self.assertFalse(self.hears(THIRD, PEER))
        self.await_hearing(HOST, THIRD, "cluster")
        self.await_answer(THIRD)
        self.faults.join()
        self.await_hearing(HOST, THIRD)

    def test_a_partition_holds_for_a_host_that_comes_back_and_for_a_slow_cable(self) -> None:
        self.faults.partition([[HOST], [PEER]])
        self.machine(HOST).reset(self.lab.layout.layers())
        self.await_answer(HOST)
        self.assertFalse(self.hears(PEER, HOST))
        self.faults.delay(HOST, "mgmt", 1)
        self.assertFalse(self.hears(PEER, HOST))
        self.await_hearing(THIRD, HOST)


class ProgramTest(FaultTestCase):
    def test_only_what_is_named_is_killed(self) -> None:
        self.run_on(PEER, "systemd-run --quiet --collect --unit=one sleep 1001")
        self.addCleanup(self.run_on, PEER, "systemctl stop one.service")
        with self.service("one", "exec sleep 1001") as one, self.service("two", "exec sleep 1002") as two:
            self.wait_for("both run", lambda: self.is_active(one) and self.is_active(two))
            self.assertIn("sleep", self.faults.kill(HOST, one))
            self.wait_for("it is seen to be gone", lambda: not self.is_active(one))
            self.assertTrue(self.is_active(two))
            self.assertTrue(self.is_active("one.service", PEER))
            self.faults.kill(HOST, "sleep", signal.SIGTERM)
            self.wait_for("it is seen to be gone", lambda: not self.is_active(two))
            self.assertTrue(self.is_active("one.service", PEER))

    def test_what_does_not_run_is_refused_with_what_does(self) -> None:
        refused = self.assertRaises(faults.FaultError, self.faults.kill, HOST, "nobody")
        self.assertIn("systemd-journald.service", str(refused))

    def test_process_1_is_not_killed(self) -> None:
        self.assertRaises(faults.FaultError, self.faults.kill, HOST, "systemd")
        self.assertTrue(self.machine(HOST).is_on)


class DiskTest(FaultTestCase):
    def test_a_full_disk_takes_nothing_until_it_is_emptied(self) -> None:
        self.run_on(HOST, "mkdir -p /srv/data")
        self.faults.fill(HOST, "/srv/data")
        self.assertEqual("full", self.run_on(HOST, "dd if=/dev/zero of=/root/more bs=64K count=1 2>/dev/null || echo full"))
        self.assertEqual(["/srv/data full"], self.texts())
        self.faults.empty(HOST, "/srv/data")
        self.assertEqual("", self.run_on(HOST, "dd if=/dev/zero of=/root/more bs=64K count=1 2>/dev/null || echo full"))
        self.assertEqual([], self.texts())

    def test_as_much_is_left_as_was_asked_for(self) -> None:
        self.faults.fill(HOST, "/srv", leave=8)
        written = int(self.run_on(HOST, "dd if=/dev/zero of=/root/more bs=64K 2>/dev/null; stat -c %s /root/more; rm /root/more"))
        self.assertAlmostEqual(8, written / 2**20, delta=1)

    def test_others_have_room_and_so_has_the_machine(self) -> None:
        self.faults.fill(HOST, "/srv")
        self.assertEqual("", self.run_on(PEER, "dd if=/dev/zero of=/root/more bs=1M count=8 2>/dev/null || echo full"))
        self.assertLess(self.machine(HOST).files.disk.stat().st_blocks * 512, 2**30)

    def test_memory_is_not_filled(self) -> None:
        refused = self.assertRaises(faults.FaultError, self.faults.fill, HOST, "/run")
        self.assertIn("in the machine's memory", str(refused))


class ProcessorTest(FaultTestCase):
    def test_stolen_time_is_missing_until_it_is_given_back(self) -> None:
        with self.service("busy", "while :; do :; done"):
            # On a machine that is busy too it has more than is left of one of which nearly all is stolen.
            least = 0.05 * (os.cpu_count() or 1)
            self.wait_for("it is busy", lambda: self.used() > least)
            self.faults.steal(HOST, 98)
            self.assertLess(self.used(), least)
            self.faults.steal(HOST, 0)
            self.wait_for("it is busy again", lambda: self.used() > least)

    def test_time_is_stolen_from_the_next_life_of_a_host_too(self) -> None:
        self.faults.steal(HOST, 80)
        self.machine(HOST).reset(self.lab.layout.layers())
        self.lab.await_running(self.machine(HOST))
        self.assertEqual(["processors 80 % stolen"], self.texts())
        with self.service("busy", "while :; do :; done & while :; do :; done & wait"):
            self.assertLess(self.used(), 0.25 * (os.cpu_count() or 1))

    def used(self) -> float:
        """How many processors the host uses, as its group tells."""
        begun, before = time.monotonic(), self._ticks()
        time.sleep(1)
        ticks = self._ticks() - before
        return ticks / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begun)

    def _ticks(self) -> int:
        """Of all its processes, now; those that have ended do not count."""
        ticks = 0
        for pid in self.machine(HOST).group.pids():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks


class ClockTest(FaultTestCase):
    def test_programs_that_run_see_the_wall_clock_jump_and_no_other_clock(self) -> None:
        lines = (
            "import os, time",
            "while True:",
            "    with open('/run/now.new', 'w') as file:",
            "        file.write(f'{time.time()} {time.monotonic()}')",
            "    os.replace('/run/now.new', '/run/now')",
            "    time.sleep(0.05)",
        )
        self.machine(HOST).run(["python3", "-c", f"open('/root/tell.py', 'w').write({chr(10).join(lines)!r})"])
        with self.service("telling", "exec python3 /root/tell.py"):
            self.wait_for("it tells", lambda: abs(self.apart()) < 5)
            self.faults.clock(HOST, DAY_S)
            self.assertAlmostEqual(DAY_S, float(self.run_on(HOST, "date +%s")) - time.time(), delta=CLOCK_S)
            self.wait_for("it sees the jump", lambda: abs(self.apart() - DAY_S) < 5)
            self.assertAlmostEqual(time.monotonic(), self.told()[1], delta=CLOCK_S)
            self.assertAlmostEqual(time.time(), float(self.run_on(PEER, "date +%s")), delta=CLOCK_S)
            self.faults.clock(HOST, -3600.5)
            self.wait_for("it goes back", lambda: abs(self.apart() + 3600.5) < 5)
            self.faults.clock(HOST, 0)
            self.wait_for("it is right again", lambda: abs(self.apart()) < 5)

    def told(self) -> tuple[float, float]:
        words = self.run_on(HOST, "cat /run/now 2>/dev/null || true").split()
        return (float(words[0]), float(words[1])) if len(words) == 2 else (0.0, 0.0)

    def apart(self) -> float:
        return self.told()[0] - time.time()

    def test_who_waits_for_a_time_of_day_waits_for_the_one_that_it_sees(self) -> None:
        self.faults.clock(HOST, DAY_S)
        lines = (
            "import os, struct, time",
            "import ctypes",
            "libc = ctypes.CDLL(None)",
            "begun = time.monotonic()",
            'at = struct.pack("qq", int(time.time()) + 1, 0)',
            "libc.clock_nanosleep(0, 1, at, None)",
            "timer = libc.timerfd_create(0, 0)",
            'libc.timerfd_settime(timer, 1, struct.pack("qqqq", 0, 0, int(time.time()) + 1, 0), None)',
            "os.read(timer, 8)",
            "print(time.monotonic() - begun)",
        )
        # Who went by the machine's clock would wait for a day.
        took = float(self.machine(HOST).run(["python3", "-c", "\n".join(lines)], deadline_s=RUN_DEADLINE_S))
        self.assertLess(took, RUN_DEADLINE_S)

    def test_a_clock_stays_wrong_over_a_reset(self) -> None:
        self.faults.clock(HOST, DAY_S)
        self.machine(HOST).reset(self.lab.layout.layers())
        self.lab.await_running(self.machine(HOST))
        self.assertAlmostEqual(DAY_S, float(self.run_on(HOST, "date +%s")) - time.time(), delta=CLOCK_S)


class CommandTest(FaultTestCase):
    def test_a_command_tells_how_long_it_took_to_act(self) -> None:
        code, said = self.command("cut", HOST, "mgmt")
        self.assertEqual(0, code)
        self.assertRegex(said, r"^cut: \d+\.\d ms\n$")
        self.assertFalse(self.pings(HOST))

    def test_status_shows_faults_and_heal_all_ends_them(self) -> None:
        for words in (("hang", HOST), ("loss", HOST, "cluster", "5"), ("delay", PEER, "oam", "9"), ("clock", THIRD, "-60")):
            self.assertEqual(0, self.command(*words)[0])
        shown = {row["host"]: row["faults"] for row in json.loads(self.command("status", "-f", "json")[1])}
        self.assertEqual({HOST: "hangs; cluster loses 5 %", PEER: "oam delayed 9 ms", THIRD: "clock -60 s"}, shown)
        self.assertEqual(0, self.command("heal-all")[0])
        self.assertEqual(Book(), faultfile.read(self.lab.layout))
        for host in self.wanted.hosts:
            self.await_answer(host.name)

    def test_heal_all_mends_what_the_book_does_not_know(self) -> None:
        self.faults.hang(HOST)
        self.faults.cut(PEER, "mgmt")
        self.lab.layout.faults.write_text("{")
        self.faults.heal_all()
        self.await_answer(HOST)
        self.await_answer(PEER)
        self.wait_for("its programs run", lambda: self.machine(HOST).state() in ("running", "degraded"))

    def test_what_cannot_be_done_is_told(self) -> None:
        code, said = self.command("cut", HOST, "oam")
        self.assertEqual((1, f"stx lab cut: {HOST} has no port on oam. It has: mgmt, cluster, pxeboot\n"), (code, said))

    def test_scenarios_are_checked(self) -> None:
        self.assertEqual((0, "A partition between controllers"), _start(self.command("scenario", "check", "partition"), ":"))
        code, said = self.command("scenario", "check", "/nowhere")
        self.assertEqual(1, code)
        self.assertIn("Give a file, or one of one-host, partition, slow-link", said)


class ScenarioTest(FaultTestCase):
    def play(self, *steps: str) -> tuple[scenario.Scenario, Player, pathlib.Path]:
        text = f"name: A test\nhosts: [{HOST}, {PEER}]\nsettle: 1s\nsteps:\n" + "".join(f"- {step}\n" for step in steps)
        directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        return scenario.parse(text), Player(self.lab, lambda _: None), directory

    def test_what_happens_is_seen_and_drawn(self) -> None:
        read, player, directory = self.play(
            f"{{at: 1s, do: power-off {HOST}}}",
            f"{{expect: host {HOST} state off, within: 60s}}",
            f"{{expect: host {HOST} mgmt silent, within: 60s}}",
            f"{{expect: host {PEER} mgmt answers, for: 1s, within: 60s}}",
            f"{{do: power-on {HOST}}}",
            f"{{wait until: host {HOST} state running, within: 120s}}",
            f"{{expect: host {HOST} mgmt answers, within: 60s}}",
            f"{{expect: host {HOST} mgmt hears {PEER}, within: 60s}}",
            f"{{do: cut {HOST} cluster}}",
            f"{{expect: host {PEER} cluster answers, within: 60s}}",
            f"{{run: test -d /srv, host: {HOST}}}",
        )
        outcome = player.play(read, directory)
        self.assertEqual((), outcome.failed)
        events = [timeline.read(line) for line in (directory / EVENTS_FILE).read_text().splitlines()]
        power = [event.what for event in events if (event.kind, event.host) == ("power", HOST)]
        self.assertEqual(["running", "off", "starting", "running"], list(dict.fromkeys(power[:2])) + power[2:])
        (off,) = [event for event in events if event.kind == "order" and event.what == "power-off"]
        silent = next(event for event in events if (event.kind, event.host, event.what) == ("reach", HOST, "silent"))
        (seen,) = [event for event in events if event.kind == "step" and event.what == f"passed: host {HOST} mgmt silent"]
        # It is told as of its beginning, though it was certain only when answers had been waited for.
        self.assertGreater(silent.time_s, off.time_s - 0.5)
        self.assertLess(silent.time_s, seen.time_s - 0.9 * reach.DEADLINE_S)
        cut = [event.kind for event in events if event.what == "cluster cut"]
        self.assertEqual(["fault-begin", "fault-end"], cut)
        self.assertIn("<svg", (directory / PAGE_FILE).read_text())

    def test_what_a_scenario_broke_is_mended_at_its_end(self) -> None:
        read, player, _ = self.play(
            f"{{do: hang {HOST}}}", f"{{do: cut {PEER} mgmt}}", f"{{expect: host {HOST} state frozen, within: 60s}}"
        )
        self.assertEqual((), player.play(read).failed)
        self.assertEqual(Book(), faultfile.read(self.lab.layout))
        self.await_answer(HOST)

    def test_an_expectation_that_fails_is_told_and_the_scenario_goes_on(self) -> None:
        read, player, directory = self.play(
            f"{{expect: host {HOST} state off, within: 500ms}}", f"{{run: exit 3, host: {HOST}, exit code: 3}}"
        )
        outcome = player.play(read, directory)
        self.assertEqual((f"host {HOST} state off",), outcome.failed)
        steps = [event.what for event in outcome.events if event.kind == "step"]
        self.assertEqual([f"failed: host {HOST} state off: not within 0.5 s; seen: running", "passed: exit 3"], steps)
        self.assertIn("1 of 2 steps failed", (directory / PAGE_FILE).read_text())

    def test_a_wait_that_fails_ends_the_scenario(self) -> None:
        read, player, _ = self.play(f"{{wait until: host {HOST} state off, within: 500ms}}", f"{{do: power-off {HOST}}}")
        self.assertEqual((f"host {HOST} state off",), player.play(read).failed)
        self.assertTrue(self.machine(HOST).is_on)

    def test_what_was_before_an_order_does_not_count_after_it(self) -> None:
        read, player, _ = self.play(f"{{do: cut {HOST} mgmt}}", f"{{expect: host {HOST} mgmt answers, within: 100ms}}")
        self.assertEqual((f"host {HOST} mgmt answers",), player.play(read).failed)

    def test_a_lab_without_the_hosts_is_refused(self) -> None:
        read = scenario.parse("name: x\nhosts: [compute-7]\nsteps: [{do: hang compute-7}]")
        refused = self.assertRaises(PlayError, Player(self.lab, lambda _: None).play, read)
        self.assertIn("The lab has no compute-7", str(refused))


def _probe(mac: str, address: str, network: str, count: int) -> list[float | None]:
    """Ask a host every few milliseconds for its hardware address; the order of answers is that of questions, as far as it can be.

    However late this is called upon, it sends all of them, and reads what has been answered.
    """
    name = bridge(network)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as made:
        made.bind((name, 0x0806))
        # Answers to addresses that are not its own reach it only so.
        made.setsockopt(263, 1, struct.pack("iHH8x", socket.if_nametoindex(name), 1, 0))
        own = made.getsockname()[4]
        target = bytes.fromhex(mac.replace(":", ""))
        sent: dict[int, float] = {}
        took: dict[int, float] = {}
        # An answer that another call has not waited for is none to these.
        first = random.randrange(2**16 - count)
        due = time.monotonic()
        while len(sent) < count or (len(took) < count and time.monotonic() < due):
            if len(sent) < count and time.monotonic() >= due:
                number = first + len(sent)
                # Who asks tells the answers apart; nobody remembers it, as the question is from no address.
                asker = own[:3] + b"\xfc" + struct.pack("!H", number)
                sent[number] = time.monotonic()
                made.send(observer.packet(target, own, asker, address))
                # After the last one answers are waited for.
                due = time.monotonic() + (PERIOD_S if len(sent) < count else LATE_S if took else SILENT_S)
            made.settimeout(PERIOD_S)
            with contextlib.suppress(TimeoutError):
                _take(made.recv(2048), own, sent, took)
        # What came while it was not called upon.
        made.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                _take(made.recv(2048), own, sent, took)
    return [took.get(number) for number in sent]


def _take(frame: bytes, own: bytes, sent: dict[int, float], took: dict[int, float]) -> None:
    """Note how long an answer took, where a frame is one."""
    asker = frame[32:38]
    if frame[20:22] == b"\x00\x02" and asker[:4] == own[:3] + b"\xfc":
        (number,) = struct.unpack("!H", asker[4:])
        if number in sent:
            took.setdefault(number, time.monotonic() - sent[number])


def _start(result: tuple[int, str], end: str) -> tuple[int, str]:
    return result[0], result[1].partition(end)[0]
