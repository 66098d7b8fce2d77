# SPDX-License-Identifier: Apache-2.0
"""Groups of processes that go while they are looked at."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import fixtures
from oslotest import base

from stxlab import groups


class GoneTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    @contextlib.contextmanager
    def gone(self, *files: str) -> Iterator[groups.Group]:
        """A group whose files are there, but cannot be read any more."""
        group = groups.Group("gone")
        group.make()
        for directory in group.entrances:
            for name in files:
                pathlib.Path(directory).with_name(name).touch()
        with mock.patch.object(pathlib.Path, "read_text", side_effect=OSError):
            yield group

    def test_one_of_version_1_is_not_frozen(self) -> None:
        (self.root / "freezer").mkdir()
        (self.root / "freezer/cgroup.procs").touch()
        with mock.patch.object(groups, "ROOT", self.root), self.gone("freezer.state") as group:
            self.assertIs(False, group.is_frozen())
            self.assertIs(True, group.is_settled())

    def test_one_of_version_2_is_not_frozen(self) -> None:
        (self.root / "cgroup.controllers").touch()
        with mock.patch.object(groups, "ROOT", self.root), self.gone("cgroup.freeze", "cgroup.events") as group:
            self.assertIs(False, group.is_frozen())
            self.assertIs(True, group.is_settled())


class MakeTest(base.BaseTestCase):
    def test_it_is_made_though_another_lab_takes_along_what_it_would_be_in(self) -> None:
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (root / "cgroup.controllers").touch()
        mkdir = pathlib.Path.mkdir
        gone = iter([True, True])

        def racing(path: pathlib.Path, *arguments: Any, **options: Any) -> None:
            if path.name == "lab" and (root / groups.NAMESPACE).exists() and next(gone, False):
                (root / groups.NAMESPACE).rmdir()
            mkdir(path, *arguments, **options)

        with mock.patch.object(groups, "ROOT", root), mock.patch.object(pathlib.Path, "mkdir", racing):
            mkdir(root / groups.NAMESPACE)
            groups.Group("lab").make()
        self.assertTrue((root / groups.NAMESPACE / "lab").is_dir())
