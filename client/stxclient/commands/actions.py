# SPDX-License-Identifier: Apache-2.0
"""Actions on hosts. A command ends when its action has begun; host-show tells in `task` how far it is."""

import argparse
from collections.abc import Iterable
from typing import ClassVar

from stxclient import resources
from stxclient.columns import named
from stxclient.commands import arguments, base, hosts


class List(base.Lister):
    """List what can be done to a host, and why not now.

    Service Management may have reasons of its own against lock and swact; it is asked when they are.
    """

    example = "compute-0 -f json"
    columns = named("action", "allowed", "reason")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        return [resources.Resource({"reason": None, **each}) for each in self.client.hosts.actions(parsed_args.host)]


class _Act(hosts.Sheet):
    """Asks for an action, and shows the host.

    :cvar action: its name
    """

    action: ClassVar[str]
    example = "compute-0"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.client.hosts.act(parsed_args.host, self.action)


class _Forceable(_Act):
    """An action that can be forced.

    :cvar forcing: what that means
    """

    forcing: ClassVar[str]
    # -f means force here, as it always has; the form of the output is chosen with --format.
    conflict_handler = "resolve"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-f", "--force", action="store_true", help=self.forcing)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        action = f"force-{self.action}" if parsed_args.force else self.action
        return self.client.hosts.act(parsed_args.host, action)


class Lock(_Forceable):
    """Take a host out of service, for maintenance.

    The command ends when that has begun; host-show tells in task how far it is.
    """

    action = "lock"
    forcing = (
        "At once, also while a lock is in progress: the host is reset, what runs on it is lost, and nobody is asked whether "
        "services or data are out of reach then."
    )


class Unlock(_Forceable):
    """Put a locked host into service. It reboots first.

    The command ends when that has begun; host-show tells in task how far it is.
    """

    action = "unlock"
    forcing = "Also when the host is not online, or is still being installed."


class Reboot(_Act):
    """Reboot a locked host."""

    action = "reboot"


class Reset(_Act):
    """Reset a locked host by its board management controller, when it cannot be rebooted."""

    action = "reset"


class Reinstall(_Act):
    """Install a locked host again: all that is on its disks is lost.

    The host must be online and boot from the network.
    """

    action = "reinstall"


class PowerOn(_Act):
    """Switch a locked host on by its board management controller."""

    action = "power-on"


class PowerOff(_Act):
    """Switch a locked host off by its board management controller."""

    action = "power-off"
