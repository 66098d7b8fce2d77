# SPDX-License-Identifier: Apache-2.0
"""Who may ask over SNMP, and who gets traps (spec fm.md 8.4)."""

from collections.abc import Iterator
from typing import Any

from stxclient import collection, resources, transport


class _Named(collection.Collection):
    """What is named by a text of its own, or by its uuid."""

    def list(self) -> Iterator[resources.Resource]:
        """All of them."""
        return self._items()

    def update(self, name: str, **changes: Any) -> resources.Resource:
        """Changes one; gives it as it is then.

        :raises exceptions.BadRequest, exceptions.Conflict: when that is refused
        """
        return self._resource(self._service.patch(transport.path(self.path, name), changes))

    def delete(self, name: str) -> None:
        """Takes one away.

        :raises exceptions.NotFound: when there is none
        """
        self._service.delete(transport.path(self.path, name))


class Communities(_Named):
    """Whoever gives one of these may read alarms and events from the SNMP agent."""

    path = key = "icommunity"

    def create(self, community: str) -> resources.Resource:
        """Adds one.

        :raises exceptions.BadRequest, exceptions.Conflict: when it is refused
        """
        return self._resource(self._service.post(self.path, {"community": community}))


class TrapDestinations(_Named):
    """Addresses that get traps or informs."""

    path = key = "itrapdest"

    def create(self, ip_address: str, **values: Any) -> resources.Resource:
        """Adds one.

        :param values: community of a trap; type, security_name, auth_password and priv_password of an inform; port
        :raises exceptions.BadRequest, exceptions.Conflict: when it is refused
        """
        return self._resource(self._service.post(self.path, {"ip_address": ip_address, **values}))
