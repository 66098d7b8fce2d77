# SPDX-License-Identifier: Apache-2.0
"""Services as rows, with real programs: order, failures, deadlines, and what moves with the lease."""

import os
import signal
import subprocess

from sm import recovery
from sm.messages import Hello
from sm.service import Condition, Status
from sm.tests.functional.engine_base import OWN, PEER, EngineTestCase

CHAIN = """
services:
  a: {command: PROGRAM a}
  b: {command: PROGRAM b, after: [a]}
  c: {command: PROGRAM c, after: [a]}
groups:
  g: {services: {a: critical, b: critical, c: minor}}
"""


class OrderTest(EngineTestCase):
    services = CHAIN

    def test_without_the_lease_everything_is_off(self) -> None:
        self.until("standby", lambda: self.ledger.groups.get("g") is not None and self.ledger.groups["g"].state == "standby")
        self.assertEqual({"a monitor", "b monitor", "c monitor"}, set(self.log()))

    def test_services_start_after_what_they_need_and_stop_before_it(self) -> None:
        self.be_active()
        started = [line for line in self.log() if "start" in line]
        self.assertEqual(("a start", {"b start", "c start"}), (started[0], set(started[1:])))
        self.hear_peer(has_data=True, groups={"g": ("standby", "", "")})
        self.until("together", lambda: self.lease.wish.eligible == {OWN, PEER})
        self.see(eligible={OWN, PEER})
        self.forget()
        self.engine.call(self.engine.hand_over)
        self.until("let go", lambda: not self.lease.wish.wants_lease)
        stopped = [line for line in self.log() if "stop" in line]
        self.assertEqual(({"b stop", "c stop"}, "a stop"), (set(stopped[:2]), stopped[2]))

    def test_without_the_lease_nothing_that_stops_waits_for_what_uses_it(self) -> None:
        self.be_active()
        self.flag("b", "hangs-stop")
        self.see(holds=False, heard={})
        self.hear_peer(is_active=True)
        self.until_state("a", "disabled")
        self.assertEqual("disabling", self.ledger.services["b"].state)

    def test_what_runs_when_the_engine_starts_is_taken_as_it_is(self) -> None:
        self.be_active()
        self.forget()
        self.begin()
        self.be_active()
        self.assertFalse([line for line in self.log() if "start" in line or "stop" in line])

    def test_one_that_is_to_be_left_alone_is(self) -> None:
        self.be_active()
        self.engine.call(lambda: self.engine.services.manage("b", False))
        self.see(holds=False)
        self.hear_peer(is_active=True)
        self.until_state("a", "disabled")
        self.assertEqual("active", (self.directory / "b.state").read_text())

    def test_a_restart_takes_along_nobody_who_uses_it(self) -> None:
        self.be_active()
        self.forget()
        self.engine.call(lambda: self.engine.services.restart("a"))
        self.until("restarted", lambda: "a start" in self.log())
        self.until_state("a", "enabled-active")
        self.assertEqual(["a stop", "a start"], [line for line in self.log() if "monitor" not in line])

    def test_a_host_that_is_locked_has_nothing(self) -> None:
        self.be_active()
        self.engine.call(lambda: self.engine.set_node(False, ("locked", "disabled", "online")))
        self.until("disabled", lambda: self.ledger.groups["g"].state == "disabled")
        self.until("let go", lambda: not self.lease.wish.wants_lease)


