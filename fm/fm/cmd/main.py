# SPDX-License-Identifier: Apache-2.0
"""fm-manager, fm-api, fm-courier, fm-dbsync: one service a process."""

import sys

from stx import service
from stx.dbsync import main as dbsync_main


def manager() -> None:
    sys.exit(service.main("fm-manager", ["fm-manager"]))


def api() -> None:
    sys.exit(service.main("fm-api", ["fm-api"]))


def courier() -> None:
    sys.exit(service.main("fm-courier", ["fm-courier"]))


def dbsync() -> None:
    """Bring the database's schema to this release, and end."""
    from fm.db import api as db_api

    dbsync_main(db_api.database)
