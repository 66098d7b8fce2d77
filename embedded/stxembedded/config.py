# SPDX-License-Identifier: Apache-2.0
"""Where everything of a platform on one machine is, and the configuration files that say so to its processes."""

import configparser
import contextlib
import dataclasses
import io
import ipaddress
import json
import os
import re
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec

from stx import exception
from stxembedded.accounts import Service, User

# The well-known port of each service, in the order that --port-base counts in.
PORTS = {"keystone": 5000, "platform": 6385, "faultmanagement": 18002}
# Whose port number each process takes for UDP, so that there are no more ports to choose.
PULSES = {"keystone": "keystone", "controller": "platform", "mtce-client": "faultmanagement"}
REGION = "RegionOne"
SERVICE_USERS = ("sysinv", "fm", "mtce")
EVALUATION_USERS = ("operator", "reader")
# The kernel's limit for the path of a socket is 107; the longest name in run/ needs some of it.
MAX_RUN_PATH = 80


# The first controller of every system is called so.
HOSTNAME = "controller-0"
# What kind of system this controller is the first of: its bootstrap options by the name of the shape.
SIMPLEX = "simplex"
SHAPES = {
    SIMPLEX: {"system_type": "All-in-one", "system_mode": "simplex"},
    "duplex": {"system_type": "All-in-one", "system_mode": "duplex"},
    "standard": {"system_type": "Standard"},
}


class _Chosen(msgspec.Struct):
    """The file layout.json."""

    shape: Literal["simplex", "duplex", "standard"]
    address: Annotated[str, msgspec.Meta(min_length=1)]
    ports: dict[str, Annotated[int, msgspec.Meta(ge=1, le=65535)]]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What is chosen at the first `up` and kept from then on; all else follows from it."""

    data_dir: Path
    shape: str = SIMPLEX
    address: str = "127.0.0.1"
    ports: Mapping[str, int] = dataclasses.field(default_factory=lambda: dict(PORTS))

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def state_dir(self) -> Path:
        return self.data_dir / "state"

    @property
    def stx_conf(self) -> Path:
        return self.data_dir / "stx.conf"

    @property
    def controller_conf(self) -> Path:
        """What only the controller's process needs."""
        return self.data_dir / "controller.conf"

    @property
    def host_conf(self) -> Path:
        """What differs for the process that runs on every host: it is no controller."""
        return self.data_dir / "host.conf"

    @property
    def keystone_conf(self) -> Path:
        return self.data_dir / "keystone.conf"

    @property
    def pmon_dir(self) -> Path:
        """What the host's process monitor watches."""
        return self.data_dir / "pmon.d"

    @property
    def guard_dir(self) -> Path:
        """What the controller watches: the host's process monitor itself."""
        return self.data_dir / "guard.d"

    @property
    def maintenance_flag(self) -> Path:
        """While this file is there, the process monitor restarts nothing."""
        return self.run_dir / "maintenance"

    @property
    def passwords_pending(self) -> Path:
        """While this file is there, Keystone may not have the passwords yet."""
        return self.data_dir / "passwords.pending"

    @property
    def auth_url(self) -> str:
        return f"{self.url('keystone')}/v3"

    def url(self, service: str) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.ports[service]}"

    @property
    def snmp_port(self) -> int:
        """The UDP port of the SNMP agent, which listens when there is a community. SNMP's own is for root only."""
        return self.ports["faultmanagement"] % 65535 + 1

    def pulse_port(self, process: str) -> int:
        """The UDP port on loopback at which a process tells its monitor that it is well: each has the number of a service's port."""
        return self.ports[PULSES[process]]

    def call(self, command: str) -> str:
        """How the user calls a command for this data."""
        options = [] if self.data_dir == default_data_dir() else ["--data-dir", str(self.data_dir)]
        return shlex.join([called(), command, *options])

    def pid_file(self, process: str) -> Path:
        return self.run_dir / f"{process}.pid"

    def output(self, process: str) -> Path:
        """What a process prints; what it logs is in a file of its own."""
        return self.log_dir / f"{process}.out"

    @property
    def is_kept(self) -> bool:
        """Whether the directory holds a system's data already."""
        return (self.data_dir / "layout.json").exists()

    def catalogue(self) -> list[Service]:
        return [
            Service("platform", "sysinv", f"{self.url('platform')}/v1"),
            Service("faultmanagement", "fm", self.url("faultmanagement")),
        ]

    def users(self, passwords: Mapping[str, str]) -> list[User]:
        services = [User(name, passwords[name], "services", ("admin", "service")) for name in SERVICE_USERS]
        return services + [User(name, passwords[name], "admin", (name,)) for name in EVALUATION_USERS]

    @classmethod
    def load(cls, data_dir: Path) -> Self:
        """The layout chosen earlier for this directory; the default one when there is none.

        :raises exception.ConfigurationError: when its file can't be read
        """
        path = data_dir / "layout.json"
        try:
            chosen = msgspec.json.decode(path.read_bytes(), type=_Chosen)
            return cls(data_dir, chosen.shape, chosen.address, {**PORTS, **chosen.ports})
        except FileNotFoundError:
            return cls(data_dir)
        except OSError as error:
            raise exception.ConfigurationError(f"{path} cannot be read: {error.strerror}. Choose another --data-dir.") from error
        except msgspec.MsgspecError as error:
            raise exception.ConfigurationError(
                f"{path} cannot be used ({error}). Correct it, or remove it to start over."
            ) from error

    def check(self) -> None:
        """:raises exception.ConfigurationError: when the directory's name or the address can't be used"""
        if not re.fullmatch(r"[\w/.@+,=~ -]+", str(self.data_dir)):
            raise exception.ConfigurationError(
                f"The path {self.data_dir} has characters that mean something else in configuration files and URLs. "
                "Choose a --data-dir of letters, digits, spaces and . _ - + @ , = ~ only."
            )
        if len(os.fsencode(self.run_dir)) > MAX_RUN_PATH:
            raise exception.ConfigurationError(
                f"The path {self.data_dir} is too long for the sockets in it. Choose a --data-dir of fewer characters."
            )
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(self.address).is_unspecified:
                raise exception.ConfigurationError(
                    f"The catalogue of services would send everybody to {self.address}, where nobody is. "
                    "Give the --address by which others reach this machine."
                )

    def save(self) -> None:
        """Make the directories and remember the choices.

        :raises exception.ConfigurationError: when the directory can't be used
        """
        try:
            for directory in (self.data_dir, self.log_dir, self.run_dir, self.state_dir, self.pmon_dir, self.guard_dir):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            chosen = {"shape": self.shape, "address": self.address, "ports": dict(self.ports)}
            write_private(self.data_dir / "layout.json", json.dumps(chosen, indent=2) + "\n")
        except OSError as error:
            raise exception.ConfigurationError(
                f"{self.data_dir} cannot be used for the platform's data: {error.strerror}. Choose another --data-dir."
            ) from error


