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

    def seal(
        self, sender: seals.Keyring, hostname: str | None = "compute-0", arguments: dict[str, Any] | None = None
    ) -> tuple[seals.Seal, seals.Opened]:
        """A nudge, which needs no word of the moment."""
        return sender.seal(TOPIC, "look", arguments or {}, hostname, is_answered=False)

    def refused(self, seal: seals.Seal | None, arguments: dict[str, Any] | None = None, now: float = NOW) -> str:
        return str(self.assertRaises(seals.RefusedError, self.guard.open, seal, "look", arguments or {}, now))

    def test_what_a_controller_says_to_a_host_is_taken_by_that_host_alone(self) -> None:
        seal, sent = self.seal(of_controller())
        self.assertEqual((sent, False), self.guard.open(seal, "look", {}, NOW))
        self.guard = seals.Guard(of_host("compute-1"), TOPIC, NOW)
        self.assertIn("not sealed with the key 'host:compute-0'", self.refused(seal))

    def test_no_host_speaks_to_another(self) -> None:
        for hostname in (None, "compute-0"):
            self.assertIn("key 'host:compute-1'", self.refused(self.seal(of_host("compute-1"), hostname)[0]))

    def test_whose_key_it_is_cannot_be_made_up(self) -> None:
        seal, _ = self.seal(of_host("compute-1"), None)
        self.guard = seals.Guard(of_controller(), TOPIC, NOW)
        for by in ("host:compute-0", hostkeys.CONTROLLERS, "x" * 300):
            self.assertIn("it is not sealed with the key", self.refused(msgspec.structs.replace(seal, by=by)))

    def test_what_is_not_sealed_is_refused(self) -> None:
        self.assertEqual("it is not sealed", self.refused(None))

    def test_it_is_taken_once(self) -> None:
        seal, _ = self.seal(of_controller())
        self.guard.open(seal, "look", {}, NOW)
        self.assertEqual("it came before", self.refused(seal))

    def test_who_does_not_say_the_word_of_the_moment_is_told_it(self) -> None:
        sender = of_controller()
        for now in (NOW, NOW + 1000.0):
            seal, sent = sender.seal(TOPIC, "look", {}, "compute-0")
            self.assertEqual((sent, True), self.guard.open(seal, "look", {}, now))
            sender.learn(
                TOPIC, sent.unseal(travelled(msgspec.to_builtins(sent.seal(self.guard.moment(now), None, is_late=True))))
            )
            seal, sent = sender.seal(TOPIC, "look", {}, "compute-0")
            self.assertEqual((sent, False), self.guard.open(seal, "look", {}, now))

    def test_what_is_kept_back_comes_too_late(self) -> None:
        sender = of_controller()
        _, sent = sender.seal(TOPIC, "look", {}, "compute-0")
        sender.learn(TOPIC, sent.seal(self.guard.moment(NOW), None))
        kept = [sender.seal(TOPIC, "look", {}, "compute-0")[0] for _ in range(3)]
        late = [
            self.guard.open(seal, "look", {}, NOW + after_s)[1] for seal, after_s in zip(kept, (29.0, 59.0, 60.0), strict=True)
        ]
        self.assertEqual([False, False, True], late)

    def test_another_server_has_other_words(self) -> None:
        sender = of_controller()
        _, sent = sender.seal(TOPIC, "look", {}, "compute-0")
        sender.learn(TOPIC, sent.seal(self.guard.moment(NOW), None))
        again = seals.Guard(of_host("compute-0"), TOPIC, NOW)
        self.assertEqual(
            [False, True],
            [guard.open(sender.seal(TOPIC, "look", {}, "compute-0")[0], "look", {}, NOW)[1] for guard in (self.guard, again)],
        )

    def test_that_an_answer_is_needed_cannot_be_taken_away(self) -> None:
        seal, _ = of_controller().seal(TOPIC, "look", {}, "compute-0")
        self.refused(msgspec.structs.replace(seal, moment=None))

    def test_another_topic_method_or_argument_is_noticed(self) -> None:
        seal, _ = self.seal(of_controller(), arguments={"a": 1})
        self.refused(seal, {"a": 2})
        self.assertRaises(seals.RefusedError, self.guard.open, seal, "leave", {"a": 1}, NOW)
        other = seals.Guard(of_host("compute-0"), "mtce.guest", NOW)
        self.assertRaises(seals.RefusedError, other.open, seal, "look", {"a": 1}, NOW)
        self.guard.open(seal, "look", {"a": 1}, NOW)

    def test_keys_are_changed_on_one_host_after_the_other(self) -> None:
        """The first one signs, all are taken, and an answer has the key of its request."""
        for sender in (of_controller("c", MASTER, OLD), of_controller("c", OLD, MASTER)):
            seal, sent = self.seal(sender)
            taken, _ = seals.Guard(of_host("compute-0", MASTER, OLD), TOPIC, NOW).open(seal, "look", {}, NOW)
            self.assertEqual(1, sent.unseal(msgspec.to_builtins(taken.seal("now", 1))).content)
        seal, _ = self.seal(of_controller("c", OLD))
        self.refused(seal)

    def test_an_answer_is_for_one_request(self) -> None:
        first, second = (self.seal(of_controller())[1] for _ in range(2))
        good = msgspec.to_builtins(first.seal("now", "well"))
        self.assertEqual("well", first.unseal(good).content)
        changes: list[dict[str, Any]] = [{"content": "ill"}, {"moment": "then"}, {"is_late": True}, {"code": "\u2603\ud800"}]
        for bad in (
            msgspec.to_builtins(second.seal("now", "well")),
            *({**good, **change} for change in changes),
            None,
            "well",
            {},
        ):
            self.assertRaises(seals.RefusedError, first.unseal, bad)

    def test_many_processes_are_not_remembered_for_ever(self) -> None:
        for _ in range(300):
            self.guard.open(self.seal(of_controller())[0], "look", {}, NOW)
        self.assertEqual([256], [len(processes) for processes in self.guard._seen.values()])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, 199), max_size=60))
    def test_of_requests_that_overtake_each_other_each_is_taken_once(self, came: list[int]) -> None:
        guard, sender = seals.Guard(of_host("compute-0"), TOPIC, NOW), of_controller()
        sent = [self.seal(sender)[0] for _ in range(200)]
        taken = []
        for number in came:
            try:
                guard.open(sent[number], "look", {}, NOW)
            except seals.RefusedError:
                continue
            taken.append(number)
        self.assertEqual(sorted(set(came)), sorted(taken))

    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.text(max_size=5), TREES, max_size=5))
    def test_whatever_can_be_said_arrives_with_its_seal(self, arguments: dict[str, Any]) -> None:
        guard = seals.Guard(of_host("compute-0"), TOPIC, NOW)
        seal, sent = self.seal(of_controller(), arguments=arguments)
        arrived = msgspec.convert(travelled(msgspec.to_builtins(seal)), seals.Seal)
        opened, _ = guard.open(arrived, "look", travelled(arguments), NOW)
        answer = travelled(msgspec.to_builtins(opened.seal("now", arguments)))
        self.assertEqual(json.dumps(travelled(arguments)), json.dumps(sent.unseal(answer).content))


class KeyringTest(base.BaseTestCase):
    def test_without_keys_there_is_none(self) -> None:
        self.assertFalse(seals.Keyring("controller-0"))
        self.assertTrue(of_host("compute-0"))
        self.assertTrue(of_controller())

    def test_a_host_has_its_own_keys_alone(self) -> None:
        self.assertEqual(((), ()), (of_host("compute-0").keys("host:compute-1"), of_host("compute-0").keys(hostkeys.CONTROLLERS)))

    def test_a_controller_has_those_of_all(self) -> None:
        self.assertEqual(of_host("compute-0").keys("host:compute-0"), of_controller().keys("host:compute-0"))
