# SPDX-License-Identifier: Apache-2.0
"""What the heartbeat's process of a host is told: its name, its cluster, and the networks that pulses go over."""

import pathlib

import msgspec
import yaml  # type: ignore[import-untyped]

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
    """:ivar key_file: holds what datagrams are signed with, on each line one; the first one signs, all are taken"""

    node: str
    cluster: str
    networks: dict[str, Network]
    key_file: str = ""


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
    if not settings.key_file:
        return Keys()
    path = pathlib.Path(settings.key_file)
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path} can be read by others than its owner. Change that: chmod 600 {path}")
        found = [line.strip().encode() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The keys in {path} cannot be read: {error}.") from error
    if not found or not all(32 <= len(key) <= 64 for key in found):
        raise SettingsError(f"{path}: give a key of 32 to 64 bytes on each line.")
    return Keys(found[0], tuple(found))


def ways(settings: Settings) -> list[Path]:
    """The networks, each with the keys.

    :raises SettingsError:
    """
    used = keys(settings)
    return [
        Path(name, each.address, each.port or PORTS[name], {}, used, each.device, each.group)
        for name, each in settings.networks.items()
    ]
