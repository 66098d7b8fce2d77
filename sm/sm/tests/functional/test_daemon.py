# SPDX-License-Identifier: Apache-2.0
"""The lease's loop: a disk that keeps it waiting or fails, and hosts that come into service and leave it."""

import errno
import json
import pathlib
import threading

import fixtures

from sm import daemon, lease, messages
from sm.cmd import configure, voter
from sm.tests.functional.loop_base import KEYS, LoopTestCase
from stx import flags


class SlowDiskTest(LoopTestCase):
    def test_the_lease_lasts_while_a_change_waits_for_the_disk(self) -> None:
        go_on, keep = threading.Event(), self.keeper.keep
        self.addCleanup(go_on.set)

        def slow(kept: lease.Kept) -> None:
            go_on.wait(20.0)
            keep(kept)

        self.useFixture(fixtures.MockPatchObject(self.keeper, "keep", slow))
        self.loop.want(daemon.Wish(eligible=frozenset({"controller-0", "controller-1"}), number=1))
        self.turn_until(lambda: not self.loop.view.is_agreed)
        renewed = self.power.renewed_count
        self.turn_until(lambda: self.power.renewed_count > renewed + 10)
        self.assertEqual((True, False, 0), (self.loop.view.holds, self.loop.view.is_agreed, self.power.lost_count))
        go_on.set()
        self.turn_until(lambda: self.loop.view.is_agreed)
        self.assertEqual({"controller-0", "controller-1"}, self.keeper.kept.record.eligible)

    def test_what_a_disk_refuses_is_tried_again_and_the_lease_lasts(self) -> None:
        refusals, keep = [errno.ENOSPC, errno.EIO], self.keeper.keep

        def refusing(kept: lease.Kept) -> None:
            if refusals:
                raise OSError(refusals.pop(), "refused")
            keep(kept)

        self.useFixture(fixtures.MockPatchObject(self.keeper, "keep", refusing))
        self.loop.want(daemon.Wish(eligible=frozenset({"controller-0", "controller-1"}), number=1))
        self.turn_until(lambda: self.loop.view.number == 1 and self.loop.view.is_agreed)
        self.assertEqual(([], 0), (refusals, self.power.lost_count))


class VotersTest(LoopTestCase):
    """Two other hosts, at addresses of their own on loopback."""

    def setUp(self) -> None:
        super().setUp()
        self.voters: dict[str, daemon.Loop] = {}
        self.threads: dict[str, threading.Thread] = {}
        self.hosts = {name: self.host(name, f"127.0.0.{number}") for number, name in enumerate(("compute-0", "compute-1"), 2)}
        hello = messages.Hello("controller-0", True, "boot", 0)
        self.loop.want(daemon.Wish(hello, eligible=frozenset({"controller-0"}), number=1))

    def host(self, name: str, address: str, is_witness: bool = False) -> pathlib.Path:
        """Have a voter at work; gives where its flags are."""
        state_path, run_path = (pathlib.Path(self.useFixture(fixtures.TempDir()).path) for _ in range(2))
        interface = {"device": "lo", "address": address, "port": self.port, "peers": {"controller-0": "127.0.0.1"}}
        told = {"node": name, "cluster": "ours", "interfaces": {"lo": interface | {"key": KEYS.accept[0].decode()}}}
        (state_path / "told.yaml").write_text(json.dumps(told))
        argv = ["--state-path", str(state_path), "load", "--without-shipped", str(state_path / "told.yaml")]
        self.assertEqual(0, configure.main(argv))
        loop = voter.make(state_path, None if is_witness else run_path)
        self.voters[name], self.threads[name] = loop, (thread := threading.Thread(target=loop.run))
        thread.start()
        self.addCleanup(thread.join, 20.0)
        self.addCleanup(loop.stop)
        return run_path

    def turn_until_voters(self, *names: str) -> None:
        self.turn_until(lambda: self.loop.view.is_agreed and self.loop.view.record.voters == {"controller-0", *names})

    def test_hosts_vote_from_when_they_are_in_service_until_one_is_locked(self) -> None:
        self.turn_until(lambda: self.loop.view.heard.keys() == self.hosts.keys())
        self.turn_until_voters()
        for run_path in self.hosts.values():
            (run_path / flags.GOENABLED).touch()
        self.turn_until_voters(*self.hosts)
        (self.hosts["compute-1"] / flags.LOCKED).touch()
        self.turn_until_voters()
        self.assertEqual(0, self.power.lost_count)

    def test_one_that_is_told_to_end_votes_until_nobody_counts_on_it(self) -> None:
        for run_path in self.hosts.values():
            (run_path / flags.GOENABLED).touch()
        self.turn_until_voters(*self.hosts)
        self.voters["compute-1"].retire()
        self.turn_until_voters()
        self.threads["compute-1"].join(20.0)
        self.assertFalse(self.threads["compute-1"].is_alive())
        self.assertEqual(0, self.power.lost_count)

    def test_where_no_host_is_in_service_one_that_stays_votes_with_two_controllers(self) -> None:
        self.host("controller-1", "127.0.0.4", is_witness=True)
        self.voters["controller-1"].want(daemon.Wish(messages.Hello("controller-1", True, "boot", 0)))
        self.turn_until_voters("controller-1", "compute-0")
        self.voters["compute-0"].retire()
        self.turn_until_voters("controller-1", "compute-1")
        self.assertEqual(0, self.power.lost_count)

    def test_machines_that_are_no_hosts_of_the_platform_vote_when_they_are_told_to(self) -> None:
        for number, name in ((4, "witness-0"), (5, "witness-1")):
            self.host(name, f"127.0.0.{number}", is_witness=True)
        self.turn_until_voters("witness-0", "witness-1")
