# SPDX-License-Identifier: Apache-2.0
"""Where a lab keeps what."""

import pathlib

import fixtures
from oslotest import base

from stxlab import layout, topology


class LayoutTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = layout.Layout(pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "lab")
        self.layout.make()

    def test_hosts_and_the_layers_under_their_disks_are_remembered(self) -> None:
        wanted, layers = topology.make("standard", 2, 1), [pathlib.Path("/a"), pathlib.Path("/b")]
        self.layout.save(wanted, layers)
        self.assertEqual((wanted, layers), (self.layout.load(), self.layout.layers()))

    def test_without_a_lab_the_command_that_starts_one_is_named(self) -> None:
        self.assertIn("stx lab up", str(self.assertRaises(layout.NoLabError, self.layout.load)))

    def test_a_damaged_description_is_told(self) -> None:
        for content in ("", "{", "[]", '{"shape": "simplex"}', '{"shape": "simplex", "hosts": [{"a": 1}], "layers": []}'):
            self.layout.description.write_text(content)
            self.assertIn("is damaged", str(self.assertRaises(layout.NoLabError, self.layout.load)))

    def test_each_directory_has_a_lab_of_its_own(self) -> None:
        other = layout.Layout(self.layout.directory.with_name("other"))
        self.assertNotEqual(self.layout.name, other.name)
        self.assertEqual(self.layout.name, layout.Layout(self.layout.directory).name)

    def test_the_directory_can_be_chosen(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("STX_LAB_DIR", "/somewhere/else"))
        self.assertEqual(pathlib.Path("/somewhere/else"), layout.default_directory())
