# SPDX-License-Identifier: Apache-2.0
"""The system as a whole."""

import argparse
from typing import Any

from stxclient import exceptions, resources
from stxclient.columns import Column, named
from stxclient.commands import base

_BOOLEANS = ("true", "false")
_PROTECTIONS = ("spectre_meltdown_v1", "spectre_meltdown_all")
# Option, attribute and long option, what argparse needs to know.
_SETTINGS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("-n", "name", {"metavar": "<name>", "help": "Name of the system."}),
    ("-s", "sdn_enabled", {"choices": _BOOLEANS, "help": "Whether an SDN controller is used."}),
    ("-t", "timezone", {"metavar": "<zone>", "help": "Time zone of all hosts, such as UTC or Europe/Berlin."}),
    ("-m", "system_mode", {"metavar": "<mode>", "help": "Mode: simplex, duplex or duplex-direct."}),
    ("-d", "description", {"metavar": "<text>", "help": "What the system is for."}),
    ("-c", "contact", {"metavar": "<text>", "help": "Whom to ask about it."}),
    ("-l", "location", {"metavar": "<text>", "help": "Where it stands."}),
    ("-p", "https_enabled", {"choices": _BOOLEANS, "help": "Whether public addresses are served over HTTPS."}),
    ("-v", "vswitch_type", {"metavar": "<type>", "help": "Virtual switch of the computes: none, ovs-dpdk …"}),
    ("", "latitude", {"metavar": "<degrees>", "help": "Where it stands, north of the equator."}),
    ("", "longitude", {"metavar": "<degrees>", "help": "Where it stands, east of Greenwich."}),
    ("-S", "security_feature", {"choices": _PROTECTIONS, "help": "Protection of the kernels."}),
)


def _capability(name: str) -> Column:
    def value(system: resources.Resource) -> Any:
        return resources.boolean((system.get("capabilities") or {}).get(name))

    return Column(name, source=value, optional=True)


class _Show(base.ShowOne):
    columns = (
        *named("name", "system_type", "system_mode", "description", "location", "latitude", "longitude", "contact"),
        *named("timezone", "software_version", "uuid", "created_at", "updated_at", "region_name"),
        *named("service_project_name", "security_feature"),
        _capability("vswitch_type"),
        _capability("sdn_enabled"),
        _capability("https_enabled"),
        Column("distributed_cloud_role", optional=True),
    )

    def system(self) -> resources.Resource:
        """The one system."""
        system = next(self.client.systems.list(), None)
        if system is None:
            raise exceptions.NotFound("The platform has no system yet: it has not been bootstrapped.", 404)
        return system


class Show(_Show):
    """Show the system: its type, mode, place and settings."""

    example = ""

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.system()


class Modify(_Show):
    """Change settings of the system; only those that are given change."""

    example = '--description "Edge site 12" --contact noc@example.com'
    # -c means contact here, as it always has; columns are chosen with --column.
    conflict_handler = "resolve"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        settings = parser.add_argument_group("settings")
        for short, name, kind in _SETTINGS:
            options = [option for option in (short, f"--{name}") if option]
            settings.add_argument(*options, default=argparse.SUPPRESS, **kind)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        given = {name: getattr(parsed_args, name) for _, name, _ in _SETTINGS if name in parsed_args}
        if not given:
            raise exceptions.UsageError("Nothing to change: give at least one setting, such as --description.")
        return self.client.systems.update(self.system().uuid, given)
