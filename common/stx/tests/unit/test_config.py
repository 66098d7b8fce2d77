# SPDX-License-Identifier: Apache-2.0
"""Tests of how a process reads its configuration."""

import contextlib
import io
import pathlib
import subprocess
import sys

import fixtures
from oslo_config import cfg

from stx import config, testing, version


class ParseTest(testing.TestCase):
    """Each test reads options in a process of its own: parsing sets up the whole process's logging."""

    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _write(self, text: str, name: str = "probe.conf") -> str:
        path = self.path / name
        path.write_text(text)
        return str(path)

    def _parse(self, *argv: str, show: str = "CONF.host") -> subprocess.CompletedProcess[str]:
        program = f"import sys; from stx import config; config.parse(sys.argv[1:], 'probe'); print(config.{show})"
        return subprocess.run([sys.executable, "-c", program, *argv], capture_output=True, text=True, timeout=60)

    def test_options_of_a_file_are_read(self) -> None:
        name = self._write("[DEFAULT]\nhost = compute-7\n[metrics]\nport = 9100\n")

        done = self._parse("--config-file", name, show="CONF.host, config.CONF.metrics.port")

        self.assertEqual(("compute-7 9100\n", ""), (done.stdout, done.stderr))

    def test_wrong_options_end_the_process_with_a_sentence(self) -> None:
        wrong = {
            ("--no-such-option",): "--no-such-option",
            ("--config-file", str(self.path / "absent.conf")): "absent.conf",
            ("--config-file", self._write("host = no section\n")): "probe.conf",
        }
        for argv, named in wrong.items():
            done = self._parse(*argv)

            self.assertNotEqual(0, done.returncode)
            self.assertIn(named, done.stderr)
            self.assertNotIn("Traceback", done.stderr)


class OptionsTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(testing.Platform())

    def test_registering_twice_is_no_error(self) -> None:
        config.register()

        self.assertEqual("controller-0", config.CONF.host)

    def test_the_metrics_page_is_off_and_on_loopback_by_default(self) -> None:
        self.assertEqual(("127.0.0.1", 0), (config.CONF.metrics.bind_host, config.CONF.metrics.port))

    def test_every_option_has_a_help_text_and_a_group(self) -> None:
        options = [(group, option) for group, options in config.list_opts() for option in options]

        self.assertEqual({"DEFAULT", "inproc", "metrics", "pulse"}, {group for group, _ in options})
        self.assertEqual([], [option.name for _, option in options if not option.help])

    def test_the_sample_does_not_carry_the_name_of_the_machine_that_made_it(self) -> None:
        (host,) = (option for option in config.default_opts if option.name == "host")

        self.assertEqual("controller-0", host.sample_default)

    def test_a_malformed_host_name_is_refused(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertRaises(ValueError, config.CONF.set_override, "host", "not a name")

    def test_configuration_files_are_looked_for_in_etc(self) -> None:
        present = {"/etc/starlingx/starlingx.conf", "/etc/starlingx/fm-api.conf"}
        self.useFixture(fixtures.MonkeyPatch("stx.config.os.path.exists", present.__contains__))

        self.assertEqual(["/etc/starlingx/starlingx.conf", "/etc/starlingx/fm-api.conf"], config._default_files("fm-api"))
        self.assertEqual(["/etc/starlingx/starlingx.conf"], config._default_files("fm-manager"))

    def test_the_version_on_the_wire_has_no_maintenance_number(self) -> None:
        self.assertEqual(version.VERSION.split(".")[:2], version.SOFTWARE_VERSION.split("."))
        self.assertIsInstance(config.CONF, cfg.ConfigOpts)
