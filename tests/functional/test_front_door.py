# SPDX-License-Identifier: Apache-2.0
"""`stx`: from nothing to a controller in service and back, whatever happens on the way."""

import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from oslotest import base

from stx import testing
from stxembedded import config, platform, process
from tests.functional import deployment
from tests.functional.deployment import Ran, wait_for

UNITS = ("keystone", "controller", "mtce-client")
START_S = 150.0
BACK_S = 60.0
HEARD_S = 15.0
CLOSE_S = {"period": 3, "timeout": 2.5}


class Home(deployment.Embedded):
    """A data directory of one test's own."""

    def __init__(self) -> None:
        super().__init__()
        # A space is what quoting is easily forgotten for.
        self.top = self.layout.data_dir
        self.layout = type(self.layout)(self.top / "the data", ports=self.layout.ports)

    @property
    def place(self) -> list[str]:
        return ["--data-dir", str(self.layout.data_dir)]

    def up(self) -> Ran:
        return self.stx("up", *self.place, *self.ports)

    def down(self) -> Ran:
        return self.stx("down", *self.place)

    def status(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.stx("status", *self.place, "-f", "json").json}

    def processes(self) -> dict[str, process.Process | None]:
        return {name: process.read_pid_file(self.layout.pid_file(name)) for name in UNITS}

    def pids(self) -> dict[str, int | None]:
        return {name: known.pid if known else None for name, known in self.processes().items()}

    def leftovers(self) -> list[str]:
        """Processes that have to do with the directory: by their arguments, working directory or open files."""
        mark = str(self.top)
        found = []
        for directory in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                said = directory.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                links = [directory / "cwd", *directory.joinpath("fd").iterdir()]
                if directory.name != str(os.getpid()) and (mark in said or any(mark in _target(link) for link in links)):
                    found.append(f"{directory.name}: {said}")
        return found

    def listening(self) -> list[str]:
        def answers(port: int) -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        return [service for service, port in self.layout.ports.items() if answers(port)]

    def remove(self) -> None:
        self.down()
        shutil.rmtree(self.top, ignore_errors=True)

    @contextlib.contextmanager
    def coming_up(self, until: str) -> Iterator[subprocess.Popen[str]]:
        """An `up` that is as far as the line with this text."""
        argv = [str(deployment.PROGRAMS / "stx"), "up", *self.place, *self.ports]
        # It heeds INT also when the tests run in the background of a shell, which has it ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as up:
            signal.signal(signal.SIGINT, before)
            try:
                assert up.stdout is not None
                if not any(until in line for line in up.stdout):
                    raise AssertionError(f"it never said {until!r}")
                yield up
            finally:
                up.kill()


