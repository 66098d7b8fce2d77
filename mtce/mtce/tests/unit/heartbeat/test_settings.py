# SPDX-License-Identifier: Apache-2.0
"""What the heartbeat's process is told, and what is said when that cannot be used."""

import pathlib

import ddt
import fixtures
from oslotest import base

from mtce.heartbeat import settings
from stx import hostkeys

GOOD = """
node: compute-0
cluster: ours
networks:
  mgmt: {device: eth1, address: 192.168.204.5, group: 239.1.1.2}
"""


@ddt.ddt
class SettingsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "heartbeat.yaml"

    def read(self, text: str) -> settings.Settings:
        self.path.write_text(text)
        return settings.read(self.path)

    def refused(self, text: str) -> str:
        return str(self.assertRaises(settings.SettingsError, self.read, text))

    def test_known_networks_have_their_ports(self) -> None:
        (way,) = settings.ways(self.read(GOOD))
        self.assertEqual(
            ("mgmt", "192.168.204.5", 2106, "eth1", "239.1.1.2"), (way.name, way.address, way.port, way.device, way.group)
        )

    @ddt.data(
        ("networks: {}\nnode: a\ncluster: b", "networks: name at least one"),
        ("node: a\ncluster: b", "missing required field `networks`"),
        (GOOD + "  oam: {device: eth0, address: 10.0.0.5}\n", "networks.oam.port: give one"),
        (GOOD + "colour: blue\n", "unknown field `colour`"),
        ("node: [", "is no YAML"),
        ("just words", "Expected `object`"),
    )
    @ddt.unpack
    def test_what_is_wrong_is_said(self, text: str, said: str) -> None:
        message = self.refused(text)
        self.assertIn(said, message)
        self.assertIn(str(self.path), message)

    def test_a_file_that_is_not_there_is_named(self) -> None:
        self.assertIn(f"{self.path}: No such file", str(self.assertRaises(settings.SettingsError, settings.read, self.path)))

    def keys_of(self, text: str, mode: int = 0o600, name: str = "key_file") -> settings.Settings:
        key_file = self.path.with_name("key")
        key_file.write_text(text)
        key_file.chmod(mode)
        return self.read(f"{GOOD}{name}: {key_file}\n")

    def test_the_first_key_signs_and_all_are_taken(self) -> None:
        new, old = "n" * 32, "o" * 32
        found = settings.keys(self.keys_of(f"{new}\n{old}\n"))
        self.assertEqual((new.encode(), (new.encode(), old.encode())), (found.sign, found.accept))

    def test_a_host_signs_with_its_own_key_and_knows_those_of_no_others(self) -> None:
        found = settings.keys(self.keys_of(f"{'n' * 64}\n{'o' * 64}\n", name="host_key_file"))
        self.assertEqual((None, (), (b"n" * 64, b"o" * 64), None), (found.sign, found.accept, found.own, found.of))

    def test_a_controller_derives_the_keys_of_all_and_its_own(self) -> None:
        new, old = b"n" * 32, b"o" * 32
        found = settings.keys(self.keys_of(f"{new.decode()}\n{old.decode()}\n", name="master_key_file"))
        assert found.of is not None
        self.assertEqual((hostkeys.derive(new, "host:compute-0"), hostkeys.derive(old, "host:compute-0")), found.own)
        self.assertEqual(tuple(hostkeys.derive(key, "host:compute-7") for key in (new, old)), found.of("compute-7"))

    @ddt.data(("k" * 32, 0o644, "can be read by others"), ("short", 0o600, "32 to 64 bytes"), ("", 0o600, "32 to 64"))
    @ddt.unpack
    def test_keys_that_are_no_secret_are_refused(self, text: str, mode: int, said: str) -> None:
        refused = self.assertRaises(settings.SettingsError, settings.keys, self.keys_of(text, mode))
        self.assertIn(said, str(refused))
