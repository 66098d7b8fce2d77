# SPDX-License-Identifier: Apache-2.0
"""Drop-in files, good, bad and random."""

import dataclasses

from hypothesis import example, given, settings
from hypothesis import strategies as st
from oslotest import base

from mtce.pmon import conf
from mtce.pmon.conf import Mode, Problem, ProcessConf, Severity, Style, Subfunction

PASSIVE = """
[process]
process  = mtcClient
service  = mtcClient       ; systemd unit
pidfile  = /var/run/mtcClient.pid
script   = /etc/init.d/mtcClient
style    = lsb
severity = major
restarts = 3
interval = 5               ; seconds
debounce = 20
startuptime = 0.5
quorum = 1
subfunction = last-config
"""
ACTIVE = PASSIVE + "mode = active\nport = 2201\nperiod = 5\ntimeout = 4\nthreshold = 5\nfull_init_reqd = 1\n"
STATUS = """[process]
process = drbd
script = /etc/init.d/drbd
severity = minor
restarts = 2
interval = 1
debounce = 10
mode = status
period = 30
timeout = 5
start_arg = begin
status_arg = check
status_failure_text = /var/run/drbd.text
"""
COMMAND = """[process]
process = api
command = /usr/bin/api --name 'two words' "$HOME;x"
stdout = /var/log/api.log
pidfile = /run/api.pid
severity = critical
restarts = 0
interval = 0
debounce = 1.5
startuptime = 0
"""


def read(text: str) -> tuple[ProcessConf | None, list[Problem]]:
    return conf.parse("/etc/pmon.d/x.conf", text.encode())


def without(text: str, key: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.split("=")[0].strip() != key)


class GoodFileTest(base.BaseTestCase):
    def test_a_passive_process(self) -> None:
        process, problems = read(PASSIVE)
        self.assertEqual([], problems)
        self.assertEqual(
            ProcessConf(
                name="mtcClient",
                path="/etc/pmon.d/x.conf",
                severity=Severity.MAJOR,
                restarts=3,
                interval=5.0,
                debounce=20.0,
                startuptime=0.5,
                pidfile="/var/run/mtcClient.pid",
                service="mtcClient",
                script="/etc/init.d/mtcClient",
                quorum=True,
                subfunction=Subfunction.LAST_CONFIG,
            ),
            process,
        )

    def test_an_active_process(self) -> None:
        process, problems = read(ACTIVE)
        self.assertEqual([], problems)
        self.assertEqual(
            (Mode.ACTIVE, 2201, 5.0, 4.0, 5, True),
            (process.mode, process.port, process.period, process.timeout, process.threshold, process.full_init_reqd),
        )

    def test_a_process_watched_by_its_status(self) -> None:
        process, problems = read(STATUS)
        self.assertEqual([], problems)
        self.assertEqual(("begin", "check", "/var/run/drbd.text"), dataclasses.astuple(process)[-3:])

    def test_a_command_is_split_into_words_without_a_shell(self) -> None:
        process, problems = read(COMMAND)
        self.assertEqual([], problems)
        self.assertEqual(("/usr/bin/api", "--name", "two words", "$HOME;x"), process.command)
        self.assertTrue(process.is_command)
        self.assertEqual(Style.LSB, process.style)

    def test_a_unit_comes_before_a_script_and_a_script_before_a_command(self) -> None:
        for key in ("service = x\n", "script = /x\n"):
            self.assertFalse(read(COMMAND + key)[0].is_command)

    def test_an_ignored_process_needs_only_its_name(self) -> None:
        process, problems = read("[process]\nprocess = x\nmode = ignore\n")
        self.assertEqual(([], Mode.IGNORE), (problems, process.mode))

    def test_a_unit_without_pidfile_is_followed_by_its_main_pid(self) -> None:
        self.assertEqual([], read(without(PASSIVE, "pidfile"))[1])


