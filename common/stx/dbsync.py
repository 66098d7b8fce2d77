# SPDX-License-Identifier: Apache-2.0
"""What fm-dbsync and its likes do: bring a database's schema to this release, and end."""

import sys

from stx import config, exception
from stx.db import Database


def main(database: Database) -> None:
    """:raises SystemExit: with a sentence when it cannot be done"""
    prog = f"{database.component}-dbsync"
    config.parse(sys.argv[1:], prog=prog)
    try:
        database.migrate()
    except exception.StxException as error:
        sys.exit(f"{prog}: {error.message}")
