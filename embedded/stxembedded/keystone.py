# SPDX-License-Identifier: Apache-2.0
"""A real Keystone on SQLite in one process: `python -m stxembedded.keystone --config-file keystone.conf`.

The first start makes the keys, the tables and the administrator, then serves; a later start only looks whether they are there.
It is for one machine: keys are generated, the cache lives in the process, and it listens on loopback unless told otherwise.
"""

import base64
import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cheroot.wsgi
import sqlalchemy as sa
from dogpile.cache import proxy
from oslo_config import cfg

from stx import pulse, sdnotify
from stxembedded import process

LOG = logging.getLogger(__name__)
GROUP = "embedded"
CACHE_ENTRIES = 20_000
REVOCATION_GRAIN_S = 1.0

opts = [
    cfg.HostAddressOpt("bind_host", default="127.0.0.1", help="Address that Keystone listens on."),
    cfg.PortOpt("bind_port", default=5000, help="TCP port that Keystone listens on."),
    cfg.URIOpt("url", default="http://127.0.0.1:5000/v3", help="URL of Keystone in its own catalogue."),
    cfg.StrOpt("region", default="RegionOne", help="Region of Keystone's own endpoints."),
    cfg.StrOpt("admin_password", secret=True, required=True, help="Password of the user admin. Another one here resets it."),
    cfg.StrOpt("pid_file", required=True, help="File that says which process this is."),
    cfg.PortOpt(
        "pulse_port", default=0, help="UDP port on loopback at which Keystone answers its process monitor; 0 answers nobody."
    ),
    cfg.IntOpt("threads", default=4, min=1, help="Requests that are worked on at a time."),
]


class Bounded(proxy.ProxyBackend):
    """Keeps a cache in the process from growing without end: when it is full it starts over."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._keys: dict[str, None] = {}

    def set(self, key: str, value: Any) -> None:
        self._admit([key])
        self.proxied.set(key, value)

    def set_serialized(self, key: str, value: bytes) -> None:
        self._admit([key])
        self.proxied.set_serialized(key, value)

    def set_multi(self, mapping: Mapping[str, Any]) -> None:
        self._admit(mapping)
        self.proxied.set_multi(mapping)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        self._admit(mapping)
        self.proxied.set_serialized_multi(mapping)

    def _admit(self, keys: Iterable[str]) -> None:
        if len(self._keys) >= CACHE_ENTRIES:
            full, self._keys = self._keys, {}
            self.proxied.delete_multi(list(full))
        self._keys.update(dict.fromkeys(keys))


def main(argv: Sequence[str] | None = None) -> int:
    """The whole life of the process. Gives the exit code."""
    os.umask(0o077)
    conf = cfg.ConfigOpts()
    conf.register_opts(opts, group=GROUP)
    conf(sys.argv[1:] if argv is None else argv, project="keystone", prog="stx-keystone")
    own = conf[GROUP]
    server = cheroot.wsgi.Server((own.bind_host, own.bind_port), None, numthreads=own.threads, request_queue_size=128, timeout=60)
    server.expiration_interval = 0.1
    try:
        server.prepare()
    except OSError as error:
        print(f"Keystone cannot listen on {own.bind_host} port {own.bind_port}: {error}", file=sys.stderr)
        return 1
    process.write_pid_file(Path(own.pid_file))
    try:
        server.wsgi_app = application(conf.config_file, own)
        return serve(server, own.pulse_port)
    except Exception as error:
        LOG.exception("Keystone did not start")
        print(f"Keystone did not start: {error}", file=sys.stderr)
        return 1
    finally:
        server.stop()


def serve(server: cheroot.wsgi.Server, pulse_port: int) -> int:
    """Serve until TERM or INT; requests at work are finished. Gives the exit code."""
    # Not an event: a signal that comes while its lock is held would wait for that lock for ever.
    reader, writer = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(writer, b"!"))
    accepting = threading.Thread(target=server.serve, name="accept", daemon=True)
    accepting.start()
    pulse.Answerer(pulse_port, accepting.is_alive).start()
    sdnotify.ready()
    os.read(reader, 1)
    sdnotify.stopping()
    return 0


def application(config_files: list[str], own: Any) -> Any:
    """Keystone's WSGI application, with keys, tables and the administrator in place."""
    defer_federation()
    import keystone.server
    from keystone.cmd import bootstrap
    from keystone.common.rbac_enforcer import policy
    from keystone.server.flask import application as flask_application
    from keystone.server.flask import core

    # Keystone reads the command line itself; all it may find there is the file that it gets here.
    sys.argv[1:] = []
    keystone.server.configure(config_files=config_files)
    for repository in ("fernet_tokens", "fernet_receipts", "credential"):
        make_keys(Path(cfg.CONF[repository].key_repository))
    if cfg.CONF.database.connection.startswith("sqlite"):
        tune_sqlite()
    migrate()
    # Loads all backends, so it is needed at every start.
    bootstrapper = bootstrap.Bootstrapper()
    if not is_bootstrapped(own):
        bootstrap_admin(bootstrapper, own)
        outlast_revocations()
    # Keystone loads its rules at the first request that needs them, and until then refuses others that come at the same time.
    policy.enforce({}, "identity:list_regions", {}, do_raise=False)
    return core.setup_app_middleware(flask_application.application_factory("public"))


