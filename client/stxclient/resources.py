# SPDX-License-Identifier: Apache-2.0
"""Objects of the REST APIs."""

from typing import Any


class Resource:
    """One object. Its fields are attributes, as the service names them."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"The service gave no field {name!r}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Resource({self._fields!r})"

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or the default where the service does not give it."""
        return self._fields.get(name, default)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return dict(self._fields)


def boolean(value: Any) -> Any:
    """The boolean that a text such as "True" stands for; anything else as it is."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value
