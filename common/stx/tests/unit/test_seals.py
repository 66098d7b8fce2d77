# SPDX-License-Identifier: Apache-2.0
"""Seals: what is taken, and that nothing else is."""

import json
import random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stx import hostkeys, seals

MASTER, OLD = b"m" * 32, b"o" * 32
NOW = 1_700_000_000.25
TOPIC = "mtce.host"
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def of_host(name: str, *masters: bytes) -> seals.Keyring:
    keys = tuple(hostkeys.derive(master, hostkeys.of_host(name)) for master in masters or (MASTER,))
    return seals.Keyring(name, keys)


def of_controller(name: str = "controller-0", *masters: bytes) -> seals.Keyring:
    return seals.Keyring(name, masters=masters or (MASTER,))


def travelled(value: Any) -> Any:
    """What arrives of it."""
    return json.loads(json.dumps(value))


class SealTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.guard = seals.Guard(of_host("compute-0"), TOPIC)

    def refused(self, seal: seals.Seal | None, arguments: dict[str, Any] | None = None, now: float = NOW) -> str:
        return str(self.assertRaises(seals.RefusedError, self.guard.open, seal, "look", arguments or {}, now))

    def test_what_a_controller_says_to_a_host_is_taken_by_that_host_alone(self) -> None:
        seal, sent = of_controller().seal(TOPIC, "compute-0", "look", {}, NOW)
        self.assertEqual(sent, self.guard.open(seal, "look", {}, NOW))
        self.guard = seals.Guard(of_host("compute-1"), TOPIC)
        self.assertIn("not sealed with the key 'host:compute-0'", self.refused(seal))

    def test_no_host_speaks_to_another(self) -> None:
        for hostname in (None, "compute-0"):
            self.assertIn("key 'host:compute-1'", self.refused(of_host("compute-1").seal(TOPIC, hostname, "look", {}, NOW)[0]))

    def test_whose_key_it_is_cannot_be_made_up(self) -> None:
        seal, _ = of_host("compute-1").seal(TOPIC, None, "look", {}, NOW)
        self.guard = seals.Guard(of_controller(), TOPIC)
        for by in ("host:compute-0", hostkeys.CONTROLLERS, "x" * 300):
            self.assertIn("it is not sealed with the key", self.refused(msgspec.structs.replace(seal, by=by)))

    def test_what_is_not_sealed_is_refused(self) -> None:
        self.assertEqual("it is not sealed", self.refused(None))

    def test_it_is_taken_once(self) -> None:
        seal, _ = of_controller().seal(TOPIC, "compute-0", "look", {}, NOW)
        self.guard.open(seal, "look", {}, NOW)
        self.assertEqual("it came before", self.refused(seal))

    def test_it_is_taken_for_a_minute_whichever_clock_is_ahead(self) -> None:
        for off_s in (-60, 60):
            self.guard.open(of_controller().seal(TOPIC, "compute-0", "look", {}, NOW + off_s)[0], "look", {}, NOW)
        for off_s, said in ((-61, "61 s ago"), (61, "61 s from now")):
            self.assertIn(said, self.refused(of_controller().seal(TOPIC, "compute-0", "look", {}, NOW + off_s)[0]))

    def test_another_topic_method_or_argument_is_noticed(self) -> None:
        seal, _ = of_controller().seal(TOPIC, "compute-0", "look", {"a": 1}, NOW)
        self.refused(seal, {"a": 2})
        self.assertRaises(seals.RefusedError, self.guard.open, seal, "leave", {"a": 1}, NOW)
        other = seals.Guard(of_host("compute-0"), "mtce.guest")
        self.assertRaises(seals.RefusedError, other.open, seal, "look", {"a": 1}, NOW)
        self.guard.open(seal, "look", {"a": 1}, NOW)

    def test_keys_are_changed_on_one_host_after_the_other(self) -> None:
        """The first one signs, all are taken, and an answer has the key of its request."""
        for sender in (of_controller("c", MASTER, OLD), of_controller("c", OLD, MASTER)):
            seal, sent = sender.seal(TOPIC, "compute-0", "look", {}, NOW)
            taken = seals.Guard(of_host("compute-0", MASTER, OLD), TOPIC).open(seal, "look", {}, NOW)
            self.assertEqual(1, sent.unseal(taken.seal(1)))
        seal, _ = of_controller("c", OLD).seal(TOPIC, "compute-0", "look", {}, NOW)
        self.refused(seal)

    def test_an_answer_is_for_one_request(self) -> None:
        _, first = of_controller().seal(TOPIC, "compute-0", "look", {}, NOW)
        _, second = of_controller().seal(TOPIC, "compute-0", "look", {}, NOW)
        self.assertEqual("well", first.unseal(first.seal("well")))
        for bad in (
            second.seal("well"),
            {**first.seal("well"), "answer": "ill"},
            {"answer": 1, "code": "\u2603\ud800"},
            None,
            "well",
            {},
        ):
            self.assertRaises(seals.RefusedError, first.unseal, bad)

    def test_many_processes_are_not_remembered_for_ever(self) -> None:
        for _ in range(300):
            self.guard.open(of_controller().seal(TOPIC, "compute-0", "look", {}, NOW)[0], "look", {}, NOW)
        self.assertEqual([256], [len(processes) for processes in self.guard._seen.values()])

    @given(st.integers(1, 200), st.randoms())
    def test_of_requests_that_overtake_each_other_each_is_taken_once(self, count: int, order: random.Random) -> None:
        guard, sender = seals.Guard(of_host("compute-0"), TOPIC), of_controller()
        sent = [sender.seal(TOPIC, "compute-0", "look", {}, NOW)[0] for _ in range(count)]
        came = sent * 2
        order.shuffle(came)
        taken = []
        for seal in came:
            try:
                taken.append(guard.open(seal, "look", {}, NOW).code)
            except seals.RefusedError:
                continue
        self.assertEqual(sorted(seal.code for seal in sent), sorted(taken))

    @given(st.dictionaries(st.text(max_size=5), TREES, max_size=5))
    def test_whatever_can_be_said_arrives_with_its_seal(self, arguments: dict[str, Any]) -> None:
        guard = seals.Guard(of_host("compute-0"), TOPIC)
        seal, sent = of_controller().seal(TOPIC, "compute-0", "look", arguments, NOW)
        arrived = msgspec.convert(travelled(msgspec.to_builtins(seal)), seals.Seal)
        opened = guard.open(arrived, "look", travelled(arguments), NOW)
        answer = travelled(opened.seal(arguments))
        self.assertEqual(json.dumps(travelled(arguments)), json.dumps(sent.unseal(answer)))


class KeyringTest(base.BaseTestCase):
    def test_without_keys_there_is_none(self) -> None:
        self.assertFalse(seals.Keyring("controller-0"))
        self.assertTrue(of_host("compute-0"))
        self.assertTrue(of_controller())

    def test_a_host_has_its_own_keys_alone(self) -> None:
        self.assertEqual(((), ()), (of_host("compute-0").keys("host:compute-1"), of_host("compute-0").keys(hostkeys.CONTROLLERS)))

    def test_a_controller_has_those_of_all(self) -> None:
        self.assertEqual(of_host("compute-0").keys("host:compute-0"), of_controller().keys("host:compute-0"))
