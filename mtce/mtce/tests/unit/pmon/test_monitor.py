# SPDX-License-Identifier: Apache-2.0
"""The monitor with real processes that are really killed."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from mtce.pmon import cli, identity
from mtce.pmon.identity import Identity
from mtce.pmon.machine import Machine, Verb
from mtce.pmon.monitor import MonitorError
from mtce.tests.unit.pmon.harness import LIMITS, LSB_SCRIPT, MonitorTest, is_alive, kill, wait_until
from stx import testing

# What systemctl does for the monitor, on one unit whose main process is a sleeper.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> {directory}/systemctl.log
case "$1" in
restart) kill -9 $(cat {directory}/main) 2>/dev/null; setsid sleep 1000 & echo $! > {directory}/main ;;
stop) kill -9 $(cat {directory}/main) 2>/dev/null; rm -f {directory}/main ;;
show) echo "MainPID=$(cat {directory}/main 2>/dev/null || echo 0)" ;;
esac
exit 0
"""

# It imports next to nothing, so that it is there at once.
RESPONDER = """
import os, socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        datagram, sender = sock.recvfrom(256)
        if not os.path.exists(sys.argv[2]):
            sock.sendto(datagram.replace(b"0x504d4f4e", b"0xafb2b0b1"), sender)
"""


