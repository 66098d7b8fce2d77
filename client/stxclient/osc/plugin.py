# SPDX-License-Identifier: Apache-2.0
"""The plugin of the `openstack` command: `openstack stx …`.

The names in capitals are what python-openstackclient looks for.
"""

import argparse
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stxclient import client

API_NAME = "stx"
API_VERSION_OPTION = "os_stx_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = ("1",)


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds our global options."""
    parser.add_argument(
        "--os-stx-api-version",
        metavar="<version>",
        default=os.environ.get("OS_STX_API_VERSION", DEFAULT_API_VERSION),
        help="Version of the platform's APIs, by default 1 (OS_STX_API_VERSION).",
    )
    return parser


def make_client(instance: Any) -> "client.Client":
    """The platform's client, with the credentials of the `openstack` command.

    SYSTEM_URL and FM_URL override the service catalogue, as for `system` and `fm`.
    """
    from stxclient import client

    return client.Client(
        instance.session,
        region_name=instance.region_name or None,
        interface=instance.interface or "public",
        platform_url=os.environ.get("SYSTEM_URL"),
        fm_url=os.environ.get("FM_URL"),
    )
