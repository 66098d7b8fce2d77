# SPDX-License-Identifier: Apache-2.0
"""What is asked of one board, and when."""

import hypothesis
from hypothesis import strategies
from oslotest import base

from mtce.boards.course import Course, Phase
from mtce.boards.terms import Ask, Effect, Failure, Kill, News, Open, Order, Timing, Verb

TIMING = Timing()
POWER, CUT = Ask(Verb.POWER), Ask(Verb.SWITCH, "off")


def asks(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, News)]


class CourseTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.course = Course(0.0, TIMING)
        self.assertEqual([Open()], self.course.tick(0.0))

    def open(self) -> None:
        self.assertEqual([POWER], self.course.opened(0.0))
        self.assertEqual([News()], self.course.answered(0.0, "on"))

    def test_it_is_audited_now_and_then(self) -> None:
        self.open()
        self.assertEqual(TIMING.audit_s, self.course.next_moment())
        self.assertEqual([POWER], self.course.tick(TIMING.audit_s))
        # All is as it was.
        self.assertEqual([], self.course.answered(TIMING.audit_s, "on"))

    def test_an_order_is_one_request_and_then_it_is_asked_whether_it_is_so(self) -> None:
        self.open()
        self.assertEqual([CUT], self.course.order("1", Order.POWER_OFF, 1.0))
        self.assertEqual([POWER], self.course.answered(1.0))
        self.assertEqual([], asks(self.course.answered(1.0, "on")))
        self.assertEqual([POWER], self.course.tick(self.course.next_moment()))
        self.course.answered(1.3, "off")
        assert self.course.state is not None and self.course.state.result is not None
        self.assertTrue(self.course.state.result.is_done)

    def test_an_answer_from_before_the_order_does_not_confirm_it(self) -> None:
        self.open()
        self.assertEqual([POWER], self.course.look(1.0))
        self.assertEqual([], self.course.order("1", Order.POWER_ON, 1.0))
        self.assertEqual([Ask(Verb.SWITCH, "on")], asks(self.course.answered(1.0, "on")))
        assert self.course.state is not None
        self.assertIsNone(self.course.state.result)

    def test_another_order_takes_the_place_of_one_that_has_not_ended(self) -> None:
        self.open()
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.course.order("2", Order.RESET, 1.0)
        self.assertEqual([Ask(Verb.RESET)], asks(self.course.answered(1.0)))
        self.course.answered(1.0)
        assert self.course.state is not None and self.course.state.result is not None
        self.assertEqual("2", self.course.state.result.token)

    def test_a_session_that_the_board_ended_is_opened_anew_at_once_and_nobody_is_told(self) -> None:
        self.open()
        self.course.tick(TIMING.audit_s)
        self.assertEqual([Open()], self.course.failed(Failure.UNREACHABLE, "Gone.", TIMING.audit_s))
        self.assertEqual([POWER], self.course.opened(TIMING.audit_s))
        self.assertEqual([], self.course.answered(TIMING.audit_s, "on"))

    def test_an_order_lives_through_a_session_that_ends(self) -> None:
        self.open()
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.assertEqual([Open()], self.course.ended(1.0))
        self.assertEqual([CUT], self.course.opened(1.0))

    def test_one_that_hangs_is_killed_and_the_order_goes_to_another_process(self) -> None:
        self.open()
        self.course.look(1.0)
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.assertEqual([Kill(), Open()], self.course.tick(1.0 + TIMING.call_s))
        self.assertEqual([CUT], self.course.opened(1.0 + TIMING.call_s))

    def test_one_that_does_not_answer_is_tried_ever_more_rarely(self) -> None:
        waits, now = [], 0.0
        for _ in range(8):
            self.course.failed(Failure.UNREACHABLE, "Silent.", now)
            waits.append(self.course.next_moment() - now)
            now = self.course.next_moment()
            self.assertEqual([Open()], self.course.tick(now))
        self.assertEqual([1, 2, 4, 8, 16, 30, 30, 30], waits)

    def test_after_a_wrong_password_only_an_order_tries_it_soon(self) -> None:
        self.course.failed(Failure.LOGIN, "Wrong.", 0.0)
        self.assertEqual(TIMING.login_again_s, self.course.next_moment())
        self.assertEqual([], asks(self.course.look(1.0)))
        self.assertEqual([Open()], self.course.order("1", Order.POWER_OFF, 1.0))

    def test_a_reading_of_sensors_is_given_up_for_an_order(self) -> None:
        self.open()
        self.assertEqual([Ask(Verb.SENSORS)], self.course.sense(1.0))
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.assertEqual([Kill(), Open()], asks(self.course.tick(1.0 + TIMING.hurry_s)))
        self.assertEqual([CUT], self.course.opened(2.0))

    def test_one_whose_sensors_are_asked_for_anew_is_opened_anew_when_it_has_answered(self) -> None:
        self.open()
        self.assertEqual([Ask(Verb.SENSORS)], self.course.sense(1.0))
        self.assertEqual([], self.course.sense(2.0, is_anew=True))
        self.assertEqual([Open()], asks(self.course.answered(3.0, readings=["old"])))
        self.assertIsNone(self.course.sensed)
        self.assertEqual([Ask(Verb.SENSORS)], self.course.opened(4.0))
        self.course.answered(5.0, readings=["new"])
        assert self.course.sensed is not None and self.course.state is not None
        self.assertEqual((("new",), True), (self.course.sensed.readings, self.course.state.is_reachable))
        self.assertEqual([Open()], self.course.sense(6.0, is_anew=True))

    def test_sensors_that_are_asked_for_anew_while_it_refuses_the_last_reading_are_read(self) -> None:
        self.open()
        self.course.sense(1.0)
        self.course.sense(2.0, is_anew=True)
        self.assertEqual([Open()], asks(self.course.failed(Failure.REFUSED, "no", 3.0)))
        self.assertEqual([Ask(Verb.SENSORS)], self.course.opened(4.0))

    def test_an_order_that_is_taken_back_is_not_given_when_the_board_answers_again(self) -> None:
        self.open()
        self.course.look(1.0)
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.course.withdraw("another", 1.5)
        self.course.withdraw("1", 2.0)
        self.assertEqual([], asks(self.course.answered(3.0, "on")))
        self.assertEqual([], self.course.order("1", Order.POWER_OFF, 4.0))

    def test_an_order_is_not_held_up_by_sensors_that_are_asked_for_anew(self) -> None:
        self.open()
        self.course.order("1", Order.POWER_OFF, 1.0)
        self.course.sense(1.0, is_anew=True)
        self.assertEqual([POWER], asks(self.course.answered(1.0)))
        self.assertEqual([Open()], asks(self.course.answered(1.0, "off")))


