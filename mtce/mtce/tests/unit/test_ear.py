# SPDX-License-Identifier: Apache-2.0
"""A host that is called, or cannot be yet."""

import threading

import fixtures

from mtce import client
from mtce.ear import Ear
from mtce.tests.unit.pmon import harness
from stx import context as stx_context
from stx import rpc, testing
from stx.context import RequestContext


class Manager:
    target = rpc.target(client.HOST_TOPIC, client.HOST_VERSION)

    def __init__(self) -> None:
        self.is_called = threading.Event()

    @rpc.exposed
    def look(self, context: RequestContext) -> None:
        self.is_called.set()


class EarTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(testing.Platform())
        self.useFixture(fixtures.MonkeyPatch("mtce.ear.RETRY_S", 0.01))
        self.manager = Manager()
        self.attempts = 0

    def start(self) -> Ear:
        made = Ear(self.manager)
        made.start()
        self.addCleanup(made.stop)
        return made

    def call(self) -> bool:
        client.Host().look(stx_context.internal("mtce-agent"), "controller-0")
        return self.manager.is_called.wait(60)

    def bus(self, error: type[Exception] | None, times: int = 1) -> None:
        """Have the first attempts to serve fail so; without an error, wait until the test ends."""
        real, ended = rpc.Server.start, threading.Event()
        self.addCleanup(ended.set)

        def start(server: rpc.Server) -> None:
            self.attempts += 1
            if self.attempts > times:
                real(server)
            elif error is None:
                ended.wait(60)
            else:
                raise error("as the test wants")

        self.useFixture(fixtures.MonkeyPatch("mtce.ear.rpc.Server.start", start))

    def test_it_is_called_by_the_name_of_its_host(self) -> None:
        self.start()
        self.assertTrue(self.call())

    def test_a_bus_that_does_not_answer_keeps_neither_start_nor_stop(self) -> None:
        self.bus(None)
        self.useFixture(fixtures.MonkeyPatch("mtce.ear.STOP_S", 0.01))
        started = self.start()
        harness.wait_until(lambda: self.attempts == 1)
        started.stop()
        self.assertTrue(started._thread.is_alive())

    def test_a_bus_that_refuses_is_tried_again(self) -> None:
        self.bus(RuntimeError, times=3)
        self.start()
        self.assertTrue(self.call())
        self.assertEqual(4, self.attempts)

    def test_beside_an_embedded_controller_nothing_is_served(self) -> None:
        self.bus(NotImplementedError)
        started = self.start()
        started._thread.join(60)
        self.assertEqual((False, 1), (started._thread.is_alive(), self.attempts))

    def test_stopping_ends_the_serving(self) -> None:
        started = self.start()
        self.assertTrue(self.call())
        harness.wait_until(lambda: started._server is not None)
        started.stop()
        self.assertIsNone(started._server)
