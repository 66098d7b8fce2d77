# SPDX-License-Identifier: Apache-2.0
"""The platform's version: one distribution, one release."""

import importlib.metadata

VERSION = importlib.metadata.version("starlingx")

# What `software_version` shows on the wire: the release without its maintenance number.
SOFTWARE_VERSION = ".".join(VERSION.split(".")[:2])


# What oslo.reports asks of a version.
def vendor_string() -> str:
    return "StarlingX"


def product_string() -> str:
    return "StarlingX"


def version_string_with_package() -> str:
    return VERSION
