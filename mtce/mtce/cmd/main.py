# SPDX-License-Identifier: Apache-2.0
"""mtce-agent and mtce-client: one service a process."""

import sys

from stx import service


def agent() -> None:
    sys.exit(service.main("mtce-agent", ["mtce-agent"]))


def host() -> None:
    sys.exit(service.main("mtce-client", ["mtce-client"]))
