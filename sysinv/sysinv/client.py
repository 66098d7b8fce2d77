# SPDX-License-Identifier: Apache-2.0
"""The face of Configuration Management: how other components read and report facts about hosts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from stx import rpc
from stx.context import RequestContext

TOPIC = "sysinv.conductor_manager"
VERSION = "1.0"

# What mtce keeps with a host for itself: the newest requested action that it took up, and where its work on the host stands. A
# request is open while action_taken is less than the host's action_number.
KEPT_FIELDS = (
    "action_taken",
    "mtce_procedure",
    "mtce_stage",
    "mtce_attempts",
    "mtce_number",
    "mtce_boot_id",
    "mtce_failures",
    "mtce_cause",
)
# What mtce decides of a host and the conductor stores.
STATE_FIELDS = (
    "administrative",
    "operational",
    "availability",
    "subfunction_oper",
    "subfunction_avail",
    "task",
    "mtce_info",
    "uptime",
    *KEPT_FIELDS,
)
# The event that the parameters of a service are effective as they are now; its payload names the service.
PARAMETERS_APPLIED = "sysinv.service_parameter.apply"
COMMUNITY_FIELDS = frozenset({"community", "view", "access"})
TRAP_DESTINATION_FIELDS = frozenset(
    {"ip_address", "community", "port", "type", "transport", "security_name", "auth_password", "priv_password"}
)
PARAMETER_FIELDS = frozenset({"name", "value", "personality", "resource"})


class Registration(msgspec.Struct):
    """What an agent learns when it says who it is.

    :ivar digests: by kind, the digest of the inventory that is stored of this host
    """

    host_uuid: str
    hostname: str | None
    digests: dict[str, str]


class InventoryReport(msgspec.Struct):
    """One kind of a host's inventory: its digest, and its records (spec sysinv.md 3.4)."""

    digest: str
    records: list[dict[str, Any]]


class BoardLogin(msgspec.Struct):
    """How the board management controller of a host is reached.

    :ivar bm_type: `ipmi`, `redfish`, or `dynamic` where the board shall say itself which of the two it speaks
    """

    bm_type: str
    address: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"BoardLogin({self.bm_type!r}, {self.address!r}, {self.username!r})"


class SensorModel(msgspec.Struct):
    """The sensors of a host and their groups, as rows of i_sensors and i_sensorgroups (spec sysinv.md 1.7.6).

    :ivar relearn: token of the wish to learn them anew; given back with what was learned. Empty when there is none
    """

    groups: list[dict[str, Any]]
    sensors: list[dict[str, Any]]
    relearn: str = ""