class LifeTest(base.BaseTestCase):
    @hypothesis.given(strategies.data())
    @hypothesis.settings(max_examples=300, deadline=None)
    def test_whatever_the_board_does_an_order_ends_in_time_and_the_board_is_asked_again(
        self, data: strategies.DataObject
    ) -> None:
        now, course = 0.0, Course(0.0, TIMING)
        effects = course.tick(now)
        is_on, token, ordered_at, asked_at = True, 0, {}, 0.0
        for _ in range(data.draw(strategies.integers(1, 60))):
            sent = [effect for effect in effects if isinstance(effect, Open | Ask)]
            self.assertLessEqual(len(sent), 1)
            asked_at = now if sent else asked_at
            # It always comes back, and soon.
            self.assertLessEqual(course.next_moment(), now + TIMING.login_again_s)
            event = data.draw(
                strategies.sampled_from(["answer", "answer", "answer", "fail", "end", "wait", "order", "look", "sense"])
            )
            if event == "order":
                token += 1
                ordered_at[str(token)] = now
                effects = course.order(str(token), data.draw(strategies.sampled_from(Order)), now)
            elif event in ("look", "sense"):
                effects = course.look(now) if event == "look" else course.sense(now, data.draw(strategies.booleans()))
            elif event == "wait" or course.phase in (Phase.DOWN, Phase.IDLE):
                now = max(now, course.next_moment())
                effects = course.tick(now)
            elif event == "end":
                effects = course.ended(now)
            elif event == "fail":
                effects = course.failed(data.draw(strategies.sampled_from(Failure)), "It failed.", now)
            elif course.phase is Phase.OPENING:
                effects = course.opened(now)
            else:
                ask = course._call.ask
                if ask.verb is Verb.SWITCH:
                    is_on = data.draw(strategies.booleans()) if ask.power == "off" else True
                effects = course.answered(now, "on" if is_on else "off")
            if token and now > ordered_at[str(token)] + TIMING.order_s:
                assert course.state is not None and course.state.result is not None
                self.assertEqual(str(token), course.state.result.token)
                self.assertNotEqual(course.state.result.is_done, bool(course.state.result.error))
