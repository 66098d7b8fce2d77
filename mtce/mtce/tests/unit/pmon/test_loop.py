# SPDX-License-Identifier: Apache-2.0

import os
import selectors
import threading
from typing import Any

from oslotest import base

from mtce.pmon import loop
from mtce.pmon.loop import Loop, LoopError
from mtce.tests.unit.pmon.harness import wait_until


class LoopTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(loop, "DEFECT_S", 0.01)
        self.loop = Loop()
        self.turns = 0
        self.defects = 0
        self.addCleanup(self.loop.close)

    def turn(self) -> float | None:
        self.turns += 1
        if self.defects:
            self.defects -= 1
            raise RuntimeError("a defect")
        return None

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.loop.run, args=(self.turn,), daemon=True)
        thread.start()

        def end() -> None:
            self.loop.stop()
            thread.join(60)

        self.addCleanup(end)
        return thread

    def test_a_call_is_done_by_the_loops_thread(self) -> None:
        thread = self.start()
        self.assertIs(thread, self.loop.call(threading.current_thread))

    def test_what_a_call_raises_is_raised_to_the_caller(self) -> None:
        self.start()
        self.assertRaises(ZeroDivisionError, self.loop.call, lambda: 1 / 0)
        self.assertEqual(1, self.loop.call(lambda: 1))

    def test_the_loop_sleeps_until_something_comes(self) -> None:
        select, slept = self.loop.selector.select, []

        def recorded(wait_s: float | None) -> Any:
            ready = select(wait_s)
            slept.append((wait_s, bool(ready)))
            return ready

        self.patch(self.loop.selector, "select", recorded)
        self.start()
        reader, writer = os.pipe()
        served = threading.Event()
        self.addCleanup(os.close, writer)

        def serve() -> None:
            self.loop.selector.unregister(reader)
            os.close(reader)
            served.set()

        self.loop.call(lambda: self.loop.selector.register(reader, selectors.EVENT_READ, serve))
        os.write(writer, b"x")
        self.assertTrue(served.wait(60))
        self.loop.call(lambda: None)
        self.assertEqual({(None, True)}, set(slept))

    def test_a_defect_does_not_end_the_loop(self) -> None:
        self.defects = 3
        self.start()
        wait_until(lambda: self.turns > 3)
        self.assertEqual(1, self.loop.call(lambda: 1))

    def test_a_loop_that_hangs_is_seen(self) -> None:
        self.patch(loop, "STUCK_S", 0.01)
        self.start()
        self.loop.call(lambda: None)
        release = threading.Event()
        hanging = threading.Thread(target=lambda: self.loop.call(lambda: release.wait(60)))
        hanging.start()
        wait_until(self.loop.is_stuck)
        release.set()
        hanging.join(60)
        wait_until(lambda: not self.loop.is_stuck())

    def test_the_loop_cannot_wait_for_itself(self) -> None:
        self.start()
        self.assertRaises(LoopError, self.loop.call, lambda: self.loop.call(lambda: 1))

    def test_a_stopped_loop_turns_callers_away_and_may_be_stopped_again(self) -> None:
        thread = self.start()
        self.loop.stop()
        thread.join(60)
        self.assertFalse(thread.is_alive())
        self.loop.drain(1.0)
        self.loop.close()
        self.loop.stop()
        self.assertRaises(LoopError, self.loop.call, lambda: 1)
