# SPDX-License-Identifier: Apache-2.0

import json
import os

from mtce.pmon import state_file
from mtce.pmon.conf import Severity
from mtce.pmon.identity import Identity
from mtce.pmon.state_file import Saved
from mtce.tests.unit.pmon.harness import DirectoryTest

SAVED = {
    "plain": Saved(),
    "full": Saved(2, 1, 9, Severity.CRITICAL, "killed", True, True, Identity(17, 4711)),
    "doubtful": Saved(owes_clear=True),
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
        self.assertIsNone(state_file.load(self.path))

    def test_only_alarms_are_known_from_before_the_last_boot(self) -> None:
        state_file.save(self.path, SAVED)
        content = json.loads(self.path.read_text())
        content["boot_id"] = "another"
        self.path.write_text(json.dumps(content))
        self.assertEqual({name: Saved(owes_clear=True) for name in ("full", "doubtful")}, state_file.load(self.path))

    def test_a_file_of_the_first_release_is_read(self) -> None:
        state_file.save(self.path, SAVED)
        content = json.loads(self.path.read_text())
        for values in content["processes"].values():
            del values["owes_clear"]
        self.path.write_text(json.dumps(content))
        self.assertEqual(SAVED | {"doubtful": Saved()}, state_file.load(self.path))

    def test_alarms_are_on_the_disk_when_a_save_returns(self) -> None:
        synced: list[str] = []
        self.patch(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
        state_file.save(self.path, {"well": Saved(2, is_up=True)})
        self.assertEqual([], synced)
        for saved in (Saved(alarm=Severity.MINOR), Saved(owes_clear=True)):
            state_file.save(self.path, {"x": saved})
            self.assertEqual([f"{self.path}.new", str(self.directory)], synced)
            synced.clear()

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
            self.assertIsNone(state_file.load(self.path), text)
        self.path.write_bytes(b"\xff")
        self.assertIsNone(state_file.load(self.path))

    def test_a_failed_save_leaves_the_old_file(self) -> None:
        state_file.save(self.path, SAVED)
        (self.directory / "state.new").mkdir()
        self.assertRaises(OSError, state_file.save, self.path, {})
        self.assertEqual(SAVED, state_file.load(self.path))