class BadFileTest(base.BaseTestCase):
    def assert_refused(self, text: str, *parts: str) -> None:
        process, problems = read(text)
        self.assertIsNone(process)
        message = "\n".join(str(problem) for problem in problems if problem.is_refused)
        self.assertIn("/etc/pmon.d/x.conf: ", message)
        for part in parts:
            self.assertIn(part, message)

    def test_every_required_key_is_named_when_it_is_missing(self) -> None:
        required = {
            PASSIVE: ("process", "severity", "restarts", "interval", "debounce", "startuptime"),
            ACTIVE: ("port", "period", "timeout", "threshold"),
            STATUS: ("process", "script", "severity", "period", "timeout", "start_arg", "status_arg"),
            COMMAND: ("pidfile",),
        }
        for text, keys in required.items():
            for key in keys:
                self.assert_refused(without(text, key), f"{key}: it is missing. Add a line `{key} = ...`.")

    def test_a_process_that_cannot_be_started_is_refused(self) -> None:
        self.assert_refused(without(COMMAND, "command"), "service, script, command")

    def test_every_bad_value_is_named_with_what_is_right(self) -> None:
        bad = {
            "severity = grave": "minor, major, critical",
            "restarts = -1": "whole number from 0 to 1000",
            "restarts = 1.5": "whole number",
            "restarts = ٣": "whole number",
            "interval = nan": "number of seconds",
            "interval = inf": "number of seconds",
            "debounce = -1": "number of seconds",
            "debounce = 86401": "from 0 to 86400",
            "startuptime = soon": "for example 5 or 0.5",
            "pidfile = x.pid": "absolute path",
            "process = a.b": "letters, digits",
            "process = a=b": "letters, digits",
            f"process = {'x' * 65}": "64",
            "service = a b": "systemd unit",
            "service = --help": "systemd unit",
            "style = sysv": "lsb, ocf",
            "mode = lazy": "passive, active, status, ignore",
            "quorum = yes": "0 or 1",
            "subfunction = compute": "worker, storage, last-config",
            "port = 0": "from 1 to 65535",
            "port = 65536": "from 1 to 65535",
            "period = 0": "from 0.05",
            "threshold = 0": "from 1 to 1000",
            "command = 'x": "open quotation mark",
            "command = ''": "program to run",
        }
        for line, expected in bad.items():
            key = line.split(" =")[0]
            self.assert_refused(without(ACTIVE, key) + f"\n{line}\n", f"{key}: ", expected)

    def test_a_timeout_that_is_not_less_than_the_period_is_refused(self) -> None:
        self.assert_refused(ACTIVE.replace("timeout = 4", "timeout = 5"), "timeout: 5 is not less than period = 5")

    def test_all_faults_of_a_file_are_told_at_once(self) -> None:
        _, problems = read(without(PASSIVE, "interval").replace("major", "grave"))
        self.assertEqual({"severity", "interval"}, {problem.key for problem in problems})

    def test_a_file_that_is_no_ini_file_is_refused_with_the_line(self) -> None:
        self.assert_refused("process = x\n", "line 1 stands before any section")
        self.assert_refused("[process]\nnonsense\n", "line 2 is neither")
        self.assert_refused("[process]\na = 1\na = 2\n", "a is given twice (line 3)")
        self.assert_refused("[process]\na = 1\n[process]\n", "section [process] is there twice (line 3)")
        self.assert_refused("", "there is no section [process]")
        self.assert_refused("[procss]\na = 1\n", "there is no section [process]")
        self.assert_refused("[process]\nprocess = x\n y\n", "one line")

    def test_a_file_that_is_too_large_or_no_text_is_refused(self) -> None:
        self.assertIn("larger than", str(conf.parse("f", b"#" * (conf.MAX_FILE_BYTES + 1))[1][0]))
        self.assertIn("UTF-8", str(conf.parse("f", b"[process]\n\xff")[1][0]))

    def test_an_unknown_key_or_section_is_told_but_does_no_harm(self) -> None:
        process, problems = read(PASSIVE + "debouce = 3\n[other]\nx = 1\n")
        self.assertIsNotNone(process)
        self.assertEqual(["", "debouce"], sorted(problem.key for problem in problems))
        self.assertFalse(any(problem.is_refused for problem in problems))


class CombineTest(base.BaseTestCase):
    def test_names_and_ports_are_unique(self) -> None:
        active = ProcessConf("a", path="1", mode=Mode.ACTIVE, port=2201)
        chosen, problems = conf.combine(
            [active, ProcessConf("a", path="2"), ProcessConf("b", path="3", mode=Mode.ACTIVE, port=2201), ProcessConf("c")]
        )
        self.assertEqual({"a": active, "c": ProcessConf("c")}, chosen)
        self.assertIn("already defined in 1", str(problems[0]))
        self.assertIn("2201 is the port of a", str(problems[1]))

    def test_there_are_at_most_a_hundred(self) -> None:
        chosen, problems = conf.combine(ProcessConf(f"p{number}", path=str(number)) for number in range(102))
        self.assertEqual(100, len(chosen))
        self.assertEqual(["100", "101"], [problem.path for problem in problems])


KEYS = st.sampled_from([field.name for field in dataclasses.fields(ProcessConf)] + ["process", "[process]", "[x]", "%(a)s"])
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["major", "active", "status", "/x", "x", "1", "'"]),
)
LINES = st.one_of(st.builds("{} = {}".format, KEYS, VALUES), KEYS, st.text(max_size=30))


class AnyFileTest(base.BaseTestCase):
    def assert_sound(self, content: bytes) -> None:
        process, problems = conf.parse("f", content)
        self.assertEqual(process is None, any(problem.is_refused for problem in problems))
        for problem in problems:
            self.assertTrue(str(problem).startswith("f: "))
            self.assertEqual(1, len(str(problem).splitlines()))
        if process is not None:
            for name in ("interval", "debounce", "startuptime", "period", "timeout"):
                self.assertTrue(0.0 <= getattr(process, name) <= conf.MAX_SECONDS)
            self.assertTrue(process.name)

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.binary(max_size=300))
    def test_random_bytes_are_parsed_or_refused(self, content: bytes) -> None:
        self.assert_sound(content)

    @settings(max_examples=500, deadline=None, database=None)
    @given(st.lists(LINES, max_size=12), st.sampled_from(["", "[process]\n", ACTIVE, STATUS, COMMAND]))
    @example(["0\x1e0="], "[process]\n")
    def test_random_lines_are_parsed_or_refused(self, lines: list[str], before: str) -> None:
        self.assert_sound((before + "\n".join(lines)).encode(errors="replace"))
