# SPDX-License-Identifier: Apache-2.0
"""The commands `system` and `fm`: global options, credentials, and the table of commands from the entry points."""

import argparse
import functools
import getpass
import importlib.metadata
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import stevedore
from cliff import app, commandmanager

from stxclient import completion, exceptions

if TYPE_CHECKING:
    from openstack import config as sdk_config

    from stxclient import client

DISTRIBUTION = "starlingx"


def system() -> int:
    """The `system` command. Gives the exit code."""
    _skip_unused_imports()
    return main("system", sys.argv[1:])


def fm() -> int:
    """The `fm` command. Gives the exit code."""
    _skip_unused_imports()
    return main("fm", sys.argv[1:])


def main(name: str, argv: Sequence[str]) -> int:
    """Runs one command line of `system` or `fm`: 0 done, 1 failed, 2 not understood.

    No traceback reaches the user, except with --debug.
    """
    argv = list(argv) or ["--help"]
    try:
        return _SHELLS[name](argv).run(argv)
    except Exception as error:
        if "--debug" in argv:
            raise
        print(error, file=sys.stderr)
        return 1


def _skip_unused_imports() -> None:
    """Halves the start of a command, by leaving out what importing `openstack.config` drags in and nobody uses here.

    The SDK's package imports the proxies of all services, so it is put in place unexecuted; its parts import as ever.
    Tracing and metrics of requests are absent unless a program sets them up, which these commands do not.
    """
    for unused in ("osprofiler", "prometheus_client"):
        sys.modules.setdefault(unused, None)  # type: ignore[arg-type]
    spec = importlib.util.find_spec("openstack")
    if spec is not None and "openstack" not in sys.modules:
        sys.modules["openstack"] = importlib.util.module_from_spec(spec)


class OptionsThenCommand(argparse.ArgumentParser):
    """Global options up to the first other word; all from there on belongs to the command.

    Long options may be spelled with underscores.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        given = list(sys.argv[1:] if args is None else args)
        options, unknown = super().parse_known_args([_dashed(word) for word in given], namespace)
        if unknown:
            self.error(f"unknown option {unknown[0]}")
        if not options.command:
            self.error(f"no command is given; {self.prog} --help lists them")
        return options, given[len(given) - len(options.command) :]


def _dashed(word: str) -> str:
    name, separator, value = word.partition("=")
    return name.replace("_", "-") + separator + value if word.startswith("--") else word


class Commands(commandmanager.CommandManager):
    """The commands of an entry-point group; each is imported when it is used, not all at the start."""

    def load_commands(self, namespace: str) -> None:
        self.group_list.append(namespace)
        found = stevedore.NamedExtensionManager(namespace, names=[]).list_entry_points()
        self.commands.update({entry_point.name: entry_point for entry_point in found})


class Shell(app.App):
    """What `system` and `fm` have in common.

    :cvar group: the entry points that bind its commands
    :ivar client_manager: gives commands the client, as `openstack` does
    """

    group: ClassVar[str]

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = list(argv)
        super().__init__(
            description=self.__doc__,
            version=importlib.metadata.version(DISTRIBUTION),
            command_manager=Commands(self.group),
        )
        self.command_manager.add_command("complete", completion.Complete)

    def build_option_parser(
        self, description: str | None, version: str | None, argparse_kwargs: dict[str, Any] | None = None
    ) -> argparse.ArgumentParser:
        from openstack.config import OpenStackConfig  # after _skip_unused_imports

        prompt: Any = getpass.getpass if sys.stdin.isatty() else None
        configuration = OpenStackConfig(app_name=self.NAME, app_version=version, pw_func=prompt)
        credentials = argparse.ArgumentParser(add_help=False)
        configuration.register_argparse_arguments(credentials, list(self._argv))
        self.client_manager = ClientManager(configuration, frozenset(vars(credentials.parse_args([]))))
        general = super().build_option_parser(description, version, argparse_kwargs)
        parser = OptionsThenCommand(
            prog=self.NAME,
            usage="%(prog)s [options] <command> [arguments]",
            description=description,
            add_help=False,
            parents=[general, credentials],
        )
        for option, variable, service in _SERVICES:
            parser.add_argument(
                f"--{option}-url",
                metavar="<url>",
                default=os.environ.get(variable),
                help=f"Address of the {service}, instead of the service catalogue's ({variable}).",
            )
            parser.add_argument(f"--{option}-api-version", choices=("1",), help=argparse.SUPPRESS)
        parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        return parser

    def configure_logging(self) -> None:
        if self.options.debug:
            self.options.verbose_level = 3
        super().configure_logging()
        if self.options.verbose_level <= self.DEFAULT_VERBOSE_LEVEL:
            # What it warns of comes as our own error too, in one sentence.
            logging.getLogger("keystoneauth").setLevel(logging.ERROR)

    def run_subcommand(self, argv: list[str]) -> int:
        try:
            self.command_manager.find_command(argv)
        except ValueError:
            # cliff's own complaint would go where results go.
            similar = ", ".join(self.get_fuzzy_matches(argv[0]))
            hint = f" Similar: {similar}." if similar else ""
            print(f"{self.NAME}: there is no command {argv[0]!r}.{hint} {self.NAME} --help lists all.", file=self.stderr)
            return 2
        return super().run_subcommand(argv)

    def initialize_app(self, argv: list[str]) -> None:
        self.client_manager.options = self.options


class System(Shell):
    """Configure the platform and manage its hosts."""

    NAME = "system"
    LOG = logging.getLogger(NAME)
    group = "stxclient.system"


class Fm(Shell):
    """See and handle alarms and events."""

    NAME = "fm"
    LOG = logging.getLogger(NAME)
    group = "stxclient.fm"


class ClientManager:
    """Makes the client when the first command asks for it.

    :param credential_options: names of the options that are the configuration's
    :ivar options: the parsed global options
    """

    options: argparse.Namespace

    def __init__(self, configuration: "sdk_config.OpenStackConfig", credential_options: frozenset[str]) -> None:
        self._configuration = configuration
        self._credential_options = credential_options

    @functools.cached_property
    def stx(self) -> "client.Client":
        """The client.

        :raises exceptions.AuthenticationFailed: when credentials are missing
        """
        # All of these after _skip_unused_imports.
        from keystoneauth1 import exceptions as ksa
        from openstack import exceptions as sdk

        from stxclient import client, failures

        given = {name: value for name, value in vars(self.options).items() if name in self._credential_options}
        try:
            region = self._configuration.get_one(argparse=argparse.Namespace(**given))
            session = region.get_session()
        except ksa.ClientException as error:
            raise failures.incomplete_credentials(error) from error
        except sdk.SDKException as error:
            raise exceptions.AuthenticationFailed(str(error)) from error
        return client.Client(
            session,
            region_name=region.region_name or None,
            interface=_first(region.get_interface("platform")),
            platform_url=self.options.system_url or region.get_endpoint("platform"),
            fm_url=self.options.fm_url or region.get_endpoint("faultmanagement"),
        )


def _first(interface: str | list[str] | None) -> str:
    if isinstance(interface, list):
        interface = next(iter(interface), None)
    return interface or "public"


_SHELLS = {shell.NAME: shell for shell in (System, Fm)}
_SERVICES = (("system", "SYSTEM_URL", "platform service"), ("fm", "FM_URL", "fault service"))
