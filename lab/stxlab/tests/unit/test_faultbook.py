# SPDX-License-Identifier: Apache-2.0
"""Which faults are in force, and what the switch drops because of them."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab.faultbook import BOTH, IN, OUT, Book, Cable, OnHost

PORTS = {("a", "mgmt"): ("p0-mgmt", "w0-mgmt"), ("b", "mgmt"): ("p1-mgmt", "w1-mgmt"), ("c", "mgmt"): ("p2-mgmt", "w2-mgmt")}
A, B, C = (f'{{ "p{number}-mgmt", "w{number}-mgmt" }}' for number in range(3))
CABLES = st.builds(Cable, st.sampled_from([None, BOTH, IN, OUT]), st.floats(0, 100), st.floats(0, 1000), st.floats(0, 1000))
NAMES = st.sampled_from(["a", "b", "c"])


class BookTest(base.BaseTestCase):
    def test_what_is_whole_again_is_not_in_it(self) -> None:
        book = Book().with_cable("a", "mgmt", Cable(cut=BOTH)).with_host("a", OnHost(clock_s=5))
        self.assertNotEqual(Book(), book)
        self.assertEqual(Book(), book.with_cable("a", "mgmt", Cable()).with_host("a", OnHost()))

    def test_a_network_has_one_partition(self) -> None:
        book = Book().parted(["mgmt", "oam"], [["a"], ["b"]]).parted(["mgmt"], [["a"], ["c"]])
        self.assertEqual({"mgmt": (("a",), ("c",)), "oam": (("a",), ("b",))}, book.partitions)
        self.assertEqual({"oam": (("a",), ("b",))}, book.joined(["mgmt", "cluster"]).partitions)

    def test_a_change_of_power_ends_a_hang_and_nothing_else(self) -> None:
        state = OnHost(is_hung=True, is_silent=True, stolen_percent=50, clock_s=9, filled=("/var",))
        book = Book().with_host("a", state).with_cable("a", "mgmt", Cable(cut=BOTH)).power_changed("a")
        self.assertEqual(OnHost(stolen_percent=50, clock_s=9, filled=("/var",)), book.on_host("a"))
        self.assertEqual(BOTH, book.cable("a", "mgmt").cut)

    def test_faults_are_told_in_a_few_words(self) -> None:
        book = (
            Book()
            .with_host("a", OnHost(is_hung=True, is_silent=True, stolen_percent=50, clock_s=-3600, filled=("/var",)))
            .with_cable("a", "oam", Cable(delay_ms=50, jitter_ms=5))
            .with_cable("a", "mgmt", Cable(cut=OUT, loss_percent=12.5))
            .parted(["mgmt", "cluster"], [["a", "b"], ["c"]])
        )
        self.assertEqual(
            [
                *("hangs", "processors 50 % stolen", "clock -3600 s", "/var full", "mgmt cut out", "mgmt loses 12.5 %"),
                *("oam delayed 50 ms ± 5 ms", "mgmt, cluster parted from c"),
            ],
            book.texts("a"),
        )
        self.assertEqual(["mgmt, cluster parted from a, b"], book.texts("c"))
        self.assertEqual([], book.texts("d"))

    @given(st.lists(st.tuples(NAMES, st.sampled_from(["mgmt", "oam"]), CABLES)))
    def test_it_is_the_same_after_it_was_written_and_read(self, changes: list[tuple[str, str, Cable]]) -> None:
        book = Book().parted(["oam"], [["a"], ["b", "c"]]).with_host("b", OnHost(is_hung=True, filled=("/x", "/y")))
        for host, network, cable in changes:
            book = book.with_cable(host, network, cable)
        self.assertEqual(book, msgspec.json.decode(msgspec.json.encode(book), type=Book))


class RulesTest(base.BaseTestCase):
    def test_without_faults_the_switch_drops_nothing(self) -> None:
        self.assertNotIn("drop", Book().rules(PORTS))

    def test_the_old_rules_go_when_the_new_ones_come(self) -> None:
        lines = Book().rules(PORTS).splitlines()
        self.assertEqual(["table bridge stxlab", "delete table bridge stxlab", "table bridge stxlab {"], lines[:3])

    def test_a_cable_that_is_cut_one_way_drops_on_that_way_only(self) -> None:
        self.assertEqual([f"iifname {A} drop"], drops(Book().with_cable("a", "mgmt", Cable(cut=OUT))))
        self.assertEqual([f"oifname {A} drop"], drops(Book().with_cable("a", "mgmt", Cable(cut=IN))))

    def test_a_cable_that_is_pulled_needs_no_rule(self) -> None:
        self.assertEqual([], drops(Book().with_cable("a", "mgmt", Cable(cut=BOTH))))

    def test_loss_is_drawn_for_each_direction(self) -> None:
        book = Book().with_cable("b", "mgmt", Cable(loss_percent=12.5))
        lost = "numgen random mod 10000 < 1250 drop"
        self.assertEqual([f"iifname {B} {lost}", f"oifname {B} {lost}"], drops(book))

    def test_all_may_be_lost_and_next_to_nothing(self) -> None:
        self.assertEqual(
            [f"iifname {B} drop", f"oifname {B} drop"], drops(Book().with_cable("b", "mgmt", Cable(loss_percent=100)))
        )
        self.assertIn("mod 10000 < 1 drop", drops(Book().with_cable("b", "mgmt", Cable(loss_percent=1e-9)))[0])

    def test_a_host_that_hangs_is_silent_unless_its_kernel_answers(self) -> None:
        self.assertEqual([f"iifname {C} drop", f"oifname {C} drop"], drops(Book().with_host("c", OnHost(True, True))))
        self.assertEqual([], drops(Book().with_host("c", OnHost(True, False))))

    def test_sets_are_kept_from_each_other_and_others_hear_all(self) -> None:
        self.assertEqual(
            [f"iifname {A} oifname {C} drop", f"iifname {C} oifname {A} drop"], drops(Book().parted(["mgmt"], [["a"], ["c"]]))
        )

    def test_three_sets_are_kept_from_one_another(self) -> None:
        dropped = drops(Book().parted(["mgmt"], [["a"], ["b"], ["c"]]))
        self.assertEqual(3, len(dropped))
        self.assertIn('iifname { "p1-mgmt", "w1-mgmt" } oifname { "p0-mgmt", "w0-mgmt", "p2-mgmt", "w2-mgmt" } drop', dropped)

    def test_a_partition_of_a_network_on_which_a_set_has_no_port_drops_nothing(self) -> None:
        self.assertEqual([], drops(Book().parted(["mgmt"], [["a"], ["stranger"]])))


def drops(book: Book) -> list[str]:
    return [line.strip() for line in book.rules(PORTS).splitlines() if line.endswith("drop")]
