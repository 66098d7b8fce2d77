# SPDX-License-Identifier: Apache-2.0
"""What Keystone must know of the platform, as plain data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Service:
    """An entry of the catalogue; the URL serves all three interfaces."""

    type: str
    name: str
    url: str


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody who may log in, with the roles held in one project."""

    name: str
    password: str = dataclasses.field(repr=False)
    project: str = "services"
    roles: tuple[str, ...] = ("admin",)
