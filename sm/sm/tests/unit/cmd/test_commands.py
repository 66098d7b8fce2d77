# SPDX-License-Identifier: Apache-2.0
"""sm-configure, sm-provision, sm-dump, sm-query and sm-fence, as they are typed."""

import contextlib
import io
import json
import pathlib
from collections.abc import Callable, Sequence
from unittest import mock

import fixtures
from oslotest import base

from sm import control, lease, model
from sm.cmd import configure, dump, fence
from sm.db import Database
from sm.fencing import FENCING
from sm.keeper import Keeper

SET = """
node: controller-0
cluster: a
services:
  web: {lsb: web}
  wire: {address: true, parameters: {ip: 10.0.0.2, prefix: 24, device: mgmt}}
groups: {g: {services: {web: critical, wire: minor}}}
"""


class CommandTest(base.BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (self.directory / "set.yaml").write_text(SET)
        self.assertEqual(0, self.configure("load", "--without-shipped", str(self.directory / "set.yaml"))[0])

    def call(self, command: Callable[[Sequence[str]], int], *words: str) -> tuple[int, str]:
        """The exit code, and what was printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = command(words)
            except SystemExit as error:
                code = int(error.code or 0)
        return code, said.getvalue()

    def configure(self, *words: str) -> tuple[int, str]:
        return self.call(configure.main, "--state-path", str(self.directory), *words)

    def model(self) -> model.Model:
        database = Database(self.directory / "sm.db")
        self.addCleanup(database.close)
        return model.load(database)


class ConfigureTest(CommandTest):
    def test_what_is_loaded_is_told_and_there(self) -> None:
        code, said = self.configure("load", "--without-shipped", str(self.directory / "set.yaml"))
        self.assertEqual((0, "2 services in 1 groups are configured. They run from the next start of sm on.\n"), (code, said))
        self.assertEqual({"web", "wire"}, set(self.model().services))

    def test_a_file_that_cannot_be_used_changes_nothing(self) -> None:
        (self.directory / "set.yaml").write_text(SET.replace("web: critical", "web: awful"))
        code, said = self.configure("load", "--without-shipped", str(self.directory / "set.yaml"))
        self.assertEqual(1, code)
        self.assertIn("set.yaml: groups.g: Invalid enum value 'awful'", said)
        self.assertEqual({"web", "wire"}, set(self.model().services))

    def test_a_file_that_is_not_there_is_named(self) -> None:
        code, said = self.configure("load", "/nowhere.yaml")
        self.assertEqual((1, "sm-configure: /nowhere.yaml: No such file or directory\n"), (code, said))

    def test_files_of_the_same_name_are_all_read(self) -> None:
        other = self.directory / "other" / "set.yaml"
        other.parent.mkdir()
        other.write_text("services: {more: {lsb: more}}\ngroups: {g: {services: {more: minor}}}\n")
        self.assertEqual(0, self.configure("load", "--without-shipped", str(self.directory / "set.yaml"), str(other))[0])
        self.assertEqual({"web", "wire", "more"}, set(self.model().services))

    def test_a_file_that_is_no_text_is_refused(self) -> None:
        (self.directory / "set.yaml").write_bytes(b"node: \xff")
        code, said = self.configure("load", str(self.directory / "set.yaml"))
        self.assertEqual(1, code)
        self.assertIn("set.yaml is no YAML: it is not in UTF-8, from byte 6 on.", said)

    def test_the_first_controller_is_made_once(self) -> None:
        self.assertEqual((0, "controller-0 is the first controller.\n"), self.configure("first"))
        self.assertEqual({"controller-0"}, Keeper(self.directory).kept.record.voters)
        code, said = self.configure("first")
        self.assertEqual(1, code)
        self.assertIn("has voted in a system before", said)

    def test_parameters_of_a_service_are_set(self) -> None:
        self.assertEqual(0, self.configure("service_instance", "web", "web", "port=80,config=/etc/web")[0])
        self.assertEqual({"port": "80", "config": "/etc/web"}, self.model().services["web"].parameters)
        code, said = self.configure("service_instance", "nothing", "nothing", "a=b")
        self.assertEqual((1, True), (code, "There is no service nothing." in said))

    def test_what_is_not_provisioned_is_left_out_until_it_is(self) -> None:
        for command, expected in ((configure.deprovision, {"wire"}), (configure.provision, {"web", "wire"})):
            code, _ = self.call(command, "--state-path", str(self.directory), "service", "web")
            self.assertEqual((0, expected), (code, set(self.model().services)))
        code, said = self.call(configure.provision, "--state-path", str(self.directory), "service-group", "h")
        self.assertEqual((1, "sm-provision: There is no service-group h.\n"), (code, said))

    def test_help_has_an_example(self) -> None:
        for command in (configure.main, configure.provision, dump.main, dump.query):
            code, said = self.call(command, "--help")
            self.assertEqual((0, True), (code, "example:" in said))


class DumpTest(CommandTest):
    def dump(self, *words: str) -> tuple[int, str]:
        return self.call(dump.main, "--run-path", str(self.directory), *words)

    def query(self, *words: str) -> tuple[int, str]:
        return self.call(dump.query, "--run-path", str(self.directory), *words)

    def test_people_see_groups_and_services(self) -> None:
        code, said = self.dump("--verbose", "--impact")
        self.assertEqual(0, code)
        self.assertRegex(said, r"(?m)^-Service_Groups-+$")
        self.assertRegex(said, r"(?m)^web +initial +initial +critical$")

    def test_programs_see_them_too(self) -> None:
        found = json.loads(self.dump("-f", "json")[1])
        self.assertEqual(["web", "wire"], [service["name"] for service in found["services"]])

    def test_one_line_for_scripts(self) -> None:
        self.assertEqual((0, "web is initial\nnothing is disabled\n"), self.query("service", "web", "nothing"))
        self.assertEqual((0, "g initial initial\nh not provisioned\n"), self.query("service-group", "--desired-state", "g", "h"))

    def test_without_a_process_it_is_said_what_to_look_at(self) -> None:
        code, said = self.call(dump.main, "--run-path", "/nowhere")
        self.assertEqual((1, "sm-dump: /nowhere/sm.db is not there. Is sm.service at work on this host?\n"), (code, said))
        self.assertIn("does not answer on this host", self.dump("--lease")[1])


class AloneTest(CommandTest):
    def alone(self, *words: str) -> tuple[int, str]:
        return self.configure("alone", "--run-path", str(self.directory / "run"), *words)

    def keep(self, *eligible: str) -> None:
        record = lease.Record(4, 2, frozenset({"controller-0", "controller-1", FENCING}), frozenset(eligible))
        Keeper(self.directory).keep(lease.Kept(7, "controller-1", record))

    def test_one_that_has_all_data_goes_on_alone_in_a_term_of_its_own(self) -> None:
        self.keep("controller-0", "controller-1")
        self.assertEqual((0, "controller-0 goes on alone. Start it: systemctl start sm\n"), self.alone())
        own = frozenset({"controller-0"})
        self.assertEqual(lease.Kept(8, "controller-0", lease.Record(8, 0, own, own)), Keeper(self.directory).kept)

    def test_one_that_may_lack_data_does_so_only_when_that_is_said(self) -> None:
        self.keep("controller-1")
        code, said = self.alone()
        self.assertEqual(1, code)
        self.assertIn("only controller-1 has it. If that is lost for good: sm-configure alone --lose-data", said)
        self.assertEqual(7, Keeper(self.directory).kept.term)
        self.assertEqual(0, self.alone("--lose-data")[0])

    def test_one_that_never_voted_has_nothing_to_go_on_with(self) -> None:
        self.assertIn("To begin a new one: sm-configure first", self.alone()[1])

    def test_one_whose_sm_is_at_work_is_left_alone(self) -> None:
        self.keep("controller-0")
        with mock.patch.object(control, "ask", return_value={}):
            self.assertIn("Stop it first: systemctl stop sm", self.alone()[1])
        self.assertEqual(7, Keeper(self.directory).kept.term)


class FenceTest(CommandTest):
    def fence(self, *words: str) -> tuple[int, str]:
        return self.call(fence.main, "--state-path", str(self.directory), *words)

    def test_a_host_whose_board_nobody_has_told_of_is_refused(self) -> None:
        code, said = self.fence("controller-1", "status")
        self.assertEqual(1, code)
        self.assertIn("names no board of controller-1. Load a file that does: sm-configure load FILE", said)

    def load(self, password_file: pathlib.Path) -> None:
        board = f"{{type: ipmi, address: 127.0.0.1, username: admin, password-file: {password_file}}}"
        (self.directory / "boards.yaml").write_text(f"peer: controller-1\nboards: {{controller-1: {board}}}")
        files = [str(self.directory / name) for name in ("set.yaml", "boards.yaml")]
        self.assertEqual(0, self.configure("load", "--without-shipped", *files)[0])

    def test_a_password_that_cannot_be_read_is_told(self) -> None:
        self.load(self.directory / "none")
        code, said = self.fence("controller-1", "off")
        self.assertEqual(1, code)
        self.assertIn("The password of controller-1's board cannot be read", said)

    def test_a_password_that_others_may_read_is_refused(self) -> None:
        path = self.directory / "password"
        path.write_text("S3cret")
        path.chmod(0o644)
        self.load(path)
        code, said = self.fence("controller-1", "off")
        self.assertEqual((1, True, False), (code, f"Change that: chmod 600 {path}" in said, "S3cret" in said))

    def test_an_order_that_there_is_not_is_refused(self) -> None:
        self.assertEqual(2, self.fence("controller-1", "reset")[0])
