# SPDX-License-Identifier: Apache-2.0
"""The boards of many hosts, some of which are fakes that misbehave."""

import dataclasses
import os
import pathlib
import select
import threading
from collections.abc import Callable

import fixtures
from oslotest import base

from mtce.boards import Boards, BoardState, Order, Result, Timing
from mtce.tests.unit.boards import fake
from stx.boards import Kind, Login, Power

DEADLINE_S = 60.0
# A busy machine may hold up those that are well.
PATIENT = Timing(call_s=60.0, ipmi_call_s=60.0, open_s=60.0, order_s=60.0)
INSISTENT = dataclasses.replace(PATIENT, confirm_s=0.3, confirm_again_s=0.05, attempt_again_s=0.1, retry_most_s=0.5)
# A process that starts others may take some seconds to do so.
QUICK = dataclasses.replace(INSISTENT, call_s=1.0, ipmi_call_s=1.0, open_s=6.0)


class KeeperTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.changed = threading.Condition()
        self.heard: list[str] = []
        self.boards = Boards(self.news, timing=PATIENT, connect="mtce.tests.unit.boards.fake:connect")
        self.addCleanup(self.close)

    def close(self) -> None:
        self.boards.close()

    def again(self, timing: Timing) -> None:
        self.boards.close()
        self.boards = Boards(self.news, timing=timing, connect="mtce.tests.unit.boards.fake:connect")

    def news(self, host: str) -> None:
        with self.changed:
            self.heard.append(host)
            self.changed.notify_all()

    def wait_for(self, what: str, is_so: Callable[[], object]) -> None:
        with self.changed:
            if not self.changed.wait_for(is_so, DEADLINE_S):
                self.fail(f"not in time: {what}")

    def login(self, host: str, kind: str = "good", password: str = fake.PASSWORD) -> Login:
        (self.directory / host).mkdir(exist_ok=True)
        return Login(Kind.IPMI, f"{kind} {self.directory / host}", "admin", password)

    def asked(self, host: str) -> list[str]:
        return (self.directory / host / "asked").read_text().splitlines()

    def pids(self, host: str) -> list[int]:
        return [int(line.split()[1]) for line in self.asked(host) if line.startswith("open")]

    def known(self, host: str) -> BoardState:
        self.wait_for(f"{host} is known", lambda: self.boards.state(host))
        state = self.boards.state(host)
        assert state is not None
        return state

    def result(self, host: str, token: str) -> Result:
        def is_there() -> bool:
            state = self.boards.state(host)
            return state is not None and state.result is not None and state.result.token == token

        self.wait_for(f"the result of {token}", is_there)
        result = self.known(host).result
        assert result is not None
        return result

    def test_a_board_tells_whether_its_host_is_on(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        state = self.known("compute-0")
        self.assertEqual((True, Power.ON, ""), (state.is_reachable, state.power, state.error))
        self.assertIsInstance(state.power, Power)

    def test_orders_are_carried_out_once_for_each_token_by_the_one_session(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        for token, order in (("1", Order.POWER_OFF), ("2", Order.POWER_ON), ("3", Order.RESET), ("4", Order.NETWORK_BOOT)):
            for _ in range(2):
                self.boards.order("compute-0", token, order)
            self.assertEqual(Result(token, True, ""), self.result("compute-0", token))
        orders = [line for line in self.asked("compute-0") if line != "power"]
        self.assertEqual(["order off", "order on", "reset", "boot network True"], orders[1:])

    def test_one_that_hangs_delays_no_other(self) -> None:
        logins = {"compute-0": self.login("compute-0", "hangs"), "compute-1": self.login("compute-1", "deaf")}
        self.boards.keep({**logins, "compute-2": self.login("compute-2")})
        for number in range(5):
            self.boards.order("compute-2", str(number), Order.RESET)
            self.assertTrue(self.result("compute-2", str(number)).is_done)
        # They have not even been given up by then.
        self.assertEqual([None, None], [self.boards.state(host) for host in logins])

    def test_one_that_hangs_has_its_process_ended_and_gets_another_one(self) -> None:
        self.again(QUICK)
        self.boards.keep({"compute-0": self.login("compute-0", "hangs"), "compute-1": self.login("compute-1", "deaf")})
        for host in ("compute-0", "compute-1"):
            state = self.known(host)
            self.assertEqual((False, None), (state.is_reachable, state.power))
            self.assertIn("does not answer in time", state.error)
        first, second, *_ = self.pids("compute-0")
        self.assertNotEqual(first, second)
        self.wait_until_ended(first)

    def test_one_that_says_yes_and_does_nothing_is_found_out(self) -> None:
        self.again(INSISTENT)
        self.boards.keep({"compute-0": self.login("compute-0", "lies")})
        self.boards.order("compute-0", "1", Order.POWER_OFF)
        self.assertEqual(
            Result("1", False, "The board takes the order, but the host is still on."), self.result("compute-0", "1")
        )
        self.assertEqual(INSISTENT.attempts, self.asked("compute-0").count("order off"))

    def test_one_that_refuses_is_asked_some_more_times_and_its_words_are_told(self) -> None:
        self.again(INSISTENT)
        self.boards.keep({"compute-0": self.login("compute-0", "refuses")})
        self.boards.order("compute-0", "1", Order.POWER_OFF)
        self.assertEqual(Result("1", False, "It does not like to."), self.result("compute-0", "1"))
        self.assertEqual(INSISTENT.attempts, self.asked("compute-0").count("order off"))
        self.assertTrue(self.known("compute-0").is_reachable)

    def test_a_wrong_password_ends_an_order_at_once_and_another_login_is_used_at_once(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0", password="wrong-pw")})
        self.boards.order("compute-0", "1", Order.POWER_OFF)
        result = self.result("compute-0", "1")
        self.assertEqual((False, "The board refuses the user or its password."), (result.is_done, result.error))
        self.boards.keep({"compute-0": self.login("compute-0")})
        self.wait_for("the board answers", lambda: (state := self.boards.state("compute-0")) and state.is_reachable)
        self.assertEqual("1", self.result("compute-0", "1").token)

    def test_one_that_is_gone_is_told_apart_and_is_asked_again(self) -> None:
        self.again(INSISTENT)
        login = self.login("compute-0")
        gone = self.directory / "compute-0" / "gone"
        gone.touch()
        self.boards.keep({"compute-0": login})
        self.assertEqual((False, "It is gone."), (self.known("compute-0").is_reachable, self.known("compute-0").error))
        gone.unlink()
        self.wait_for("it is back", lambda: (state := self.boards.state("compute-0")) and state.is_reachable)

    def test_who_looks_is_told_even_if_all_is_as_it_was(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        before = self.known("compute-0")
        self.boards.look("compute-0")
        self.wait_for("another answer", lambda: self.boards.state("compute-0") != before)
        after = self.known("compute-0")
        self.assertGreater(after.asked_at, before.asked_at)

    def test_sensors_are_read_and_an_order_does_not_wait_for_those_that_never_end(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0"), "compute-1": self.login("compute-1", "senseless")})
        self.boards.sense("compute-0")
        self.wait_for("readings", lambda: self.boards.sensed("compute-0"))
        sensed = self.boards.sensed("compute-0")
        assert sensed is not None
        self.assertEqual((fake.READING,), sensed.readings)
        self.known("compute-1")
        self.boards.sense("compute-1")
        self.boards.order("compute-1", "1", Order.POWER_OFF)
        self.assertTrue(self.result("compute-1", "1").is_done)

    def test_sensors_are_asked_for_anew_by_another_process(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        self.known("compute-0")
        self.boards.sense("compute-0", is_anew=True)
        self.wait_for("readings", lambda: self.boards.sensed("compute-0"))
        first, second = self.pids("compute-0")
        self.assertNotEqual(first, second)
        self.wait_until_ended(first)
        self.assertIn("close", self.asked("compute-0"))

    def test_what_is_kept_no_longer_is_left_and_what_has_not_changed_stays_open(self) -> None:
        logins = {host: self.login(host) for host in ("compute-0", "compute-1")}
        self.boards.keep(logins)
        for host in logins:
            self.known(host)
        self.boards.keep({"compute-1": logins["compute-1"]})
        self.boards.order("compute-1", "1", Order.RESET)
        self.result("compute-1", "1")
        self.assertIsNone(self.boards.state("compute-0"))
        self.assertEqual(1, len(self.pids("compute-1")))
        self.wait_until_ended(self.pids("compute-0")[0])
        self.assertEqual("close", self.asked("compute-0")[-1])

    def wait_until_ended(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self.assertTrue(select.select([descriptor], [], [], DEADLINE_S)[0])
        os.close(descriptor)

    def test_no_process_is_left_when_they_are_closed_not_even_one_that_hangs(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0"), "compute-1": self.login("compute-1", "hangs")})
        self.known("compute-0")
        self.boards.look("compute-0")
        while not (self.directory / "compute-1" / "asked").exists():
            self.boards.order("compute-0", str(len(self.heard)), Order.RESET)
            self.wait_for("something happens", lambda: self.heard)
        self.boards.close()
        for host in ("compute-0", "compute-1"):
            for pid in self.pids(host):
                self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_when_the_process_that_starts_others_ends_boards_are_opened_anew(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        self.known("compute-0")
        nursery = self.boards._nursery
        assert nursery is not None
        nursery.process.kill()
        self.boards.order("compute-0", "1", Order.RESET)
        self.assertTrue(self.result("compute-0", "1").is_done)

    def test_no_process_shows_a_password(self) -> None:
        self.boards.keep({"compute-0": self.login("compute-0")})
        self.known("compute-0")
        nursery = self.boards._nursery
        assert nursery is not None
        for pid in (nursery.process.pid, *self.pids("compute-0")):
            for file in ("cmdline", "environ"):
                self.assertNotIn(b"S3cret", pathlib.Path(f"/proc/{pid}/{file}").read_bytes())
