# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

from mtce.pmon import conf_dirs
from mtce.pmon.conf import ProcessConf
from mtce.tests.unit.pmon.harness import DirectoryTest

IGNORED = "[process]\nprocess = {}\nmode = ignore\n"


class ConfDirsTest(DirectoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.dirs = [self.directory / "a", self.directory / "b", self.directory / "absent"]
        for directory in self.dirs[:2]:
            directory.mkdir()

    def file(self, directory: int, name: str, text: str) -> Path:
        path = self.dirs[directory] / name
        path.write_text(text)
        return path

    def test_files_are_read_in_order_and_the_first_of_a_name_counts(self) -> None:
        self.file(1, "0.conf", IGNORED.format("x"))
        first = self.file(0, "9.conf", IGNORED.format("x"))
        self.file(0, "1.conf", IGNORED.format("y"))
        self.file(0, "ignored.txt", "noise")
        confs, problems = conf_dirs.read(self.dirs, {})
        self.assertEqual(["y", "x"], list(confs))
        self.assertEqual(str(first), confs["x"].path)
        self.assertEqual(1, len(problems))

    def test_links_are_followed(self) -> None:
        target = self.directory / "elsewhere"
        target.write_text(IGNORED.format("x"))
        (self.dirs[0] / "x.conf").symlink_to(target)
        self.assertEqual(["x"], list(conf_dirs.read(self.dirs, {})[0]))

    def test_a_file_that_became_bad_keeps_its_process(self) -> None:
        path = self.file(0, "x.conf", "spoilt")
        current = ProcessConf("x", path=str(path))
        confs, problems = conf_dirs.read(self.dirs, {"x": current})
        self.assertEqual({"x": current}, confs)
        self.assertEqual(1, len(problems))

    def test_a_process_may_move_to_another_file(self) -> None:
        self.file(0, "new.conf", IGNORED.format("x"))
        confs, problems = conf_dirs.read(self.dirs, {"x": ProcessConf("x", path=str(self.dirs[0] / "old.conf"))})
        self.assertEqual((["x"], []), (list(confs), problems))

    def test_a_huge_file_is_refused_without_being_read(self) -> None:
        self.file(0, "huge.conf", "#" * 1_000_000)
        confs, problems = conf_dirs.read(self.dirs, {})
        self.assertEqual({}, confs)
        self.assertIn("larger than", str(problems[0]))
