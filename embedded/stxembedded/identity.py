# SPDX-License-Identifier: Apache-2.0
"""What the platform needs in Keystone: roles, a project, users, and its services in the catalogue.

Everything goes through Keystone's REST API, so any Keystone will do. What is there is not made again, and nothing else is touched.
"""

import itertools
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import requests
from keystoneauth1 import adapter, session
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1.identity import v3

from stx import exception
from stxembedded.accounts import Service, User
from stxembedded.config import REGION, Layout

DOMAIN = "default"
TIMEOUT_S = 30.0
REVOCATION_GRAIN_S = 1.0
INTERFACES = ("public", "internal", "admin")
PROJECTS = ("admin", "services")
# Each role may do what the next one may (spec sysinv.md 1.2). The bootstrap of Keystone makes the first and the last.
ROLES = ("admin", "configurator", "operator", "reader")


def ensure_platform(layout: Layout, passwords: Mapping[str, str]) -> list[str]:
    """Make the layout's own Keystone know its services and users. Passwords that it may not have yet are given to it anew.

    :returns: what was changed, a phrase each
    :raises exception.Unavailable: when Keystone does not answer or refuses
    """
    changes = ensure_identity(
        layout.auth_url,
        passwords["admin"],
        layout.catalogue(),
        layout.users(passwords),
        region=REGION,
        reset_passwords=layout.passwords_pending.exists(),
    )
    layout.passwords_pending.unlink(missing_ok=True)
    return changes


def ensure_identity(
    auth_url: str,
    admin_password: str,
    catalogue: Collection[Service],
    users: Collection[User],
    *,
    region: str = "RegionOne",
    reset_passwords: bool = False,
) -> list[str]:
    """Make what is missing in Keystone and repair what differs; two requests when all is there.

    :param auth_url: Keystone's URL with its version, http://HOST:5000/v3
    :param reset_passwords: give existing users their password anew: whether it is the right one cannot be looked up
    :returns: what was changed, a phrase each
    :raises exception.Unavailable: when Keystone does not answer or refuses
    """
    keystone = _Keystone(auth_url, admin_password, region)
    try:
        if not reset_passwords and keystone.has(catalogue, users):
            return []
        return _Repair(keystone, region).run(catalogue, users, reset_passwords)
    except auth_exceptions.ClientException as error:
        raise exception.Unavailable(f"Keystone at {auth_url} does not do as asked: {error}. Its log says why.") from error


def connect(auth_url: str, password: str, user: str = "admin", project: str = "admin") -> session.Session:
    """A session of this user, which logs in at its first request. It goes there directly, whatever proxy the environment names."""
    direct = requests.Session()
    direct.trust_env = False
    auth = v3.Password(
        auth_url, username=user, password=password, user_domain_id=DOMAIN, project_name=project, project_domain_id=DOMAIN
    )
    return session.Session(auth=auth, session=direct, timeout=TIMEOUT_S)


