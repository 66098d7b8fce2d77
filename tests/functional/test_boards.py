# SPDX-License-Identifier: Apache-2.0
"""Boards over IPMI and Redfish: OpenIPMI's simulator, and the Redfish of a lab."""

import dataclasses
import datetime
import multiprocessing.pool
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import ddt
import testtools
from oslotest import base

from stx import boards
from stx.boards import BoardError, BootDevice, Kind, Login, LoginError, Power, SensorKind, Status, Thresholds, UnreachableError
from stxlab import certificate
from tests.functional import rack

# Only the first one answers Redfish.
HOST, OTHER = "controller-0", "controller-1"
BOTH = (Kind.IPMI, Kind.REDFISH)
DEADLINE_S = 60.0


def ask(login: Login, method: str, *arguments: Any) -> Any:
    """What a board says, or the error: in a process of its own."""
    try:
        with boards.opened(login) as board:
            if method == "switch":
                boards.switch(board, arguments[0], DEADLINE_S)
                return board.power()
            return getattr(board, method)(*arguments)
    except BoardError as error:
        return type(error), error.message


@ddt.ddt
@testtools.skipIf(rack.missing(), str(rack.missing()))
class BoardsTest(base.BaseTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.directory = tempfile.TemporaryDirectory()
        cls.rack = rack.Rack(pathlib.Path(cls.directory.name) / "rack")
        cls.rack.start()
        cls.rack.start_redfish(HOST)
        context = multiprocessing.get_context("spawn")
        cls.pool = context.Pool(1, maxtasksperchild=1)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.pool.terminate()
        cls.pool.join()
        cls.rack.stop()
        cls.directory.cleanup()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        self.rack.switch(HOST, "on")
        self.rack.show(HOST, "cpu-temp", 45)

    def ask(self, kind: Kind, method: str, *arguments: Any, name: str = HOST, **login: str) -> Any:
        return self.pool.apply_async(ask, (self.rack.login(name, kind, **login), method, *arguments)).get(120)

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            if time.monotonic() > deadline:
                self.fail(f"not in time: {what}")
            time.sleep(0.05)

    @ddt.data(*BOTH)
    def test_power_is_cut_and_given_back_and_said_again_it_is_no_error(self, kind: Kind) -> None:
        for wanted in (Power.OFF, Power.OFF, Power.ON, Power.ON):
            self.assertEqual(wanted, self.ask(kind, "switch", wanted))
            self.assertEqual(wanted is Power.ON, self.rack.machine(HOST) is not None)

    @ddt.data(*BOTH)
    def test_a_host_is_reset_but_not_one_that_is_off(self, kind: Kind) -> None:
        before = self.rack.machine(HOST)
        self.assertIsNone(self.ask(kind, "reset"))
        self.wait_for("another life of the host", lambda: self.rack.machine(HOST) not in (before, None))
        self.rack.switch(HOST, "off")
        error, said = self.ask(kind, "reset")
        self.assertIs(BoardError, error)
        self.assertRegex(said, "^(IPMI|Redfish): ")

    @ddt.data(*BOTH)
    def test_a_host_is_told_what_to_boot_from(self, kind: Kind) -> None:
        for device, told in ((BootDevice.NETWORK, "pxe"), (BootDevice.DISK, "default")):
            self.assertIsNone(self.ask(kind, "set_boot_device", device))
            self.assertEqual(told, self.rack.boot_device(HOST))

    @ddt.data(*BOTH)
    def test_sensors_tell_what_they_measure_and_how_bad_it_is(self, kind: Kind) -> None:
        self.rack.show(HOST, "cpu-temp", 97)
        # The simulator looks at its files now and then.
        self.wait_for("the board sees it", lambda: self.reading(kind, "CPU Temp").status is Status.CRITICAL)
        hot, fan = self.reading(kind, "CPU Temp"), self.reading(kind, "Fan 1")
        self.assertEqual((SensorKind.TEMPERATURE, 97.0, "°C"), (hot.kind, hot.value, hot.unit))
        self.assertEqual(Thresholds(major_upper=85, critical_upper=95), hot.thresholds)
        self.assertEqual((SensorKind.FAN, 6000.0, "RPM", Status.OK), (fan.kind, fan.value, fan.unit, fan.status))
        self.assertEqual(Thresholds(major_lower=1500, critical_lower=1000), fan.thresholds)
        self.rack.show(HOST, "cpu-temp", 88)
        self.wait_for("it is better", lambda: self.reading(kind, "CPU Temp").status is Status.MAJOR)

    def reading(self, kind: Kind, name: str) -> boards.Reading:
        found = self.ask(kind, "sensors")
        (reading,) = [reading for reading in found if reading.name == name]
        return reading

    @ddt.data(*BOTH)
    def test_a_board_tells_who_made_it(self, kind: Kind) -> None:
        identity = self.ask(kind, "identity")
        self.assertEqual(kind, identity.kind)
        if kind is Kind.IPMI:
            # The simulator's plate cannot be read by the library: it asks for more than fits.
            self.assertEqual(
                ("IANA enterprise 0", "product 1", "9.08"), (identity.manufacturer, identity.model, identity.firmware)
            )

    @ddt.data(*BOTH)
    def test_a_wrong_password_is_told_from_a_board_that_does_not_answer(self, kind: Kind) -> None:
        error, said = self.ask(kind, "power", password="not-this-one")
        self.assertIs(LoginError, error)
        self.assertNotIn("not-this-one", said)
        error, said = self.pool.apply_async(ask, (Login(kind, "127.200.0.1", "admin", "pw"), "power")).get(120)
        self.assertIs(UnreachableError, error, said)

    @ddt.data(True, False)
    def test_a_certificate_is_checked_where_there_is_one_to_check_it_with(self, is_the_boards: bool) -> None:
        trusted = self.rack.layout.certificate
        if not is_the_boards:
            trusted = trusted.with_name("another.pem")
            trusted.write_text(certificate.make("board", [self.rack.address(HOST)], datetime.datetime.now(datetime.UTC)))
        login = dataclasses.replace(self.rack.login(HOST, Kind.REDFISH), verify=str(trusted))
        said = self.pool.apply_async(ask, (login, "power")).get(120)
        if is_the_boards:
            self.assertEqual(Power.ON, said)
        else:
            self.assertIs(UnreachableError, said[0], said)

    def test_dynamic_is_redfish_where_the_board_answers_to_it_and_ipmi_where_it_does_not(self) -> None:
        self.assertEqual(Kind.REDFISH, self.ask(Kind.DYNAMIC, "identity").kind)
        self.assertEqual(Kind.IPMI, self.ask(Kind.DYNAMIC, "identity", name=OTHER).kind)
