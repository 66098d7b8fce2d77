# SPDX-License-Identifier: Apache-2.0
"""Hosts: list, show, add, update, swact, delete."""

import argparse
from collections.abc import Iterable
from typing import Any

from stxclient import exceptions, resources
from stxclient.columns import Column, named
from stxclient.commands import arguments, base


def _install_state(name: str) -> Column:
    # A trailing + tells the installer's reports apart; it means nothing to people.
    return Column(name, form=lambda value: value.rstrip("+") if isinstance(value, str) else value)


_SHEET = (
    *named("id", "uuid", "personality", "hostname", "invprovision", "administrative", "operational", "availability"),
    *named("task", "action", "mgmt_mac", "mgmt_ip", "serialid", "capabilities", "bm_type", "bm_username", "bm_ip"),
    *named("config_applied", "config_target", "config_status", "location", "uptime"),
    Column("reserved", form=resources.boolean),
    *named("created_at", "updated_at", "boot_device", "rootfs_device", "install_output", "console"),
    *named("tboot", "vim_progress_status", "software_load", "sw_version"),
    _install_state("install_state"),
    _install_state("install_state_info"),
    *named("iscsi_initiator_name"),
    Column("hw_settle", optional=True),
    Column("clock_synchronization", optional=True),
    Column("vsc_controllers", optional=True),
    Column("ttys_dcd", optional=True),
)
_COMPUTE_LINES = named("subfunctions", "subfunction_oper", "subfunction_avail")
_STORAGE_LINES = named("peers")

# Option, attribute and long option, what argparse needs to know.
_ATTRIBUTES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("-n", "hostname", {"help": "Name; only computes have a free one."}),
    (
        "-p",
        "personality",
        {
            "choices": ("controller", "worker", "compute", "storage", "network", "profile"),
            "help": "Role of the host; compute and worker are the same.",
        },
    ),
    ("-s", "subfunctions", {"choices": ("lowlatency",), "help": "A further property of a compute."}),
    ("-m", "mgmt_mac", {"help": "MAC address of the port on the management network."}),
    ("-i", "mgmt_ip", {"help": "Its address there, where addresses are static."}),
    ("-I", "bm_ip", {"help": "Address of the board management controller."}),
    ("-T", "bm_type", {"help": "Its type: ipmi, redfish, dynamic for what of these it speaks, or none; bmc means ipmi."}),
    ("-U", "bm_username", {"help": "Its user."}),
    ("-P", "bm_password", {"help": "Its user's password."}),
    ("-b", "boot_device", {"help": "Disk to boot from, by default sda."}),
    ("-r", "rootfs_device", {"help": "Disk to install on, by default sda."}),
    ("-o", "install_output", {"choices": ("text", "graphical"), "help": "How the installer shows itself."}),
    ("-c", "console", {"help": "Serial console, by default ttyS0,115200; empty for none."}),
    ("-v", "vsc_controllers", {"help": "Controllers of the virtual switch."}),
    ("-l", "location", {"help": "Where the host stands."}),
    ("-D", "ttys_dcd", {"help": "Whether the console watches for a lost carrier."}),
    ("-R", "hw_settle", {"help": "Seconds to wait for slow hardware at installation."}),
    ("-C", "clock_synchronization", {"choices": ("ntp", "ptp"), "help": "How the clock is set."}),
)


class List(base.Lister):
    """List the hosts with their state."""

    example = "-f json"
    columns = named("id", "hostname", "personality", "administrative", "operational", "availability")
    order = ("id",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--allowed", metavar="<action>", help="Only hosts on which this is allowed now: lock, force-lock, delete, ..."
        )

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return self.client.hosts.list(allowed=parsed_args.allowed)


class Sheet(base.ShowOne):
    """A host with all its attributes."""

    columns = (*_SHEET, *_COMPUTE_LINES, *_STORAGE_LINES)

    def lines(self, item: resources.Resource) -> tuple[Column, ...]:
        compute = _COMPUTE_LINES if "worker" in (item.get("subfunctions") or "") else ()
        storage = _STORAGE_LINES if item.get("personality") == "storage" else ()
        return (*_SHEET, *compute, *storage)


class Show(Sheet):
    """Show a host: state, installation, board management, configuration."""

    example = "controller-0"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.hosts.get(parsed_args.host)


class Add(Sheet):
    """Add a host to the system before it is installed."""

    example = "-n compute-0 -p compute -m 52:54:00:12:34:56"
    # -c means console here, as it always has; columns are chosen with --column.
    conflict_handler = "resolve"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        for short, name, kind in _ATTRIBUTES:
            shape: dict[str, Any] = {} if "choices" in kind else {"metavar": f"<{name}>"}
            parser.add_argument(short, f"--{name}", default=argparse.SUPPRESS, **shape, **kind)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        given = {name: getattr(parsed_args, name) for _, name, _ in _ATTRIBUTES if name in parsed_args}
        if not given:
            raise exceptions.UsageError("Nothing is known of the host: give at least --personality and --mgmt_mac.")
        return self.client.hosts.create(**given)


class Update(Sheet):
    """Change attributes of a host."""

    example = 'compute-0 location="Rack 7" serialid=4711'

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)
        arguments.add_attributes(parser, "location=rack-7")

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.hosts.update(parsed_args.host, dict(parsed_args.attributes))


class Swact(Sheet):
    """Have the active controller hand over its activity to the other one.

    The command ends when that is asked for; the host's task and servicegroup-list show how far it is.
    """

    example = "controller-0"
    # -f means force here, as it always has; the form of the output is chosen with --format.
    conflict_handler = "resolve"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)
        parser.add_argument(
            "-f",
            "--force",
            action="store_true",
            help="Also when services have failed on the other controller, and without asking first whether it is ready.",
        )

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.hosts.swact(parsed_args.host, parsed_args.force)


class Delete(base.Action):
    """Remove hosts from the system; one that is on has its disks wiped. All that can be removed are, whatever becomes of the others."""

    example = "compute-0 compute-1"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("hosts", metavar="<host>", nargs="+", help="Name, id or uuid of a host.")

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        failed = 0
        for host in parsed_args.hosts:
            try:
                self.client.hosts.delete(host)
            except exceptions.HttpError as error:
                failed += 1
                self.complain(f"{host} is not deleted: {error}")
            else:
                print(f"Deleted host {host}", file=self.app.stdout)
        return base.EXIT_FAILED if failed else 0
