# SPDX-License-Identifier: Apache-2.0
"""The processes, and the files about them that the process monitors read."""

from pathlib import Path

import fixtures
from oslotest import base

from mtce.pmon import conf
from stxembedded import units
from stxembedded.config import Layout


class UnitsTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.layout = Layout(Path(self.useFixture(fixtures.TempDir()).path) / "my data")
        self.layout.save()
        self.units = units.all_units(self.layout)

    def test_process_monitor_accepts_every_file_and_runs_what_up_runs(self) -> None:
        for unit in self.units:
            parsed, problems = conf.parse("x", units.drop_in(self.layout, unit).encode())
            assert parsed is not None
            self.assertEqual(problems, [])
            self.assertEqual((parsed.name, parsed.command), (unit.name, unit.argv))
            self.assertEqual(parsed.pidfile, str(self.layout.pid_file(unit.name)))

    def test_host_watches_the_rest_and_the_controller_watches_the_host(self) -> None:
        units.write_drop_ins(self.layout, self.units)
        self.assertEqual({path.name for path in self.layout.pmon_dir.iterdir()}, {"keystone.conf", "controller.conf"})
        self.assertEqual({path.name for path in self.layout.guard_dir.iterdir()}, {"mtce-client.conf"})

    def test_every_port_has_a_process_that_wants_it(self) -> None:
        self.assertEqual({service for unit in self.units for service in unit.services}, set(self.layout.ports))

    def test_no_secret_is_an_argument(self) -> None:
        for unit in self.units:
            self.assertNotIn("password", " ".join(unit.argv))
