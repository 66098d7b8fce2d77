# SPDX-License-Identifier: Apache-2.0
"""What is said of boards without one; the lab's tests have boards of both kinds."""

import inspect
import types
from unittest import mock

import ddt
import fixtures
from oslotest import base

from stx import boards
from stx.boards import (
    BoardError,
    Identity,
    Kind,
    Login,
    LoginError,
    Power,
    Reading,
    SensorKind,
    Status,
    UnreachableError,
    ipmi,
    redfish,
)


class FakeBoard(boards.Board):
    """Gets there after some questions, or never."""

    def __init__(self, questions: int) -> None:
        self.questions = questions
        self.wanted = Power.ON

    def power(self) -> Power:
        self.questions -= 1
        return self.wanted if self.questions < 0 else Power.ON

    def order(self, wanted: Power) -> None:
        self.wanted = wanted

    def reset(self) -> None: ...

    def set_boot_device(self, device: boards.BootDevice, once: bool = True) -> None: ...

    def sensors(self) -> list[Reading]:
        return []

    def identity(self) -> Identity:
        return Identity(Kind.IPMI)

    def close(self) -> None: ...


class _FakeErrors:
    """Those of sushy that are told apart, none of which happens."""

    class SushyError(Exception): ...

    class AccessError(SushyError): ...

    class ConnectionError(SushyError): ...  # noqa: A001


class SwitchTest(base.BaseTestCase):
    def switch(self, questions: int) -> list[float]:
        slept: list[float] = []
        boards.switch(FakeBoard(questions), Power.OFF, 5.0, lambda: sum(slept), slept.append)
        return slept

    def test_it_waits_until_the_board_says_so(self) -> None:
        self.assertEqual(3, len(self.switch(3)))

    def test_it_does_not_wait_for_ever(self) -> None:
        self.assertIn("has not switched the host off within 5 s", str(self.assertRaises(BoardError, self.switch, 1000)))


class LoginTest(base.BaseTestCase):
    def test_nothing_shows_the_password(self) -> None:
        self.assertNotIn("S3cret", repr(Login(Kind.IPMI, "192.0.2.9", "admin", "S3cret")))

    def test_a_library_that_is_missing_is_named_with_what_to_install(self) -> None:
        with mock.patch.dict("sys.modules", {"sushy": None}):
            error = self.assertRaises(BoardError, boards.opened(Login(Kind.REDFISH, "192.0.2.9", "a", "b")).__enter__)
        self.assertIn("sushy is not installed. Install the platform with the extra `boards`", error.message)

    def test_of_several_systems_of_a_service_the_named_one_is_meant(self) -> None:
        systems = [types.SimpleNamespace(name=name, identity=number) for name, number in (("a", "1"), ("b", "2"), ("b", "3"))]
        collection = types.SimpleNamespace(get_members=lambda: systems)
        client = types.SimpleNamespace(
            json={"Systems": {}}, get_system_collection=lambda: collection, get_system=lambda path: f"system at {path}"
        )
        fake = types.SimpleNamespace(Sushy=lambda *_, **__: client, auth=mock.Mock(), exceptions=_FakeErrors)
        with mock.patch.object(boards, "library", lambda _: fake):
            for told, found in (
                ("a", systems[0]),
                ("3", systems[2]),
                ("/redfish/v1/Systems/1", "system at /redfish/v1/Systems/1"),
            ):
                self.assertEqual(found, redfish.Redfish(Login(Kind.REDFISH, "192.0.2.9", "u", "p", system=told))._system)
            for told, count in (("", 3), ("b", 2), ("c", 0)):
                error = self.assertRaises(BoardError, redfish.Redfish, Login(Kind.REDFISH, "192.0.2.9", "u", "p", system=told))
                self.assertIn(f"{count} systems match", error.message)

    def test_a_board_that_is_not_there_is_an_error_and_no_traceback(self) -> None:
        try:
            import sushy  # noqa: F401
        except ImportError:
            self.skipTest("the extra `boards` is not installed")
        login = Login(Kind.REDFISH, "http://127.0.0.1:1/redfish/v1/", "admin", "S3cret")
        error = self.assertRaises(UnreachableError, boards.opened(login).__enter__)
        self.assertNotIn("S3cret", error.message)