class RestartTest(MonitorTest):
    def named(self, name: str) -> Identity:
        """The process that the pidfile names: a number a line."""
        return Identity(*(int(line) for line in self.pidfile(name).read_text().splitlines()))

    def test_a_killed_command_runs_again_within_a_second(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        pid = self.running_pid("sleeper")
        self.assertEqual(identity.identify(pid), self.named("sleeper"))
        self.kill_and_wait("sleeper")
        new = self.running_pid("sleeper")
        self.assertEqual(identity.identify(new), self.named("sleeper"))
        self.assertEqual(["log"], self.recorder.kinds("sleeper"))
        self.assertIn("SIGKILL", self.recorder.calls[0][3])
        self.assertEqual(1, self.entry("sleeper")["restarts"])
        self.assert_restarted_within_a_second("sleeper")

    def test_a_killed_process_of_a_script_runs_again_within_a_second(self) -> None:
        script = self.script("init", LSB_SCRIPT.replace("{pidfile}", str(self.pidfile("sleeper"))))
        self.conf("sleeper", script=script)
        self.start()
        self.running_pid("sleeper")
        self.assert_restarted_within_a_second("sleeper")

    def test_a_killed_main_process_of_a_unit_runs_again_within_a_second(self) -> None:
        systemctl = self.script("systemctl", SYSTEMCTL.replace("{directory}", str(self.directory)))
        self.conf("sleeper", service="sleeper.service", pidfile=None)
        self.start(systemctl=str(systemctl))
        self.running_pid("sleeper")
        self.kill_and_wait("sleeper")
        self.running_pid("sleeper")
        calls = (self.directory / "systemctl.log").read_text().splitlines()
        self.assertEqual(2, calls.count("restart sleeper.service"))
        self.assertIn("show -p MainPID sleeper.service", calls)
        self.assert_restarted_within_a_second("sleeper")

    def test_a_process_killed_more_often_than_allowed_raises_and_clears_when_it_stays_up(self) -> None:
        self.conf("sleeper", command="sleep 1000", quorum=1, debounce=600)
        self.start()
        self.exhaust("sleeper")
        self.assertEqual("major", self.recorder.calls[-1][2])
        wait_until(lambda: "sleeper" in self.recorder.reports[-1])
        report = self.recorder.reports[-1]["sleeper"]
        self.assertEqual(("major", True), (report.severity, report.quorum))
        self.conf("sleeper", command="sleep 1000", quorum=1)
        self.monitor.reload()
        self.running_pid("sleeper")
        self.kill_and_wait("sleeper")
        wait_until(lambda: self.recorder.reports[-1] == {})
        self.assertEqual(["log", "raise", "clear"], self.recorder.kinds("sleeper"))
        self.wait_for("sleeper", "running")

    def test_a_process_killed_more_often_than_allowed_raises_within_two_seconds(self) -> None:
        self.start()

        def exhaust_another() -> float:
            name = f"sleeper{len(self.watched())}"
            self.conf(name, command="sleep 1000", debounce=600)
            self.monitor.reload()
            return self.exhaust(name)

        # A busy machine may hold up any one of them.
        wait_until(lambda: exhaust_another() < 2.0)

    def test_a_process_without_restarts_stays_down_until_somebody_starts_it(self) -> None:
        self.conf("sleeper", command="sleep 1000", restarts=0)
        self.start()
        kill(self.running_pid("sleeper"))
        self.wait_for("sleeper", "failed")
        wait_until(lambda: "raise" in self.recorder.kinds("sleeper"))
        self.assertEqual([], self.marked())
        other = self.popen("sleep", "1000")
        self.pidfile("sleeper").write_text(str(other.pid))
        wait_until(lambda: "clear" in self.recorder.kinds("sleeper"))
        self.assertEqual(other.pid, self.entry("sleeper")["pid"])

    def test_one_process_that_fails_all_the_time_leaves_the_others_alone(self) -> None:
        self.failing("bad")
        self.conf("good", command="sleep 1000")
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("bad"))
        self.assertEqual([], self.recorder.kinds("good"))
        self.assert_restarted_within_a_second("good")

    def test_what_a_killed_command_leaves_in_its_group_is_killed_before_the_restart(self) -> None:
        script = self.script("parent", "#!/bin/sh\nsleep 1000 &\necho $! > $0.child\nwait\n")
        self.conf("parent", command=script)
        self.start()
        self.running_pid("parent")
        child_file = Path(f"{script}.child")
        wait_until(lambda: child_file.exists() and child_file.read_text().strip())
        child = int(child_file.read_text())
        self.kill_and_wait("parent")
        wait_until(lambda: not is_alive(child))

    def test_a_command_may_put_itself_in_the_background(self) -> None:
        pidfile = self.pidfile("daemon")
        script = self.script("daemon", f"#!/bin/sh\nsetsid sleep 1000 &\necho $! > {pidfile}.new\nmv {pidfile}.new {pidfile}\n")
        # When that is over and the script is not, it counts as the process.
        self.conf("daemon", command=script, startuptime=3)
        self.start()
        pid = self.running_pid("daemon")
        self.assertEqual(pid, int(pidfile.read_text()))
        self.assertEqual([], self.recorder.kinds("daemon"))
        self.kill_and_wait("daemon")

    def test_output_goes_to_the_log_file_and_no_shell_sees_the_command(self) -> None:
        log = self.directory / "out.log"
        self.conf("talker", command="sh -c 'echo said; echo wrong >&2; exec sleep 1000' '$(touch /nowhere)'", stdout=log)
        self.start()
        self.running_pid("talker")
        wait_until(lambda: log.exists() and log.read_text() == "said\nwrong\n")


