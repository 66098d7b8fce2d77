# SPDX-License-Identifier: Apache-2.0
"""What Service Management says of controllers, services and their groups."""

import argparse
from collections.abc import Iterable
from typing import Any

from stxclient import resources
from stxclient.columns import Column, named
from stxclient.commands import base


def _state(item: resources.Resource) -> Any:
    """State and status in one word, such as disabled-failed; scripts search for it."""
    state, status = item.get("state"), item.get("status")
    return f"{state}-{status}" if status else state


_STATE = Column("state", source=_state)
_HOSTNAME = Column("hostname", "node_name")
_MORE = named("desired_state", "condition")

_NODE = (
    *named("id", "name"),
    Column("administrative", "administrative_state"),
    Column("operational", "operational_state"),
    Column("availability", "availability_status"),
    Column("ready_state"),
)
_SERVICE = (Column("id"), Column("service_name", "name"), _HOSTNAME, _STATE)


class NodeList(base.Lister):
    """List the controllers, as Service Management sees them."""

    example = "-f json"
    columns = _NODE
    order = ("id",)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.service_nodes.list()


class NodeShow(base.ShowOne):
    """Show one controller, as Service Management sees it."""

    example = "controller-0"
    columns = _NODE

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("node", metavar="<node>", help="Name, id or uuid of the controller.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.service_nodes.get(parsed_args.node)


class GroupList(base.Lister):
    """List what each group of services is on each controller."""

    example = "-f json"
    columns = (*named("uuid", "service_group_name"), _HOSTNAME, _STATE)
    order = ("service_group_name", "node_name")

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return _begun(self.client.service_groups.list())


class GroupShow(base.ShowOne):
    """Show what one group of services is on one controller."""

    example = "5b51aca1-0c8d-4b5e-8c63-9f4d3c1a7e20"
    columns = (*named("uuid", "name", "service_group_name"), _HOSTNAME, _STATE, *_MORE)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("servicegroup", metavar="<servicegroup>", help="Its uuid, as the list shows it.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.service_groups.get(parsed_args.servicegroup)


class List(base.Lister):
    """List the services of the active controller."""

    example = "-f json"
    columns = _SERVICE
    order = ("id",)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return _begun(self.client.services.list())


class Show(base.ShowOne):
    """Show one service of the active controller."""

    example = "management-ip"
    columns = (*_SERVICE, *_MORE)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("service", metavar="<service>", help="Name, id or uuid of the service.")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.services.get(parsed_args.service)


def _begun(items: Iterable[resources.Resource]) -> Iterable[resources.Resource]:
    """Those of which anything is known yet."""
    return (item for item in items if item.get("state") != "initial")
