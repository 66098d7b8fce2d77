# SPDX-License-Identifier: Apache-2.0
"""Heartbeat between real processes on loopback: three hosts, of which one is a controller, and a test in mtce-agent's place."""

import contextlib
import itertools
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import fixtures
import msgspec
from oslotest import base

from mtce.cmd import heartbeat
from mtce.heartbeat import told, wire
from mtce.heartbeat.accounting import Level
from stx import hostkeys, realtime
from stx.datagrams import Keys

HOSTS = {"controller-0": "127.0.0.11", "compute-0": "127.0.0.12", "compute-1": "127.0.0.13"}
KEY, MASTER = "k" * 32, "m" * 32
DEADLINE_S = 60.0


class HeartbeatTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        with contextlib.ExitStack() as stack:
            probes = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
            for probe in probes:
                probe.bind(("127.0.0.1", 0))
            self.ports = [probe.getsockname()[1] for probe in probes]
        self.processes = {name: self.start(name) for name in HOSTS}
        self.decoder = msgspec.msgpack.Decoder(wire.Facts)
        self.facts: list[wire.Facts] = []
        self.agent = self.connect()

    def start(self, name: str) -> subprocess.Popen[bytes]:
        # One network where each host gets its own pulse, and one where a pulse is for all.
        networks = {
            "mgmt": {"device": "lo", "address": HOSTS[name], "port": self.ports[0]},
            "cluster": {"device": "lo", "address": HOSTS[name], "port": self.ports[1], "group": "239.1.1.2"},
        }
        path = self.directory / f"{name}.yaml"
        files = {"key_file": self.secret("key", KEY)}
        if name == "controller-0":
            files["master_key_file"] = self.secret("master", MASTER)
        else:
            files["host_key_file"] = self.secret(f"{name}.key", self.key_of(name).decode())
        # JSON is YAML.
        path.write_text(json.dumps({"node": name, "cluster": "ours", "networks": networks, **files}))
        words = [f"--settings={path}", f"--run-path={self.directory / name}"]
        program = "import sys; from mtce.cmd.heartbeat import main; sys.exit(main())"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        made = subprocess.Popen([sys.executable, "-c", program, *words], env=environment)
        self.addCleanup(self.end, made)
        return made

    @staticmethod
    def key_of(host: str) -> bytes:
        return hostkeys.derive(MASTER.encode(), hostkeys.of_host(host))

    def secret(self, name: str, key: str) -> str:
        path = self.directory / name
        path.write_text(f"{key}\n")
        path.chmod(0o600)
        return str(path)

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(DEADLINE_S)

    def connect(self) -> socket.socket:
        path = self.directory / "controller-0" / heartbeat.SOCKET
        made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(made.close)
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                made.connect(str(path))
                return made
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                select.select([], [], [], 0.02)

    def order(self, *hosts: str) -> None:
        addresses = {host: HOSTS[host] for host in hosts}
        order = wire.Order(dict.fromkeys(("mgmt", "cluster"), addresses))
        self.agent.send(msgspec.msgpack.encode(order))

    def until(self, is_so: Callable[[wire.Facts], bool]) -> None:
        """Hear what is told until it says so."""
        deadline = time.monotonic() + DEADLINE_S
        while not (self.facts and is_so(self.facts[-1])):
            self.assertLess(time.monotonic(), deadline, self.facts[-3:])
            if select.select([self.agent], [], [], 0.1)[0]:
                self.facts.append(self.decoder.decode(self.agent.recv(1 << 20)))

    def levels(self, host: str) -> list[dict[str, Level]]:
        """How a host was on the networks, each time that it was told otherwise."""
        told: list[dict[str, Level]] = []
        for facts in self.facts:
            levels = {network: Level(each.ailing[host][0]) for network, each in facts.networks.items() if host in each.ailing}
            if told[-1:] != [levels]:
                told.append(levels)
        return told

    @staticmethod
    def is_level(host: str, level: Level) -> Callable[[wire.Facts], bool]:
        """It has this level on all networks."""
        return lambda facts: all(each.ailing.get(host, (0, 0))[0] == level for each in facts.networks.values())

    def listen(self, times: int) -> None:
        """Hear what is told so many times."""
        self.facts.clear()
        self.until(lambda facts: len(self.facts) >= times)

    def watch_both(self) -> None:
        """Both are there."""
        self.order(*HOSTS)
        self.until(lambda facts: len(facts.boots) == 2)

    def test_hosts_that_answer_are_told_with_their_boots_and_nothing_else(self) -> None:
        self.watch_both()
        own = heartbeat.BOOT_ID.read_text().strip()
        asked = wire.Network(True, {})
        told = wire.Facts({"mgmt": asked, "cluster": asked}, {"compute-0": own, "compute-1": own}, [])
        # Where processors are short, an answer may be late, which is told too.
        self.until(lambda facts: facts == told)

    def test_it_runs_before_all_else_where_the_kernel_lets_it(self) -> None:
        with contextlib.ExitStack() as stack:
            other = stack.enter_context(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
            stack.callback(other.kill)
            try:
                os.sched_setscheduler(other.pid, os.SCHED_FIFO, os.sched_param(realtime.PRIORITY))
            except OSError as error:
                self.skipTest(f"The kernel refuses it: {error.strerror}")
        # It serves, so it is beyond that.
        self.watch_both()
        pids = [process.pid for process in self.processes.values()]
        self.assertEqual([os.SCHED_FIFO] * 3, [os.sched_getscheduler(pid) for pid in pids])

    def test_one_that_hangs_is_lost_step_by_step_and_comes_back(self) -> None:
        self.watch_both()
        self.facts.clear()
        self.processes["compute-1"].send_signal(signal.SIGSTOP)
        self.until(self.is_level("compute-1", Level.LOST))
        for network in ("mgmt", "cluster"):
            # It may have been late a moment before, and well again.
            found = [levels[network] for levels in self.levels("compute-1") if network in levels]
            steps = [level for level, _ in itertools.groupby(found)]
            self.assertEqual([Level.MINOR, Level.DEGRADED, Level.LOST], steps, network)
        self.processes["compute-1"].send_signal(signal.SIGCONT)
        self.until(self.is_level("compute-1", Level.CLEAR))

    def test_one_whose_process_monitor_says_nothing_is_named_after_a_while(self) -> None:
        self.watch_both()
        (self.directory / "compute-0" / heartbeat.ALIVE).touch()
        self.until(lambda facts: bool(facts.unmonitored))
        self.assertEqual(["compute-1"], self.facts[-1].unmonitored)

    @contextlib.contextmanager
    def in_place_of(self, host: str) -> Iterator[tuple[socket.socket, Callable[[], int]]]:
        """A socket that gets what is meant for a host that has ended, and what waits for a pulse and gives the number of the newest.

        The next answer may come too late for its pulse: tests answer one pulse after the other.
        """
        self.end(self.processes[host])
        receiver = wire.Receiver("ours", {"mgmt": Keys(KEY.encode(), (KEY.encode(),))})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind((HOSTS[host], self.ports[0]))
            place.settimeout(DEADLINE_S)

            def pulse() -> int:
                newest = place.recv(2000)
                while select.select([place], [], [], 0)[0]:
                    newest = place.recv(2000)
                heard = receiver.unpack(newest, "mgmt")
                assert heard is not None
                return heard[1].number

            yield place, pulse

    def answer_until(self, is_over: Callable[[wire.Facts], bool], make: Callable[[int], Iterable[bytes]]) -> None:
        """Answer pulses in the place of compute-1.

        :param make: gives the datagrams that answer a pulse of this number
        """
        deadline = time.monotonic() + DEADLINE_S
        self.facts.clear()
        with self.in_place_of("compute-1") as (place, pulse):
            while not (self.facts and is_over(self.facts[-1])):
                self.assertLess(time.monotonic(), deadline, self.facts[-3:])
                for datagram in make(pulse()):
                    place.sendto(datagram, (HOSTS["controller-0"], self.ports[0]))
                if select.select([self.agent], [], [], 0)[0]:
                    self.facts.append(self.decoder.decode(self.agent.recv(1 << 20)))

    def test_what_is_forged_in_time_speaks_for_nobody(self) -> None:
        """Not even with the key that all hosts have, or with one that another host has."""
        self.watch_both()
        forger = wire.Sender("ours", "compute-1")
        wrong = (Keys(), Keys(b"x" * 32), Keys(KEY.encode()), Keys(own=(self.key_of("compute-0"),)))
        self.answer_until(
            self.is_level("compute-1", Level.LOST),
            lambda number: [forger.pack(wire.Answer("compute-1", number, "forged", True, "mgmt"), keys) for keys in wrong],
        )
        self.assertNotEqual("forged", self.facts[-1].boots["compute-1"])

    def test_with_its_own_key_it_speaks_for_itself(self) -> None:
        """The forger's answers above lack the right key, and nothing else."""
        self.watch_both()
        keys, sender = Keys(own=(self.key_of("compute-1"),)), wire.Sender("ours", "compute-1")
        self.answer_until(
            lambda facts: facts.boots.get("compute-1") == "another-boot",
            lambda number: [sender.pack(wire.Answer("compute-1", number, "another-boot", True, "mgmt"), keys)],
        )

    def test_an_answer_to_a_pulse_elsewhere_does_not_make_a_network_work(self) -> None:
        """What another host can have it say: it has what all hosts have."""
        self.watch_both()
        keys, sender = Keys(own=(self.key_of("compute-1"),)), wire.Sender("ours", "compute-1")
        self.answer_until(
            lambda facts: facts.networks["mgmt"].ailing.get("compute-1", (0, 0))[0] == Level.LOST,
            lambda number: [sender.pack(wire.Answer("compute-1", number, "another-boot", True, "cluster"), keys)],
        )

    def test_a_host_is_told_over_any_network_that_its_boot_is_to_end_and_no_other_is(self) -> None:
        self.watch_both()
        own = heartbeat.BOOT_ID.read_text().strip()
        endings = {"compute-0": wire.Ending(own, is_locked=True), "compute-1": wire.Ending("an-earlier-boot", is_locked=False)}
        addresses = {"mgmt": {"compute-1": HOSTS["compute-1"]}, "cluster": {host: HOSTS[host] for host in HOSTS}}
        self.agent.send(msgspec.msgpack.encode(wire.Order(addresses, endings=endings)))
        deadline = time.monotonic() + DEADLINE_S
        while told.read(self.directory / "compute-0", time.monotonic()) != endings["compute-0"]:
            self.assertLess(time.monotonic(), deadline)
            self.listen(1)
        self.listen(3)
        self.assertFalse((self.directory / "compute-1" / told.NAME).exists())

    def test_nobody_knows_which_pulse_is_next(self) -> None:
        self.watch_both()
        with self.in_place_of("compute-1") as (_, pulse):
            first, second, third = pulse(), pulse(), pulse()
        self.assertNotEqual(second - first, third - second)

    def test_an_answer_that_is_repeated_speaks_for_nobody_and_moves_no_address(self) -> None:
        """Recorded by whoever stands in the place of a host, with the right key."""
        self.watch_both()
        keys, sender = Keys(own=(self.key_of("compute-1"),)), wire.Sender("ours", "compute-1")
        with self.in_place_of("compute-1") as (_, pulse):
            recorded = sender.pack(wire.Answer("compute-1", pulse(), "an old boot", True, "mgmt"), keys)
            pulse()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.66", 0))
            for _ in range(20):
                elsewhere.sendto(recorded, (HOSTS["controller-0"], self.ports[0]))
        self.until(self.is_level("compute-1", Level.LOST))
        self.assertNotEqual("an old boot", self.facts[-1].boots["compute-1"])
        self.processes["compute-1"] = self.start("compute-1")
        self.until(self.is_level("compute-1", Level.CLEAR))

    def test_whoever_is_not_to_be_watched_any_more_may_go(self) -> None:
        self.watch_both()
        self.order("compute-0")
        # What was told before may be on its way still.
        self.until(lambda facts: set(facts.boots) == {"compute-0"})
        self.end(self.processes["compute-1"])
        self.listen(4)
        self.assertEqual(({"compute-0"}, [{}]), (set(self.facts[-1].boots), self.levels("compute-1")))

    def test_nobody_is_asked_while_mtce_agent_is_gone_and_one_that_comes_hears_how_it_is(self) -> None:
        self.watch_both()
        self.end(self.processes["compute-1"])
        self.until(self.is_level("compute-1", Level.LOST))
        self.agent.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
            place.bind((HOSTS["compute-1"], self.ports[0]))
            place.settimeout(1.0)
            deadline = time.monotonic() + DEADLINE_S
            # Some may have been on their way still.
            with contextlib.suppress(TimeoutError):
                while place.recv(2000):
                    self.assertLess(time.monotonic(), deadline)
        self.facts.clear()
        self.agent = self.connect()
        self.order(*HOSTS)
        self.until(self.is_level("compute-1", Level.LOST))

    def test_an_order_that_is_none_changes_nothing(self) -> None:
        self.watch_both()
        bad = [
            *(b"what is this", b"\xa1\xff", msgspec.msgpack.encode(wire.Order({}, 0))),
            msgspec.msgpack.encode(wire.Order({"mgmt": {"compute-0": "compute-0.internal"}})),
        ]
        for order in bad:
            self.agent.send(order)
        self.listen(3)
        self.assertEqual(2, len(self.facts[-1].boots))

    def test_a_network_that_is_not_there_is_left_out(self) -> None:
        addresses = {host: HOSTS[host] for host in HOSTS}
        self.agent.send(msgspec.msgpack.encode(wire.Order({"mgnt": addresses, "mgmt": addresses})))
        self.until(lambda facts: len(facts.boots) == 2)
        self.assertEqual({"mgmt"}, set(self.facts[-1].networks))
