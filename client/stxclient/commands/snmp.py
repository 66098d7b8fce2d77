# SPDX-License-Identifier: Apache-2.0
"""Who may ask over SNMP, and who gets traps."""

import argparse
from collections.abc import Iterable

from stxclient import exceptions, resources
from stxclient.columns import Column, named
from stxclient.commands import base

_INFORM = "snmpv3_inform"
_COMMUNITY_LINES = named("uuid", "community", "view", "access", "created_at")
_DESTINATION_LINES = (
    *named("uuid", "ip_address", "community", "port", "type", "transport"),
    Column("security_name", optional=True),
    Column("created_at"),
)


class CommunityList(base.Lister):
    """List the communities that may read alarms and events from the SNMP agent."""

    example = ""
    columns = (Column("SNMP community", "community"), Column("View", "view"), Column("Access", "access"))

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.communities.list()


class CommunityShow(base.ShowOne):
    """Show one community."""

    example = "public"
    columns = _COMMUNITY_LINES

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("community", metavar="<icommunity>", help="The community, or its uuid.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.communities.get(parsed_args.community)


class CommunityAdd(base.ShowOne):
    """Let whoever gives this community read alarms and events from the SNMP agent."""

    # The published -c goes before that of the output's columns.
    conflict_handler = "resolve"
    example = "--community public"
    columns = _COMMUNITY_LINES

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-c", "--community", metavar="<community>", required=True, help="The community.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.communities.create(parsed_args.community)


class CommunityDelete(base.Action):
    """Delete communities."""

    example = "public"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("communities", metavar="<icommunity>", nargs="+", help="The community, or its uuid.")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        for community in parsed_args.communities:
            self.client.communities.delete(community)
            print(f"Deleted community: {community}", file=self.app.stdout)


class DestinationList(base.Lister):
    """List the addresses that get SNMP traps or informs of alarms and events."""

    example = ""
    columns = (
        Column("IP Address", "ip_address"),
        Column("SNMP Community", "community"),
        Column("Port", "port"),
        Column("Type", "type"),
        Column("Transport", "transport"),
    )

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.trap_destinations.list()


class DestinationShow(base.ShowOne):
    """Show one trap destination."""

    example = "192.0.2.7"
    columns = _DESTINATION_LINES

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("destination", metavar="<itrapdest>", help="Its address, or its uuid.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.trap_destinations.get(parsed_args.destination)


class DestinationAdd(base.ShowOne):
    """Have SNMP traps of alarms and events sent to an address, or informs, which it acknowledges.

    Informs are authenticated with SHA-256 and encrypted with AES-128.
    """

    # The published -c goes before that of the output's columns.
    conflict_handler = "resolve"
    example = "--ip_address 192.0.2.7 --community public"
    columns = _DESTINATION_LINES

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-i", "--ip_address", metavar="<ip address>", required=True, help="The address.")
        parser.add_argument("-c", "--community", metavar="<community>", help="Community that traps carry.")
        parser.add_argument("--port", metavar="<port>", type=int, help="UDP port that it listens on, by default 162.")
        parser.add_argument("--type", choices=("snmpv2c_trap", _INFORM), help="What is sent, by default snmpv2c_trap.")
        parser.add_argument("--security_name", metavar="<user>", help="User that informs are sent by.")
        parser.add_argument("--auth_password", metavar="<password>", help="Password that informs are authenticated with.")
        parser.add_argument("--priv_password", metavar="<password>", help="Password that informs are encrypted with.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        if parsed_args.type != _INFORM and not parsed_args.community:
            raise exceptions.UsageError("A trap needs a --community.")
        names = ("community", "port", "type", "security_name", "auth_password", "priv_password")
        values = {name: value for name in names if (value := getattr(parsed_args, name)) is not None}
        return self.client.trap_destinations.create(parsed_args.ip_address, **values)


class DestinationDelete(base.Action):
    """Delete trap destinations."""

    example = "192.0.2.7"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("destinations", metavar="<itrapdest>", nargs="+", help="Its address, or its uuid.")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        for destination in parsed_args.destinations:
            self.client.trap_destinations.delete(destination)
            print(f"Deleted trap destination: {destination}", file=self.app.stdout)
