# SPDX-License-Identifier: Apache-2.0
import pathlib

from oslotest import base

from sm import postgresql_plan as postgresql
from sm.postgresql_plan import Own, Peer, Way

FIRST = ((1, 1000),)
# Left timeline 2 at 2000, and has WAL from 500 on.
PEER = Peer("system", 3, ((1, 1000), (2, 2000)), 500)


def standby(timeline: int, end: int, history: postgresql.History = FIRST, system: str = "system") -> Own:
    return Own(system, timeline, history, False, end, end)


def killed_primary(timeline: int, position: int, history: postgresql.History = FIRST) -> Own:
    return Own("system", timeline, history, True, position, None)


class WayTest(base.BaseTestCase):
    def check(self, expected: Way, own: Own, peer: Peer = PEER) -> None:
        self.assertIs(expected, postgresql.way(own, peer))

    def test_a_standby_follows_as_far_as_it_was_before_the_peer_left_the_timeline(self) -> None:
        self.check(Way.FOLLOW, standby(2, 2000))
        self.check(Way.REWIND, standby(2, 2001))
        self.check(Way.FOLLOW, standby(1, 1000, ()))
        self.check(Way.REWIND, standby(1, 1001, ()))

    def test_a_standby_of_the_newest_timeline_follows(self) -> None:
        self.check(Way.FOLLOW, standby(3, 9000, PEER.history))

    def test_a_primary_stopped_in_order_follows_whoever_has_all_of_it(self) -> None:
        self.check(Way.FOLLOW, standby(2, 1999)._replace(was_primary=True))
        self.check(Way.REWIND, standby(2, 2001)._replace(was_primary=True))

    def test_a_primary_that_was_killed_is_rewound_wherever_its_last_checkpoint_was(self) -> None:
        self.check(Way.REWIND, killed_primary(2, 600))
        self.check(Way.REWIND, killed_primary(2, 2500))

    def test_another_branch_is_rewound(self) -> None:
        self.check(Way.REWIND, standby(4, 3000, ((1, 1000), (2, 1500))))
        self.check(Way.REWIND, standby(2, 1500, ((1, 900),)))
        self.check(Way.REWIND, standby(5, 3000, (*PEER.history, (3, 2500), (4, 2600))))

    def test_two_that_were_promoted_at_the_same_time_are_not_mixed(self) -> None:
        self.check(Way.COPY, killed_primary(3, 2500, PEER.history))
        self.check(Way.COPY, standby(3, 2500, ((1, 1000), (2, 1900))))

    def test_data_of_another_system_and_those_too_old_are_replaced(self) -> None:
        self.check(Way.COPY, standby(2, 2000, system="another"))
        self.check(Way.COPY, standby(1, 499, ()))
        self.check(Way.FOLLOW, standby(1, 500, ()))


class SettingsTest(base.BaseTestCase):
    def conf(self, **parameters: str) -> postgresql.Conf:
        return postgresql.from_environment({f"OCF_RESKEY_{name}": value for name, value in parameters.items()})

    def test_only_pgdata_is_needed_by_a_system_of_one(self) -> None:
        conf = self.conf(pgdata="/data/main")
        self.assertEqual(pathlib.Path("/data/main"), conf.config)
        self.assertEqual(pathlib.Path("/data/main.log"), conf.log)
        self.assertIn("primary_conninfo = ''", postgresql.settings(conf).splitlines())

    def test_the_peer_is_found_by_its_name_at_the_own_port_unless_told_otherwise(self) -> None:
        conf = self.conf(pgdata="/data/main", name="controller-0", peer="controller-1", port="5433", password_file="/it's")
        expected = (
            r"primary_conninfo = 'host=''controller-1'' port=''5433'' connect_timeout=''3'' user=''stx_replication''"
            r" passfile=''/it\''s'' application_name=''controller-0'''"
        )
        self.assertIn(expected, postgresql.settings(conf).splitlines())

    def test_what_commits_wait_for_changes_alone(self) -> None:
        before = postgresql.settings(self.conf(pgdata="/data/main"))
        unsure = postgresql.requiring(before, "controller-1", is_certain=False)
        sure = postgresql.requiring(unsure, "controller-1")
        self.assertEqual(before, postgresql.requiring(unsure, ""))
        self.assertEqual(before, postgresql.requiring(sure, ""))
        self.assertNotEqual(unsure, sure)
        added = set(sure.splitlines()) - set(before.splitlines())
        self.assertEqual({"synchronous_standby_names = '\"controller-1\"'"}, added)
        self.assertEqual(len(before.splitlines()), len(sure.splitlines()))


class ParsingTest(base.BaseTestCase):
    def test_the_password_of_the_user_is_taken_as_libpq_takes_it(self) -> None:
        text = "# a:b:c:stx:d\n\nhost:5432:*:other:wrong\nhost:5432:*:stx:a\\:b\\\\c\n*:*:*:*:last\n"
        self.assertEqual(r"a:b\c", postgresql.password(text, "stx"))
        self.assertEqual("last", postgresql.password(text, "third"))
        self.assertIsNone(postgresql.password("host:5432:*:stx\n", "stx"))

    def test_a_history_is_read_from_a_file_and_from_what_psql_prints(self) -> None:
        text = "1\t0/1500790\tno recovery target specified\n\n2\tA/150D620\tbefore 2000-01-01\n"
        expected = ((1, 0x1500790), (2, 0xA_0150D620))
        self.assertEqual(expected, postgresql.history(text))
        self.assertEqual(expected, postgresql.history("00000003.history|" + text))
        self.assertEqual((), postgresql.history(""))

    def test_a_file_of_wal_begins_where_its_name_says(self) -> None:
        self.assertEqual(0x1_000000, postgresql.segment_position("0000000000000001", 1 << 24))
        self.assertEqual(0x2_00300000, postgresql.segment_position("0000000200000003", 1 << 20))
