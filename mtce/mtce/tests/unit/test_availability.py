# SPDX-License-Identifier: Apache-2.0
"""The states that hosts are in (spec sysinv.md 2.1, mtce-sm.md A5.2)."""

from typing import Any

import ddt
from hypothesis import given, settings
from hypothesis import strategies as st

from mtce import availability
from stx import testing

PUBLISHED = {
    ("locked", "disabled", "offline"),
    ("locked", "disabled", "online"),
    ("unlocked", "disabled", "offline"),
    ("unlocked", "disabled", "intest"),
    ("unlocked", "disabled", "failed"),
    ("unlocked", "enabled", "available"),
    ("unlocked", "enabled", "degraded"),
}


def facts(**values: Any) -> availability.Facts:
    """By default of an unlocked host that is in service and well."""
    return availability.Facts(
        **{
            "administrative": "unlocked",
            "operational": "enabled",
            "availability": "available",
            "is_heard": True,
            "was_heard": True,
            "failed": {},
            "is_last_controller": False,
            **values,
        }
    )


_OUT = {"operational": "disabled", "availability": "offline"}
_SILENT = {"is_heard": False, "was_heard": False}


@ddt.ddt
class DecideTest(testing.TestCase):
    @ddt.data(
        # A host that says that it is well.
        ({}, ("enabled", "available")),
        (_OUT, ("enabled", "available")),
        ({"operational": "disabled", "availability": "failed"}, ("enabled", "available")),
        ({"availability": "degraded"}, ("enabled", "available")),
        # Processes that failed.
        ({"failed": {"a": "minor"}}, ("enabled", "available")),
        ({"failed": {"a": "major"}}, ("enabled", "degraded")),
        ({"failed": {"a": "minor", "b": "major"}}, ("enabled", "degraded")),
        ({"failed": {"a": "critical"}}, ("disabled", "failed")),
        ({"failed": {"a": "critical", "b": "major"}}, ("disabled", "failed")),
        ({"failed": {"a": "critical"}, "is_last_controller": True}, ("enabled", "degraded")),
        ({"failed": {"a": "major"}, **_OUT}, ("enabled", "degraded")),
        ({"failed": {"a": "critical"}, **_OUT}, ("disabled", "failed")),
        # Silence.
        ({**_SILENT, **_OUT}, ("disabled", "offline")),
        ({**_SILENT, "operational": "disabled", "availability": "failed"}, ("disabled", "failed")),
        ({**_SILENT, "operational": "disabled", "availability": "intest"}, ("disabled", "intest")),
        ({**_SILENT, "operational": "disabled", "availability": "online"}, ("disabled", "offline")),
        ({"is_heard": False, **_OUT}, ("disabled", "offline")),
        ({"is_heard": False, "failed": {"pmond": "major"}}, ("enabled", "degraded")),
        ({**_SILENT, "failed": {"pmond": "major"}}, ("enabled", "degraded")),
        (_SILENT, ("enabled", "available")),
        # In service, and not heard yet.
        ({"was_heard": False}, ("enabled", "available")),
        ({"was_heard": False, "availability": "degraded"}, ("enabled", "degraded")),
        # Locked hosts.
        ({"administrative": "locked"}, ("disabled", "online")),
        ({"administrative": "locked", "failed": {"a": "critical"}}, ("disabled", "online")),
        ({"administrative": "locked", "is_heard": False}, ("disabled", "offline")),
        ({"administrative": "locked", **_SILENT, **_OUT}, ("disabled", "offline")),
    )
    @ddt.unpack
    def test_the_facts_give_the_state(self, values: dict[str, Any], expected: tuple[str, str]) -> None:
        state = availability.decide(facts(**values))
        self.assertEqual(expected, (state.operational, state.availability))

    @ddt.data(
        ({}, False),
        ({"is_heard": False}, True),
        (_SILENT, True),
        ({"was_heard": False}, None),
        ({"is_heard": False, "administrative": "locked"}, False),
        ({"was_heard": False, "administrative": "locked"}, False),
        ({"is_heard": False, **_OUT}, False),
        ({**_OUT}, False),
    )
    @ddt.unpack
    def test_the_monitor_of_a_host_in_service_is_missed(self, values: dict[str, Any], expected: bool | None) -> None:
        self.assertIs(expected, availability.is_monitor_lost(facts(**values)))


# What was stored until now; a host that is locked or unlocked comes from a state of the other kind.
_before = st.sampled_from(
    sorted({(administrative, *state[1:]) for administrative in ("locked", "unlocked") for state in PUBLISHED})
)
_failed = st.dictionaries(st.sampled_from(["a", "b", "c", "pmond"]), st.sampled_from(["minor", "major", "critical"]))


@st.composite
def _anything(draw: st.DrawFn) -> availability.Facts:
    administrative, operational, stored = draw(_before)
    is_heard = draw(st.booleans())
    return availability.Facts(
        administrative=administrative,
        operational=operational,
        availability=stored,
        is_heard=is_heard,
        # One that was in service is given time to be heard.
        was_heard=(is_heard and operational != "enabled") or draw(st.booleans()),
        failed=draw(_failed),
        is_last_controller=draw(st.booleans()),
    )


class AnythingTest(testing.TestCase):
    @settings(max_examples=80, deadline=None)
    @given(_anything())
    def test_every_state_is_a_published_one(self, known: availability.Facts) -> None:
        state = availability.decide(known)
        self.assertIn((known.administrative, state.operational, state.availability), PUBLISHED)

    @settings(max_examples=80, deadline=None)
    @given(_anything())
    def test_no_host_comes_into_service_in_silence(self, known: availability.Facts) -> None:
        if not known.is_heard and known.operational == "disabled":
            self.assertEqual("disabled", availability.decide(known).operational)

    @settings(max_examples=80, deadline=None)
    @given(_anything())
    def test_the_last_controller_stays_in_service(self, known: availability.Facts) -> None:
        if known.is_last_controller and known.administrative == "unlocked" and known.operational == "enabled":
            self.assertEqual("enabled", availability.decide(known).operational)

    @settings(max_examples=80, deadline=None)
    @given(_anything())
    def test_a_state_that_was_reached_stays_while_the_facts_do(self, known: availability.Facts) -> None:
        state = availability.decide(known)
        after = availability.Facts(**{**vars(known), "operational": state.operational, "availability": state.availability})
        self.assertEqual(state, availability.decide(after))