def _target(link: pathlib.Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


class FrontDoorTestCase(base.BaseTestCase):
    def assert_sentence(self, ran: Ran, *expected: str) -> None:
        self.assertEqual(1, ran.code, ran)
        self.assertNotIn("Traceback", ran.err)
        for part in expected:
            self.assertIn(part, ran.err)

    def assert_nothing_is_left(self, home: Home) -> None:
        self.assertEqual([], home.leftovers())
        self.assertEqual([], home.listening())
        for port in home.layout.ports.values():
            socket.create_server(("127.0.0.1", port)).close()


class RunningTestCase(FrontDoorTestCase):
    """One platform for all of these tests, started by two `up`s at the same time; each test leaves it running."""

    home: ClassVar[Home]
    ups: ClassVar[list[tuple[Ran, float]]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.home = Home()
        cls.addClassCleanup(cls.home.remove)

        def up(_: int) -> tuple[Ran, float]:
            begun = time.monotonic()
            return cls.home.up(), time.monotonic() - begun

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            cls.ups = sorted(pool.map(up, range(2)), key=lambda done: done[0].code)

    def setUp(self) -> None:
        super().setUp()
        ran = self.ups[0][0]
        self.assertEqual(0, ran.code, ran.out + ran.err)
        self.token = self.home.token()

    def ask(self, method: str, path: str, body: Any = None) -> deployment.Reply:
        return self.home.request("faultmanagement", method, path, body, self.token)

    def entities(self) -> list[str]:
        return [alarm["entity_instance_id"] for alarm in self.home.alarms(self.token)]

    def raise_alarm(self, entity: str) -> None:
        body = {"alarm_id": "100.101", "entity_instance_id": entity, "severity": "minor", "reason_text": "for a test"}
        reply = self.ask("POST", "/v1/alarms", body)
        self.assertEqual(200, reply.status, reply)
        self.addCleanup(self.ask, "DELETE", f"/v1/alarms/{reply.json['uuid']}")

    def kill(self, *names: str) -> dict[str, int | None]:
        """Kill processes at the same moment; gives all process ids of before."""
        before = self.home.pids()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for name in names:
                os.kill(before[name], number)
        return before

    def await_new(self, name: str, before: int | None) -> None:
        wait_for(f"another {name}", lambda: self.home.pids()[name] not in (None, before), BACK_S)
        for url in (self.home.layout.auth_url, f"{self.home.layout.url('faultmanagement')}/healthcheck"):
            wait_for(f"an answer at {url}", lambda url=url: platform.answers(url), BACK_S)

    def test_of_two_at_once_one_starts_it_and_the_other_says_so(self) -> None:
        (first, _), (second, _) = self.ups
        self.assertIn("controller-0 is unlocked enabled available", first.out)
        self.assertIn(f"""eval "$({self.home.layout.call("env")})"\n    system host-list\n""", first.out)
        self.assertEqual("", first.err)
        if second.code == 0:
            self.assertIn("everything runs already", second.out)
        else:
            self.assert_sentence(second, "Another command is at work")
            # Which one, from when it has written that down.
            self.assertRegex(second.err, r"stx up \(pid \d+\)|it has just begun")

    def test_another_up_changes_nothing_and_is_quick(self) -> None:
        before, took = self.home.pids(), []
        # A busy machine may hold up one of them; were it slow by itself, all would be.
        for _ in range(3):
            begun = time.monotonic()
            again = self.home.up()
            took.append(time.monotonic() - begun)
            self.assertEqual((0, ""), (again.code, again.err))
            self.assertIn("everything runs already", again.out)
            self.assertEqual(before, self.home.pids())
        self.assertLess(min(took), max(took for _, took in self.ups) / 4)

    def test_other_ports_are_refused_while_it_runs(self) -> None:
        before = self.home.pids()
        refused = self.home.stx("up", *self.home.place, f"--platform-port={testing.free_port()}")
        self.assert_sentence(refused, f"Stop it first: {self.home.layout.call('down')}")
        self.assertEqual(before, self.home.pids())

    def test_status_tells_every_process(self) -> None:
        rows = self.home.status()
        self.assertEqual(list(UNITS), list(rows))
        for row in rows.values():
            self.assertEqual("running", row["state"])
            self.assertGreater(row["memory_mib"], 1)
            self.assertGreater(row["uptime_s"], 0)
        endpoints = {service: url for row in rows.values() for service, url in row["endpoints"].items()}
        self.assertEqual({service: self.home.layout.url(service) for service in self.home.layout.ports}, endpoints)
        ran = self.home.stx("status", *self.home.place)
        self.assertEqual((0, ""), (ran.code, ran.err))
        for name, row in rows.items():
            self.assertRegex(ran.out, rf"(?m)^{name} +running +{row['pid']} ")
        ran = self.home.stx("status", *self.home.place, "--pids")
        self.assertEqual([row["pid"] for row in rows.values()], [int(line) for line in ran.out.split()])

    def shell(self, user: str, script: str) -> subprocess.CompletedProcess[str]:
        """A script in a shell that knows nothing but what `stx env` tells it."""
        env = [str(deployment.PROGRAMS / "stx"), "env", *self.home.place, "--user", user]
        argv = ["bash", "-euc", f'eval "$("$@")"\n{script}', "bash", *env]
        clean = {"PATH": "/usr/bin:/bin", "HOME": str(self.home.top)}
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, env=clean, cwd="/")

    def test_a_shell_with_the_credentials_of_env_is_served(self) -> None:
        done = self.shell(
            "admin", "system host-list -f value -c hostname; fm alarm-summary -f value; openstack token issue -f value -c id"
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("controller-0", done.stdout.splitlines()[0])
        reader = self.shell("reader", "system host-list -f value -c hostname; system modify --name mine")
        self.assertEqual((1, "controller-0\n"), (reader.returncode, reader.stdout))
        self.assertIn("Your role does not allow this", reader.stderr)

    def test_everything_is_private_and_no_secret_is_an_argument(self) -> None:
        for path in self.home.layout.data_dir.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                self.assertEqual(0, path.lstat().st_mode & 0o077, path)
        secrets = json.loads((self.home.layout.data_dir / "passwords.json").read_text()).values()
        for pid in self.home.pids().values():
            for name in ("cmdline", "environ"):
                text = pathlib.Path(f"/proc/{pid}/{name}").read_text(errors="replace")
                self.assertEqual([], [secret for secret in secrets if secret in text])

    def test_a_killed_controller_is_started_again_and_no_fault_report_is_lost(self) -> None:
        self.raise_alarm("host=before")
        before = self.kill("controller")
        self.home.python(
            "from fm import client\nclient.FaultReporter().set_fault('100.101', 'host=meanwhile', 'none there', 'minor')"
        )
        self.await_new("controller", before["controller"])
        wait_for("the report of meanwhile", lambda: {"host=before", "host=meanwhile"} <= set(self.entities()), BACK_S)
        self.home.python("from fm import client\nclient.FaultReporter().clear_all('host=meanwhile')")
        self.raise_alarm("host=after")
        wait_for("its end", lambda: "host=meanwhile" not in self.entities(), BACK_S)
        self.assertIn("host=after", self.entities())
        self.home.await_in_service()
        now = self.home.pids()
        self.assertEqual((before["keystone"], before["mtce-client"]), (now["keystone"], now["mtce-client"]))

    def test_a_killed_keystone_is_started_again_and_its_tokens_are_still_good(self) -> None:
        before = self.kill("keystone")
        self.await_new("keystone", before["keystone"])
        self.assertEqual(200, self.ask("GET", "/v1/alarms").status)
        self.assertTrue(self.home.token())

    def test_a_killed_process_monitor_is_started_again_and_watches_as_before(self) -> None:
        before = self.kill("mtce-client")
        self.await_new("mtce-client", before["mtce-client"])
        now = self.home.pids()
        self.assertEqual((before["keystone"], before["controller"]), (now["keystone"], now["controller"]))
        self.kill("keystone")
        self.await_new("keystone", before["keystone"])
        self.home.await_in_service()

    def watch_closely(self, *names: str) -> None:
        """Have the process monitor ask processes more often, so that it takes less time until it misses their answers."""
        known = self.home.processes()
        for name in names:
            path = self.home.drop_ins / f"{name}.conf"
            usual = path.read_text()
            path.write_text(re.sub(r"(?m)^(period|timeout) = .*", lambda found: f"{found[1]} = {CLOSE_S[found[1]]}", usual))
            self.addCleanup(self.home.reload_monitor)
            self.addCleanup(path.write_text, usual)
        self.home.reload_monitor()
        for name in names:
            self.await_uptime(name, known[name].uptime_s + 2 * CLOSE_S["period"])

    def await_uptime(self, name: str, uptime_s: float) -> None:
        """Until the monitor has heard of a process for certain. One that it never heard of may still be loading, for all it knows."""
        known = self.home.processes()[name]
        wait_for(f"an uptime of {name} of {uptime_s:.0f} s", lambda: known.uptime_s > uptime_s, BACK_S)

    def hang(self, *names: str) -> dict[str, int | None]:
        """Stop processes without ending them; gives all process ids."""
        before = self.home.pids()
        for name in names:
            os.kill(before[name], signal.SIGSTOP)
        return before

    def test_a_controller_and_a_keystone_that_hang_are_told_and_started_again(self) -> None:
        self.watch_closely("controller", "keystone")
        # The monitor starts nothing anew before it is seen what hangs. Nobody watches it meanwhile: that is the controller's.
        before = self.hang("controller", "keystone", "mtce-client")
        try:
            ran = self.home.stx("status", *self.home.place)
        finally:
            os.kill(before["mtce-client"], signal.SIGCONT)
        self.assertEqual(3, ran.code)
        for name in ("controller", "keystone"):
            self.assertRegex(ran.out, rf"(?m)^{name} +does not answer +{before[name]} ")
        for name in ("controller", "keystone"):
            self.await_new(name, before[name])
        self.home.await_in_service()
        self.assertEqual(before["mtce-client"], self.home.pids()["mtce-client"])

    def test_a_process_monitor_that_hangs_is_started_again(self) -> None:
        self.await_uptime("mtce-client", HEARD_S)
        before = self.hang("mtce-client")
        self.await_new("mtce-client", before["mtce-client"])
        self.home.await_in_service()
        now = self.home.pids()
        self.assertEqual((before["keystone"], before["controller"]), (now["keystone"], now["controller"]))

    def test_up_starts_over_what_does_not_answer(self) -> None:
        before = self.hang("controller")
        again = self.home.up()
        self.assertEqual((0, ""), (again.code, again.err))
        self.assertIn("controller did not answer: starting over", again.out)
        self.assertTrue(set(before.values()).isdisjoint(self.home.pids().values()))
        self.home.await_in_service()

    def test_up_ends_what_an_interrupted_down_has_begun(self) -> None:
        self.home.layout.maintenance_flag.touch()
        self.assertIn("everything runs already", self.home.up().out)
        self.assertFalse(self.home.layout.maintenance_flag.exists())

    def test_what_is_down_as_a_whole_is_told_and_up_brings_it_back(self) -> None:
        before = self.kill("controller", "mtce-client")
        ran = self.home.stx("status", *self.home.place)
        self.assertEqual(3, ran.code)
        self.assertRegex(ran.out, r"(?m)^controller +stopped +- ")
        self.assertEqual({"keystone": before["keystone"], "controller": None, "mtce-client": None}, self.home.pids())
        again = self.home.up()
        self.assertEqual((0, ""), (again.code, again.err))
        self.assertEqual(0, self.home.stx("status", *self.home.place).code)
        self.home.await_in_service()

    def test_down_leaves_nothing_running_and_the_next_up_finds_everything(self) -> None:
        uuid = self.home.host(self.token)["uuid"]
        self.raise_alarm("host=kept")
        self.assertEqual(0, self.home.run("system", "modify", "--name", "kept").code)
        pids = self.home.pids()
        down = self.home.down()
        self.assertEqual((0, ""), (down.code, down.err))
        for name in UNITS:
            self.assertRegex(down.out, rf"(?m)^{name} stopped")
        self.assert_nothing_is_left(self.home)
        self.assertEqual(3, self.home.stx("status", *self.home.place).code)
        self.assertIn("nothing runs", self.home.down().out)
        # The ports are remembered.
        again = self.home.stx("up", *self.home.place)
        self.assertEqual((0, ""), (again.code, again.err))
        self.token = self.home.token()
        self.assertEqual(uuid, self.home.host(self.token)["uuid"])
        [kept] = [alarm for alarm in self.home.alarms(self.token) if alarm["entity_instance_id"] == "host=kept"]
        self.assertEqual("for a test", kept["reason_text"])
        self.assertEqual("kept", self.home.run("system", "show", "-f", "value", "-c", "name").out.strip())
        self.assertTrue(set(pids.values()).isdisjoint(self.home.pids().values()))

    def test_lost_passwords_are_replaced(self) -> None:
        for is_running in (True, False):
            before = config.read_passwords(self.home.layout)
            if not is_running:
                self.assertEqual(0, self.home.down().code)
            (self.home.layout.data_dir / "passwords.json").unlink()
            again = self.home.up()
            self.assertEqual((0, ""), (again.code, again.err))
            self.assertEqual(0, self.home.run("system", "host-list").code)
            self.assertTrue(set(before.values()).isdisjoint(config.read_passwords(self.home.layout).values()))


class LifeTestCase(FrontDoorTestCase):
    """Platforms that come and go."""

    def setUp(self) -> None:
        super().setUp()
        self.home = Home()
        self.addCleanup(self.home.remove)

    def test_ports_in_use_are_named_with_their_holder_and_nothing_starts(self) -> None:
        services = ("keystone", "faultmanagement")
        for service in services:
            self.addCleanup(socket.create_server(("127.0.0.1", self.home.layout.ports[service])).close)
        refused = self.home.up()
        self.assert_sentence(refused)
        holder = re.escape(pathlib.Path("/proc/self/comm").read_text().strip())
        for service in services:
            port = self.home.layout.ports[service]
            self.assertRegex(
                refused.err,
                rf"Port {port}, which {service} needs, is in use by {holder} \(pid {os.getpid()}\)\. .*--{service}-port",
            )
        self.assertNotIn("platform needs", refused.err)
        self.assertEqual([], self.home.leftovers())

    def interrupt(self, up: subprocess.Popen[str], number: signal.Signals) -> None:
        up.send_signal(number)
        assert up.stdout is not None
        self.assertTrue(any("everything is stopped again" in line for line in up.stdout))
        # As the impatient do.
        up.send_signal(signal.SIGINT)
        out, err = up.communicate(timeout=60)
        self.assertEqual(130, up.returncode, (number, out, err))
        self.assertNotIn("Traceback", err)
        self.assert_nothing_is_left(self.home)

    def test_an_up_that_is_interrupted_early_leaves_nothing(self) -> None:
        with self.home.coming_up("keystone starts") as up:
            self.interrupt(up, signal.SIGINT)

    def test_an_up_that_is_interrupted_when_everything_runs_leaves_nothing(self) -> None:
        with self.home.coming_up("controller starts") as up:
            # Without its reports the host never is in service, which is what `up` waits for last.
            wait_for("mtce-client", lambda: self.home.pids()["mtce-client"] is not None, START_S)
            os.kill(self.home.pids()["mtce-client"], signal.SIGSTOP)
            assert up.stdout is not None
            self.assertTrue(any("mtce-client is ready" in line for line in up.stdout))
            self.interrupt(up, signal.SIGTERM)

    def test_an_up_goes_on_when_nobody_reads_what_it_says(self) -> None:
        with self.home.coming_up("keystone starts") as up:
            assert up.stdout is not None
            assert up.stderr is not None
            up.stdout.close()
            self.assertEqual((0, ""), (up.wait(START_S), up.stderr.read()))
        self.assertEqual(0, self.home.stx("status", *self.home.place).code)

    def test_a_failed_up_shows_the_reason_and_leaves_nothing(self) -> None:
        (self.home.layout.state_dir / "sysinv.sqlite").mkdir(parents=True)
        failed = self.home.up()
        self.assert_sentence(failed, "controller ended while it started", str(self.home.layout.log_dir))
        self.assert_nothing_is_left(self.home)

    def test_up_completes_what_one_that_was_killed_has_left_out(self) -> None:
        with self.home.coming_up("keystone is ready") as up:
            up.kill()
            up.communicate(timeout=60)
        wait_for("all processes", lambda: self.home.stx("status", *self.home.place).code == 0, START_S, 0.5)
        again = self.home.up()
        self.assertEqual((0, ""), (again.code, again.err))
        self.assertEqual(0, self.home.run("system", "host-list").code)

    def test_down_finds_processes_whose_directory_was_removed(self) -> None:
        self.assertEqual(0, self.home.up().code)
        shutil.rmtree(self.home.layout.data_dir)
        down = self.home.down()
        self.assertEqual((0, ""), (down.code, down.err))
        self.assertIn("of its processes stopped", down.out)
        self.assert_nothing_is_left(self.home)

    def test_a_killed_up_is_cleaned_up_by_down(self) -> None:
        with self.home.coming_up("controller starts") as up:
            # It is still at work when the other one looks.
            up.send_signal(signal.SIGSTOP)
            busy = self.home.down()
            self.assert_sentence(busy, "Another command is at work", f"stx up (pid {up.pid})")
            up.kill()
            up.communicate(timeout=60)
        self.assertEqual(0, self.home.down().code)
        self.assert_nothing_is_left(self.home)

    def test_before_the_first_up_every_command_says_so(self) -> None:
        ran = self.home.stx("status", *self.home.place)
        self.assertEqual((3, ""), (ran.code, ran.err))
        self.assertEqual((0, "nothing runs"), (self.home.down().code, self.home.down().out[:12]))
        self.assert_sentence(self.home.stx("env", *self.home.place), "stx up")
        self.assertFalse(self.home.layout.data_dir.exists())

    def test_a_layout_that_cannot_be_read_is_told_by_every_command(self) -> None:
        self.home.layout.data_dir.mkdir()
        path = self.home.layout.data_dir / "layout.json"
        good = {"shape": "simplex", "address": "127.0.0.1", "ports": {}}
        wrong: list[dict[str, Any]] = [
            {"shape": 7},
            {"shape": "round"},
            {"address": None},
            {"address": ""},
            {"ports": []},
            {"ports": {"platform": "x"}},
            {"ports": {"platform": 0}},
            {"ports": {"platform": True}},
        ]
        contents = [
            b"",
            b"{",
            b"[]",
            b"7",
            b"\xff\xfe",
            b'{"shape": "simplex"}',
            *(json.dumps({**good, **part}).encode() for part in wrong),
        ]
        for content, command in zip(contents, itertools.cycle(("up", "down", "status", "env")), strict=False):
            path.write_bytes(content)
            self.assert_sentence(self.home.stx(command, *self.home.place), f"{path} cannot be used", "Correct it, or remove it")
        self.assertEqual([], self.home.leftovers())

    def test_a_directory_that_cannot_be_used_is_told(self) -> None:
        self.home.layout.data_dir.write_text("a file")
        self.assert_sentence(self.home.up(), str(self.home.layout.data_dir))
        self.assert_sentence(self.home.stx("up", "--data-dir", "/proc/nowhere"), "/proc/nowhere")

    def test_an_ordinary_user_runs_it_in_the_home_directory(self) -> None:
        if os.getuid() != 0:
            self.skipTest("the tests run as an ordinary user anyway")
        user = pwd.getpwnam("nobody")
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        home = pathlib.Path(tempfile.mkdtemp(prefix="stx-home-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        os.chown(home, user.pw_uid, user.pw_gid)
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        try:
            probe = [sys.executable, "-c", "import stxembedded"]
            subprocess.run(probe, check=True, capture_output=True, timeout=30, cwd="/", env=environment, **options)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"the user nobody cannot run {sys.executable}: {error}")

        def stx(*arguments: str) -> Ran:
            return self.home.stx(*arguments, env=environment, **options)

        self.addCleanup(stx, "down")
        ran = stx("up", *self.home.ports)
        self.assertEqual((0, ""), (ran.code, ran.err), ran.out)
        data = home / ".local/share/starlingx"
        self.assertIn(str(data), ran.out)
        for pid in stx("status", "--pids").out.split():
            self.assertEqual(user.pw_uid, os.stat(f"/proc/{pid}").st_uid)
        script = 'eval "$("$0" env)"; system host-list -f value -c availability'
        argv = ["bash", "-euc", script, str(deployment.PROGRAMS / "stx")]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd="/", env=environment, **options)
        self.assertEqual((0, "available\n", ""), (done.returncode, done.stdout, done.stderr))
        before = {row["name"]: row["pid"] for row in stx("status", "-f", "json").json}
        os.kill(before["controller"], signal.SIGKILL)
        wait_for(
            "another controller",
            lambda: (
                {row["name"]: row["pid"] for row in stx("status", "-f", "json").json}["controller"]
                not in (None, before["controller"])
            ),
            BACK_S,
            0.5,
        )
        self.assertEqual(0, stx("down").code)
        self.assertEqual(
            [], [found for found in process.with_arguments([["--config-file", str(data / "stx.conf")]]) if found.is_running]
        )