def read_passwords(layout: Layout) -> dict[str, str]:
    """The generated passwords by user; none before the first `up`, or when the file is damaged."""
    try:
        return msgspec.json.decode(_passwords(layout).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def load_passwords(layout: Layout) -> dict[str, str]:
    """The passwords, with those made that are missing. They have 192 random bits, so their hashes may be cheap."""
    passwords = read_passwords(layout)
    missing = [name for name in ("admin", *SERVICE_USERS, *EVALUATION_USERS) if name not in passwords]
    if missing:
        layout.passwords_pending.touch(0o600)
        passwords.update({name: secrets.token_urlsafe(24) for name in missing})
        write_private(_passwords(layout), json.dumps(passwords, indent=2) + "\n")
    return passwords


def _passwords(layout: Layout) -> Path:
    return layout.data_dir / "passwords.json"


def write_configuration(layout: Layout, passwords: Mapping[str, str]) -> None:
    """Write the configuration files anew: what others changed in them is lost, so that they always fit this release."""
    write_private(layout.keystone_conf, ini(keystone_options(layout, passwords)))
    write_private(layout.stx_conf, ini(stx_options(layout, passwords)))
    write_private(layout.controller_conf, ini({"pulse": {"port": layout.pulse_port("controller")}}))
    write_private(layout.host_conf, ini(host_options(layout)))


def host_options(layout: Layout) -> dict[str, dict[str, Any]]:
    return {
        "inproc": {"hub": False},
        "pulse": {"port": layout.pulse_port("mtce-client")},
        # It is somebody's machine, with other work on it.
        "mtce": {"may_reboot": False},
        "mtce_resources": {"enabled": False},
    }


def keystone_options(layout: Layout, passwords: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    keystone = layout.data_dir / "keystone"
    return {
        "DEFAULT": {
            "log_file": layout.log_dir / "keystone.log",
            **_log_rotation(),
            "default_log_levels": "stevedore=CRITICAL,alembic=WARNING,oslo_policy=WARNING,urllib3=WARNING,sqlalchemy=WARNING",
        },
        "embedded": {
            "bind_host": layout.address,
            "bind_port": layout.ports["keystone"],
            "url": layout.auth_url,
            "region": REGION,
            "admin_password": passwords["admin"],
            "pid_file": layout.pid_file("keystone"),
            "pulse_port": layout.pulse_port("keystone"),
        },
        "database": {"connection": f"sqlite:///{keystone}/keystone.sqlite"},
        "fernet_tokens": {"key_repository": keystone / "fernet"},
        "fernet_receipts": {"key_repository": keystone / "receipts"},
        "credential": {"key_repository": keystone / "credential"},
        "auth": {"methods": "password,token,application_credential"},
        # Passwords are generated: the cost factor protects weak ones only. bcrypt takes 72 bytes and no more.
        "identity": {"password_hash_rounds": 4, "max_password_length": 72},
        # Without a cache a token takes a quarter of a second. Each reader gets a copy of its own (pickle).
        "cache": {
            "enabled": True,
            "backend": "dogpile.cache.memory_pickle",
            "proxies": "stxembedded.keystone.Bounded",
        },
    }


def stx_options(layout: Layout, passwords: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {
        "DEFAULT": {
            # Each process names its own file in it.
            "log_dir": layout.log_dir,
            **_log_rotation(),
            "host": HOSTNAME,
            "state_path": layout.state_dir,
            "run_path": layout.run_dir,
            "transport_url": f"inproc://{layout.run_dir}/bus",
        },
        "bootstrap": {**SHAPES[layout.shape], "region_name": REGION},
        # A process answers to where the question came from, so any port will do, and two platforms can live side by side.
        "pmon": {"conf_dir": layout.pmon_dir, "pulse_port": 0},
        "mtce_guard": {"conf_dir": layout.guard_dir},
        "sysinv_api": {"bind_host": layout.address, "bind_port": layout.ports["platform"]},
        "fm_api": {"bind_host": layout.address, "bind_port": layout.ports["faultmanagement"]},
        "fm_notify": {"agent_bind_host": layout.address, "agent_port": layout.snmp_port},
        "sysinv_database": {"connection": f"sqlite:///{layout.state_dir}/sysinv.sqlite"},
        "fm_database": {"connection": f"sqlite:///{layout.state_dir}/fm.sqlite"},
        "keystone_authtoken": {
            "www_authenticate_uri": layout.auth_url,
            "service_token_roles_required": True,
            **_credentials(layout, "sysinv", passwords),
        },
    }


def _credentials(layout: Layout, user: str, passwords: Mapping[str, str]) -> dict[str, Any]:
    return {
        "auth_type": "password",
        "auth_url": layout.auth_url,
        "username": user,
        "password": passwords[user],
        "project_name": "services",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": REGION,
    }


def _log_rotation() -> dict[str, Any]:
    return {"log_rotation_type": "size", "max_logfile_size_mb": 10, "max_logfile_count": 3}


def ini(options: Mapping[str, Mapping[str, Any]], writer: str = "`stx up`") -> str:
    """The text of a configuration file.

    :param options: values by group and name
    :param writer: who its first line says has written it
    """
    parser = configparser.RawConfigParser(default_section="\0")
    parser.read_dict(options)
    text = io.StringIO(f"# Written by {writer}; changes made here are lost.\n\n")
    text.seek(0, os.SEEK_END)
    parser.write(text)
    return text.getvalue()


def login_variables(layout: Layout, user: str, password: str) -> dict[str, str]:
    """The environment variables by which the command line clients log in as this user, in the project that all users share."""
    return {
        "OS_AUTH_URL": layout.auth_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": password,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": REGION,
        "OS_INTERFACE": "public",
    }


def exports(variables: Mapping[str, str]) -> list[str]:
    """The lines that give a shell these variables, with the values quoted where they must be."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def write_private(path: Path, content: str) -> None:
    """Replace a file that only its owner may read: a reader sees the old or the new one."""
    descriptor, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        Path(new).replace(path)
    except OSError:
        os.unlink(new)
        raise


def default_data_dir() -> Path:
    """$STX_DATA_DIR; without it a directory of the user's own."""
    if chosen := os.environ.get("STX_DATA_DIR"):
        return absolute(chosen)
    return absolute(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "starlingx"


def absolute(path: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def called() -> str:
    """What the user calls `stx`: the script of a checkout says how it was called."""
    return os.environ.get("STX_COMMAND", "stx")
