# SPDX-License-Identifier: Apache-2.0
"""sysinv-conductor, sysinv-api, sysinv-agent, sysinv-dbsync: one service a process."""

import sys

from stx import service
from stx.dbsync import main as dbsync_main


def conductor() -> None:
    sys.exit(service.main("sysinv-conductor", ["sysinv-conductor"]))


def api() -> None:
    sys.exit(service.main("sysinv-api", ["sysinv-api"]))


def agent() -> None:
    sys.exit(service.main("sysinv-agent", ["sysinv-agent"]))


def dbsync() -> None:
    """Bring the database's schema to this release, and end."""
    from sysinv.db import api as db_api

    dbsync_main(db_api.database)