class FailureTest(EngineTestCase):
    services = """
services:
  a: {command: PROGRAM a, actions: {audit-enabled: {interval: 0.2, retries: 0}}}
groups:
  g: {services: {a: critical}, fatal-error-reboot: true}
"""

    def test_one_that_is_locked_while_it_is_active_goes_on(self) -> None:
        self.be_active()
        self.see(eligible={OWN, PEER})
        (self.directory / "locked").touch()
        self.until("a while", iter([False] * 100 + [True]).__next__)
        self.assertEqual((True, "active"), (self.engine.is_ready, self.ledger.groups["g"].state))
        self.see(holds=False, heard={PEER: Hello(PEER, True, "boot", 1, is_active=True)})
        self.until("it is locked", lambda: not self.engine.is_ready)
        self.assertEqual(("locked", "disabled", "online"), self.lease.wish.hello.states if self.lease.wish.hello else None)
        self.until("it wants nothing", lambda: not self.lease.wish.wants_lease)
        (self.directory / "locked").unlink()
        self.until("it is ready", lambda: self.engine.is_ready and self.lease.wish.wants_lease)

    def test_one_that_alone_has_all_data_is_not_kept_from_the_lease_by_a_lock(self) -> None:
        (self.directory / "locked").touch()
        self.see(eligible={OWN, PEER})
        self.until("it is locked", lambda: not self.engine.is_ready)
        self.see(eligible={OWN})
        self.until("it is ready", lambda: self.engine.is_ready)
        self.be_active()

    def test_a_start_that_fails_is_tried_again_then_given_up_with_what_it_said(self) -> None:
        self.flag("a", "fails-start")
        self.see(holds=True)
        self.until("failed", lambda: self.ledger.groups["g"].status is Status.FAILED)
        self.assertEqual(Condition.RECOVERY_FAILURE, self.ledger.groups["g"].condition)
        self.assertEqual(("a",), self.ledger.groups["g"].failing)
        self.assertEqual(2, self.log().count("a start"))

    def test_a_start_that_hangs_ends_at_its_deadline_with_all_that_it_started(self) -> None:
        self.begin(self.services.replace("actions: {", "actions: {enable: {timeout: 1}, "))
        self.flag("a", "hangs-start")
        self.see(holds=True)
        self.until("failed", lambda: self.ledger.groups["g"].status is Status.FAILED)
        running = subprocess.run(["pgrep", "-f", str(self.program)], capture_output=True, text=True, check=False).stdout
        self.assertEqual("", running)

    def test_one_that_is_found_off_is_started_again_at_first_and_then_moves(self) -> None:
        self.be_active()
        (self.directory / "a.state").write_text("")
        self.until("restarted", lambda: self.log().count("a start") == 2)
        self.until_state("a", "enabled-active")
        self.assertIs(Status.NONE, self.ledger.groups["g"].status)
        (self.directory / "a.state").write_text("")
        self.until("failed", lambda: self.ledger.groups["g"].status is Status.FAILED)

    def test_one_that_has_nowhere_else_to_go_is_started_again_soon(self) -> None:
        self.be_active()
        for starts in (2, 3):
            (self.directory / "a.state").write_text("")
            # The second time it was given up at first.
            self.until("restarted", lambda starts=starts: self.log().count("a start") == starts, recovery.LONGEST_S / 2)
            self.until_state("a", "enabled-active")
        self.assertIs(Status.FAILED, self.ledger.groups["g"].status, "it is no attractive one for a while")

    def test_a_failed_controller_hands_over_to_one_that_is_well(self) -> None:
        self.flag("a", "fails-start")
        self.see(holds=True, eligible={OWN})
        self.hear_peer(has_data=True, groups={"g": ("standby", "", "")})
        self.until("together", lambda: self.lease.wish.eligible == {OWN, PEER})
        self.see(eligible={OWN, PEER})
        self.until("let go", lambda: not self.lease.wish.wants_lease)

    def test_one_that_cannot_be_stopped_when_the_lease_is_gone_starts_the_host_anew(self) -> None:
        self.be_active()
        self.flag("a", "fails-stop")
        self.see(holds=False)
        self.hear_peer(is_active=True)
        self.until("reboot", lambda: bool(self.rebooted))
        self.assertIn("a cannot be stopped", self.rebooted[0])

    def test_an_operator_may_have_it_tried_again(self) -> None:
        self.flag("a", "fails-start")
        self.see(holds=True)
        self.until("failed", lambda: self.ledger.groups["g"].status is Status.FAILED)
        self.flag("a", "fails-start", False)
        self.engine.call(lambda: self.engine.services.recover("a"))
        self.until_state("a", "enabled-active")
        self.assertIs(Status.NONE, self.ledger.groups["g"].status)

    def test_a_program_that_is_not_there_is_a_failure_that_says_so(self) -> None:
        self.begin("services: {a: {command: /nowhere/program}}\ngroups: {g: {services: {a: critical}}}")
        self.see(holds=True)
        self.until("failed", lambda: self.ledger.groups["g"].status is Status.FAILED)