def defer_federation() -> None:
    """Load SAML only when somebody asks for it: its import costs a second and 15 MiB."""
    name = "keystone.federation.idp"
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    # As an attribute of its package it is found without being looked into, which would load it.
    vars(sys.modules["keystone.federation"])["idp"] = module


def make_keys(repository: Path) -> None:
    """Make Fernet keys: 1 encrypts, 0 is the one to follow it. Existing keys stay."""
    repository.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("0", "1"):
        path = repository / name
        if not path.exists():
            made = path.with_suffix(".new")
            made.touch(0o600)
            made.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
            made.replace(path)


def tune_sqlite() -> None:
    """Let readers go on while one writes, and let writers take turns.

    Two SQLite transactions that read before they write lose against each other at once, whatever the busy timeout. All writers
    are threads of this process, so a lock of its own is enough.
    """
    from keystone.common import sql

    begin = sql.session_for_write
    lock = threading.RLock()

    @contextlib.contextmanager
    def session_for_write() -> Iterator[Any]:
        with lock, begin() as session:
            yield session

    def connect(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    sql.session_for_write = session_for_write
    sa.event.listen(sa.Engine, "connect", connect)


def migrate() -> None:
    """Bring the tables to the newest version. Quick when they are."""
    from keystone.common.sql import upgrades

    if upgrades.get_current_heads() != upgrades.get_head_revisions():
        upgrades.offline_sync_database_to_version()


def is_bootstrapped(own: Any) -> bool:
    """Whether the administrator can log in with this password and the catalogue names Keystone at this URL."""
    from keystone import exception
    from keystone.common import provider_api

    apis = provider_api.ProviderAPIs
    try:
        user = apis.identity_api.get_user_by_name("admin", cfg.CONF.identity.default_domain_id)
        apis.identity_api.driver.authenticate(user["id"], own.admin_password)
    except (exception.DomainNotFound, exception.UserNotFound, AssertionError):
        return False
    identity = {service["id"] for service in apis.catalog_api.list_services() if service["type"] == "identity"}
    found = {(e["interface"], e["url"]) for e in apis.catalog_api.list_endpoints() if e["service_id"] in identity}
    return found == {(interface, own.url) for interface in ("public", "internal", "admin")}


def outlast_revocations() -> None:
    """Where a password was changed just now, wait: Keystone refuses all tokens of the second in which that happens."""
    from keystone.common import provider_api

    if provider_api.ProviderAPIs.revoke_api.list_events():
        time.sleep(REVOCATION_GRAIN_S)


def bootstrap_admin(bootstrapper: Any, own: Any) -> None:
    """Make or repair what a Keystone can't do without: domain, project, user and role admin, its endpoints."""
    bootstrapper.admin_username = bootstrapper.project_name = bootstrapper.admin_role_name = "admin"
    bootstrapper.admin_password = own.admin_password
    bootstrapper.service_name = "keystone"
    bootstrapper.region_id = own.region
    bootstrapper.public_url = bootstrapper.internal_url = bootstrapper.admin_url = own.url
    bootstrapper.immutable_roles = True
    bootstrapper.bootstrap()


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Taking the modules apart in good order costs half a second and is of no use.
    os._exit(code)
