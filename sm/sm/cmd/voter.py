# SPDX-License-Identifier: Apache-2.0
"""sm-voter, on every host but controllers: votes for the active controller, and says whether the host is in service.

It is on all hosts, so it is small: it knows nothing of the rest of the platform.
"""

import logging
import pathlib
import signal
import sys
import time

from sm.daemon import Loop, Wish
from sm.db import DatabaseError
from sm.keeper import CLAIM_S, Keeper
from sm.lease import Timing
from sm.messages import Hello, Receiver, Sender
from sm.node import NotConfiguredError, boot_id, named, network, open_master
from stx import flags, sdnotify
from stx.commandline import Parser
from stx.paths import Paths
from stx.realtime import prefer

STATE_PATH = "/var/lib/sm"


def main() -> int:
    """Run until told to stop. Gives the exit code."""
    parser = Parser(
        prog="sm-voter",
        description="Votes for the active controller. What it needs to know: sm-configure load --without-shipped FILE",
        example="sm-voter --state-path /var/lib/sm",
    )
    parser.add_argument("--state-path", default=STATE_PATH, help="where its database and its votes are (default: %(default)s)")
    parser.add_argument(
        "--run-path", default=flags.RUN_PATH, help="where files say whether the host is in service (default: %(default)s)"
    )
    parser.add_argument("--always", action="store_true", help="vote in any case: on a machine that is no host of the platform")
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.state_path)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    try:
        loop = make(path, None if arguments.always else pathlib.Path(arguments.run_path))
    except (NotConfiguredError, DatabaseError, OSError) as error:
        print(f"sm-voter: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.retire())
    prefer()
    sdnotify.ready()
    loop.run()
    return 0


def make(state_path: pathlib.Path, run_path: pathlib.Path | None) -> Loop:
    """:param run_path: where files say whether the host is in service; None for one that votes in any case"""
    database = open_master(state_path)
    name, cluster = named(database)
    paths, keys = network(database)
    database.close()
    keeper = Keeper(state_path)
    keeper.claim(CLAIM_S)
    start = keeper.next_start(time.time())
    ways = Paths(Sender(cluster, name, start), Receiver(cluster, keys), paths)
    wish = Wish(Hello(name, False, boot_id(), 0))
    return Loop(
        name, start, keeper, ways, Timing(), wish=wish, is_ready=lambda: run_path is None or flags.is_in_service(run_path)
    )
