# SPDX-License-Identifier: Apache-2.0
"""The system itself (spec sysinv.md 1.7.1, isystems)."""

from collections.abc import Iterator, Mapping
from typing import Any

from stxclient import collection, resources, transport


class Systems(collection.Collection):
    """A service has exactly one system, in a list."""

    path = key = "isystems"

    def list(self) -> Iterator[resources.Resource]:
        """The systems."""
        return self._items()

    def update(self, uuid: str, changes: Mapping[str, Any]) -> resources.Resource:
        """Sets attributes by name; gives the system as it is then.

        :raises exceptions.BadRequest: when a value is refused
        """
        return self._resource(self._service.patch(transport.path(self.path, uuid), changes))