class _Keystone:
    def __init__(self, auth_url: str, admin_password: str, region: str) -> None:
        self._session = connect(auth_url, admin_password)
        self._region = region
        self._adapter = adapter.Adapter(self._session, endpoint_override=auth_url)

    def has(self, catalogue: Iterable[Service], users: Iterable[User]) -> bool:
        """Whether all is there: a token tells the catalogue and what the role admin implies, the assignments tell the rest."""
        access = cast(v3.Password, self._session.auth).get_access(self._session)
        if not set(ROLES) <= set(access.role_names or ()):
            return False
        found = {
            (service["type"], service["name"], endpoint["interface"], endpoint["url"])
            for service in access.service_catalog.catalog
            for endpoint in service["endpoints"]
            if endpoint["region_id"] == self._region
        }
        if not found >= {(s.type, s.name, interface, s.url) for s in catalogue for interface in INTERFACES}:
            return False
        held = {
            (entry["user"]["name"], entry["scope"]["project"]["name"], entry["role"]["name"])
            for entry in self.list("role_assignments", include_names="true")
            if "user" in entry and "project" in entry["scope"]
        }
        return held >= {(user.name, user.project, role) for user in users for role in user.roles}

    def list(self, kind: str, **query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._adapter.get(f"/{kind}", params=query).json()[kind]
        return items

    def create(self, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """:param kind: in the singular"""
        made: dict[str, Any] = self._adapter.post(_path(kind), json={kind: values}).json()[kind]
        return made

    def update(self, kind: str, key: str, values: Mapping[str, Any]) -> None:
        self._adapter.patch(f"{_path(kind)}/{key}", json={kind: values})

    def put(self, path: str) -> None:
        self._adapter.put(path)


def _path(kind: str) -> str:
    return f"/{kind}s"


class _Repair:
    """Goes through everything once and notes what it changes."""

    def __init__(self, keystone: _Keystone, region: str) -> None:
        self._keystone = keystone
        self._region = region
        self._changes: list[str] = []

    def run(self, catalogue: Iterable[Service], users: Iterable[User], reset_passwords: bool) -> list[str]:
        roles = self._named("role", ROLES)
        self._ensure_implications(roles)
        projects = self._named("project", PROJECTS, domain_id=DOMAIN)
        self._ensure_users(users, roles, projects, reset_passwords)
        self._ensure_catalogue(catalogue)
        return self._changes

    def _named(self, kind: str, names: Iterable[str], **values: str) -> dict[str, str]:
        """The ids of all items of a kind by name, with the wanted ones made."""
        found = {item["name"]: item["id"] for item in self._keystone.list(f"{kind}s", **values)}
        for name in names:
            if name not in found:
                found[name] = self._keystone.create(kind, {"name": name, **values})["id"]
                self._changes.append(f"{kind} {name}")
        return found

    def _ensure_implications(self, roles: Mapping[str, str]) -> None:
        known = {
            (inference["prior_role"]["id"], implied["id"])
            for inference in self._keystone.list("role_inferences")
            for implied in inference["implies"]
        }
        for prior, implied in itertools.pairwise(ROLES):
            if (roles[prior], roles[implied]) not in known:
                self._keystone.put(f"/roles/{roles[prior]}/implies/{roles[implied]}")
                self._changes.append(f"role {prior} implies {implied}")

    def _ensure_users(self, users: Iterable[User], roles: Mapping[str, str], projects: Mapping[str, str], reset: bool) -> None:
        found = {item["name"]: item for item in self._keystone.list("users", domain_id=DOMAIN)}
        held = {
            (entry["user"]["id"], entry["scope"]["project"]["id"], entry["role"]["id"])
            for entry in self._keystone.list("role_assignments")
            if "user" in entry and "project" in entry["scope"]
        }
        is_any_reset = False
        for user in users:
            item = found.get(user.name)
            if item is None:
                item = self._keystone.create("user", {"name": user.name, "password": user.password, "domain_id": DOMAIN})
                self._changes.append(f"user {user.name}")
            elif reset or not item["enabled"]:
                self._keystone.update("user", item["id"], {"password": user.password, "enabled": True})
                self._changes.append(f"password of user {user.name}")
                is_any_reset = True
            for role in user.roles:
                if (item["id"], projects[user.project], roles[role]) not in held:
                    self._keystone.put(f"/projects/{projects[user.project]}/users/{item['id']}/roles/{roles[role]}")
                    self._changes.append(f"role {role} of user {user.name} in project {user.project}")
        if is_any_reset:
            # Keystone refuses all tokens of the second in which their user's password changes.
            time.sleep(REVOCATION_GRAIN_S)

    def _ensure_catalogue(self, catalogue: Iterable[Service]) -> None:
        services = {(item["type"], item["name"]): item["id"] for item in self._keystone.list("services")}
        endpoints = {
            (item["service_id"], item["interface"]): item
            for item in self._keystone.list("endpoints")
            if item["region_id"] == self._region
        }
        for service in catalogue:
            key = services.get((service.type, service.name))
            if key is None:
                key = self._keystone.create("service", {"type": service.type, "name": service.name})["id"]
                self._changes.append(f"service {service.name}")
            for interface in INTERFACES:
                self._ensure_endpoint(service, key, interface, endpoints.get((key, interface)))

    def _ensure_endpoint(self, service: Service, key: str, interface: str, found: Mapping[str, Any] | None) -> None:
        values = {"service_id": key, "interface": interface, "region_id": self._region, "url": service.url, "enabled": True}
        if found is None:
            self._keystone.create("endpoint", values)
        elif found["url"] != service.url or not found["enabled"]:
            self._keystone.update("endpoint", found["id"], {"url": service.url, "enabled": True})
        else:
            return
        self._changes.append(f"{interface} endpoint of {service.name}")
