# SPDX-License-Identifier: Apache-2.0
"""Seals: what is taken, and that nothing else is."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from stx import hostkeys, seals

MASTER, OLD = b"m" * 32, b"o" * 32
NOW = 1000.0
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
        self.guard = seals.Guard(of_host("compute-0"), TOPIC, NOW)

    def nudge(
        self, sender: seals.Keyring, hostname: str | None = "compute-0", **arguments: Any
    ) -> tuple[dict[str, Any], seals.Opened]:
        """What needs no word of the moment."""
        return sender.seal(TOPIC, "look", arguments, hostname, is_answered=False)

    def changed(self, sent: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """It has another seal."""
        return {**sent, seals.SEAL: {**sent[seals.SEAL], **changes}}

    def refused(self, sent: dict[str, Any]) -> str:
        return str(self.assertRaises(seals.RefusedError, self.guard.open, "look", sent, NOW))

    def test_what_a_controller_says_to_a_host_is_taken_by_that_host_alone(self) -> None:
        sent, request = self.nudge(of_controller(), name="it")
        self.assertEqual((request, {"name": "it"}, False), self.guard.open("look", sent, NOW))
        self.guard = seals.Guard(of_host("compute-1"), TOPIC, NOW)
        self.assertIn("not sealed with the key 'host:compute-0'", self.refused(sent))

    def test_no_host_speaks_to_another(self) -> None:
        for hostname in (None, "compute-0"):
            self.assertIn("key 'host:compute-1'", self.refused(self.nudge(of_host("compute-1"), hostname)[0]))

    def test_whose_key_it_is_cannot_be_made_up(self) -> None:
        sent, _ = self.nudge(of_host("compute-1"), None)
        self.guard = seals.Guard(of_controller(), TOPIC, NOW)
        for by in ("host:compute-0", hostkeys.CONTROLLERS, "x" * 300):
            self.assertIn("it is not sealed with the key", self.refused(self.changed(sent, by=by)))

    def test_what_is_not_sealed_is_refused(self) -> None:
        self.assertEqual("it is not sealed", self.refused({}))
        sent, _ = self.nudge(of_controller())
        for bad in ({seals.SEAL: None}, {seals.SEAL: "x"}, self.changed(sent, by="\ud800"), self.changed(sent, code="\u2603")):
            self.assertIn("its seal is none", self.refused(bad))

    def test_it_is_taken_once(self) -> None:
        sent, _ = self.nudge(of_controller())
        self.guard.open("look", sent, NOW)
        self.assertEqual("it came before", self.refused(sent))

    def test_what_controllers_say_to_each_other_cannot_be_read(self) -> None:
        sent, request = self.nudge(of_controller(), None, password="secret")
        answer = msgspec.to_builtins(request.seal("now", {"password": "secret"}))
        self.assertNotIn("secret", json.dumps([sent, answer]))
        guard = seals.Guard(of_controller("controller-1"), TOPIC, NOW)
        self.assertEqual({"password": "secret"}, guard.open("look", sent, NOW)[1])
        self.assertEqual({"password": "secret"}, request.unseal(answer).content)

    def test_who_does_not_say_the_word_of_the_moment_is_told_it(self) -> None:
        sender = of_controller()
        for now in (NOW, NOW + 1000.0):
            sent, request = sender.seal(TOPIC, "look", {"a": 1}, "compute-0")
            self.assertEqual((request, {}, True), self.guard.open("look", sent, now))
            told = msgspec.to_builtins(request.seal(self.guard.moment(now), None, is_late=True))
            sender.learn(TOPIC, request.unseal(travelled(told)))
            sent, request = sender.seal(TOPIC, "look", {"a": 1}, "compute-0")
            self.assertEqual((request, {"a": 1}, False), self.guard.open("look", sent, now))

    def informed(self) -> seals.Keyring:
        """A sender that knows the word of now."""
        sender = of_controller()
        _, request = sender.seal(TOPIC, "look", {}, "compute-0")
        sender.learn(TOPIC, request.seal(self.guard.moment(NOW), None))
        return sender

    def is_late(self, guard: seals.Guard, sender: seals.Keyring, after_s: float = 0.0) -> bool:
        return guard.open("look", sender.seal(TOPIC, "look", {}, "compute-0")[0], NOW + after_s)[2]

    def test_what_is_kept_back_comes_too_late(self) -> None:
        sender = self.informed()
        self.assertEqual([False, False, True], [self.is_late(self.guard, sender, after_s) for after_s in (29.0, 59.0, 60.0)])

    def test_another_server_has_other_words(self) -> None:
        sender, again = self.informed(), seals.Guard(of_host("compute-0"), TOPIC, NOW)
        self.assertEqual([False, True], [self.is_late(guard, sender) for guard in (self.guard, again)])

    def test_nothing_that_a_seal_says_can_be_changed(self) -> None:
        sent, _ = of_controller("compute-0").seal(TOPIC, "look", {}, "compute-0")
        number = sent[seals.SEAL]["number"]
        for changes in ({"moment": None}, {"moment": "then"}, {"number": number + 1}, {"process": "another"}, {"code": "0" * 64}):
            self.assertIn("it is not sealed with the key 'host:compute-0'", self.refused(self.changed(sent, **changes)))

    def test_what_controllers_say_to_each_other_is_not_taken_when_it_can_be_read(self) -> None:
        sender = of_controller()
        seal = seals.Seal(hostkeys.CONTROLLERS, "process", 1, None, "")
        (key,) = sender.keys(hostkeys.CONTROLLERS)
        code = seals._request(key, TOPIC, "look", {"a": 1}, seal)
        self.guard = seals.Guard(sender, TOPIC, NOW)
        sealed = {"a": 1, seals.SEAL: msgspec.to_builtins(msgspec.structs.replace(seal, code=code))}
        self.assertEqual("it is not encrypted", self.refused(sealed))

    def test_another_topic_method_or_argument_is_noticed(self) -> None:
        sent, _ = self.nudge(of_controller(), a=1)
        self.refused({**sent, "a": 2})
        self.assertRaises(seals.RefusedError, self.guard.open, "leave", sent, NOW)
        other = seals.Guard(of_host("compute-0"), "mtce.guest", NOW)
        self.assertRaises(seals.RefusedError, other.open, "look", sent, NOW)
        self.guard.open("look", sent, NOW)

    def test_keys_are_changed_on_one_host_after_the_other(self) -> None:
        """The first one signs, all are taken, and an answer has the key of its request."""
        for sender in (of_controller("c", MASTER, OLD), of_controller("c", OLD, MASTER)):
            sent, request = self.nudge(sender)
            taken, _, _ = seals.Guard(of_host("compute-0", MASTER, OLD), TOPIC, NOW).open("look", sent, NOW)
            self.assertEqual(1, request.unseal(msgspec.to_builtins(taken.seal("now", 1))).content)
        self.refused(self.nudge(of_controller("c", OLD))[0])

    def test_an_answer_is_for_one_request(self) -> None:
        first, second = (self.nudge(of_controller())[1] for _ in range(2))
        good = msgspec.to_builtins(first.seal("now", "well"))
        self.assertEqual("well", first.unseal(good).content)
        changes: list[dict[str, Any]] = [{"content": "ill"}, {"moment": "then"}, {"is_late": True}, {"code": "\u2603\ud800"}]
        others = [msgspec.to_builtins(second.seal("now", "well")), None, "well", {}]
        for bad in (*others, *({**good, **change} for change in changes)):
            self.assertRaises(seals.RefusedError, first.unseal, bad)

    def test_many_processes_are_not_remembered_for_ever(self) -> None:
        kept = of_controller()
        first, _ = self.nudge(kept)
        self.guard.open("look", first, NOW)
        for _ in range(300):
            last, _ = self.nudge(of_controller())
            self.guard.open("look", last, NOW)
            self.guard.open("look", self.nudge(kept)[0], NOW)
        self.assertEqual([256], [len(processes) for processes in self.guard._seen.values()])
        # Those that were heard of last are.
        self.assertEqual(["it came before"] * 2, [self.refused(sent) for sent in (first, last)])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, 199), max_size=60))
    def test_of_requests_that_overtake_each_other_each_is_taken_once(self, came: list[int]) -> None:
        guard, sender = seals.Guard(of_host("compute-0"), TOPIC, NOW), of_controller()
        sent = [self.nudge(sender)[0] for _ in range(200)]
        taken = []
        for number in came:
            try:
                guard.open("look", sent[number], NOW)
            except seals.RefusedError:
                continue
            taken.append(number)
        self.assertEqual(sorted(set(came)), sorted(taken))

    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.text(max_size=5), TREES, max_size=5), st.sampled_from(["compute-0", None]))
    def test_whatever_can_be_said_arrives_with_its_seal(self, arguments: dict[str, Any], hostname: str | None) -> None:
        guard = seals.Guard(of_controller("compute-0"), TOPIC, NOW)
        sent, request = of_controller().seal(TOPIC, "look", arguments, hostname, is_answered=False)
        opened, arrived, _ = guard.open("look", travelled(sent), NOW)
        answer = request.unseal(travelled(msgspec.to_builtins(opened.seal("now", arguments))))
        said = json.dumps(travelled(arguments), sort_keys=True)
        self.assertEqual([said] * 2, [json.dumps(value, sort_keys=True) for value in (arrived, answer.content)])


class KeyringTest(base.BaseTestCase):
    def test_without_keys_there_is_none(self) -> None:
        self.assertFalse(seals.Keyring("controller-0"))
        self.assertTrue(of_host("compute-0"))
        self.assertTrue(of_controller())

    def test_a_host_has_its_own_keys_alone(self) -> None:
        self.assertEqual(((), ()), (of_host("compute-0").keys("host:compute-1"), of_host("compute-0").keys(hostkeys.CONTROLLERS)))

    def test_a_controller_has_those_of_all(self) -> None:
        self.assertEqual(of_host("compute-0").keys("host:compute-0"), of_controller().keys("host:compute-0"))
