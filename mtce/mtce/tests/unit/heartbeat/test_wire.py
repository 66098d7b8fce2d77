# SPDX-License-Identifier: Apache-2.0
"""Who can say what in pulses: a host's answer is its own, whatever keys others have."""

from hypothesis import given, settings
from hypothesis import strategies as st
from oslotest import base

from mtce.heartbeat import wire
from stx import hostkeys
from stx.datagrams import Drop, Keys

GROUP, MASTER, OLD = b"g" * 32, b"m" * 32, b"o" * 32
NAMES = st.text(max_size=40)


def own(host: str, master: bytes = MASTER) -> bytes:
    return hostkeys.derive(master, hostkeys.of_host(host))


def controller(*masters: bytes) -> wire.Receiver:
    """What an active controller takes pulses and answers with."""
    of_name = hostkeys.deriver(masters or (MASTER,))
    keys = Keys(GROUP, (GROUP,), (), lambda host: of_name(hostkeys.of_host(host)))
    return wire.Receiver("ours", {"mgmt": keys})


def answer(sender: str, key: bytes | None, speaker: str | None = None) -> bytes:
    said = wire.Answer(sender if speaker is None else speaker, 7, "boot", True, "mgmt")
    return wire.Sender("ours", sender).pack(said, Keys(GROUP, (GROUP,), (key,) if key else ()))


class AnswerTest(base.BaseTestCase):
    def is_forged(self, datagram: bytes, receiver: wire.Receiver | None = None) -> bool:
        receiver = receiver or controller()
        return receiver.unpack(datagram, "mgmt") is None and receiver.dropped == {("mgmt", Drop.FORGED): 1}

    def test_a_host_speaks_for_itself(self) -> None:
        self.assertIsNotNone(controller().unpack(answer("compute-0", own("compute-0")), "mgmt"))

    def test_a_boot_that_could_not_be_stored_is_none(self) -> None:
        for boot_id in ("b" * 64, "b\0"):
            receiver, said = controller(), wire.Answer("compute-0", 7, boot_id, True, "mgmt")
            datagram = wire.Sender("ours", "compute-0").pack(said, Keys(GROUP, (GROUP,), (own("compute-0"),)))
            self.assertIsNone(receiver.unpack(datagram, "mgmt"))
            self.assertEqual({("mgmt", Drop.MALFORMED): 1}, receiver.dropped)

    def test_what_all_hosts_have_is_no_answer(self) -> None:
        self.assertTrue(self.is_forged(answer("compute-0", None)))

    def test_without_any_key_it_is_none_even_where_pulses_have_no_keys(self) -> None:
        of_name = hostkeys.deriver((MASTER,))
        plain = wire.Sender("ours", "compute-0").pack(wire.Answer("compute-0", 7, "boot", True, "mgmt"), Keys())
        receiver = wire.Receiver("ours", {"mgmt": Keys(of=lambda host: of_name(hostkeys.of_host(host)))})
        self.assertTrue(self.is_forged(plain, receiver))

    @settings(max_examples=60, deadline=None)
    @given(NAMES, NAMES)
    def test_whoever_has_the_key_of_one_host_speaks_for_no_other(self, stolen: str, victim: str) -> None:
        heard = controller().unpack(answer(victim, own(stolen)), "mgmt")
        self.assertEqual(stolen == victim, heard is not None)
        if stolen != victim:
            self.assertTrue(self.is_forged(answer(stolen, own(stolen), speaker=victim)))

    @settings(max_examples=60, deadline=None)
    @given(st.binary(min_size=1, max_size=200), st.booleans())
    def test_junk_is_dropped_and_never_a_failure(self, junk: bytes, is_marked: bool) -> None:
        mark = answer("compute-0", own("compute-0"))[:4] if is_marked else b""
        self.assertIsNone(controller().unpack(mark + junk, "mgmt"))

    def test_keys_are_changed_on_one_host_after_the_other(self) -> None:
        receiver = controller(MASTER, OLD)
        for master in (MASTER, OLD):
            self.assertIsNotNone(receiver.unpack(answer("compute-0", own("compute-0", master)), "mgmt"))
        self.assertTrue(self.is_forged(answer("compute-0", own("compute-0", OLD))))

    def test_a_pulse_is_for_all_hosts_and_signed_with_what_all_have(self) -> None:
        """The controller has its own key too; a host could not check it."""
        pulse = wire.Sender("ours", "controller-0").pack(
            wire.Pulse("controller-0", 7), Keys(GROUP, (GROUP,), (own("controller-0"),))
        )
        for receiver in (controller(), wire.Receiver("ours", {"mgmt": Keys(GROUP, (GROUP,), (own("compute-0"),))})):
            self.assertIsNotNone(receiver.unpack(pulse, "mgmt"))


class EndTest(base.BaseTestCase):
    """A controller ends the boot of a host, and nobody else does."""

    END = wire.End("controller-0", "compute-0", "boot", False)

    @staticmethod
    def keys(**given: object) -> Keys:
        return Keys(**{"sign": GROUP, "accept": (GROUP,), **given})  # type: ignore[arg-type]

    def hear(self, datagram: bytes, *known: bytes) -> object:
        return wire.Receiver("ours", {"mgmt": self.keys(own=known)}).unpack(datagram, "mgmt")

    def say(self, *masters: bytes) -> bytes:
        of_name = hostkeys.deriver(masters)
        return wire.Sender("ours", "controller-0").pack(self.END, self.keys(of=lambda host: of_name(hostkeys.of_host(host))))

    def test_the_host_that_it_is_for_hears_it(self) -> None:
        self.assertEqual(("controller-0", self.END), self.hear(self.say(MASTER), own("compute-0")))

    def test_it_is_heard_while_keys_are_changed(self) -> None:
        for first in (MASTER, OLD):
            self.assertIsNotNone(self.hear(self.say(first), own("compute-0"), own("compute-0", OLD)))

    def test_no_other_host_hears_it(self) -> None:
        self.assertIsNone(self.hear(self.say(MASTER), own("compute-1")))

    def test_what_other_hosts_can_sign_ends_no_boot(self) -> None:
        """With the key that all have, their own, or none; whether the host has a key of its own or not."""
        marks = (wire._PROTOCOL.signed, wire._PROTOCOL.plain)
        content = self.say(MASTER)[4 + wire._PROTOCOL.mac.size :]
        forged = [marks[0] + wire._PROTOCOL.mac.make(key, content) + content for key in (GROUP, own("compute-1"))]
        for datagram in (*forged, marks[1] + content):
            for known in ((own("compute-0"),), ()):
                self.assertIsNone(self.hear(datagram, *known))

    def test_where_hosts_have_no_keys_it_is_not_said(self) -> None:
        for keys in (Keys(), self.keys(), self.keys(of=lambda host: ())):
            self.assertRaises(ValueError, wire.Sender("ours", "controller-0").pack, self.END, keys)
