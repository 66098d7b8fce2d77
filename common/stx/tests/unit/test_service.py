# SPDX-License-Identifier: Apache-2.0
"""Tests of services, their threads, and of whole processes."""

import concurrent.futures
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import fixtures

from stx import context, exception, inproc, rpc, service, testing
from stx.tests.unit import service_process

DEADLINE_S = 60.0


class Part:
    def __init__(self, name: str, log: list[str], fails_to: str = "") -> None:
        self.name = name
        self.fails_to = fails_to
        self._log = log

    def start(self) -> None:
        self._do("start")

    def stop(self) -> None:
        self._do("stop")

    def _do(self, what: str) -> None:
        self._log.append(f"{self.name} {what}")
        if self.fails_to == what:
            raise RuntimeError(self.name)


class CheckedPart(Part):
    healthy = True

    def is_healthy(self) -> bool:
        return self.healthy

    def reset(self) -> None:
        self._do("reset")


class ServiceTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log: list[str] = []

    def test_parts_start_in_order_and_stop_in_reverse(self) -> None:
        parts = service.Service("probe", [Part("a", self.log), Part("b", self.log)])

        parts.start()
        parts.stop()

        self.assertEqual(["a start", "b start", "b stop", "a stop"], self.log)

    def test_a_stopped_service_stops_nothing_twice(self) -> None:
        parts = service.Service("probe", [Part("a", self.log)])
        parts.start()
        parts.stop()

        parts.stop()

        self.assertEqual(["a start", "a stop"], self.log)

    def test_when_a_part_does_not_start_only_those_before_it_are_stopped(self) -> None:
        parts = service.Service("probe", [Part("a", self.log), Part("b", self.log, "start"), Part("c", self.log)])

        self.assertRaises(RuntimeError, parts.start)
        parts.stop()

        self.assertEqual(["a start", "b start", "a stop"], self.log)

    def test_when_a_part_does_not_stop_the_others_do(self) -> None:
        parts = service.Service("probe", [Part("a", self.log), Part("b", self.log, "stop")])
        parts.start()

        self.assertRaises(RuntimeError, parts.stop)

        self.assertEqual(["a start", "b start", "b stop", "a stop"], self.log)

    def test_parts_that_can_take_over_options_do(self) -> None:
        parts = service.Service("probe", [Part("a", self.log), CheckedPart("b", self.log), CheckedPart("c", self.log)])
        parts.start()

        parts.reset()

        self.assertEqual(["b reset", "c reset"], self.log[3:])

    def test_when_a_part_does_not_take_over_options_the_others_do(self) -> None:
        parts = service.Service("probe", [CheckedPart("a", self.log, "reset"), CheckedPart("b", self.log)])
        parts.start()

        self.assertRaises(RuntimeError, parts.reset)

        self.assertEqual(["a reset", "b reset"], self.log[2:])

    def test_a_service_is_as_healthy_as_its_parts(self) -> None:
        checked = CheckedPart("b", self.log)
        parts = service.Service("probe", [Part("a", self.log), checked])
        parts.start()

        self.assertTrue(parts.is_healthy())
        checked.healthy = False
        self.assertFalse(parts.is_healthy())


class WorkerTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger())
        self.steps: queue.Queue[float] = queue.Queue()

    def start(self, step: Callable[[], Any], period_s: float = 3600) -> service.Worker:
        worker = service.Worker("probe", step, period_s)
        worker.start()
        self.addCleanup(worker.stop)
        return worker

    def step(self) -> None:
        self.steps.put(time.monotonic())

    def failing_step(self, error: BaseException) -> Callable[[], None]:
        def step() -> None:
            self.step()
            raise error

        return step

    def test_the_first_step_is_taken_at_once(self) -> None:
        self.start(self.step)

        self.steps.get(timeout=DEADLINE_S)

    def test_steps_are_a_period_apart(self) -> None:
        self.start(self.step, period_s=0.05)

        first, second = self.steps.get(timeout=DEADLINE_S), self.steps.get(timeout=DEADLINE_S)
        self.assertGreaterEqual(second - first, 0.05)

    def test_a_nudge_wakes_it(self) -> None:
        worker = self.start(self.step)
        self.steps.get(timeout=DEADLINE_S)

        worker.nudge()

        self.steps.get(timeout=DEADLINE_S)

    def test_a_nudge_during_a_step_is_not_lost(self) -> None:
        def step() -> None:
            if self.steps.empty():
                worker.nudge()
            self.step()
            both.release()

        both = threading.Semaphore(0)
        worker = service.Worker("probe", step, 3600)
        worker.start()
        self.addCleanup(worker.stop)

        self.assertEqual([True, True], [both.acquire(timeout=DEADLINE_S) for _ in range(2)])

    def test_it_survives_a_step_that_fails(self) -> None:
        worker = self.start(self.failing_step(RuntimeError("of the inside")))
        self.steps.get(timeout=DEADLINE_S)

        worker.nudge()
        self.steps.get(timeout=DEADLINE_S)

        self.assertTrue(worker.is_healthy())
        self.assertIn("probe failed", self.logged.output)

    def test_a_service_that_is_away_is_no_failure_of_the_worker(self) -> None:
        worker = self.start(self.failing_step(exception.Unavailable("fm.manager did not answer.")))
        self.steps.get(timeout=DEADLINE_S)
        worker.stop()

        self.assertIn("fm.manager did not answer.", self.logged.output)
        self.assertNotIn("Traceback", self.logged.output)

    def test_a_worker_that_does_not_run_is_unhealthy(self) -> None:
        worker = service.Worker("probe", self.step, 3600)
        self.assertFalse(worker.is_healthy())

        worker.start()
        self.assertTrue(worker.is_healthy())

        worker.stop()
        self.assertFalse(worker.is_healthy())

    def test_a_step_in_progress_is_finished_before_stop_returns(self) -> None:
        begun, release, finished = threading.Event(), threading.Event(), threading.Event()

        def step() -> None:
            begun.set()
            release.wait(DEADLINE_S)
            finished.set()

        worker = self.start(step)
        self.assertTrue(begun.wait(DEADLINE_S))
        threading.Timer(0.05, release.set).start()

        worker.stop()

        self.assertTrue(finished.is_set())

    def test_a_stopped_worker_can_be_started_again(self) -> None:
        worker = self.start(self.step)
        self.steps.get(timeout=DEADLINE_S)
        worker.stop()

        worker.start()

        self.steps.get(timeout=DEADLINE_S)

    def test_stopping_what_never_started_is_no_error(self) -> None:
        service.Worker("probe", self.step, 3600).stop()

        self.assertTrue(self.steps.empty())


