# SPDX-License-Identifier: Apache-2.0
"""What the heartbeat's process of a host is told: its name, its cluster, and the networks that pulses go over."""

import pathlib

import msgspec
import yaml  # type: ignore[import-untyped]

from stx import hostkeys
from stx.datagrams import Keys
from stx.paths import Path

# UDP, for pulses and answers alike (mtce-sm.md A1).
PORTS = {"mgmt": 2106, "cluster": 2116}


class SettingsError(Exception):
    """The file cannot be used; the message says what to change."""


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """:ivar group: a multicast address, so that one pulse is for all; without it each host gets its own"""

    device: str
    address: str
    group: str = ""
    port: int = 0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each file of keys has one a line; the first one signs, all are taken.

    :ivar key_file: keys that all hosts have
    :ivar host_key_file: this host's own, which its answers are signed with
    :ivar master_key_file: those that the keys of all hosts are derived from; for controllers only
    """

    node: str
    cluster: str
    networks: dict[str, Network]
    key_file: str = ""
    host_key_file: str = ""
    master_key_file: str = ""


def read(path: pathlib.Path) -> Settings:
    """:raises SettingsError:"""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text()), Settings)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}.") from error
    if not found.networks:
        raise SettingsError(f"{path}: networks: name at least one, as mgmt: {{device: eth0, address: 192.168.204.3}}.")
    for name, each in found.networks.items():
        if not each.port and name not in PORTS:
            raise SettingsError(f"{path}: networks.{name}.port: give one; only {' and '.join(PORTS)} have one of their own.")
    return found


def keys(settings: Settings) -> Keys:
    """:raises SettingsError: when there is a file of keys that cannot be used"""
    group, own, masters = (_read(name) for name in (settings.key_file, settings.host_key_file, settings.master_key_file))
    of_name = hostkeys.deriver(masters)
    # A controller's own key follows from the master key as those of all others do.
    own = own or of_name(hostkeys.of_host(settings.node))
    of = (lambda host: of_name(hostkeys.of_host(host))) if masters else None
    return Keys(group[0] if group else None, group, own, of)


def _read(name: str) -> tuple[bytes, ...]:
    try:
        return hostkeys.read(pathlib.Path(name)) if name else ()
    except ValueError as error:
        raise SettingsError(str(error)) from error


def ways(settings: Settings) -> list[Path]:
    """The networks, each with the keys.

    :raises SettingsError:
    """
    used = keys(settings)
    return [
        Path(name, each.address, each.port or PORTS[name], {}, used, each.device, each.group)
        for name, each in settings.networks.items()
    ]
