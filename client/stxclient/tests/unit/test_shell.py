# SPDX-License-Identifier: Apache-2.0
"""Tests of global options, credentials, help, completion and exit codes."""

import os
import shlex
import subprocess
import sys

import stevedore

from stxclient import shell
from stxclient.tests.unit import cli, test_transport, wire
from stxclient.tests.unit import wire_data as data

DEADLINE_S = 120


def names(group: str) -> list[str]:
    """The commands that the entry points bind."""
    return sorted(stevedore.NamedExtensionManager(group, names=[]).entry_points_names())


class CredentialsTest(cli.CliTest):
    def forget(self) -> None:
        for name in cli.password_environment(self.wire):
            self.setenv(name, None)

    def options(self, dash: str = "-") -> list[str]:
        return [
            f"--{name[:2].lower()}{dash}{name[3:].lower().replace('_', dash)}={value}"
            for name, value in cli.password_environment(self.wire).items()
            if name != "OS_IDENTITY_API_VERSION"
        ]

    def test_environment_is_enough(self) -> None:
        self.done(self.system("host-list"))
        self.assertEqual(wire.TOKEN, self.wire.requests[0].token)

    def test_options_are_enough_in_either_spelling(self) -> None:
        self.forget()
        for dash in "-_":
            self.done(self.system(*self.options(dash), "host-list"))
            self.done(self.fm(*self.options(dash), "alarm-list"))

    def test_cloud_of_a_file_is_enough(self) -> None:
        self.forget()
        cloud = f"""
clouds:
  edge:
    auth:
      auth_url: {self.wire.url}/v3
      username: {wire.USER}
      password: {wire.PASSWORD}
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
  other:
    auth: {{auth_url: "http://127.0.0.1:1"}}
"""
        self.setenv("OS_CLIENT_CONFIG_FILE", self.write("clouds.yaml", cloud))
        self.done(self.system("--os-cloud", "edge", "host-list"))
        self.setenv("OS_CLOUD", "edge")
        self.done(self.fm("alarm-list"))

    def test_unknown_cloud_is_named(self) -> None:
        self.fails(self.system("--os-cloud", "nowhere", "host-list"), 1, "nowhere")

    def test_file_of_clouds_that_cannot_be_read_is_named(self) -> None:
        self.forget()
        self.setenv("OS_CLIENT_CONFIG_FILE", self.write("clouds.yaml", "clouds: [\n"))
        outcome = self.system("host-list")
        self.assertEqual(1, outcome.code)
        self.assertNotIn("Traceback", outcome.err)
        self.assertIn("clouds.yaml", outcome.err)

    def test_missing_credentials_say_what_to_set(self) -> None:
        self.forget()
        self.fails(self.system("host-list"), 1, "OS_AUTH_URL", "--os-cloud")

    def test_incomplete_credentials_say_what_is_missing(self) -> None:
        self.forget()
        self.setenv("OS_AUTH_URL", f"{self.wire.url}/v3")
        self.setenv("OS_AUTH_TYPE", "v3applicationcredential")
        self.fails(self.system("host-list"), 1, "application credential", "OS_*")

    def test_refused_credentials_say_what_to_check(self) -> None:
        self.setenv("OS_PASSWORD", "wrong")
        self.fails(self.system("host-list"), 1, "Keystone", "OS_PASSWORD")

    def test_keystone_that_is_not_there_is_named_once(self) -> None:
        # Without /v3 at the end, keystoneauth also warns.
        self.setenv("OS_AUTH_URL", f"http://127.0.0.1:{test_transport.silent_port(self)}")
        self.fails(self.system("host-list"), 1, "Cannot reach Keystone", "OS_AUTH_URL")

    def test_token_and_address_are_enough(self) -> None:
        self.forget()
        given = ["--os-auth-type", "admin_token", "--os-token", wire.TOKEN, "--os-endpoint", self.wire.url]
        self.done(self.system(*given, "host-list"))
        self.assertEqual(0, self.wire.tokens_given)

    def test_tenant_and_endpoint_type_of_old_environments_are_understood(self) -> None:
        self.setenv("OS_PROJECT_NAME", None)
        self.setenv("OS_TENANT_NAME", "admin")
        self.setenv("OS_ENDPOINT_TYPE", "internalURL")
        self.done(self.system("host-list"))


