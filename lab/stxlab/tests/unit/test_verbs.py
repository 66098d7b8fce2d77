# SPDX-License-Identifier: Apache-2.0
"""The words in which faults are ordered."""

import signal

import ddt
from oslotest import base

from stxlab import verbs
from stxlab.verbs import Order, OrderError


@ddt.ddt
class ParseTest(base.BaseTestCase):
    @ddt.unpack
    @ddt.data(
        ("cut compute-0 mgmt", {"host": "compute-0", "network": "mgmt", "direction": "both"}),
        ("cut compute-0 mgmt --direction in", {"host": "compute-0", "network": "mgmt", "direction": "in"}),
        ("hang compute-0", {"host": "compute-0", "answers": False}),
        ("delay a oam 50 --jitter 10", {"host": "a", "network": "oam", "ms": 50.0, "jitter": 10.0}),
        ("clock a -3600", {"host": "a", "seconds": -3600.0}),
        ("kill a fm-manager --signal term", {"host": "a", "name": "fm-manager", "signal": signal.SIGTERM}),
        ("kill a fm-manager --signal 9", {"host": "a", "name": "fm-manager", "signal": signal.SIGKILL}),
        ("partition a,b:c --network mgmt", {"sets": (("a", "b"), ("c",)), "networks": ["mgmt"]}),
        ("partition a:b:c", {"sets": (("a",), ("b",), ("c",)), "networks": None}),
        ("fill a '/srv/two words' --leave 3", {"host": "a", "path": "/srv/two words", "leave": 3.0}),
        ("heal-all", {}),
        ("power-off a", {"host": "a"}),
    )
    def test_an_order_is_read(self, text: str, arguments: dict[str, object]) -> None:
        self.assertEqual(Order(text.split(maxsplit=1)[0], arguments), verbs.parse(text))

    @ddt.unpack
    @ddt.data(
        ("", "there is no order ''; there are: power-on"),
        ("explode a", "there is no order 'explode'"),
        ("cut a", "the following arguments are required: NETWORK. Example: cut compute-0 mgmt"),
        ("cut a backplane", "invalid choice: 'backplane'"),
        ("cut a mgmt --dir in", "unrecognized arguments: --dir in"),
        ("loss a mgmt 101", "give a number from 0 to 100, not 101"),
        ("loss a mgmt nan", "give a number from 0 to 100, not nan"),
        ("loss a mgmt much", "give a number, not 'much'"),
        ("steal a 100", "from 0 to 99"),
        ("partition a,b", "write at least two sets, as in HOST,HOST:HOST,HOST"),
        ("partition a,b:", "write at least two sets"),
        ("partition a,b:b", "a host is in one set only; named twice: b"),
        ("kill a b --signal LOUD", "there is no signal LOUD"),
        ("fill a var", "from its root, as in /var/log, not 'var'"),
        ("hang 'a", "No closing quotation"),
    )
    def test_what_is_no_order_is_refused_with_the_reason(self, text: str, reason: str) -> None:
        refused = self.assertRaises(OrderError, verbs.parse, text)
        self.assertIn(reason, str(refused))

    def test_every_example_is_an_order(self) -> None:
        for verb in (*verbs.VERBS, *verbs.POWER_VERBS):
            self.assertEqual(verb.name, verbs.parse(f"{verb.name} {verb.example}").verb)

    def test_an_order_tells_which_hosts_it_is_about(self) -> None:
        self.assertEqual(("a",), verbs.parse("steal a 5").hosts)
        self.assertEqual(("a", "b", "c"), verbs.parse("partition a,b:c").hosts)
        self.assertEqual((), verbs.parse("heal-all").hosts)
