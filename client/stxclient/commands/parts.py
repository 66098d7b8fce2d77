# SPDX-License-Identifier: Apache-2.0
"""What the lists and sheets of parts of a host have in common."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from stxclient import resources
from stxclient.commands import arguments, base

if TYPE_CHECKING:
    from stxclient import hosts


class Part(base.Base):
    """A command about one kind of part.

    :cvar part: the attribute of `Client.hosts` that has them
    """

    part: ClassVar[str]

    @property
    def parts(self) -> "hosts.Parts":
        """The collection."""
        parts: hosts.Parts = getattr(self.client.hosts, self.part)
        return parts


class PartList(Part, base.Lister):
    """The parts of a kind in one host."""

    example = "controller-0"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.parts.list(parsed_args.host)


class PartShow(Part, base.ShowOne):
    """One part of a host.

    :cvar wanted: name and explanation of the argument that says which
    """

    wanted: ClassVar[tuple[str, str]]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)
        name, explanation = self.wanted
        parser.add_argument("wanted", metavar=f"<{name}>", help=explanation)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.parts.find(parsed_args.host, parsed_args.wanted)


class UuidShow(Part, base.ShowOne):
    """One part, named by its uuid alone."""

    example = "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("uuid", metavar="<uuid>", help="Its uuid, as the list shows it.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.parts.get(parsed_args.uuid)
