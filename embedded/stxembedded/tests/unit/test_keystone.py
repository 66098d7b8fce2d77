# SPDX-License-Identifier: Apache-2.0
"""Parts of the Keystone process that need no Keystone."""

import base64
from pathlib import Path

import dogpile.cache
import fixtures
from oslotest import base

from stxembedded import keystone


class KeysTest(base.BaseTestCase):
    def test_keys_are_made_once_and_private(self) -> None:
        repository = Path(self.useFixture(fixtures.TempDir()).path) / "a" / "fernet"
        keystone.make_keys(repository)
        keys = {path.name: path.read_bytes() for path in repository.iterdir()}
        self.assertEqual(keys.keys(), {"0", "1"})
        self.assertNotEqual(keys["0"], keys["1"])
        self.assertEqual({len(base64.urlsafe_b64decode(key)) for key in keys.values()}, {32})
        self.assertEqual(repository.stat().st_mode & 0o777, 0o700)
        self.assertEqual({path.stat().st_mode & 0o777 for path in repository.iterdir()}, {0o600})
        keystone.make_keys(repository)
        self.assertEqual({path.name: path.read_bytes() for path in repository.iterdir()}, keys)


class BoundedTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("stxembedded.keystone.CACHE_ENTRIES", 3))
        self.region = dogpile.cache.make_region().configure("dogpile.cache.memory_pickle", wrap=[keystone.Bounded])

    def stored(self) -> dict[str, bytes]:
        stored: dict[str, bytes] = self.region.actual_backend._cache
        return stored

    def test_cache_gives_back_a_copy_of_what_it_got(self) -> None:
        value = {"roles": ["admin"]}
        self.region.set("a", value)
        self.region.set_multi({"b": value})
        found = self.region.get("a")
        self.assertEqual((found, self.region.get("b")), (value, value))
        self.assertIsNot(found, value)
        self.region.delete("a")
        self.assertIs(self.region.get("a"), dogpile.cache.api.NO_VALUE)

    def test_full_cache_starts_over(self) -> None:
        for number in range(100):
            self.region.set(str(number), number)
            self.assertLessEqual(len(self.stored()), 3)
            self.assertEqual(self.region.get(str(number)), number)
