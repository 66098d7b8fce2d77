# SPDX-License-Identifier: Apache-2.0
"""sm-fence: asks the board of a controller for its power, or switches it."""

import pathlib
import sys
import time
from collections.abc import Sequence

from sm import fencing
from sm.cmd.configure import STATE_PATH
from sm.db import DatabaseError
from sm.node import NotConfiguredError, board, open_master
from stx import boards
from stx.boards import BoardError, Power
from stx.commandline import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Prints `on` or `off`, as it is then: 0 done, 1 not done, 2 not understood."""
    parser = Parser(
        prog="sm-fence",
        description="Asks the board of a controller whether it is on, or switches it, and waits until it is so.",
        example="sm-fence controller-1 status",
    )
    parser.add_argument("--state-path", default=STATE_PATH, help="where the database is (default: %(default)s)")
    parser.add_argument("host", metavar="HOST", help="the controller that is meant")
    parser.add_argument("order", choices=[str(order) for order in fencing.Order], help="off cuts its power at once")
    arguments = parser.parse_args(argv)
    timing, begun = fencing.Timing(), time.monotonic()
    try:
        login = board(open_master(pathlib.Path(arguments.state_path), is_read_only=True), arguments.host)
        with boards.opened(login) as opened:
            if arguments.order == fencing.Order.CUT:
                if time.monotonic() - begun > timing.cut_s:
                    # Whoever has ordered it counts on that it is done by then, or not at all.
                    raise BoardError(f"It took more than {timing.cut_s:g} s to reach the board: nothing was cut.")
                boards.switch(opened, Power.OFF, timing.cut_s)
            elif arguments.order == fencing.Order.RESTORE:
                boards.switch(opened, Power.ON, timing.restore_s)
            print(opened.power())
    except (BoardError, DatabaseError, NotConfiguredError) as error:
        print(f"sm-fence: {error}", file=sys.stderr)
        return 1
    return 0