class StartFailureTest(MonitorTest):
    def test_a_program_that_does_not_exist_raises_and_recovers_once_it_does(self) -> None:
        program = self.directory / "program"
        self.conf("late", command=program, restarts=1)
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("late"))
        self.assertIn("No such file", self.recorder.text("raise"))
        self.script("program", "#!/bin/sh\nexec sleep 1000\n")
        wait_until(lambda: "clear" in self.recorder.kinds("late"))

    def test_a_start_script_that_fails_raises_with_its_exit_code(self) -> None:
        self.conf("broken", script=self.script("init", "#!/bin/sh\nexit 7\n"))
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("broken"))
        self.assertIn("exited with code 7", self.entry("broken")["reason"])

    def test_a_start_script_that_hangs_is_ended_with_its_children(self) -> None:
        script = self.script("init", "#!/bin/sh\nsleep 1000 &\nsleep 1000\n")
        self.conf("hanging", script=script, restarts=1)
        self.conf("good", command="sleep 1000")
        self.start(limits=LIMITS.__class__(action_s=0.3))
        wait_until(lambda: "raise" in self.recorder.kinds("hanging"))
        self.assertIn("did not end within 0.3 s", self.entry("hanging")["reason"])
        self.assert_restarted_within_a_second("good")
        self.monitor.stop()
        wait_until(lambda: len(self.marked()) == 1)

    def test_a_script_that_starts_nothing_has_failed_after_startuptime(self) -> None:
        self.conf("nothing", script=self.script("init", "#!/bin/sh\nexit 0\n"))
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("nothing"))
        self.assertIn("names no living process", self.entry("nothing")["reason"])

    def test_a_pidfile_that_cannot_be_written_does_not_keep_a_process_down(self) -> None:
        self.conf("sleeper", command="sleep 1000", pidfile=self.directory / "absent" / "pid")
        self.start()
        self.running_pid("sleeper")
        self.assert_restarted_within_a_second("sleeper")

    def test_a_pidfile_that_cannot_be_removed_is_told(self) -> None:
        self.pidfile("sleeper").mkdir()
        self.conf("sleeper", command="sleep 1000")
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("sleeper"))
        self.assertIn("cannot be removed", self.recorder.text("raise"))

    def test_an_action_that_cannot_be_run_is_told(self) -> None:
        keys = {"start_arg": "begin", "status_arg": "check", "period": 0.1, "timeout": 2, "startuptime": None}
        self.conf("status", mode="status", script="/nowhere/script", pidfile=None, **keys)
        self.conf("script", script="/nowhere/script")
        self.start()
        for name in ("status", "script"):
            wait_until(lambda name=name: "raise" in self.recorder.kinds(name))
            self.assertIn("/nowhere/script cannot be run: No such file", self.entry(name)["reason"])


