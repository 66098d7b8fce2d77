# SPDX-License-Identifier: Apache-2.0
"""The processes, and the files about them that the process monitors read."""

from pathlib import Path

import fixtures
from oslo_config import cfg
from oslotest import base

from mtce.pmon import conf
from mtce.pmon import pulse as monitor
from stx import pulse
from stxembedded import config, keystone, units
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

    def test_every_process_is_asked_at_the_port_at_which_its_configuration_has_it_answer(self) -> None:
        config.write_configuration(self.layout, config.load_passwords(self.layout))
        asked = {}
        for unit in self.units:
            parsed, _ = conf.parse("x", units.drop_in(self.layout, unit).encode())
            assert parsed is not None
            asked[unit.name] = (parsed.mode, parsed.port)
            options = cfg.ConfigOpts()
            options.register_opts(pulse.pulse_opts, group="pulse")
            options.register_opts([opt for opt in keystone.opts if opt.name == "pulse_port"], group=keystone.GROUP)
            options([f"--config-file={word}" for word in unit.argv if word.endswith(".conf")])
            port = options[keystone.GROUP].pulse_port if unit.name == "keystone" else options.pulse.port
            self.assertEqual(asked[unit.name], (conf.Mode.ACTIVE, port))
        self.assertEqual(len(set(asked.values())), len(self.units))

    def test_process_monitor_and_processes_understand_each_other(self) -> None:
        answer = pulse.answer(monitor.question("mtce-client", 17))
        assert answer is not None
        self.assertEqual(monitor.parse_answer(answer), ("mtce-client", 17))

    def test_host_watches_the_rest_and_the_controller_watches_the_host(self) -> None:
        units.write_drop_ins(self.layout, self.units)
        self.assertEqual({path.name for path in self.layout.pmon_dir.iterdir()}, {"keystone.conf", "controller.conf"})
        self.assertEqual({path.name for path in self.layout.guard_dir.iterdir()}, {"mtce-client.conf"})

    def test_every_port_has_a_process_that_wants_it(self) -> None:
        self.assertEqual({service for unit in self.units for service in unit.services}, set(self.layout.ports))

    def test_no_secret_is_an_argument(self) -> None:
        for unit in self.units:
            self.assertNotIn("password", " ".join(unit.argv))
