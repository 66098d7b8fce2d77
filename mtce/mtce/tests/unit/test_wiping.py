# SPDX-License-Identifier: Apache-2.0
"""Which disks are wiped; nothing is, here."""

import json

import fixtures
from oslotest import base

from mtce import wiping

TREE = {
    "blockdevices": [
        {
            "name": "/dev/sda",
            "type": "disk",
            "mountpoints": [None],
            "children": [
                {"name": "/dev/sda1", "type": "part", "mountpoints": ["/boot/efi"]},
                {
                    "name": "/dev/sda2",
                    "type": "part",
                    "mountpoints": [None],
                    "children": [{"name": "/dev/mapper/vg-root", "type": "lvm", "mountpoints": ["/"]}],
                },
            ],
        },
        {"name": "/dev/sdb", "type": "disk", "mountpoints": ["/var/lib/data"]},
        {"name": "/dev/loop0", "type": "loop", "mountpoints": ["/"]},
    ]
}


class WipingTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ran: list[tuple[str, ...]] = []
        self.useFixture(fixtures.MonkeyPatch("mtce.wiping._run", self.run_recorded))

    def run_recorded(self, *argv: str) -> str:
        self.ran.append(argv)
        return json.dumps(TREE)

    def call(self, *arguments: str) -> int:
        self.useFixture(fixtures.MonkeyPatch("sys.argv", ["wiping", *arguments]))
        return wiping.main()

    def test_the_system_s_disk_goes_after_its_partitions_and_no_other(self) -> None:
        self.assertEqual(["/dev/sda1", "/dev/sda2", "/dev/sda"], wiping.targets(TREE))

    def test_without_a_yes_nothing_is_wiped(self) -> None:
        self.assertEqual(0, self.call())
        self.assertEqual({"lsblk"}, {argv[0] for argv in self.ran})

    def test_with_it_each_is(self) -> None:
        self.assertEqual(0, self.call("--yes"))
        wiped = [argv[-1] for argv in self.ran if argv[0] == "wipefs"]
        self.assertEqual(wiping.targets(TREE), wiped)

    def test_a_host_without_a_disk_of_its_own_fails(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mtce.wiping._run", lambda *argv: '{"blockdevices": []}'))
        self.assertEqual(1, self.call("--yes"))