class PidTest(MonitorTest):
    def stranger(self) -> subprocess.Popen[bytes]:
        """A process that has nothing to do with the one that is watched."""
        return self.popen("tail", "-f", "/dev/null")

    def test_a_pidfile_with_a_dead_or_senseless_number_is_no_process(self) -> None:
        dead = self.popen("true")
        dead.wait()
        contents = {
            "dead": str(dead.pid),
            "empty": "",
            "text": "none",
            "huge": "9" * 60,
            "init": "1",
            "self": str(os.getpid()),
            "n": "-7",
        }
        for name, content in contents.items():
            self.pidfile(name).write_text(content)
            self.conf(name, command="sleep 1000")
        os.mkfifo(self.pidfile("fifo"))
        self.conf("fifo", command="sleep 1000")
        self.start()
        for name in [*contents, "fifo"]:
            self.assertNotIn(self.running_pid(name), (1, os.getpid()))
            self.assertEqual([], self.recorder.kinds(name))

    def test_a_pidfile_older_than_the_process_that_now_has_its_number_is_stale(self) -> None:
        stranger = self.stranger()
        pidfile = self.pidfile("sleeper")
        pidfile.write_text(str(stranger.pid))
        long_ago = time.time() - 3600
        os.utime(pidfile, (long_ago, long_ago))
        self.conf("sleeper", command="sleep 1000")
        self.start()
        self.assertNotEqual(stranger.pid, self.running_pid("sleeper"))
        self.assertIsNone(stranger.poll())

    def test_an_old_pidfile_of_a_process_with_the_right_name_is_believed(self) -> None:
        sleeper = self.popen("sleep", "1000")
        pidfile = self.pidfile("sleep")
        pidfile.write_text(str(sleeper.pid))
        long_ago = time.time() - 3600
        os.utime(pidfile, (long_ago, long_ago))
        self.conf("sleep", command="sleep 1000")
        self.start()
        self.assertEqual(sleeper.pid, self.running_pid("sleep"))

    def test_a_recycled_pid_is_not_mistaken_for_the_process_of_an_earlier_monitor(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        old = self.running_pid("sleeper")
        self.assertTrue(self.monitor.stop())
        kill(old)
        os.waitpid(old, 0)
        stranger = self.stranger()
        # As if the number had come round: the saved process has the stranger's pid, but started at another time.
        saved = self.state_file.read_text()
        self.assertIn(f'"pid": {old},', saved)
        self.state_file.write_text(saved.replace(f'"pid": {old},', f'"pid": {stranger.pid},'))
        self.pidfile("sleeper").unlink()
        self.start()
        self.assertNotEqual(stranger.pid, self.running_pid("sleeper"))
        self.assertIsNone(stranger.poll())


class SuccessionTest(MonitorTest):
    def test_a_new_monitor_adopts_what_runs_and_keeps_the_counters(self) -> None:
        self.conf("sleeper", command="sleep 1000", debounce=60)
        self.start()
        self.running_pid("sleeper")
        self.kill_and_wait("sleeper")
        pid = self.running_pid("sleeper")
        self.assertTrue(self.monitor.stop())
        self.assertTrue(is_alive(pid))
        self.pidfile("sleeper").unlink()
        self.start()
        self.assertEqual(pid, self.running_pid("sleeper"))
        self.assertEqual(("debounce", 1), (self.state("sleeper"), self.entry("sleeper")["restarts"]))
        self.kill_and_wait("sleeper")
        kill(self.running_pid("sleeper"))
        wait_until(lambda: "raise" in self.recorder.kinds("sleeper"))

    def test_a_death_between_two_monitors_counts_as_a_failure(self) -> None:
        self.conf("sleeper", command="sleep 1000", restarts=0)
        self.start()
        pid = self.running_pid("sleeper")
        self.monitor.stop()
        kill(pid)
        self.start()
        self.wait_for("sleeper", "failed")
        wait_until(lambda: self.recorder.kinds("sleeper") == ["log", "raise"])

    def test_a_stopped_process_stays_stopped_under_a_new_monitor(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        self.running_pid("sleeper")
        self.assertTrue(self.order(Verb.STOP, "sleeper")[0])
        self.monitor.stop()
        self.start()
        self.assertEqual("stopped", self.state("sleeper"))
        self.assertEqual([], self.marked())

    def test_the_first_report_says_that_nothing_has_failed(self) -> None:
        self.start()
        wait_until(lambda: self.recorder.reports == [{}])

    def test_a_second_monitor_on_the_same_state_file_is_refused(self) -> None:
        first = self.start()
        error = self.assertRaises(MonitorError, self.start)
        self.assertIn("Another process monitor", str(error))
        self.assertTrue(first.is_alive())

    def test_a_damaged_state_file_is_no_hindrance(self) -> None:
        self.state_file.write_text('{"version": 1')
        self.conf("sleeper", command="sleep 1000")
        self.start()
        self.running_pid("sleeper")

    def test_a_directory_that_cannot_be_used_is_refused_with_a_message(self) -> None:
        self.state_file = self.directory / "absent" / "pmon.state"
        self.assertIn("absent", str(self.assertRaises(MonitorError, self.start)))


class PastAlarmTest(MonitorTest):
    """An earlier monitor raised the alarm of a process that did not stay up."""

    def setUp(self) -> None:
        super().setUp()
        self.broken = self.write("broken", "")
        self.program = self.script("program", f"#!/bin/sh\n[ ! -e {self.broken} ] || exit 3\nexec sleep 1000\n")
        self.conf_file = self.conf("program", command=self.program)
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("program"))
        self.assertTrue(self.monitor.stop())
        self.recorder.calls.clear()
        self.recorder.reports.clear()

    def test_it_is_kept_by_the_next_monitor_until_the_process_is_stable(self) -> None:
        self.start()
        wait_until(lambda: self.recorder.reports)
        self.assertEqual(["program"], list(self.recorder.reports[0]))
        self.assertIn("restarts did not help", self.recorder.text("raise"))
        self.broken.unlink()
        wait_until(lambda: self.recorder.calls[-1] == ("clear", "program"))

    def test_it_is_cleared_after_a_boot_when_the_process_is_stable(self) -> None:
        self.boot()
        self.broken.unlink()
        taken, states = self.recorder.clear_process_fault, []

        def clear(process: str) -> None:
            states.append(self.state(process))
            taken(process)

        self.recorder.clear_process_fault = clear
        self.conf("program", command=self.program, debounce=1)
        self.start()
        wait_until(lambda: self.recorder.calls == [("clear", "program")])
        self.assertEqual(["running"], states)
        self.assertEqual([{}], self.recorder.reports)

    def test_it_is_raised_anew_after_a_boot_when_the_process_fails_again(self) -> None:
        # However long it takes to fail, it is not taken for stable.
        self.conf("program", command=self.program, debounce=600)
        self.boot()
        self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("program"))
        self.assertEqual(["log", "raise"], self.recorder.kinds("program"))

    def test_a_process_that_is_never_restarted_is_started_by_the_boot(self) -> None:
        self.conf("program", command=self.program, restarts=0, severity="critical")
        self.boot()
        self.broken.unlink()
        self.start()
        self.running_pid("program")

    def test_a_monitor_that_ends_before_the_process_is_stable_leaves_the_clear_to_the_next(self) -> None:
        self.boot()
        self.broken.unlink()
        self.conf("program", command=self.program, debounce=60)
        self.start()
        self.wait_for("program", "debounce")
        self.assertTrue(self.monitor.stop())
        self.assertEqual([], self.recorder.kinds("program"))
        self.conf("program", command=self.program)
        self.start()
        wait_until(lambda: self.recorder.calls == [("clear", "program")])

    def test_it_is_cleared_when_the_file_went_meanwhile(self) -> None:
        for is_new_boot in (False, True):
            if is_new_boot:
                self.boot()
            before = self.state_file.read_text()
            self.conf_file.unlink(missing_ok=True)
            self.start()
            wait_until(lambda: self.recorder.calls == [("clear", "program")])
            self.assertTrue(self.monitor.stop())
            self.recorder.calls.clear()
            self.state_file.write_text(before)

    def test_it_is_cleared_when_the_file_is_removed_before_the_process_is_stable(self) -> None:
        self.boot()
        monitor = self.start()
        self.conf_file.unlink()
        monitor.reload()
        wait_until(lambda: self.recorder.calls and self.recorder.calls[-1] == ("clear", "program"))

    def test_a_clear_that_was_not_taken_is_told_by_the_next_monitor(self) -> None:
        taken, self.recorder.clear_process_fault = self.recorder.clear_process_fault, self.refuse
        self.broken.unlink()
        self.start()
        self.wait_for("program", "running")
        self.assertTrue(self.monitor.stop())
        self.recorder.clear_process_fault = taken
        self.start()
        wait_until(lambda: ("clear", "program") in self.recorder.calls)

    def test_a_clear_that_was_not_taken_is_told_also_when_the_file_has_gone(self) -> None:
        taken, self.recorder.clear_process_fault = self.recorder.clear_process_fault, self.refuse
        self.conf_file.unlink()
        self.start()
        wait_until(lambda: self.recorder.reports)
        self.assertTrue(self.monitor.stop())
        self.recorder.clear_process_fault = taken
        self.start()
        wait_until(lambda: ("clear", "program") in self.recorder.calls)

    def refuse(self, process: str) -> None:
        raise ConnectionError("the spool is full")