class ProcessTest(testing.TestCase):
    """Processes of their own; systemd's socket tells when they are ready."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        service_process.prepare()

    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.path / "probe.conf"
        self.configure("")
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.bind(str(self.path / "notify"))
        self.systemd.settimeout(DEADLINE_S)

    def configure(self, text: str) -> None:
        self.config.write_text(f"[DEFAULT]\nuse_stderr = true\ntransport_url = inproc://{self.path}/bus\n{text}\n")

    def start(self, *services: str, watchdog_us: int = 0) -> service_process.Running:
        environ = {"NOTIFY_SOCKET": str(self.path / "notify"), "WATCHDOG_USEC": str(watchdog_us)}
        process = service_process.Running(*services, config_file=self.config, environ=environ)
        self.addCleanup(process.close)
        return process

    def ready(self, *services: str, watchdog_us: int = 0) -> service_process.Running:
        process = self.start(*services, watchdog_us=watchdog_us)
        self.assertEqual(b"READY=1", self.systemd.recv(100))
        return process

    def assert_nothing_told(self) -> None:
        self.systemd.setblocking(False)
        self.assertRaises(BlockingIOError, self.systemd.recv, 100)

    def test_a_process_runs_until_it_is_told_to_stop(self) -> None:
        lasted: list[float] = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            process = self.ready("sound")
            begun = time.monotonic()

            process.send(number)
            code, output, _ = process.end()

            lasted.append(time.monotonic() - begun)
            self.assertEqual(0, code)
            self.assertEqual(["first starts", "second starts", "second stops", "first stops"], output)
            self.assertEqual(b"STOPPING=1", self.systemd.recv(100))
        # A busy machine may hold up any one of them.
        self.assertLess(min(lasted), 3)

    def test_a_process_that_does_not_start_says_why_and_stops_what_it_had_started(self) -> None:
        code, output, errors = self.start("sound", "failing", "unhealthy").end()

        self.assertEqual(1, code)
        started = ["first starts", "second starts", "third starts"]
        self.assertEqual([*started, "third stops", "second stops", "first stops"], output)
        self.assertIn("probe did not start: The disk is missing. Insert it.", errors.splitlines())
        self.assert_nothing_told()

    def test_one_that_is_told_to_stop_while_it_starts_waits_no_longer(self) -> None:
        process = self.start("awaiting")
        self.assertEqual("awaiting starts\n", process.output.readline())
        process.send(signal.SIGTERM)
        code, output, _ = process.end()
        self.assertEqual((0, ["awaiting stops"]), (code, output))

    def test_a_metrics_port_in_use_is_a_failing_start_too(self) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            self.configure(f"[metrics]\nport = {sock.getsockname()[1]}")
            code, output, errors = self.start("sound").end()

        self.assertEqual(1, code)
        self.assertEqual(["second stops", "first stops"], output[2:])
        self.assertIn("\nprobe did not start: Cannot listen on 127.0.0.1:", errors)
        self.assert_nothing_told()

    def test_changed_options_are_taken_over_on_a_hangup(self) -> None:
        process = self.ready("reloading")
        self.assertEqual("stubborn starts\n", process.output.readline())

        for colours in (7, 8):
            self.configure(f"[probe]\ncolours = {colours}")
            process.send(signal.SIGHUP)
            self.assertEqual(f"colours {colours}\n", process.output.readline())
        # They may be secret.
        process.send(signal.SIGTERM)
        _, _, errors = process.end()
        self.assertIn("The option probe.colours was changed", errors)
        self.assertNotIn("changed from", errors)

    def test_wrong_options_are_not_taken_over_and_the_process_lives_on(self) -> None:
        process = self.ready("reloading")
        self.assertEqual("stubborn starts\n", process.output.readline())

        for wrong in ("debug = many", "neither an option nor a section"):
            self.configure(wrong)
            process.send(signal.SIGHUP)
            self.assertTrue(process.logs("were not taken over"), wrong)
        self.config.unlink()
        process.send(signal.SIGHUP)
        self.assertTrue(process.logs("were not taken over"))
        self.configure("[probe]\ncolours = 7")
        process.send(signal.SIGHUP)

        self.assertEqual("colours 7\n", process.output.readline())

    def test_a_report_of_all_threads_is_written_on_request(self) -> None:
        process = self.ready("sound")

        process.send(signal.SIGUSR2)
        self.assertTrue(process.logs("Guru Meditation"))
        self.assertTrue(process.logs("Threads"))
        process.send(signal.SIGTERM)

        self.assertEqual(0, process.end()[0])

    def test_a_healthy_process_feeds_the_watchdog(self) -> None:
        self.ready("sound", watchdog_us=20_000)

        self.assertEqual([b"WATCHDOG=1"] * 2, [self.systemd.recv(100) for _ in range(2)])

    def test_an_unhealthy_process_leaves_the_watchdog_hungry(self) -> None:
        process = self.ready("unhealthy", watchdog_us=20_000)
        lines = [process.output.readline() for _ in range(3)]

        process.send(signal.SIGTERM)

        self.assertEqual(["unhealthy starts\n", "asked\n", "asked\n"], lines)
        self.assertEqual(b"STOPPING=1", self.systemd.recv(100))

    def test_the_process_monitor_is_answered_while_the_process_runs(self) -> None:
        port = testing.free_port(socket.SOCK_DGRAM)
        self.configure(f"[pulse]\nport = {port}")
        process = self.ready("sound")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as monitor:
            monitor.settimeout(DEADLINE_S)
            monitor.sendto(b"probe 0x504d4f4e 17", ("127.0.0.1", port))

            self.assertEqual(b"probe 0xafb2b0b1 17", monitor.recv(100))
        process.send(signal.SIGTERM)
        self.assertEqual(0, process.end()[0])

    def test_a_request_in_progress_is_answered_when_the_process_stops(self) -> None:
        platform = self.useFixture(testing.Platform())
        platform.conf.conf.register_opts(inproc.inproc_opts, group="inproc")
        platform.conf.config(transport_url=f"inproc://{self.path}/bus")
        platform.conf.config(group="inproc", hub=False)
        process = self.ready("answering")
        self.assertEqual("answering starts\n", process.output.readline())
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            client = rpc.Client(service_process.TOPIC, "1.0", DEADLINE_S)
            answer = pool.submit(client.call, context.internal("test"), "answer_late", into=str)
            self.assertEqual("asked\n", process.output.readline())

            process.send(signal.SIGTERM)

            self.assertEqual("answered", answer.result(DEADLINE_S))
        self.assertEqual(0, process.end()[0])


class MainTest(testing.TestCase):
    """Processes as systemd starts them, of services that are installed as entry points."""

    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        installed = self.path / "probe-1.dist-info"
        installed.mkdir()
        installed.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1\n")
        sound, broken = f"{service_process.__name__}:sound", "stx.tests.unit.no_such_module:make"
        installed.joinpath("entry_points.txt").write_text(f"[{service.NAMESPACE}]\nsound = {sound}\nbroken = {broken}\n")

    def start(self, name: str) -> subprocess.Popen[str]:
        environ = {**os.environ, "PYTHONPATH": str(self.path), "XDG_CACHE_HOME": str(self.path / "cache")}
        command = [sys.executable, "-m", service_process.__name__, name, "--config-file", os.devnull]
        process = subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        self.addCleanup(process.wait, DEADLINE_S)
        self.addCleanup(process.kill)
        self.addCleanup(deadline.cancel)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def test_a_service_is_found_by_its_name_and_one_that_is_broken_does_not_hinder_it(self) -> None:
        process = self.start("sound")

        self.assertEqual("first starts\n", process.stdout.readline())
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
        self.assertEqual(0, process.returncode)

    def test_a_process_that_cannot_be_made_says_why_in_one_line(self) -> None:
        expected = {
            "absent": "probe: No service is called absent. There are: ",
            "broken": "probe: The service broken cannot be loaded: No module named 'stx.tests.unit.no_such_module'",
        }
        started = {name: self.start(name) for name in expected}
        for name, process in started.items():
            output, errors = process.communicate(timeout=DEADLINE_S)

            self.assertEqual((1, "", 1), (process.returncode, output, len(errors.splitlines())))
            self.assertTrue(errors.startswith(expected[name]), errors)
