# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed come back; those that do not stay up are alarmed, and the host is degraded until they do."""

import contextlib
import os
import pathlib
import signal
import textwrap
import uuid

from tests.functional import base
from tests.functional.deployment import poll, wait_for

INTERVAL_S = 0.2
# Longer than the test may be held up between two kills: what was up for so long starts counting anew.
DEBOUNCE_S = 8.0
RESTARTS = 2
DEADLINE_S = 60.0


class ProcessMonitor:
    def watch(self, severity: str, restarts: int = RESTARTS) -> tuple[str, pathlib.Path]:
        """Have the monitor run a process of our own; gives its name and pid file."""
        name = f"sleeper-{uuid.uuid4().hex[:8]}"
        pidfile = self.platform.layout.run_dir / f"{name}.pid"
        conf = self.platform.drop_ins / f"{name}.conf"
        conf.write_text(
            textwrap.dedent(f"""\
            [process]
            process = {name}
            command = /bin/sleep 100000
            pidfile = {pidfile}
            mode = passive
            severity = {severity}
            restarts = {restarts}
            interval = {INTERVAL_S}
            debounce = {DEBOUNCE_S}
            startuptime = 0.5
            """)
        )
        self.addCleanup(self._forget, conf, pidfile)
        self.platform.reload_monitor()
        wait_for(f"{name} runs", lambda: self.pid(pidfile) is not None, DEADLINE_S, 0.02)
        return name, pidfile

    def _forget(self, conf: pathlib.Path, pidfile: pathlib.Path) -> None:
        conf.unlink()
        self.platform.reload_monitor()
        pid = self.pid(pidfile)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        entity = f"process={conf.stem}"

        def is_over() -> bool:
            return not [alarm for alarm in self.platform.alarms(self.token) if entity in alarm["entity_instance_id"]]

        wait_for("no alarm is left", is_over, DEADLINE_S)
        self.platform.await_in_service()

    @staticmethod
    def pid(pidfile: pathlib.Path) -> int | None:
        try:
            pid = int(pidfile.read_text().split()[0])
            is_ours = b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
            return None
        return pid if is_ours else None

    def kill(self, pidfile: pathlib.Path) -> float:
        """Kill the process; gives the seconds until another one runs in its place."""
        before = self.pid(pidfile)
        os.kill(before, signal.SIGKILL)
        return wait_for("it runs again", lambda: self.pid(pidfile) not in (None, before), DEADLINE_S, 0.01)

    def kill_too_often(self, pidfile: pathlib.Path) -> None:
        for _ in range(RESTARTS + 1):
            wait_for("it runs", lambda: self.pid(pidfile) is not None, DEADLINE_S, 0.01)
            killed = self.pid(pidfile)
            os.kill(killed, signal.SIGKILL)
            wait_for("it is gone", lambda killed=killed: self.pid(pidfile) != killed, DEADLINE_S, 0.005)

    def alarm(self, name: str) -> dict | None:
        entity = f"host=controller-0.process={name}"
        return next((alarm for alarm in self.platform.alarms(self.token) if alarm["entity_instance_id"] == entity), None)

    def events(self, name: str) -> list[str]:
        query = f"&alarms=true&q.field=entity_instance_id&q.op=eq&q.value=process%3D{name}"
        return [event["state"] for event in self.platform.events(self.token, query)]

    def test_a_killed_process_runs_again_within_a_second(self) -> None:
        name, pidfile = self.watch("major", restarts=20)
        # A busy machine may hold up one of them; were it slow by itself, all would be.
        self.assertLess(min(self.kill(pidfile) for _ in range(5)), 1.0)
        self.assertIsNone(self.alarm(name))

    def test_a_process_killed_too_often_is_alarmed_degrades_the_host_and_recovers(self) -> None:
        name, pidfile = self.watch("major")
        self.kill_too_often(pidfile)
        alarm, _ = poll(lambda: self.alarm(name), bool, DEADLINE_S)
        self.assertIsNotNone(alarm)
        self.assertEqual(("200.006", "major"), (alarm["alarm_id"], alarm["severity"]))
        host, _ = poll(lambda: self.platform.host(self.token), lambda host: host["availability"] == "degraded", DEADLINE_S)
        self.assertEqual(("enabled", "degraded"), (host["operational"], host["availability"]))
        poll(lambda: self.alarm(name), lambda alarm: alarm is None, DEBOUNCE_S + DEADLINE_S)
        self.assertIsNone(self.alarm(name))
        host, _ = poll(lambda: self.platform.host(self.token), lambda host: host["availability"] == "available", DEADLINE_S)
        self.assertEqual("available", host["availability"])
        self.assertEqual(["set", "clear"], self.events(name))

    def test_a_minor_process_is_alarmed_but_degrades_nothing(self) -> None:
        name, pidfile = self.watch("minor")
        self.kill_too_often(pidfile)
        alarm, _ = poll(lambda: self.alarm(name), bool, DEADLINE_S)
        self.assertIsNotNone(alarm)
        self.assertEqual("minor", alarm["severity"])
        self.assertEqual("available", self.platform.host(self.token)["availability"])


EmbeddedProcessMonitor, StandardProcessMonitor = base.on_both(ProcessMonitor)