class LostMemoryTest(MonitorTest):
    """Nobody knows which alarms an earlier monitor raised."""

    def test_each_process_that_proves_stable_is_cleared_once(self) -> None:
        for content in (None, '{"version": 1', '{"version": 99}'):
            self.state_file.unlink(missing_ok=True)
            if content is not None:
                self.state_file.write_text(content)
            self.conf("well", command="sleep 1000")
            self.failing("broken")
            self.conf("ignored", mode="ignore")
            self.start()
            wait_until(lambda: "clear" in self.recorder.kinds("well") and "raise" in self.recorder.kinds("broken"))
            self.assertEqual(["clear"], self.recorder.kinds("well"))
            self.assertEqual(["clear"], self.recorder.kinds("ignored"))
            self.assertEqual(["log", "raise"], self.recorder.kinds("broken"))
            self.assertEqual({}, self.recorder.reports[0])
            self.assertTrue(self.monitor.stop())
            self.recorder.calls.clear()
            self.recorder.reports.clear()

    def test_the_next_monitor_remembers(self) -> None:
        self.state_file.unlink()
        self.conf("well", command="sleep 1000")
        self.start()
        wait_until(lambda: "clear" in self.recorder.kinds("well"))
        self.monitor.stop()
        self.start()
        self.wait_for("well", "running")
        self.monitor.stop()
        self.assertEqual(["clear"], self.recorder.kinds("well"))