class Conductor:
    """sysinv-conductor over RPC."""

    def __init__(self, timeout_s: float = rpc.DEADLINE_S) -> None:
        self._rpc = rpc.Client(TOPIC, VERSION, timeout_s)

    def create_host(self, context: RequestContext, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add a host; gives its record.

        :raises exception.Invalid, exception.Conflict: with all reasons against it
        """
        return self._rpc.call(context, "create_host", into=dict[str, Any], values=dict(values))

    def update_host(self, context: RequestContext, host_uuid: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        return self._rpc.call(context, "update_host", into=dict[str, Any], host_uuid=host_uuid, changes=dict(changes))

    def delete_host(self, context: RequestContext, host_uuid: str) -> None:
        self._rpc.call(context, "delete_host", host_uuid=host_uuid)

    def request_action(self, context: RequestContext, host_uuid: str, action: str) -> dict[str, Any]:
        """Ask for an action on a host, such as `lock`; gives its record. mtce takes the request up, and says in `task` how far it is.

        :raises exception.Conflict: while another action is in progress
        :raises exception.Invalid: with all reasons against it
        """
        return self._rpc.call(context, "request_action", into=dict[str, Any], host_uuid=host_uuid, action=action)

    def get_board_logins(self, context: RequestContext) -> dict[str, BoardLogin]:
        """By host name, how the boards are reached of all hosts that have one. For mtce: whoever has it can switch hosts off."""
        return self._rpc.call(context, "get_board_logins", into=dict[str, BoardLogin])

    def update_system(self, context: RequestContext, system_uuid: str, changes: Mapping[str, Any]) -> None:
        self._rpc.call(context, "update_system", system_uuid=system_uuid, changes=dict(changes))

    def get_hosts(self, context: RequestContext, uuids: Collection[str] | None = None) -> list[dict[str, Any]]:
        """All hosts, or those of these uuids that there are."""
        return self._rpc.call(context, "get_hosts", into=list[dict[str, Any]], uuids=None if uuids is None else sorted(uuids))

    def update_host_states(self, context: RequestContext, states: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Store what mtce decided of hosts, all or nothing.

        :param states: what changes of each host, by its name; only STATE_FIELDS are taken
        :returns: the names of those that are not there
        """
        return self._rpc.call(
            context, "update_host_states", into=list[str], states={name: dict(changes) for name, changes in states.items()}
        )

    def report_install_progress(
        self, context: RequestContext, host_uuid: str, install_state: str, install_state_info: str | None
    ) -> None:
        """Store what an installer tells of the installation of a locked host (spec sysinv.md 6.4)."""
        self._rpc.call(
            context,
            "report_install_progress",
            host_uuid=host_uuid,
            install_state=install_state,
            install_state_info=install_state_info,
        )

    def register_agent(self, context: RequestContext, macs: Sequence[str], hostname: str) -> Registration:
        """Say which host the agent is on.

        :raises exception.NotFound: when the host was not added, or was discovered and has no personality yet
        """
        return self._rpc.call(context, "register_agent", into=Registration, macs=list(macs), hostname=hostname)

    def report_inventory(self, context: RequestContext, host_uuid: str, reports: Mapping[str, InventoryReport]) -> None:
        self._rpc.call(context, "report_inventory", host_uuid=host_uuid, reports=dict(reports))

    def get_sensor_model(self, context: RequestContext, host_uuid: str) -> SensorModel:
        """What is known of the sensors of a host, and what an operator has set; nothing of a host that has none, or is not there."""
        return self._rpc.call(context, "get_sensor_model", into=SensorModel, host_uuid=host_uuid)

    def store_sensor_model(self, context: RequestContext, host_uuid: str, model: SensorModel) -> None:
        """Store which sensors a host has. What an operator has set of those that were known, and their status, stays."""
        self._rpc.call(context, "store_sensor_model", host_uuid=host_uuid, model=model)

    def update_sensor_states(self, context: RequestContext, statuses: Mapping[str, Mapping[str, str]]) -> None:
        """Store how sensors are.

        :param statuses: by the uuid of the host, then the name of the sensor; those that there are not are passed over
        """
        self._rpc.call(context, "update_sensor_states", statuses={host: dict(known) for host, known in statuses.items()})

    def update_sensor(self, context: RequestContext, sensor_uuid: str, changes: Mapping[str, Any]) -> None:
        """Change a sensor: whether it is suppressed."""
        self._rpc.call(context, "update_sensor", sensor_uuid=sensor_uuid, changes=dict(changes))

    def update_sensorgroup(self, context: RequestContext, sensorgroup_uuid: str, changes: Mapping[str, Any]) -> None:
        """Change a group: actions, interval, whether it is suppressed."""
        self._rpc.call(context, "update_sensorgroup", sensorgroup_uuid=sensorgroup_uuid, changes=dict(changes))

    def relearn_sensors(self, context: RequestContext, host_uuid: str) -> None:
        """Have the sensors of a host learned anew from its board."""
        self._rpc.call(context, "relearn_sensors", host_uuid=host_uuid)

    def create_service_parameters(
        self,
        context: RequestContext,
        service: str,
        section: str,
        parameters: Mapping[str, str],
        personality: str | None = None,
        resource: str | None = None,
    ) -> list[str]:
        """Add parameters to a section of a service, all or none; gives their uuids. They are effective when they are applied.

        :raises exception.Invalid, exception.Conflict: with all reasons against it
        """
        return self._rpc.call(
            context,
            "create_service_parameters",
            into=list[str],
            service=service,
            section=section,
            parameters=dict(parameters),
            personality=personality,
            resource=resource,
        )

    def update_service_parameter(self, context: RequestContext, parameter_uuid: str, changes: Mapping[str, Any]) -> None:
        """Set a parameter. It is effective when it is applied."""
        self._rpc.call(context, "update_service_parameter", parameter_uuid=parameter_uuid, changes=dict(changes))

    def delete_service_parameter(self, context: RequestContext, parameter_uuid: str) -> None:
        """Take away a parameter that is not mandatory. Where it was effective, it is until the service's parameters are applied."""
        self._rpc.call(context, "delete_service_parameter", parameter_uuid=parameter_uuid)

    def apply_service_parameters(self, context: RequestContext, service: str) -> None:
        """Make the parameters of a service effective as they are; the event PARAMETERS_APPLIED tells that they were.

        :raises exception.Invalid: with all reasons against it
        """
        self._rpc.call(context, "apply_service_parameters", service=service)

    def get_applied_parameters(self, context: RequestContext, service: str) -> dict[str, dict[str, Any]]:
        """The effective parameters of a service, by section and name; empty where they were never applied."""
        return self._rpc.call(context, "get_applied_parameters", into=dict[str, dict[str, Any]], service=service)

    def create_community(self, context: RequestContext, values: Mapping[str, Any]) -> str:
        """Let whoever has this community ask over SNMP; gives its uuid.

        :raises exception.Invalid, exception.Conflict: with all reasons against it
        """
        return self._rpc.call(context, "create_community", into=str, values=dict(values))

    def update_community(self, context: RequestContext, community_uuid: str, changes: Mapping[str, Any]) -> None:
        self._rpc.call(context, "update_community", community_uuid=community_uuid, changes=dict(changes))

    def delete_community(self, context: RequestContext, community_uuid: str) -> None:
        self._rpc.call(context, "delete_community", community_uuid=community_uuid)

    def create_trap_destination(self, context: RequestContext, values: Mapping[str, Any]) -> str:
        """Have traps or informs sent to an address; gives its uuid.

        :raises exception.Invalid, exception.Conflict: with all reasons against it
        """
        return self._rpc.call(context, "create_trap_destination", into=str, values=dict(values))

    def update_trap_destination(self, context: RequestContext, destination_uuid: str, changes: Mapping[str, Any]) -> None:
        self._rpc.call(context, "update_trap_destination", destination_uuid=destination_uuid, changes=dict(changes))

    def delete_trap_destination(self, context: RequestContext, destination_uuid: str) -> None:
        self._rpc.call(context, "delete_trap_destination", destination_uuid=destination_uuid)
