# SPDX-License-Identifier: Apache-2.0
"""What is said of boards without one; the lab's tests have boards of both kinds."""

from unittest import mock

from oslotest import base

from stx import boards
from stx.boards import BoardError, Kind, Login, Power


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

    def close(self) -> None: ...


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

    def test_a_board_that_is_not_there_is_an_error_and_no_traceback(self) -> None:
        try:
            import sushy  # noqa: F401
        except ImportError:
            self.skipTest("the extra `boards` is not installed")
        login = Login(Kind.REDFISH, "http://127.0.0.1:1/redfish/v1/", "admin", "S3cret")
        error = self.assertRaises(BoardError, boards.opened(login).__enter__)
        self.assertNotIn("S3cret", error.message)