class OrderTest(MonitorTest):
    def test_stop_start_and_restart(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        first = self.running_pid("sleeper")
        self.assertEqual((True, "sleeper is running."), self.order(Verb.RESTART, "sleeper"))
        second = self.entry("sleeper")["pid"]
        self.assertNotEqual(first, second)
        self.assertEqual((True, "sleeper is stopped."), self.order(Verb.STOP, "sleeper"))
        self.assertFalse(is_alive(second))
        self.assertFalse(self.pidfile("sleeper").exists())
        self.assertEqual((True, "sleeper is running."), self.order(Verb.START, "sleeper"))
        self.assertEqual([], self.recorder.kinds("sleeper"))

    def test_a_script_stops_and_restarts_its_process(self) -> None:
        script = self.script("init", LSB_SCRIPT.replace("{pidfile}", str(self.pidfile("sleeper"))))
        self.conf("sleeper", script=script)
        self.start()
        first = self.running_pid("sleeper")
        self.assertTrue(self.order(Verb.RESTART, "sleeper")[0])
        self.assertNotEqual(first, self.entry("sleeper")["pid"])
        self.assertTrue(self.order(Verb.STOP, "sleeper")[0])
        self.assertEqual([], self.marked())
        self.assertEqual([], self.recorder.kinds("sleeper"))

    def test_a_process_that_does_not_heed_the_stop_is_killed(self) -> None:
        script = self.script("deaf", "#!/bin/sh\ntrap '' TERM\ntouch $0.ready\nwhile :; do sleep 1000; done\n")
        self.conf("deaf", command=script)
        self.start(limits=dataclasses.replace(LIMITS, stop_s=1.0))
        pid = self.running_pid("deaf")
        wait_until(Path(f"{script}.ready").exists)
        self.assertTrue(self.order(Verb.STOP, "deaf")[0])
        self.assertFalse(is_alive(pid))
        wait_until(lambda: not self.marked())

    def test_an_order_that_fails_says_why(self) -> None:
        program = self.script("program", "#!/bin/sh\nexec sleep 1000\n")
        self.conf("sleeper", command=program)
        self.conf("ignored", mode="ignore")
        self.start()
        self.running_pid("sleeper")
        program.unlink()
        is_ok, text = self.order(Verb.RESTART, "sleeper")
        self.assertFalse(is_ok)
        self.assertIn("No such file", text)
        self.assertIn("mode is ignore", self.order(Verb.START, "ignored")[1])
        self.assertIn("not watched", self.order(Verb.START, "nobody")[1])

    def test_an_order_that_takes_too_long_for_the_caller_goes_on(self) -> None:
        go = self.write("go", "")
        text = LSB_SCRIPT.replace("start|restart)", f"start|restart) until [ -e {go} ]; do sleep 0.05; done;")
        self.conf("slow", script=self.script("init", text.replace("{pidfile}", str(self.pidfile("slow")))))
        self.start()
        self.running_pid("slow")
        go.unlink()
        self.assertRaises(cli.CliError, self.order, Verb.RESTART, "slow", 0.01)
        go.touch()
        self.wait_for("slow", "running")

    def test_a_monitor_that_was_stopped_says_so(self) -> None:
        monitor = self.start()
        self.assertTrue(monitor.stop())
        self.assertFalse(monitor.is_alive())
        self.assertRaises(MonitorError, monitor.reload)
        self.assertRaises(cli.CliError, self.order, Verb.STOP, "x")


class MaintenanceTest(MonitorTest):
    def test_nothing_is_restarted_while_the_platform_is_taken_down(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.conf("other", command="sleep 1000")
        self.start()
        pid = self.running_pid("sleeper")
        self.running_pid("other")
        flag = self.write("maintenance", "")
        kill(pid)
        self.wait_for("sleeper", "held")
        self.assertIn("taken down", self.order(Verb.START, "sleeper")[1])
        self.assertTrue(self.order(Verb.STOP, "other")[0])
        self.assertEqual([], self.marked())
        flag.unlink()
        self.running_pid("sleeper")
        self.assertEqual([], self.recorder.calls)


class ActiveTest(MonitorTest):
    def setUp(self) -> None:
        super().setUp()
        self.port = testing.free_port(socket.SOCK_DGRAM)
        self.silence = self.directory / "silence"
        responder = self.write("responder.py", RESPONDER)
        self.conf(
            "responder",
            mode="active",
            command=f"{sys.executable} -I -S {responder} {self.port} {self.silence}",
            port=self.port,
            period=0.2,
            timeout=0.1,
            threshold=2,
            debounce=0.1,
            restarts=1,
        )

    def test_a_responder_that_goes_silent_is_killed_and_restarted_until_it_answers(self) -> None:
        self.start(limits=LIMITS.__class__(first_answer_s=3.0))
        first = self.running_pid("responder")
        wait_until(lambda: self._machine().probe.answers)
        self.silence.touch()
        wait_until(lambda: not is_alive(first))
        wait_until(lambda: "raise" in self.recorder.kinds("responder"))
        self.assertIn("unanswered", self.recorder.calls[0][3])
        self.silence.unlink()
        wait_until(lambda: "clear" in self.recorder.kinds("responder"))
        self.assertNotEqual(first, self.entry("responder")["pid"])

    def test_a_process_is_not_asked_before_the_host_is_initialised_if_its_file_says_so(self) -> None:
        path = self.conf_dir / "responder.conf"
        path.write_text(path.read_text() + "full_init_reqd = 1\n")
        self.silence.touch()
        self.start(limits=LIMITS.__class__(first_answer_s=0.0))
        first = self.running_pid("responder")
        self.assertIsNone(self._machine().probe.next_at)
        self.write("goenabled", "")
        wait_until(lambda: not is_alive(first))

    def test_without_its_port_only_active_processes_are_not_watched(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            self.conf("sleeper", command="sleep 1000")
            monitor = self.start(pulse_port=taken.getsockname()[1])
            self.running_pid("sleeper")
            self.assertEqual(["sleeper"], list(self.watched()))
            self.assertIn("needs UDP port", str(monitor.reload()[0]))
        self.assertEqual([], monitor.reload())
        self.running_pid("responder")

    def _machine(self) -> Machine:
        return self.watched()["responder"].machine


class StatusTest(MonitorTest):
    def test_a_bad_status_is_repaired_by_the_start_argument_or_raised_with_the_failure_text(self) -> None:
        failure = self.write("failure", "the array is\ndegraded\n")
        well = self.write("well", "")
        script = self.script(
            "status",
            f"#!/bin/sh\necho $1 >> {self.directory}/calls\n"
            f'[ "$1" != begin ] || [ ! -e {self.directory}/repairs ] || touch {well}\n'
            f'[ "$1" != check ] || [ -e {well} ]\n',
        )
        keys = {"start_arg": "begin", "status_arg": "check", "period": 0.1, "timeout": 30, "status_failure_text": failure}
        self.conf("array", mode="status", script=script, pidfile=None, startuptime=None, restarts=2, **keys)
        self.start()
        self.wait_for("array", "running")
        well.unlink()
        wait_until(lambda: "raise" in self.recorder.kinds("array"))
        self.assertIn("the array is degraded", self.recorder.calls[-1][3])
        self.assertGreaterEqual((self.directory / "calls").read_text().split().count("begin"), 2)
        self.write("repairs", "")
        wait_until(lambda: "clear" in self.recorder.kinds("array"))

    def test_a_status_script_that_hangs_is_ended(self) -> None:
        hang = self.directory / "hang"
        script = self.script("status", f'#!/bin/sh\n[ "$1" != check ] || [ ! -e {hang} ] || sleep 1000\n')
        keys = {"start_arg": "begin", "status_arg": "check", "period": 0.1, "timeout": 0.5}
        self.conf("array", mode="status", script=script, pidfile=None, startuptime=None, restarts=1, **keys)
        self.start()
        self.wait_for("array", "running")
        hang.touch()
        wait_until(lambda: "raise" in self.recorder.kinds("array"))
        hang.unlink()
        wait_until(lambda: "clear" in self.recorder.kinds("array"))
        wait_until(lambda: not self.marked())


class ReloadTest(MonitorTest):
    def test_new_changed_removed_and_bad_files(self) -> None:
        self.conf("kept", command="sleep 1000")
        self.conf("removed", command="sleep 1000")
        self.conf("changed", command="sleep 1000")
        self.conf("spoilt", command="sleep 1000")
        monitor = self.start()
        pids = {name: self.running_pid(name) for name in ("kept", "removed", "changed", "spoilt")}
        (self.conf_dir / "removed.conf").unlink()
        self.conf("changed", command="sleep 1000", severity="critical")
        self.conf("spoilt", command="sleep 1000", restarts="many")
        self.conf("new", command="sleep 1000")
        problems = monitor.reload()
        self.assertEqual(1, len(problems))
        self.assertIn("spoilt.conf: restarts: 'many' must be a whole number", str(problems[0]))
        self.running_pid("new")
        self.assertEqual({"kept", "changed", "spoilt", "new"}, set(self.watched()))
        self.assertEqual("critical", self.watched()["changed"].conf.severity)
        for name in ("kept", "changed", "spoilt"):
            self.assertEqual(pids[name], self.running_pid(name))
        self.assertTrue(is_alive(pids["removed"]))
        self.assertEqual([], self.recorder.calls)

    def test_the_alarm_of_a_process_that_is_watched_no_more_is_cleared(self) -> None:
        path = self.failing("broken")
        monitor = self.start()
        wait_until(lambda: "raise" in self.recorder.kinds("broken"))
        path.unlink()
        monitor.reload()
        wait_until(lambda: self.recorder.calls[-1] == ("clear", "broken"))
        wait_until(lambda: self.recorder.reports[-1] == {})

    def test_bad_files_do_not_stop_the_others(self) -> None:
        self.conf("good", command="sleep 1000")
        self.conf("bad", command="sleep 1000", severity="grave")
        (self.conf_dir / "noise.conf").write_bytes(b"\xff\xfe\0")
        os.mkfifo(self.conf_dir / "fifo.conf")
        (self.conf_dir / "gone.conf").symlink_to("/nowhere")
        monitor = self.start()
        self.running_pid("good")
        self.assertEqual(
            ["bad.conf", "fifo.conf", "gone.conf", "noise.conf"], [Path(problem.path).name for problem in monitor.reload()]
        )


class GateTest(MonitorTest):
    def test_a_process_waits_for_the_flag_of_its_subfunction(self) -> None:
        self.conf("worker", command="sleep 1000", subfunction="worker")
        self.start()
        self.assertEqual("waiting", self.state("worker"))
        self.assertIn("waits until", self.order(Verb.START, "worker")[1])
        self.write(".worker_config_complete", "")
        self.running_pid("worker")


class IdleTest(MonitorTest):
    def test_twenty_healthy_processes_give_the_monitor_nothing_to_do(self) -> None:
        for number in range(20):
            self.conf(f"sleeper{number}", command="sleep 1000")
        self.start()
        for number in range(20):
            self.wait_for(f"sleeper{number}", "running")
        wait_until(lambda: self.monitor._roster.next_deadline() is None)

    def test_stop_ends_actions_under_way(self) -> None:
        self.conf("hanging", script=self.script("init", "#!/bin/sh\nexec sleep 1000\n"))
        monitor = self.start()
        wait_until(self.marked)
        self.assertTrue(monitor.stop())
        self.assertEqual([], self.marked())

    def test_signals_to_the_monitors_group_do_not_reach_what_it_started(self) -> None:
        self.conf("sleeper", command="sleep 1000")
        self.start()
        pid = self.running_pid("sleeper")
        self.assertEqual((pid, pid), (os.getsid(pid), os.getpgid(pid)))