class AddressTest(cli.CliTest):
    def test_given_address_goes_before_the_catalogue(self) -> None:
        nowhere = f"http://127.0.0.1:{test_transport.silent_port(self)}"
        self.fails(self.system("--system-url", nowhere, "host-list"), 1, f"{nowhere}/v1", "SYSTEM_URL")
        self.fails(self.fm("--fm-url", nowhere, "alarm-list"), 1, f"{nowhere}/v1", "FM_URL")
        self.setenv("SYSTEM_URL", nowhere)
        self.setenv("FM_URL", nowhere)
        self.fails(self.system("host-list"), 1, nowhere)
        self.fails(self.fm("alarm-list"), 1, nowhere)
        self.done(self.fm("--fm_url", self.wire.url, "alarm-list"))

    def test_missing_endpoint_is_told(self) -> None:
        self.wire.catalogue = False
        self.fails(self.fm("alarm-list"), 1, "faultmanagement", "FM_URL")

    def test_deadline_is_an_option(self) -> None:
        self.wire.answers["GET", "/v1/ihosts"] = self.wire.silence
        # Keystone, which is asked before, is to answer within it.
        self.fails(self.system("--timeout", "4", "host-list"), 1, "platform service", "4 seconds", "--timeout")


class ArgumentsTest(cli.CliTest):
    def test_options_after_the_command_are_the_commands(self) -> None:
        # -q is quiet before the command and query after it.
        self.done(self.fm("-q", "alarm-list", "-q", "severity=major"))
        self.assertEqual(["major"], self.wire.requests[-1].values("q.value"))

    def test_old_version_options_are_understood(self) -> None:
        self.done(self.system("--system-api-version", "1", "host-list"))
        self.done(self.fm("--fm-api-version", "1", "alarm-list"))

    def test_unknown_command_is_a_usage_error_with_what_was_meant(self) -> None:
        outcome = self.system("hots-list")
        self.assertEqual(2, outcome.code)
        self.assertIn("host-list", outcome.err)

    def test_unknown_option_is_a_usage_error(self) -> None:
        for argv in (["--colour", "host-list"], ["host-list", "--colour"]):
            outcome = self.system(*argv)
            self.assertEqual(2, outcome.code)
            self.assertIn("--colour", outcome.err)

    def test_options_without_a_command_are_a_usage_error(self) -> None:
        outcome = self.system("--verbose")
        self.assertEqual(2, outcome.code)
        self.assertIn("no command is given", outcome.err)

    def test_debug_shows_the_traceback_and_the_requests_but_no_secrets(self) -> None:
        outcome = self.system("--debug", "host-show", "nobody")
        self.assertEqual(1, outcome.code)
        self.assertIn("Traceback", outcome.err)
        self.assertIn("GET " + self.wire.url, outcome.err)
        self.assertNotIn(wire.PASSWORD, outcome.err)
        self.assertNotIn(wire.TOKEN, outcome.err)

    def test_fault_of_the_command_itself_asks_for_a_report(self) -> None:
        self.wire.lists["/v1/ihosts"] = [{"id": 1}, {"id": "2"}]
        self.fails(self.system("host-list"), 1, "TypeError", "--debug")


