# SPDX-License-Identifier: Apache-2.0
"""Who asks: the request context that travels from REST through RPC into the logs."""

from typing import Any

from oslo_context import context


class RequestContext(context.RequestContext):
    """oslo.context's request context; nothing is added, so that it can cross every wire."""


def internal(service: str) -> RequestContext:
    """The context of work that no user asked for, done by one of the platform's own services."""
    return RequestContext(user_id=service, roles=["service"], overwrite=False)


def from_dict(values: dict[str, Any]) -> RequestContext:
    return RequestContext.from_dict(values)
