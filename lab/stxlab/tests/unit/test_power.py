# SPDX-License-Identifier: Apache-2.0
"""Orders for the power of hosts."""

import os
import pathlib

import fixtures
import hypothesis
from hypothesis import strategies
from oslotest import base

from stxembedded import process
from stxlab import layout, machine, power, topology

_HOSTS = strategies.sampled_from(["a", "b", "c"])
_STEPS = strategies.lists(strategies.one_of(strategies.tuples(_HOSTS, strategies.sampled_from(sorted(power.VERBS))), _HOSTS))


class OrdersTest(base.BaseTestCase):
    def test_the_next_order_of_a_host_waits_until_the_one_before_is_done(self) -> None:
        orders = power.Orders()
        for host, verb in (("a", "off"), ("a", "on"), ("b", "off")):
            orders.add(host, verb)
        self.assertEqual([("a", "off", True), ("b", "off", True)], list(orders.take()))
        self.assertEqual([], list(orders.take()))
        orders.done("a")
        self.assertEqual([("a", "on", True)], list(orders.take()))

    def test_power_can_be_cut_while_a_host_shuts_down(self) -> None:
        orders = power.Orders()
        orders.add("a", "shutdown")
        orders.add("a", "off")
        self.assertEqual([("a", "shutdown", False), ("a", "off", True)], list(orders.take()))

    @hypothesis.given(_STEPS)
    def test_every_order_is_carried_out_once_in_its_order_and_never_two_exclusive_ones_of_a_host_at_once(
        self, steps: list[str | tuple[str, str]]
    ) -> None:
        orders = power.Orders()
        busy: set[str] = set()
        given: dict[str, list[str]] = {}
        taken: dict[str, list[str]] = {}

        def take() -> None:
            for host, verb, is_exclusive in orders.take():
                self.assertNotIn(host, busy)
                if is_exclusive:
                    busy.add(host)
                taken.setdefault(host, []).append(verb)

        for step in steps:
            if isinstance(step, tuple):
                orders.add(*step)
                given.setdefault(step[0], []).append(step[1])
            elif step in busy:
                busy.remove(step)
                orders.done(step)
            take()
        while busy:
            orders.done(busy.pop())
            take()
        self.assertEqual(given, taken)


class OrderTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "lab")
        self.layout.make()
        self.host = topology.make("simplex").hosts[0]
        os.mkfifo(self.layout.power_orders)

    def test_an_order_is_a_line_in_the_pipe_of_the_service(self) -> None:
        pipe = os.open(self.layout.power_orders, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        process.write_pid_file(self.layout.power_pid)
        power.order(self.layout, self.host, "off")
        self.assertEqual(b"controller-0 off\n", os.read(pipe, 100))

    def test_without_the_service_the_command_that_starts_it_is_named(self) -> None:
        error = self.assertRaises(machine.PowerError, power.order, self.layout, self.host, "off")
        self.assertIn("stx lab up", str(error))


class EnvironmentTest(base.BaseTestCase):
    def test_programs_of_the_lab_find_its_modules_wherever_they_start(self) -> None:
        for place in power.environment()["PYTHONPATH"].split(os.pathsep):
            self.assertTrue(os.path.isabs(place), place)
            self.assertTrue(any((pathlib.Path(place) / name).is_dir() for name in ("stx", "stxembedded", "stxlab")), place)