@ddt.ddt
class DynamicTest(base.BaseTestCase):
    """What answers at the address of the board is played; sushy is real."""

    def setUp(self) -> None:
        super().setUp()
        try:
            import requests
            import sushy  # noqa: F401
        except ImportError:
            self.skipTest("the extra `boards` is not installed")
        self.answer = requests.Response()
        self.useFixture(fixtures.MockPatchObject(requests.Session, "request", lambda *_, **__: self.answer))
        self.ipmi = self.useFixture(fixtures.MockPatchObject(ipmi, "Ipmi")).mock

    def connect(self, status: int, content: bytes, kind: Kind = Kind.DYNAMIC) -> boards.Board:
        self.answer.status_code, self.answer._content = status, content
        return boards.connect(Login(kind, "192.0.2.9", "admin", "S3cret"))

    @ddt.data(
        (404, b"Not here."),
        (404, b'{"error": {}}'),
        (200, b"<html>Log in.</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (405, b""),
    )
    @ddt.unpack
    def test_a_web_server_that_is_no_redfish_is_a_board_over_ipmi(self, status: int, content: bytes) -> None:
        self.assertIs(self.ipmi.return_value, self.connect(status, content))
        self.assertRaises(UnreachableError, self.connect, status, content, Kind.REDFISH)

    def test_a_login_that_redfish_refuses_is_not_tried_over_ipmi(self) -> None:
        self.assertRaises(LoginError, self.connect, 401, b"{}")
        self.ipmi.assert_not_called()


class WaitTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        try:
            from pyghmi.ipmi.private import session
        except ImportError:
            self.skipTest("the extra `boards` is not installed")
        self.session = session

    def test_the_library_waits_where_we_make_it_wait_briefly(self) -> None:
        ipmi.wait_briefly(self.session)
        in_full = self.session._io_wait.in_full
        self.assertEqual(["timeout", "myaddr", "evq"], list(inspect.signature(in_full).parameters))
        self.assertIn("_io_sendto", self.session.Session._xmit_packet.__code__.co_names)
        for waiting in (self.session._poller, self.session.Session.awaitresponse, self.session.Session._cmdwait):
            self.assertIn("_io_wait", waiting.__code__.co_names)

    def test_it_looks_soon_after_it_asked_and_then_ever_more_rarely_and_is_changed_once(self) -> None:
        waited: list[float] = []
        times = iter((0.0, 0.0, 0.005, 0.1, 1.0, 1.0))
        fake = types.SimpleNamespace(_io_wait=lambda timeout, address=None: waited.append(timeout), _io_sendto=lambda *_: None)
        for _ in range(2):
            ipmi.wait_briefly(fake, lambda: next(times))
        fake._io_sendto("socket", "packet", "address")
        for _ in range(4):
            fake._io_wait(5.0, "board")
        fake._io_wait(0.001)
        self.assertEqual([0.005, 0.005, 0.05, 0.5, 0.001], waited)


class ReadingTest(base.BaseTestCase):
    def test_sensors_of_one_name_are_numbered(self) -> None:
        readings = [Reading(name, SensorKind.FAN, 1.0, "RPM", Status.OK) for name in ("Fan", "Fan", "Pump", "Fan")]
        self.assertEqual(["Fan", "Fan (2)", "Pump", "Fan (3)"], [reading.name for reading in boards.distinct(readings)])

    def test_long_names_are_shortened_and_stay_different_and_what_cannot_be_printed_is_none_of_them(self) -> None:
        long = "F" * 300
        names = (f"{long} 1", f"{long} 2", "Fan\0", f"{long} 2", "°C", "F" * boards.MOST_NAME)
        readings = [Reading(name, SensorKind.FAN, 1.0, "RPM", Status.OK) for name in names]
        first, second, third, fourth, *others = [reading.name for reading in boards.distinct(readings)]
        self.assertEqual(boards.MOST_NAME, len(first))
        self.assertEqual((len(first), first[:100]), (len(second), second[:100]))
        self.assertNotEqual(first, second)
        self.assertEqual(f"{second} (2)", fourth)
        self.assertEqual(["Fan?", "°C", "F" * boards.MOST_NAME], [third, *others])
        # Whatever else the board has.
        self.assertEqual([second], [reading.name for reading in boards.distinct(readings[1:2])])

    def test_the_sensors_of_a_chassis_that_hosts_share_are_each_hosts_own(self) -> None:
        told = {
            "Temperatures": [
                {"Name": f"host {number}", "ReadingCelsius": 40, "RelatedItem": [{"@odata.id": f"/redfish/v1/Systems/{number}"}]}
                for number in (1, 2)
            ],
            "Fans": [
                {"Name": "everybody's", "Reading": 60, "ReadingUnits": "Percent"},
                {"Name": "a part's", "Reading": 5, "RelatedItem": [{"@odata.id": "/redfish/v1/Systems/1/Processors/0"}]},
            ],
        }
        readings = redfish.thermal(told, "/redfish/v1/Systems/1/")
        self.assertEqual(["host 1", "everybody's", "a part's"], [reading.name for reading in readings])

    def test_what_redfish_tells_of_power_is_read_with_its_fractions(self) -> None:
        told = {
            "Voltages": [
                {"Name": "12V", "ReadingVolts": 11.2, "LowerThresholdNonCritical": 11.4, "LowerThresholdCritical": 11.0},
                {"Name": "5V", "ReadingVolts": None, "Status": {"State": "Enabled", "Health": "OK"}},
                {"Name": "another's", "ReadingVolts": 5, "RelatedItem": [{"@odata.id": "/redfish/v1/Systems/10"}]},
            ],
            "PowerControl": [{"Name": "System", "PowerConsumedWatts": 211.5, "Status": {"Health": "Warning"}}],
            "PowerSupplies": [
                {"Name": "PSU 1", "Status": {"Health": "Critical"}},
                {"Name": "PSU 2", "Status": {"State": "Absent"}},
            ],
        }
        found = {reading.name: (reading.value, reading.status) for reading in redfish.power(told, "/redfish/v1/Systems/1")}
        self.assertEqual(
            {
                "12V": (11.2, Status.MAJOR),
                "5V": (None, Status.OFFLINE),
                "System": (211.5, Status.MAJOR),
                "PSU 1": (None, Status.CRITICAL),
                "PSU 2": (None, Status.OFFLINE),
            },
            found,
        )
