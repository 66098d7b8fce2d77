# SPDX-License-Identifier: Apache-2.0
"""sm-voter, on every host but controllers: votes for the active controller.

It is on all hosts, so it is small: it knows nothing of the rest of the platform.
"""

import logging
import pathlib
import signal
import sys
import time

from sm.commandline import Parser
from sm.daemon import Loop, Wish
from sm.db import DatabaseError
from sm.keeper import Keeper
from sm.lease import Timing
from sm.leaseholder import prefer
from sm.messages import Hello, Receiver, Sender
from sm.node import NotConfiguredError, boot_id, named, network, open_master
from sm.paths import Paths
from stx import sdnotify

STATE_PATH = "/var/lib/sm"


def main() -> int:
    """Run until told to stop. Gives the exit code."""
    parser = Parser(
        prog="sm-voter",
        description="Votes for the active controller. What it needs to know: sm-configure load --without-shipped FILE",
        example="sm-voter --state-path /var/lib/sm",
    )
    parser.add_argument("--state-path", default=STATE_PATH, help="where its database and its votes are (default: %(default)s)")
    path = pathlib.Path(parser.parse_args().state_path)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    try:
        loop = make(path)
    except (NotConfiguredError, DatabaseError, OSError) as error:
        print(f"sm-voter: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    prefer()
    sdnotify.ready()
    loop.run()
    return 0


def make(state_path: pathlib.Path) -> Loop:
    database = open_master(state_path)
    name, cluster = named(database)
    paths, keys = network(database)
    database.close()
    keeper = Keeper(state_path)
    start = keeper.next_start(time.time())
    ways = Paths(Sender(cluster, name, start), Receiver(cluster, keys), paths)
    return Loop(name, start, keeper, ways, Timing(), wish=Wish(Hello(name, False, boot_id(), 0)))
