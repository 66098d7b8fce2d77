# SPDX-License-Identifier: Apache-2.0
"""Parameters of the platform's services."""

import argparse
from collections.abc import Iterable

from stxclient import resources
from stxclient.columns import named
from stxclient.commands import arguments, base

_COLUMNS = named("uuid", "service", "section", "name", "value", "personality", "resource")
_EXAMPLE = "mnfa_threshold=3"


def _add_uuid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("uuid", metavar="<uuid>", help="Its uuid, as the list shows it.")


def _add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="<service>", help="Name of the service, such as platform.")


def _add_section(parser: argparse.ArgumentParser) -> None:
    _add_service(parser)
    parser.add_argument("section", metavar="<section>", help="Name of the section, such as maintenance.")
    arguments.add_attributes(parser, _EXAMPLE)
    parser.add_argument("--personality", metavar="<personality>", help="Personality of the hosts that it holds for.")
    parser.add_argument("--resource", metavar="<resource>", help="Name under which it is given to the hosts' configuration.")


class List(base.Lister):
    """List the parameters of services, as they are set.

    What is set since they were applied last has no effect yet.
    """

    example = "--service platform --section maintenance"
    columns = _COLUMNS

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        for name in ("service", "section", "name"):
            parser.add_argument(f"--{name}", metavar=f"<{name}>", help=f"Show only parameters of this {name}.")

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.service_parameters.list(parsed_args.service, parsed_args.section, parsed_args.name)


class Show(base.ShowOne):
    """Show one parameter."""

    example = "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"
    columns = _COLUMNS

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_uuid(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.service_parameters.get(parsed_args.uuid)


class Add(base.Lister):
    """Add parameters to a section of a service. They have no effect before they are applied."""

    example = f"platform maintenance {_EXAMPLE}"
    columns = _COLUMNS

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_section(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.service_parameters.create(
            parsed_args.service,
            parsed_args.section,
            dict(parsed_args.attributes),
            parsed_args.personality,
            parsed_args.resource,
        )


class Modify(base.Lister):
    """Set parameters of a section of a service. It has no effect before they are applied."""

    example = "platform maintenance heartbeat_failure_action=alarm"
    columns = _COLUMNS

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_section(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.service_parameters.set(
            parsed_args.service,
            parsed_args.section,
            dict(parsed_args.attributes),
            parsed_args.personality,
            parsed_args.resource,
        )


class Delete(base.Action):
    """Delete a parameter. One that is mandatory stays."""

    example = "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_uuid(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.client.service_parameters.delete(parsed_args.uuid)
        print(f"Deleted service parameter: {parsed_args.uuid}", file=self.app.stdout)


class Apply(base.Action):
    """Make the parameters of a service effective as they are set."""

    example = "platform"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_service(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.client.service_parameters.apply(parsed_args.service)
        print(f"Applied the parameters of {parsed_args.service}", file=self.app.stdout)
