# SPDX-License-Identifier: Apache-2.0
"""WSME types of the wire that are used by more than one component."""

import datetime
import ipaddress
import re
import reprlib
from typing import Any

from oslo_utils import netutils, uuidutils
from wsme import types as wtypes

# Shows a value that may be of any size in a sentence.
_shown = reprlib.Repr()
_shown.maxlevel = 1
_shown.maxstring = _shown.maxother = 60
shown = _shown.repr


class DateTime(wtypes.UserType):
    """ISO 8601 with microseconds; `suffix` is what tells UTC on this service's wire."""

    basetype = str

    def __init__(self, suffix: str) -> None:
        self.name = "datetime"
        self.suffix = suffix

    def validate(self, value: Any) -> Any:
        return value

    def tobasetype(self, value: datetime.datetime | None) -> str | None:
        return None if value is None else value.isoformat(timespec="microseconds") + self.suffix


datetime_utc = DateTime("+00:00")
datetime_naive = DateTime("")


class BooleanText(wtypes.UserType):
    """A boolean that older clients expect as the text True or False."""

    basetype = str
    name = "boolean text"

    def validate(self, value: Any) -> bool:
        return boolean(value)

    frombasetype = validate

    def tobasetype(self, value: bool | None) -> str | None:
        return None if value is None else str(bool(value))


boolean_text = BooleanText()


class Boolean(wtypes.UserType):
    """A boolean; the command line sends it as text."""

    basetype = bool
    name = "boolean"

    def validate(self, value: Any) -> bool:
        return boolean(value)

    frombasetype = validate


def boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "yes", "1"):
        return True
    if text in ("false", "no", "0"):
        return False
    raise ValueError(f"{shown(value)} is neither true nor false")


class Json(wtypes.UserType):
    """Any JSON object."""

    basetype = dict
    name = "json"

    def validate(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{shown(value)} is not a JSON object")
        return value

    frombasetype = validate


json = Json()


class Uuid(wtypes.UserType):
    basetype = str
    name = "uuid"

    def validate(self, value: Any) -> str:
        if not uuidutils.is_uuid_like(value):
            raise ValueError(f"{shown(value)} is not a uuid")
        return str(value)

    frombasetype = validate


uuid = Uuid()


class Text(wtypes.UserType):
    """Text of bounded length, optionally of a pattern that `example` shows."""

    basetype = str
    name = "text"

    def __init__(self, max_length: int = 255, pattern: str | None = None, example: str | None = None) -> None:
        self.max_length = max_length
        self._pattern = re.compile(pattern) if pattern else None
        self._example = example

    def validate(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not text")
        if len(value) > self.max_length:
            raise ValueError(f"it has {len(value)} characters, {self.max_length} are allowed")
        if "\0" in value:
            raise ValueError("it contains a NUL character")
        if self._pattern and not self._pattern.fullmatch(value):
            raise ValueError(f"{shown(value)} has the wrong form, a right one is {self._example}")
        return value

    frombasetype = validate


text = Text()


class Secret(Text):
    """Text that nothing tells again: it is only ever written, and no refusal quotes it."""

    def validate(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("it is not text")
        return super().validate(value)

    frombasetype = validate


secret = Secret()


class Integer(wtypes.UserType):
    """An integer of the database's range; the command line sends it as text."""

    basetype = int
    name = "integer"

    def __init__(self, minimum: int = -(2**31), maximum: int = 2**31 - 1) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(f"{shown(value)} is not an integer")
        number = int(value) if re.fullmatch(r"-?\d{1,18}", str(value)) else None
        if number is None or not self.minimum <= number <= self.maximum:
            raise ValueError(f"{shown(value)} is not an integer from {self.minimum} to {self.maximum}")
        return number

    frombasetype = validate


integer = Integer()


class MacAddress(wtypes.UserType):
    """A MAC address in any notation with colons; kept in lower case."""

    basetype = str
    name = "mac address"

    def validate(self, value: Any) -> str:
        if not isinstance(value, str) or not netutils.is_valid_mac(value.lower()):
            raise ValueError(f"{shown(value)} is not a MAC address such as 08:00:27:aa:bb:cc")
        if value == "00:00:00:00:00:00" or int(value[:2], 16) & 1:
            raise ValueError(f"{value} is not the address of one network card")
        return value.lower()

    frombasetype = validate


mac_address = MacAddress()


class IpAddress(wtypes.UserType):
    basetype = str
    name = "ip address"

    def validate(self, value: Any) -> str:
        try:
            address = ipaddress.ip_address(value if isinstance(value, str) else "")
        except ValueError:
            raise ValueError(f"{shown(value)} is not an IP address") from None
        if address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
            raise ValueError(f"{value} is not the address of one host")
        # In one spelling, so that the same address twice is seen.
        return str(address)

    frombasetype = validate


ip_address = IpAddress()


def choice(*values: str) -> wtypes.UserType:
    return wtypes.Enum(str, *values)


class Link(wtypes.Base):
    """Where a resource is found."""

    href = wtypes.text
    rel = wtypes.text


class Resource(wtypes.Base):
    """What every resource carries."""

    uuid = uuid
    links = [Link]
