# SPDX-License-Identifier: Apache-2.0
"""Hosts and what is in them (spec sysinv.md 1.7.2 to 1.7.5)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stxclient import collection, exceptions, resources, transport

# People say compute, the wire says worker.
_PERSONALITIES = {"compute": "worker"}


class Parts(collection.Collection):
    """What hosts have several of: processors, disks, ports …

    :param what: one of them in words
    :param name: path of the resource and key of its list
    :param names: fields that name one within its host, beside the uuid
    """

    def __init__(self, service: transport.Transport, hosts: "Hosts", what: str, name: str, *names: str) -> None:
        super().__init__(service)
        self.path = self.key = name  # type: ignore[misc]
        self._hosts = hosts
        self._what = what
        self._names = ("uuid", *names)

    def list(self, host: str | resources.Resource) -> Iterator[resources.Resource]:
        """Those of a host.

        :param host: its name, id or uuid, or the host itself
        :raises exceptions.NotFound: when there is no such host
        """
        if not isinstance(host, resources.Resource):
            host = self._hosts.get(host)
        return self._items(transport.path(self._hosts.path, host.uuid, self.path))

    def find(self, host: str, wanted: str | int) -> resources.Resource:
        """The one of a host that has this uuid or name, with all its fields.

        :raises exceptions.NotFound: when the host has none, or there is no such host
        """
        for part in self.list(host):
            if str(wanted) in {str(part.get(name)) for name in self._names if part.get(name) is not None}:
                return self.get(part.uuid)
        by = ", ".join(self._names)
        raise exceptions.NotFound(f"Host {host} has no {self._what} {wanted} (looked for by {by}).", 404)

    def update(self, host: str, wanted: str, changes: Mapping[str, Any]) -> resources.Resource:
        """Sets attributes of the one of a host that has this uuid or name; gives it as it is then.

        :raises exceptions.NotFound: when the host has none, or there is no such host
        """
        return self._resource(self._service.patch(transport.path(self.path, self.find(host, wanted).uuid), changes))


class Hosts(collection.Collection):
    """The hosts, and below each name the collection of a kind of part."""

    path = key = "ihosts"

    def __init__(self, service: transport.Transport) -> None:
        super().__init__(service)
        self.cpus = Parts(service, self, "processor", "icpus", "cpu")
        self.nodes = Parts(service, self, "NUMA node", "inodes")
        self.memories = Parts(service, self, "memory of NUMA node", "imemorys", "numa_node")
        self.disks = Parts(service, self, "disk", "idisks", "device_node", "device_path")
        self.partitions = Parts(service, self, "partition", "partitions", "device_path", "device_node")
        self.ports = Parts(service, self, "port", "ports", "name", "namedisplay")
        self.ethernet_ports = Parts(service, self, "Ethernet port", "ethernet_ports", "name", "namedisplay")
        self.pci_devices = Parts(service, self, "PCI device", "pci_devices", "name", "pciaddr")
        self.lldp_agents = Parts(service, self, "LLDP agent", "lldp_agents")
        self.lldp_neighbours = Parts(service, self, "LLDP neighbour", "lldp_neighbours")
        self.sensors = Parts(service, self, "sensor", "isensors", "sensorname")
        self.sensor_groups = Parts(service, self, "sensor group", "isensorgroups", "sensorgroupname")

    def list(self, personality: str | None = None, allowed: str | None = None) -> Iterator[resources.Resource]:
        """The hosts, or those of one personality (controller, worker or compute, storage).

        :param allowed: an action, such as `lock`: only hosts on which it is allowed now
        """
        wanted = [("personality", _on_the_wire(personality))] if personality else []
        wanted += [("allowed", allowed)] if allowed else []
        return self._items(parameters=wanted)

    def create(self, **attributes: Any) -> resources.Resource:
        """Adds a host (spec sysinv.md 1.8.1).

        :raises exceptions.BadRequest: when the system has no place for it
        :raises exceptions.Conflict: when its mgmt_mac or name is taken
        """
        return self._resource(self._service.post(self.path, _wire_form(attributes)))

    def update(self, host: str, changes: Mapping[str, Any]) -> resources.Resource:
        """Sets attributes by name; gives the host as it is then."""
        return self._resource(self._service.patch(transport.path(self.path, str(host)), _wire_form(changes)))

    def swact(self, host: str, force: bool = False) -> resources.Resource:
        """Has the active controller hand over its activity; gives the host. It is asked for then; `task` tells how far it is.

        :param force: also where services have failed on the other controller
        :raises exceptions.BadRequest: when it cannot be; the text says what to do
        """
        return self.act(host, "force-swact" if force else "swact")

    def act(self, host: str, action: str) -> resources.Resource:
        """Asks for an action, such as `lock`; gives the host. It has begun then, and is not done: `task` tells how far it is.

        :raises exceptions.BadRequest: when it cannot be; the text says what to do
        :raises exceptions.Conflict: while another action is in progress
        """
        return self._resource(self._service.patch(transport.path(self.path, str(host)), {"action": action}))

    def actions(self, host: str) -> Sequence[dict[str, Any]]:
        """What can be asked of a host now: `action`, whether it is `allowed`, and the `reason` where it is not."""
        return list(self._service.get(transport.path(self.path, str(host), "actions"))["actions"])

    def relearn_sensors(self, host: str) -> None:
        """Has the sensors of a host learned anew from its board. It takes some minutes until they are.

        :raises exceptions.NotFound: when there is no such host
        """
        self._service.post(transport.path(self.sensor_groups.path, "relearn"), {"host_uuid": self.get(host).uuid})

    def delete(self, host: str) -> None:
        """Removes a host from the system."""
        self._service.delete(transport.path(self.path, str(host)))

    def disk_partitions(self, disk_uuid: str) -> Iterator[resources.Resource]:
        """The partitions of one disk."""
        return self.partitions._items(transport.path(self.disks.path, disk_uuid, self.partitions.path))


def _on_the_wire(personality: Any) -> Any:
    return _PERSONALITIES.get(personality, personality)


def _wire_form(attributes: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(attributes)
    if "personality" in values:
        values["personality"] = _on_the_wire(values["personality"])
    if isinstance(values.get("location"), str):
        values["location"] = {"locn": values["location"]}
    return values
