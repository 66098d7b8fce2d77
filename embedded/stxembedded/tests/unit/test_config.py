# SPDX-License-Identifier: Apache-2.0
"""The layout and the configuration files."""

import os
from pathlib import Path

import fixtures
from oslo_config import cfg
from oslotest import base

from stx import exception
from stxembedded import config
from stxembedded.config import Layout


class ConfigTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.data_dir = Path(self.useFixture(fixtures.TempDir()).path) / "my data"
        self.layout = Layout(self.data_dir, "duplex", "127.0.0.2", {**config.PORTS, "platform": 7000})

    def test_choices_are_kept(self) -> None:
        self.layout.save()
        self.assertEqual(Layout.load(self.data_dir), self.layout)

    def test_without_choices_the_well_known_ones_count(self) -> None:
        self.assertEqual(Layout.load(self.data_dir), Layout(self.data_dir))
        self.assertEqual(Layout.load(self.data_dir).url("faultmanagement"), "http://127.0.0.1:18002")
        self.assertFalse(self.data_dir.exists())

    def test_damaged_choices_are_told(self) -> None:
        self.layout.save()
        for content in ("{", "[]", "{}"):
            (self.data_dir / "layout.json").write_text(content)
            refused = self.assertRaises(exception.ConfigurationError, Layout.load, self.data_dir)
            self.assertIn("layout.json", refused.message)

    def test_everything_is_private(self) -> None:
        self.layout.save()
        config.write_configuration(self.layout, config.load_passwords(self.layout))
        for path in (self.data_dir, *self.data_dir.rglob("*")):
            self.assertEqual(path.stat().st_mode & 0o077, 0, str(path))

    def test_the_host_of_an_evaluation_is_neither_rebooted_nor_judged_by_other_work_on_it(self) -> None:
        options = config.host_options(self.layout)
        self.assertEqual({"may_reboot": False}, options["mtce"])
        self.assertEqual({"enabled": False}, options["mtce_resources"])

    def test_directory_that_was_there_keeps_its_mode_and_what_is_made_in_it_is_private(self) -> None:
        self.data_dir.mkdir()
        # That of /tmp, which is given by mistake.
        self.data_dir.chmod(0o1777)
        self.layout.save()
        config.write_configuration(self.layout, config.load_passwords(self.layout))
        self.assertEqual(self.data_dir.stat().st_mode & 0o7777, 0o1777)
        for path in self.data_dir.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, str(path))

    def test_directory_that_cannot_be_used_is_told(self) -> None:
        occupied = self.data_dir.parent / "file"
        occupied.touch()
        refused = self.assertRaises(exception.ConfigurationError, Layout(occupied).save)
        self.assertIn("Choose another --data-dir", refused.message)

    def test_directory_whose_name_means_something_in_urls_is_refused(self) -> None:
        for name in ("a?b", "a#b", "a%b", "a$b", "a;b", "a\nb"):
            refused = self.assertRaises(exception.ConfigurationError, Layout(self.data_dir / name).check)
            self.assertIn("Choose a --data-dir", refused.message)

    def test_directory_too_long_for_sockets_is_told(self) -> None:
        refused = self.assertRaises(exception.ConfigurationError, Layout(self.data_dir / ("x" * 80)).check)
        self.assertIn("too long", refused.message)

    def test_address_that_the_catalogue_could_send_nobody_to_is_refused(self) -> None:
        for address in ("0.0.0.0", "::"):
            refused = self.assertRaises(exception.ConfigurationError, Layout(self.data_dir, address=address).check)
            self.assertIn("Give the --address", refused.message)
        for address in ("127.0.0.1", "::1", "localhost"):
            Layout(self.data_dir, address=address).check()

    def test_passwords_are_made_once_and_differ(self) -> None:
        self.layout.save()
        passwords = config.load_passwords(self.layout)
        self.assertEqual(len(set(passwords.values())), 6)
        self.assertTrue(all(len(password) >= 32 for password in passwords.values()))
        self.assertTrue(self.layout.passwords_pending.exists())
        self.layout.passwords_pending.unlink()
        self.assertEqual(config.load_passwords(self.layout), passwords)
        self.assertFalse(self.layout.passwords_pending.exists())

    def test_damaged_passwords_are_made_anew(self) -> None:
        self.layout.save()
        config.load_passwords(self.layout)
        for content in ("", "[]", '{"admin": 7}', '{"admin": "a"'):
            config.write_private(self.data_dir / "passwords.json", content)
            self.assertEqual(config.read_passwords(self.layout), {})
            self.assertEqual(len(set(config.load_passwords(self.layout).values())), 6)

    def test_missing_password_is_made_beside_the_others(self) -> None:
        self.layout.save()
        passwords = config.load_passwords(self.layout)
        self.layout.passwords_pending.unlink()
        config.write_private(self.data_dir / "passwords.json", '{"admin": "kept"}')
        again = config.load_passwords(self.layout)
        self.assertEqual((again["admin"], again.keys()), ("kept", passwords.keys()))
        self.assertTrue(self.layout.passwords_pending.exists())

    def test_files_say_to_the_processes_what_was_chosen(self) -> None:
        self.layout.save()
        passwords = config.load_passwords(self.layout)
        config.write_configuration(self.layout, passwords)
        conf = cfg.ConfigOpts()
        conf.register_opts([cfg.StrOpt("host"), cfg.StrOpt("state_path")])
        conf.register_opts([cfg.StrOpt("bind_host"), cfg.PortOpt("bind_port")], group="sysinv_api")
        conf.register_opts([cfg.StrOpt("username"), cfg.StrOpt("password")], group="keystone_authtoken")
        conf(["--config-file", str(self.layout.stx_conf)])
        self.assertEqual((conf.host, conf.state_path), ("controller-0", str(self.layout.state_dir)))
        self.assertEqual((conf.sysinv_api.bind_host, conf.sysinv_api.bind_port), ("127.0.0.2", 7000))
        self.assertEqual((conf.keystone_authtoken.username, conf.keystone_authtoken.password), ("sysinv", passwords["sysinv"]))

    def test_file_says_who_has_written_it(self) -> None:
        text = config.ini({"DEFAULT": {"Host": "controller-0"}, "pmon": {"pulse_port": 0}}, "the lab")
        comment, _, rest = text.partition("\n")
        self.assertEqual(comment, "# Written by the lab; changes made here are lost.")
        self.assertEqual(rest.split(), ["[DEFAULT]", "host", "=", "controller-0", "[pmon]", "pulse_port", "=", "0"])

    def test_shell_variables_are_those_of_the_user_and_quoted_only_where_they_must_be(self) -> None:
        lines = config.exports(config.login_variables(self.layout, "reader", "it's"))
        self.assertIn("export OS_AUTH_URL=http://127.0.0.2:5000/v3", lines)
        self.assertIn("export OS_USERNAME=reader", lines)
        self.assertIn("""export OS_PASSWORD='it'"'"'s'""", lines)

    def test_ipv6_address_stands_in_brackets_in_urls(self) -> None:
        self.assertEqual(Layout(self.data_dir, address="::1").url("platform"), "http://[::1]:6385")

    def test_service_users_work_for_the_platform_and_others_only_look_or_operate(self) -> None:
        users = {
            user.name: user for user in self.layout.users(dict.fromkeys(("sysinv", "fm", "mtce", "operator", "reader"), "x"))
        }
        self.assertEqual((users["fm"].project, users["fm"].roles), ("services", ("admin", "service")))
        self.assertEqual((users["reader"].project, users["reader"].roles), ("admin", ("reader",)))
        self.assertNotIn("x'", repr(users["fm"]))

    def test_data_directory_follows_the_environment(self) -> None:
        for variables, wanted in (
            ({"STX_DATA_DIR": "/a", "XDG_DATA_HOME": "/b"}, "/a"),
            ({"STX_DATA_DIR": None, "XDG_DATA_HOME": "/b"}, "/b/starlingx"),
            ({"STX_DATA_DIR": None, "XDG_DATA_HOME": None, "HOME": "/c"}, "/c/.local/share/starlingx"),
            ({"STX_DATA_DIR": "~/d"}, "/c/d"),
            ({"STX_DATA_DIR": "d"}, f"{os.getcwd()}/d"),
        ):
            for name, value in variables.items():
                self.useFixture(fixtures.EnvironmentVariable(name, value))
            self.assertEqual(config.default_data_dir(), Path(wanted))

    def test_calls_are_told_as_the_user_calls(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("STX_DATA_DIR", "/my data"))
        self.useFixture(fixtures.EnvironmentVariable("STX_COMMAND", "./stx"))
        self.assertEqual(Layout(config.default_data_dir()).call("down"), "./stx down")
        self.assertEqual(Layout(Path("/other data")).call("env"), "./stx env --data-dir '/other data'")
        self.useFixture(fixtures.EnvironmentVariable("STX_COMMAND"))
        self.assertEqual(Layout(config.default_data_dir()).call("up"), "stx up")

    def test_file_that_cannot_be_replaced_leaves_nothing_behind_either(self) -> None:
        (self.data_dir / "occupied").mkdir(parents=True)
        self.assertRaises(IsADirectoryError, config.write_private, self.data_dir / "occupied", "{}")
        self.assertEqual(os.listdir(self.data_dir), ["occupied"])

    def test_replaced_file_leaves_nothing_else_behind(self) -> None:
        self.layout.save()
        before = set(os.listdir(self.data_dir))
        config.write_private(self.data_dir / "layout.json", "{}")
        self.assertEqual(set(os.listdir(self.data_dir)), before)
