# SPDX-License-Identifier: Apache-2.0
"""The other controller, as this one sees it."""

import dataclasses

from oslotest import base

from sm import sight
from sm.daemon import View
from sm.lease import Record
from sm.messages import Hello
from sm.service import Status

OTHER = Hello(
    "controller-1",
    True,
    "boot",
    1,
    groups={"a": ("standby", "failed", ""), "everywhere": ("active", "degraded", "")},
    networks={"mgmt": True, "oam": True},
    hears={"mgmt": True, "oam": True},
)
VIEW = View(
    holds=True,
    record=Record(1, 0, frozenset(), frozenset({"controller-0", "controller-1"})),
    granting=frozenset({"controller-1"}),
    heard={"compute-0": Hello("compute-0", False, "boot", 1), "controller-1": OTHER},
    paths={("mgmt", "controller-1"): True, ("oam", "controller-1"): True, ("mgmt", "compute-0"): True},
    networks={"mgmt": True, "oam": True},
)


class SightTest(base.BaseTestCase):
    def seen(self, **changes: object) -> object:
        """One thing of what is seen of the other one that is a bit different."""
        return sight.side(VIEW, dataclasses.replace(OTHER, **changes), {"a"})  # type: ignore[arg-type]

    def test_of_all_that_are_heard_the_controller_is_the_other_one(self) -> None:
        self.assertIs(OTHER, sight.other(VIEW))
        self.assertIsNone(sight.other(dataclasses.replace(VIEW, heard={})))

    def test_groups_that_are_everywhere_say_nothing_of_who_is_better(self) -> None:
        side = sight.side(VIEW, OTHER, {"a"})
        assert side is not None
        self.assertEqual(((Status.FAILED,), True, 0), (side.groups, side.is_eligible, side.down))

    def test_one_that_hears_this_one_nowhere_is_no_copy_to_count_on(self) -> None:
        self.assertIsNone(self.seen(hears={"mgmt": False, "oam": False}))
        self.assertIsNotNone(self.seen(hears={"mgmt": True, "oam": False}))

    def test_one_that_never_heard_this_one_has_just_started(self) -> None:
        self.assertIsNotNone(self.seen(hears={}))

    def test_one_that_has_not_granted_could_not_take_over(self) -> None:
        side = sight.side(dataclasses.replace(VIEW, granting=frozenset()), OTHER, {"a"})
        assert side is not None
        self.assertFalse(side.is_eligible)

    def test_silence_where_the_network_works_here_is_its_fault(self) -> None:
        deaf = dataclasses.replace(VIEW, paths={**VIEW.paths, ("oam", "controller-1"): False})
        side = sight.side(deaf, OTHER, {"a"})
        assert side is not None
        self.assertEqual((1, 0), (side.down, sight.down(deaf, OTHER)))
