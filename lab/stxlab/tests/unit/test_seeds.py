# SPDX-License-Identifier: Apache-2.0
"""What is on the disks of new hosts."""

import json
import os
import pathlib
import stat

import fixtures
from oslotest import base

from stx import hostkeys
from stxlab import layout, seeds, topology

SECRETS = {
    "bus": "of-the-bus",
    "board": "of-the-boards",
    "pulse": "p",
    "sm": "of-sm",
    "database": "of-data",
    "files": "of-files",
    "master": "m",
}


class WriteTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        # As `stx` does; hosts' files must not depend on it.
        self.addCleanup(os.umask, os.umask(0o077))
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path))
        self.wanted = topology.make("standard", computes=1)

    def write(self, name: str) -> pathlib.Path:
        host = self.wanted.host(name)
        seeds.write(self.layout, self.wanted, host, SECRETS)
        return self.layout.host(host).seed

    def test_the_first_controller_comes_installed(self) -> None:
        seed = self.write("controller-0")
        self.assertEqual("controller-0\n", (seed / "etc/hostname").read_text())
        # The floating address is Service Management's to put on.
        network = (seed / "etc/systemd/network/40-mgmt.network").read_text()
        self.assertIn("Address=192.168.200.3/21", network)
        self.assertNotIn("192.168.200.2/21", network)
        told = json.loads((seed / "etc/starlingx/lab.json").read_text())
        self.assertEqual(("standard", "of-the-bus", "of-sm"), (told["shape"], told["bus_secret"], told["sm_secret"]))
        wants = seed / "etc/systemd/system/multi-user.target.wants"
        self.assertEqual({"stx-bootstrap.service", "stx-controller.target", "stx-host.target"}, set(os.listdir(wants)))

    def test_others_are_blank_but_for_the_secret_of_the_bus_and_their_places_in_unmanaged_networks(self) -> None:
        for name, networks in (("controller-1", ("cluster", "oam")), ("compute-0", ("cluster",))):
            seed = self.write(name)
            files = {str(path.relative_to(seed)) for path in seed.rglob("*") if path.is_file()}
            places = {f"etc/systemd/network/40-{network}.network" for network in networks}
            self.assertEqual({"etc/machine-id", "etc/starlingx/lab.json", *places}, files)

    def test_only_controllers_know_the_secrets_of_data_and_of_boards(self) -> None:
        told = {
            name: set(json.loads((self.write(name) / "etc/starlingx/lab.json").read_text()))
            for name in ("controller-0", "controller-1", "compute-0")
        }
        every = {f"{name}_secret" for name in SECRETS} | {"shape"}
        of_host = {"shape", "bus_secret", "sm_secret", "pulse_secret", "own_secret"}
        self.assertEqual({"controller-0": every, "controller-1": every, "compute-0": of_host}, told)

    def test_a_host_has_the_key_by_which_controllers_know_it(self) -> None:
        told = json.loads((self.write("compute-0") / "etc/starlingx/lab.json").read_text())
        self.assertEqual(hostkeys.derive(b"m", "host:compute-0").decode(), told["own_secret"])

    def test_each_host_has_an_identity_of_its_own(self) -> None:
        found = {(self.write(host.name) / "etc/machine-id").read_text() for host in self.wanted.hosts}
        self.assertEqual(len(self.wanted.hosts), len(found))

    def test_services_of_the_host_can_read_what_is_no_secret(self) -> None:
        seed = self.write("controller-0")
        modes = {str(path.relative_to(seed)): stat.S_IMODE(path.lstat().st_mode) for path in seed.rglob("*")}
        self.assertEqual((0o755, 0o755, 0o644), tuple(modes[name] for name in ("etc", "etc/systemd", "etc/hostname")))
        self.assertEqual((0o700, 0o600), (modes["etc/starlingx"], modes["etc/starlingx/lab.json"]))
