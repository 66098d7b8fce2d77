# SPDX-License-Identifier: Apache-2.0
"""The face of Configuration Management: how other components read and report facts about hosts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from stx import rpc
from stx.context import RequestContext

TOPIC = "sysinv.conductor_manager"
VERSION = "1.0"

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
)


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
