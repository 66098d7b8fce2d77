# SPDX-License-Identifier: Apache-2.0
"""The collections that the objects of the REST APIs live in."""

from collections.abc import Iterator
from typing import Any, ClassVar

from stxclient import resources, transport


class Collection:
    """A resource of a service: where it is and how its objects are read."""

    path: ClassVar[str]
    key: ClassVar[str]
    # Fields that some releases of the service write as the texts "True" and "False".
    text_booleans: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, service: transport.Transport) -> None:
        self._service = service

    def get(self, uuid: str) -> resources.Resource:
        """One object, with all its fields.

        :raises exceptions.NotFound: when there is none
        """
        return self._resource(self._service.get(transport.path(self.path, str(uuid))))

    def _items(
        self, path: str | None = None, parameters: transport.Parameters = (), limit: int | None = None
    ) -> Iterator[resources.Resource]:
        found = self._service.items(path or self.path, self.key, list(parameters), limit)
        return (self._resource(fields) for fields in found)

    def _resource(self, fields: Any) -> resources.Resource:
        fields = dict(fields or {})
        for name in self.text_booleans & fields.keys():
            fields[name] = resources.boolean(fields[name])
        return resources.Resource(fields)
