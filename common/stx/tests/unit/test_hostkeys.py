# SPDX-License-Identifier: Apache-2.0
"""Keys of hosts: derived, and read from files that nobody else can read."""

import hashlib
import hmac
import pathlib

import ddt
import fixtures
from oslotest import base

from stx import hostkeys

MASTER = b"m" * 32


@ddt.ddt
class KeysTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "key"

    def write(self, text: str, mode: int = 0o600) -> pathlib.Path:
        self.path.write_text(text)
        self.path.chmod(mode)
        return self.path

    def test_a_host_s_key_is_the_code_of_its_name_by_the_master_key(self) -> None:
        made = hostkeys.derive(MASTER, hostkeys.of_host("compute-0"))
        self.assertEqual(hmac.new(MASTER, b"host:compute-0", hashlib.sha256).hexdigest().encode(), made)

    def test_no_host_is_called_such_that_its_key_is_that_of_controllers(self) -> None:
        self.assertNotEqual(hostkeys.CONTROLLERS, hostkeys.of_host(hostkeys.CONTROLLERS))
        self.assertEqual(("controllers", None), (hostkeys.host_of("host:controllers"), hostkeys.host_of("controllers")))

    def test_a_derived_key_can_be_put_in_a_file(self) -> None:
        made = hostkeys.derive(MASTER, "host:compute-0")
        self.assertEqual((made,), hostkeys.read(self.write(f"{made.decode()}\n")))

    def test_each_master_key_gives_one_in_its_order(self) -> None:
        of_name = hostkeys.deriver((MASTER, b"o" * 32))
        self.assertEqual((hostkeys.derive(MASTER, "x"), hostkeys.derive(b"o" * 32, "x")), of_name("x"))
        self.assertEqual((), hostkeys.deriver(())("x"))

    @ddt.data(("k" * 32, 0o644, "can be read by others"), ("short", 0o600, "32 to 64 bytes"), ("", 0o600, "32 to 64"))
    @ddt.unpack
    def test_keys_that_are_no_secret_are_refused(self, text: str, mode: int, said: str) -> None:
        self.assertIn(said, str(self.assertRaises(ValueError, hostkeys.read, self.write(text, mode))))

    def test_a_file_that_is_not_there_is_named(self) -> None:
        self.assertIn(str(self.path), str(self.assertRaises(ValueError, hostkeys.read, self.path)))
