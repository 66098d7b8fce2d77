# SPDX-License-Identifier: Apache-2.0

from oslotest import base

from mtce.pmon import actions
from mtce.pmon.conf import Mode, ProcessConf, Style


class ActionsTest(base.BaseTestCase):
    def both(self, conf: ProcessConf) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return actions.start_argv(conf, "systemctl"), actions.stop_argv(conf, "systemctl")

    def test_a_unit_comes_first(self) -> None:
        conf = ProcessConf("x", service="unit", script="/s", command=("c",))
        self.assertEqual((("systemctl", "restart", "unit"), ("systemctl", "stop", "unit")), self.both(conf))

    def test_an_lsb_script_restarts_and_an_ocf_script_starts(self) -> None:
        self.assertEqual((("/s", "restart"), ("/s", "stop")), self.both(ProcessConf("x", script="/s", command=("c",))))
        self.assertEqual((("/s", "start"), ("/s", "stop")), self.both(ProcessConf("x", script="/s", style=Style.OCF)))

    def test_a_command_is_run_itself_and_has_no_stop_action(self) -> None:
        self.assertEqual((("c", "d"), ()), self.both(ProcessConf("x", command=("c", "d"))))

    def test_in_status_mode_the_script_gets_the_arguments_of_the_file(self) -> None:
        conf = ProcessConf("x", mode=Mode.STATUS, script="/s", service="unit", start_arg="go", status_arg="see", pidfile="/p")
        self.assertEqual((("/s", "go"), ("/s", "stop")), self.both(conf))
        self.assertEqual(("/s", "see"), actions.look_argv(conf, "systemctl"))

    def test_a_unit_is_looked_at_where_there_is_no_pidfile(self) -> None:
        self.assertEqual((), actions.look_argv(ProcessConf("x", service="unit", pidfile="/p"), "systemctl"))
        expected = ("systemctl", "show", "-p", "MainPID", "unit")
        self.assertEqual(expected, actions.look_argv(ProcessConf("x", service="unit"), "systemctl"))

    def test_the_main_pid_is_read_from_what_systemctl_says(self) -> None:
        self.assertEqual(4711, actions.main_pid(b"MainPID=4711\n"))
        for output in (b"MainPID=0\n", b"", b"Failed to connect to bus\n", b"ControlPID=1\n"):
            self.assertEqual(0, actions.main_pid(output))
