# SPDX-License-Identifier: Apache-2.0

import json

from mtce.pmon import state_file
from mtce.pmon.conf import Severity
from mtce.pmon.identity import Identity
from mtce.pmon.state_file import Saved
from mtce.tests.unit.pmon.harness import DirectoryTest

SAVED = {
    "plain": Saved(),
    "full": Saved(2, 1, 9, Severity.CRITICAL, "killed", True, True, Identity(17, 4711)),
}


class StateFileTest(DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory / "state"

    def test_what_is_saved_is_loaded(self) -> None:
        state_file.save(self.path, SAVED)
        self.assertEqual(SAVED, state_file.load(self.path))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual(["state"], [path.name for path in self.directory.iterdir()])

    def test_nothing_is_known_without_a_file(self) -> None:
        self.assertEqual({}, state_file.load(self.path))

    def test_a_file_from_before_the_last_boot_does_not_count(self) -> None:
        state_file.save(self.path, SAVED)
        content = json.loads(self.path.read_text())
        content["boot_id"] = "another"
        self.path.write_text(json.dumps(content))
        self.assertEqual({}, state_file.load(self.path))

    def test_a_damaged_file_does_not_count(self) -> None:
        state_file.save(self.path, SAVED)
        good = json.loads(self.path.read_text())
        bad = [
            [],
            7,
            good | {"version": 99},
            good | {"processes": {"x": {}}},
            good | {"processes": {"x": []}},
            good | {"processes": {"x": good["processes"]["full"] | {"identity": 3}}},
            good | {"processes": {"x": good["processes"]["full"] | {"alarm": "grave"}}},
        ]
        for text in ["", "{", "\0", *(json.dumps(content) for content in bad)]:
            self.path.write_text(text)
            self.assertEqual({}, state_file.load(self.path), text)
        self.path.write_bytes(b"\xff")
        self.assertEqual({}, state_file.load(self.path))

    def test_a_failed_save_leaves_the_old_file(self) -> None:
        state_file.save(self.path, SAVED)
        (self.directory / "state.new").mkdir()
        self.assertRaises(OSError, state_file.save, self.path, {})
        self.assertEqual(SAVED, state_file.load(self.path))
