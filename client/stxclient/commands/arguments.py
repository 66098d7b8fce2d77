# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands take."""

import argparse
import sys

from stxclient import queries
from stxclient.commands import base


def add_host(parser: argparse.ArgumentParser) -> None:
    """The host that the command is about."""
    parser.add_argument("host", metavar="<host>", help="Name, id or uuid of the host.")


def add_attributes(parser: argparse.ArgumentParser, example: str) -> None:
    """Attributes to set."""
    parser.add_argument(
        "attributes",
        metavar="<name=value>",
        nargs="+",
        type=base.argument(attribute),
        help=f"Attribute and its new value; several may be given. For example {example}.",
    )


def add_query(parser: argparse.ArgumentParser, fields: str) -> None:
    """Conditions on a list."""
    parser.add_argument(
        "-q",
        "--query",
        metavar="<query>",
        type=base.argument(queries.parse),
        default=[],
        help="Show only what meets conditions such as severity=major; several are separated by semicolons: "
        f"key[op][type::]value;key… with op one of != >= <= > < =. Keys: {fields}.",
    )


def add_display(parser: argparse.ArgumentParser) -> None:
    """How long texts are shown."""
    parser.add_argument(
        "--nowrap",
        action="store_const",
        dest="max_width",
        const=sys.maxsize,
        help="Do not fold long texts to the width of the terminal.",
    )


def add_uuid(parser: argparse.ArgumentParser) -> None:
    """The column of uuids."""
    parser.add_argument("--uuid", action="store_true", help="Show the uuids too.")


def attribute(text: str) -> tuple[str, str]:
    """Reads name=value.

    :raises ValueError: when it is none
    """
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise ValueError(f"{text!r} is not name=value")
    return name.strip(), value