class HelpTest(cli.CliTest):
    def test_no_arguments_show_the_commands(self) -> None:
        for argv in ([], ["--help"], ["-h"], ["help"]):
            outcome = self.done(self.system(*argv))
            for name in names("stxclient.system"):
                self.assertIn(f"  {name}  ", outcome.out)
            self.assertNotIn("Could not", outcome.out)

    def test_every_command_explains_itself_with_an_example(self) -> None:
        for group in ("system", "fm"):
            for name in names(f"stxclient.{group}"):
                outcome = self.done(self.run_command(group, name, "--help"))
                self.assertIn(f"example:\n  {group} {name}", outcome.out)
                self.assertEqual(outcome.out, self.done(self.run_command(group, "help", name)).out)

    def test_help_needs_no_credentials(self) -> None:
        for name in cli.password_environment(self.wire):
            self.setenv(name, None)
        self.done(self.fm("alarm-list", "--help"))

    def test_every_example_is_understood(self) -> None:
        for name, application in (("system", shell.System), ("fm", shell.Fm)):
            app = application(["help"])
            for command in names(application.group):
                factory = app.command_manager.find_command([command])[0]
                parser = factory(app, None).get_parser(command)
                self.assertIsNotNone(parser.parse_args(shlex.split(factory.example)), f"{name} {command}")

    def test_version_is_the_distributions(self) -> None:
        outcome = self.system("--version")
        self.assertEqual(0, outcome.code)
        self.assertRegex(outcome.out, r"\d+\.\d+\.\d+")


