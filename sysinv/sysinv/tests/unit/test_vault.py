# SPDX-License-Identifier: Apache-2.0
"""Secrets and the file with their key."""

import concurrent.futures
import os

from stx import exception, testing
from sysinv import conf, vault

SECRET = "Sécret*1"


class VaultTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform = self.useFixture(testing.Platform())
        conf.register()
        self.file = self.platform.path / "sysinv.key"

    def test_a_secret_is_read_with_the_key_that_it_was_written_with(self) -> None:
        stored = vault.encrypt(SECRET)
        self.assertNotIn(SECRET, stored)
        self.assertEqual(SECRET, vault.decrypt(stored))

    def test_the_same_secret_looks_different_each_time(self) -> None:
        self.assertNotEqual(vault.encrypt(SECRET), vault.encrypt(SECRET))

    def test_the_longest_password_has_its_place(self) -> None:
        self.assertLessEqual(len(vault.encrypt("x" * 255)), 1023)

    def test_the_key_is_made_at_first_need_and_is_the_services_alone(self) -> None:
        self.assertFalse(self.file.exists())
        vault.encrypt(SECRET)
        self.assertEqual((0o600, ["sysinv.key"]), (self.file.stat().st_mode & 0o777, os.listdir(self.platform.path)))

    def test_its_directory_is_made_too(self) -> None:
        self.platform.conf.config(group="sysinv_conductor", secret_key_file=str(self.platform.path / "a" / "b" / "key"))
        self.assertEqual(SECRET, vault.decrypt(vault.encrypt(SECRET)))

    def test_of_many_who_make_a_key_one_counts(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(vault.encrypt, [SECRET] * 16))
        self.assertEqual({SECRET}, {vault.decrypt(each) for each in stored})

    def test_a_secret_of_another_key_is_lost(self) -> None:
        stored = vault.encrypt(SECRET)
        self.file.unlink()
        self.assert_raises_with(vault.SecretLost, f"It was not encrypted with the key in {self.file}.", vault.decrypt, stored)

    def test_a_file_that_has_no_key_is_named(self) -> None:
        for content in ("", "x"):
            self.file.write_text(content)
            self.assert_raises_with(exception.ConfigurationError, f"from {self.file}: it is no key.", vault.encrypt, SECRET)

    def test_a_file_that_cannot_be_made_is_named(self) -> None:
        self.platform.conf.config(group="sysinv_conductor", secret_key_file="/proc/none/key")
        self.assert_raises_with(exception.ConfigurationError, "cannot be had from /proc/none/key:", vault.encrypt, SECRET)
