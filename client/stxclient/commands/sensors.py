# SPDX-License-Identifier: Apache-2.0
"""What the board of a host measures, and what is done about it."""

import argparse
from typing import ClassVar

from stxclient import resources
from stxclient.columns import Column, named
from stxclient.commands import arguments, base, parts

_SUPPRESS = Column("suppress", form=resources.boolean)
_TIMES = named("created_at", "updated_at")
_SENSOR = (
    Column("uuid"),
    Column("name", "sensorname"),
    *named("sensortype", "datatype", "status", "state"),
    _SUPPRESS,
    *named("audit_interval", "algorithm", "actions_minor", "actions_major", "actions_critical", "unit_base"),
    *named("unit_modifier", "unit_rate", "t_minor_lower", "t_minor_upper", "t_major_lower", "t_major_upper"),
    *named("t_critical_lower", "t_critical_upper", "path", "state_requested", "sensor_action_requested", "sensorgroup_uuid"),
    *named("host_uuid", "capabilities"),
    *_TIMES,
)
_GROUP = (
    Column("uuid"),
    Column("name", "sensorgroupname"),
    *named("sensortype", "datatype", "sensors", "state", "possible_states"),
    _SUPPRESS,
    *named("audit_interval_group", "algorithm", "actions_critical_choices", "actions_major_choices", "actions_minor_choices"),
    *named("actions_minor_group", "actions_major_group", "actions_critical_group", "unit_base_group", "path"),
    *named("host_uuid", "capabilities"),
    *_TIMES,
)
_WHICH_SENSOR = ("sensor_uuid", "Uuid or name of the sensor.")
_WHICH_GROUP = ("sensorgroup_uuid", "Uuid or name of the group.")


class SensorList(parts.PartList):
    """List the sensors of a host with their status."""

    part = "sensors"
    columns = (Column("uuid"), Column("name", "sensorname"), *named("sensortype", "state", "status"))


class SensorShow(parts.PartShow):
    """Show one sensor of a host."""

    part = "sensors"
    example = 'controller-0 "CPU Temp"'
    wanted = _WHICH_SENSOR
    columns = _SENSOR


class GroupList(parts.PartList):
    """List the groups of a host's sensors."""

    part = "sensor_groups"
    columns = (
        Column("uuid"),
        Column("name", "sensorgroupname"),
        *named("sensortype", "sensors", "audit_interval_group", "state"),
    )


class GroupShow(parts.PartShow):
    """Show one group of a host's sensors."""

    part = "sensor_groups"
    example = 'controller-0 "server temperature"'
    wanted = _WHICH_GROUP
    columns = _GROUP


class _Modify(parts.PartShow):
    """:cvar change: an example of what can be set"""

    change: ClassVar[str]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        arguments.add_attributes(parser, self.change)

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        return self.parts.update(parsed_args.host, parsed_args.wanted, dict(parsed_args.attributes))


class SensorModify(_Modify):
    """Suppress a sensor of a host, or no longer. All else is set of its group.

    A sensor that is suppressed is read and shown; it has no alarm, and nothing is done about it.
    """

    part = "sensors"
    change = "suppress=True"
    example = 'controller-0 "Fan 1" suppress=True'
    wanted = _WHICH_SENSOR
    columns = _SENSOR


class GroupModify(_Modify):
    """Say what is done about the sensors of a group, and how often they are read.

    What can be set: actions_minor_group, actions_major_group and actions_critical_group (ignore, log or alarm; for critical also
    reset or powercycle), audit_interval_group (seconds; for all groups of the host) and suppress.
    """

    part = "sensor_groups"
    change = "actions_critical_group=alarm"
    example = 'controller-0 "server temperature" actions_critical_group=powercycle'
    wanted = _WHICH_GROUP
    columns = _GROUP


class Relearn(base.Action):
    """Have the sensors of a host learned anew from its board, as after a change of its hardware.

    It takes some minutes. Alarms of its sensors are cleared; what is set of groups stays. The host must have a board.
    """

    example = "controller-0"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        arguments.add_host(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.client.hosts.relearn_sensors(parsed_args.host)
        print(f"The sensors of {parsed_args.host} are learned anew; that takes some minutes.", file=self.app.stdout)
