# SPDX-License-Identifier: Apache-2.0
"""What the platform's services are told beside their configuration files (spec sysinv.md 1.7)."""

from collections.abc import Iterator, Mapping, Sequence

from stxclient import collection, exceptions, queries, resources, transport


class ServiceParameters(collection.Collection):
    """The parameters. What is set is effective when it is applied."""

    path, key = "service_parameter", "parameters"

    def list(
        self, service: str | None = None, section: str | None = None, name: str | None = None
    ) -> Iterator[resources.Resource]:
        """All of them, or those of a service, of a section, of a name."""
        wanted = {"service": service, "section": section, "name": name}
        conditions = [queries.Condition(field, value) for field, value in wanted.items() if value is not None]
        return self._items(parameters=queries.parameters(conditions))

    def create(
        self,
        service: str,
        section: str,
        parameters: Mapping[str, str],
        personality: str | None = None,
        resource: str | None = None,
    ) -> Sequence[resources.Resource]:
        """Adds parameters to a section, all or none; gives them.

        :raises exceptions.BadRequest, exceptions.Conflict: when one is refused
        """
        body = {
            "service": service,
            "section": section,
            "personality": personality,
            "resource": resource,
            "parameters": dict(parameters),
        }
        return [self._resource(fields) for fields in self._service.post(self.path, body)[self.key]]

    def update(self, uuid: str, value: str) -> resources.Resource:
        """Sets a parameter; gives it as it is then.

        :raises exceptions.BadRequest: when the value is refused
        """
        return self._resource(self._service.patch(transport.path(self.path, uuid), {"value": value}))

    def set(
        self,
        service: str,
        section: str,
        values: Mapping[str, str],
        personality: str | None = None,
        resource: str | None = None,
    ) -> Sequence[resources.Resource]:
        """Sets parameters of a section by name, one after another; gives them.

        :raises exceptions.NotFound: before anything is set, when one is not there
        :raises exceptions.BadRequest: when a value is refused; those before it are set then
        """
        there = {
            item.name: item.uuid
            for item in self.list(service, section)
            if (item.get("personality"), item.get("resource")) == (personality, resource)
        }
        if missing := [name for name in values if name not in there]:
            raise exceptions.NotFound(f"{service} {section} has no parameter {', '.join(missing)}.", 404)
        return [self.update(there[name], value) for name, value in values.items()]

    def delete(self, uuid: str) -> None:
        """Takes a parameter away.

        :raises exceptions.BadRequest: when it is mandatory
        """
        self._service.delete(transport.path(self.path, uuid))

    def apply(self, service: str) -> None:
        """Makes the parameters of a service effective as they are.

        :raises exceptions.BadRequest: when they do not go together
        """
        self._service.post(transport.path(self.path, "apply"), {"service": service})
