# SPDX-License-Identifier: Apache-2.0
"""All boards as mtce-agent keeps them: OpenIPMI's simulator, and the Redfish of a lab."""

import pathlib
import signal
import tempfile
import threading
from collections.abc import Callable

import ddt
import testtools
from oslotest import base

from mtce.boards import Boards, BoardState, Order, Timing
from stx.boards import Kind, Power, Reading
from tests.functional import rack

DEADLINE_S = 120.0
HOST, OTHER = "controller-0", "controller-1"


@ddt.ddt
@testtools.skipIf(rack.missing(), str(rack.missing()))
class KeeperTest(base.BaseTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.directory = tempfile.TemporaryDirectory()
        cls.rack = rack.Rack(pathlib.Path(cls.directory.name) / "rack")
        cls.rack.start()
        cls.rack.start_redfish(HOST)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.rack.stop()
        cls.directory.cleanup()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        for name in (HOST, OTHER):
            self.rack.switch(name, "on")
        self.rack.is_deaf = False
        self.changed = threading.Condition()
        self.boards = self.keeper(Timing())

    def keeper(self, timing: Timing) -> Boards:
        boards = Boards(self.news, timing=timing)
        self.addCleanup(boards.close)
        return boards

    def news(self, host: str) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, what: str, is_so: Callable[[BoardState], object], host: str = HOST) -> BoardState:
        def holds() -> object:
            state = self.boards.state(host)
            return state is not None and is_so(state)

        with self.changed:
            if not self.changed.wait_for(holds, DEADLINE_S):
                self.fail(f"not in time: {what}: {self.boards.state(host)}")
        state = self.boards.state(host)
        assert state is not None
        return state

    def done(self, token: str, order: Order, host: str = HOST) -> BoardState:
        self.boards.order(host, token, order)
        return self.wait_for(f"{order} has ended", lambda state: state.result is not None and state.result.token == token, host)

    @ddt.data(Kind.IPMI, Kind.REDFISH, Kind.DYNAMIC)
    def test_a_host_is_switched_reset_and_told_to_boot_from_its_network(self, kind: Kind) -> None:
        self.boards.keep({HOST: self.rack.login(HOST, kind)})
        for token, order, is_on in (("1", Order.POWER_OFF, False), ("2", Order.POWER_ON, True)):
            state = self.done(token, order)
            self.assertEqual((True, ""), (state.result.is_done, state.result.error))
            self.assertIs(Power.ON if is_on else Power.OFF, state.power)
            self.assertEqual(is_on, self.rack.machine(HOST) is not None)
        self.assertTrue(self.done("3", Order.NETWORK_BOOT).result.is_done)
        self.assertEqual("pxe", self.rack.boot_device(HOST))
        self.assertTrue(self.done("4", Order.RESET).result.is_done)

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_board_that_takes_an_order_and_does_nothing_is_found_out(self, kind: Kind) -> None:
        self.boards = self.keeper(Timing(confirm_s=0.5))
        self.rack.is_deaf = True
        self.boards.keep({HOST: self.rack.login(HOST, kind)})
        state = self.done("1", Order.POWER_OFF)
        self.assertEqual(
            (False, "The board takes the order, but the host is still on."), (state.result.is_done, state.result.error)
        )

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_a_wrong_password_is_told(self, kind: Kind) -> None:
        self.boards.keep({HOST: self.rack.login(HOST, kind, "not-this-one")})
        state = self.wait_for("the board refuses", lambda state: not state.is_reachable)
        self.assertIn("refuses the user or its password", state.error)
        self.assertNotIn("not-this-one", state.error)

    def test_a_board_that_falls_silent_delays_no_other_and_is_reached_again_when_it_speaks(self) -> None:
        # It is given up long after the other one, had it to wait, would have done what it is told.
        self.boards = self.keeper(Timing(audit_s=0.5, ipmi_call_s=15.0))
        self.boards.keep({name: self.rack.login(name) for name in (HOST, OTHER)})
        for name in (HOST, OTHER):
            self.wait_for("it is on", lambda state: state.power is Power.ON, name)
        self.rack.board(HOST).send_signal(signal.SIGSTOP)
        self.addCleanup(self.rack.board(HOST).send_signal, signal.SIGCONT)
        self.boards.look(HOST)
        for number in range(3):
            self.assertTrue(self.done(str(number), Order.RESET, OTHER).result.is_done)
        state = self.boards.state(HOST)
        assert state is not None
        self.assertTrue(state.is_reachable, "It has not even been given up by then.")
        self.wait_for("it is given up", lambda state: not state.is_reachable)
        self.rack.board(HOST).send_signal(signal.SIGCONT)
        self.wait_for("it is back", lambda state: state.power is Power.ON)

    def test_a_board_that_was_replaced_is_opened_anew(self) -> None:
        self.boards.keep({HOST: self.rack.login(HOST)})
        self.wait_for("it is on", lambda state: state.power is Power.ON)
        self.rack.board(HOST).kill()
        self.rack.board(HOST).wait()
        self.rack.start_board(HOST)
        state = self.done("1", Order.POWER_OFF)
        self.assertEqual((True, ""), (state.result.is_done, state.result.error))

    @ddt.data(Kind.IPMI, Kind.REDFISH)
    def test_sensors_are_read(self, kind: Kind) -> None:
        self.boards.keep({HOST: self.rack.login(HOST, kind)})
        self.boards.sense(HOST)
        self.wait_for("readings", lambda _: self.boards.sensed(HOST))
        sensed = self.boards.sensed(HOST)
        assert sensed is not None
        self.assertEqual({"CPU Temp", "Inlet Temp", "Fan 1"}, {reading.name for reading in sensed.readings})
        self.assertIsInstance(sensed.readings[0], Reading)