class ProcessTest(EngineTestCase):
    services = """
services:
  a: {command: PROGRAM a, pid-file: DIRECTORY/a.pid}
groups:
  g: {services: {a: critical}}
"""

    def test_the_death_of_a_process_is_noticed_at_once(self) -> None:
        process = subprocess.Popen(["sleep", "60"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        (self.directory / "a.pid").write_text(f"{process.pid}\n")
        self.begin(self.services.replace("DIRECTORY", str(self.directory)))
        self.be_active()
        self.forget()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        (self.directory / "a.pid").unlink()
        # The next look by itself would come later.
        self.until("restarted", lambda: "a start" in self.log(), 30)


class DataTest(EngineTestCase):
    services = """
services:
  d: {command: PROGRAM d, standby: true, data: true}
  a: {command: PROGRAM a, after: [d]}
groups:
  g: {services: {d: critical, a: critical}}
"""

    def setUp(self) -> None:
        super().setUp()
        self.flag("d", "has-standby")

    def test_data_are_attached_before_the_other_controller_counts(self) -> None:
        self.be_active()
        self.assertEqual({OWN}, self.lease.wish.eligible)
        self.hear_peer(has_data=True)
        self.until("attached", lambda: self.lease.wish.eligible == {OWN, PEER})
        self.assertIn("d attach", self.log())

    def test_data_are_detached_when_the_voters_know_that_the_other_one_does_not_count(self) -> None:
        self.be_active()
        self.hear_peer(has_data=True)
        self.until("attached", lambda: self.lease.wish.eligible == {OWN, PEER})
        self.see(eligible={OWN, PEER})
        self.forget()
        self.see(heard={}, is_agreed=False)
        self.until("told", lambda: self.lease.wish.eligible == {OWN})
        self.assertNotIn("d detach", self.log())
        self.see(eligible={OWN}, is_agreed=True)
        self.until("detached", lambda: "d detach" in self.log())

    def test_a_passive_controller_has_its_data_on_standby_and_says_so(self) -> None:
        self.hear_peer(is_active=True)
        self.until_state("d", "enabled-standby")
        self.until("said", lambda: self.lease.wish.hello is not None and self.lease.wish.hello.has_data)

    def test_data_are_looked_at_as_soon_as_nobody_counts_on_them(self) -> None:
        """The next look by itself would come too late for this test."""
        self.begin(self.services.replace("data: true}", "data: true, actions: {audit-enabled: {timeout: 5, interval: 600}}}"))
        self.see(eligible={OWN, PEER})
        self.hear_peer(is_active=True)
        self.until_state("d", "enabled-standby")
        self.forget()
        self.see(eligible={PEER})
        self.until("looked at", lambda: "d monitor" in self.log())

    def test_handing_over_demotes_data_and_lets_the_lease_go(self) -> None:
        self.be_active()
        self.hear_peer(has_data=True)
        self.until("attached", lambda: self.lease.wish.eligible == {OWN, PEER})
        self.see(eligible={OWN, PEER})
        self.engine.advance()
        self.assertIsNone(self.engine.hand_over())
        self.until("let go", lambda: not self.lease.wish.wants_lease)
        self.assertEqual(["a stop", "d demote"], [line for line in self.log() if "stop" in line or "demote" in line])