class CompletionTest(cli.CliTest):
    def offered(self, *words: str, before: str = "") -> list[str]:
        """What bash offers for the last word.

        :param before: what it knows besides when the key is pressed
        """
        name = words[0]
        script = self.write("completion", self.done(self.run_command(name, "complete")).out)
        code = (
            f"source {script}\n{before}\nCOMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
            f"read -r _ _ bound _ < <(complete -p {name})\n"
            '"${bound}"\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        # It would be among what the operator is typing.
        self.assertEqual("", done.stderr)
        return sorted(done.stdout.split())

    def offered_hosts(self, *words: str, answer: str, before: str = "") -> list[str]:
        """The same where a program stands for `system`."""
        program = self.write("system", f"#!/bin/bash\n{answer}\n")
        os.chmod(program, 0o700)
        path = f"PATH={shlex.quote(os.path.dirname(program))}:$PATH"
        return self.offered("system", *words, before=f"{path}\n{before}")

    def test_hosts_are_completed_by_what_is_allowed_on_them(self) -> None:
        for words, asked in (
            (("host-lock",), "host-list --allowed lock"),
            (("host-lock", "-f"), "host-list --allowed force-lock"),
            (("host-unlock", "--force"), "host-list --allowed force-unlock"),
            (("host-power-on",), "host-list --allowed power-on"),
            (("host-delete", "compute-1"), "host-list --allowed delete"),
            (("host-show",), "host-list"),
            (("--os-cloud", "lab", "host-swact"), "--os-cloud lab host-list --allowed swact"),
        ):
            answer = f'[[ "$*" == "{asked} -f value -c id -c hostname" ]] && echo 3 compute-0'
            self.assertEqual(["compute-0"], self.offered_hosts(*words, "", answer=answer), words)

    def test_hosts_are_completed_that_begin_like_the_word(self) -> None:
        answer = "echo 1 controller-0; echo 3 compute-0; echo 4 compute-1"
        self.assertEqual(["compute-0", "compute-1"], self.offered_hosts("host-show", "com", answer=answer))

    def test_a_host_without_name_is_completed_by_its_id(self) -> None:
        self.wire.lists["/v1/ihosts"] = [{"id": 1, "hostname": "controller-0"}, {"id": 7, "hostname": None}]
        listed = self.done(self.system("host-list", "-f", "value", "-c", "id", "-c", "hostname")).out
        answer = f"printf %s {shlex.quote(listed)}"
        self.assertEqual(["7", "controller-0"], self.offered_hosts("host-update", "", answer=answer))

    def test_what_the_service_answers_is_not_carried_out(self) -> None:
        answer = "echo '3 x$(echo>&2)`echo>&2`'"
        self.assertEqual(["x$(echo>&2)`echo>&2`"], self.offered_hosts("host-show", "", answer=answer))

    def test_nothing_is_completed_where_the_service_does_not_answer(self) -> None:
        for answer in ("echo Cannot reach it. >&2; exit 1", "read -r line < /dev/stdin || exit 1", "sleep 60"):
            deadline = 'timeout() { [[ $1 == 5 ]] && shift && command timeout 0.5 "$@"; }'
            self.assertEqual([], self.offered_hosts("host-lock", "", answer=answer, before=deadline), answer)

    def test_what_is_no_host_is_completed_as_ever(self) -> None:
        answer = "echo 3 compute-0"
        self.assertEqual(["host-cpu-list", "host-cpu-show"], self.offered_hosts("host-cpu", answer=answer))
        self.assertIn("--force", self.offered_hosts("host-lock", "--f", answer=answer))
        for words in (
            ("host-list", "com"),
            ("host-update", "compute-0", ""),
            ("host-show", "-f", ""),
            ("host-lock", "--format", ""),
            ("show", "com"),
        ):
            self.assertNotIn("compute-0", self.offered_hosts(*words, answer=answer), words)

    def test_commands_are_completed(self) -> None:
        self.assertEqual(["host-cpu-list", "host-cpu-show"], self.offered("system", "host-cpu"))
        wanted = [name for name in names("stxclient.fm") if name.startswith("event-")]
        self.assertEqual(wanted, self.offered("fm", "event-"))

    def test_options_are_completed(self) -> None:
        self.assertEqual(["--mgmt_affecting"], self.offered("fm", "alarm-list", "--mgm"))
        self.assertIn("--personality", self.offered("system", "host-add", "--p"))

    def test_the_words_are_split_by_bash_completion_where_that_is_loaded(self) -> None:
        loaded = "_get_comp_words_by_ref() { words=(fm event-); cur=event-; }\n"
        script = self.done(self.run_command("fm", "complete")).out
        code = f"{loaded}{script}\n_fm\necho ${{#COMPREPLY[@]}}"
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        self.assertNotEqual("0", done.stdout.strip())


class ProcessTest(cli.CliTest):
    """The commands as processes of their own, through the functions that the console scripts call."""

    def run_process(self, name: str, *argv: str, setup: str = "") -> subprocess.CompletedProcess[str]:
        code = f"import sys\nfrom stxclient.shell import {name}\n{setup}\nsys.exit({name}())"
        command = [sys.executable, "-c", code, *argv]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def test_commands_run_as_processes(self) -> None:
        for name, command in (("system", "host-list"), ("fm", "alarm-list")):
            done = self.run_process(name, command, "-f", "json")
            self.assertEqual((0, ""), (done.returncode, done.stderr))
        failed = self.run_process("system", "host-show", "nobody")
        self.assertEqual((1, "nobody could not be found.\n"), (failed.returncode, failed.stderr))

    def test_reader_that_goes_away_is_no_error(self) -> None:
        self.wire.lists["/v1/event_log"] = [data.event(number) for number in range(5000)]
        self.setenv("STX_TEST_PYTHON", sys.executable)
        code = "import sys; from stxclient.shell import fm; sys.exit(fm())"
        pipe = f'"$STX_TEST_PYTHON" -c "{code}" event-list -f csv | head -n 1'
        done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(("", 1), (done.stderr, len(done.stdout.splitlines())))

    def test_list_imports_only_what_it_needs(self) -> None:
        unwanted = ("openstack.compute", "openstack.connection", "osprofiler", "oslo_config", "cmd2", "sqlalchemy", "pecan")
        watch = (
            "import atexit\n"
            f"unwanted = {unwanted!r}\n"
            "atexit.register(lambda: print([n for n in unwanted if sys.modules.get(n)], len(sys.modules), file=sys.stderr))"
        )
        for argv in (["host-list"], ["host-list", "--help"]):
            done = self.run_process("system", *argv, setup=watch)
            self.assertEqual(0, done.returncode)
            found, _, count = done.stderr.strip().rpartition(" ")
            self.assertEqual("[]", found)
            self.assertLess(int(count), 800)
        watch = (
            "import atexit\n"
            "def ours(): return sorted(n for n in sys.modules if n.startswith('stxclient.commands.'))\n"
            "atexit.register(lambda: print(ours(), file=sys.stderr))"
        )
        loaded = self.run_process(
            "system",
            "host-list",
            setup=watch,
        )
        expected = ["stxclient.commands.arguments", "stxclient.commands.base", "stxclient.commands.hosts"]
        self.assertEqual(f"{expected}\n", loaded.stderr)
