# SPDX-License-Identifier: Apache-2.0
"""The words for what hosts are."""

import ddt

from stx import testing
from sysinv import states


@ddt.ddt
class PersonalityTest(testing.TestCase):
    @ddt.data(
        ("compute", "worker"), ("worker", "worker"), ("controller", "controller"), ("storage", "storage"), ("other", "other")
    )
    @ddt.unpack
    def test_compute_is_called_worker_on_the_wire(self, name: str, expected: str) -> None:
        self.assertEqual(expected, states.personality(name))

    def test_aliases_stand_for_personalities(self) -> None:
        self.assertLessEqual(set(states.PERSONALITY_ALIASES.values()), set(states.PERSONALITIES))
