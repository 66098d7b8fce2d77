# SPDX-License-Identifier: Apache-2.0
"""What Service Management says of controllers, services and their groups (spec sysinv.md 1.7)."""

from collections.abc import Iterator

from stxclient import collection, resources


class _Shown(collection.Collection):
    def list(self) -> Iterator[resources.Resource]:
        """All of them, in the service's order."""
        return self._items()


class ServiceNodes(_Shown):
    """The controllers."""

    path, key = "servicenodes", "nodes"


class ServiceGroups(_Shown):
    """What each group of services is on each controller."""

    path, key = "servicegroup", "sm_servicegroup"


class Services(_Shown):
    """The services of the active controller."""

    path = key = "services"
