# SPDX-License-Identifier: Apache-2.0
"""What the host watchdog is told, where it is told something."""

import pathlib
from typing import Annotated

import msgspec
import yaml  # type: ignore[import-untyped]

# The kernel's takes no less (mtce-sm.md A6.3).
_Seconds = Annotated[float, msgspec.Meta(gt=0.0)]


class SettingsError(Exception):
    """The file cannot be used; the message says what to change."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """:ivar members: those whose silence is a reason to start the host anew
    :ivar silence_s: how long one may be silent
    :ivar device: the kernel's watchdog, which starts the host anew when this process hangs; it is used where there is one
    :ivar device_timeout_s: how long the kernel waits
    :ivar console: where the last words go
    :ivar reset_command: starts the host anew, in place of a reboot
    :ivar last_resort_s: how long the reboot may take
    """

    members: tuple[str, ...] = ("mtce-client",)
    silence_s: _Seconds = 150.0
    device: str = "/dev/watchdog"
    device_timeout_s: Annotated[int, msgspec.Meta(ge=60)] = 300
    console: str = "/dev/console"
    reset_command: tuple[str, ...] = ()
    last_resort_s: Annotated[int, msgspec.Meta(ge=1)] = 300


def read(path: pathlib.Path) -> Settings:
    """What a file says; what is usual where there is none.

    :raises SettingsError:
    """
    try:
        return msgspec.convert(yaml.safe_load(path.read_text()) or {}, Settings)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}.") from error
