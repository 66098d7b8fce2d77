# SPDX-License-Identifier: Apache-2.0
"""The commands pmon-start, pmon-stop and pmon-restart: an order to the process monitor of this host, and its answer."""

import argparse
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from mtce.pmon.machine import Verb

DEFAULT_SOCKET = Path("/run/starlingx/pmon.sock")
DEADLINE_S = 120.0
MAX_ANSWER_BYTES = 65536

_DESCRIPTIONS = {
    Verb.START: "Start a process that was stopped with pmon-stop, or that is not restarted automatically, and watch it again.",
    Verb.STOP: "Stop a process. It stays down, without an alarm, until pmon-start.",
    Verb.RESTART: "Restart a process. This does not count as a failure.",
}


class CliError(Exception):
    """The order could not be given; the message says what to do."""


def order(socket_path: Path, verb: Verb, process: str, deadline_s: float = DEADLINE_S) -> tuple[bool, str]:
    """Give an order and wait for the result, as (is_ok, text).

    :raises CliError: when the monitor cannot be asked or does not answer
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(deadline_s)
        # An address of its own, which the kernel chooses, so that the answer finds its way.
        client.bind("")
        try:
            client.sendto(json.dumps({"command": verb, "process": process}).encode(), str(socket_path))
            answer = json.loads(client.recv(MAX_ANSWER_BYTES))
            return answer["status"] == "pass", str(answer["text"])
        except (FileNotFoundError, ConnectionError):
            raise CliError(f"The process monitor does not run: nobody listens at {socket_path}. Start it first.") from None
        except PermissionError:
            raise CliError(f"{socket_path} is for the process monitor's own user. Use that user, or root.") from None
        except TimeoutError:
            text = f"No result after {deadline_s:g} s; the {verb} of {process} may go on. See the process monitor's log."
            raise CliError(text) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CliError(f"The process monitor at {socket_path} was not understood: {error}.") from None


def main(verb: Verb, arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when the order was carried out, 1 when not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog=f"pmon-{verb}",
        description=_DESCRIPTIONS[verb],
        epilog=f"example: pmon-{verb} mtcClient",
    )
    parser.add_argument("process", metavar="NAME", help="name of the process, as in its file in pmon.d")
    parser.add_argument(
        "--socket",
        type=Path,
        default=os.environ.get("PMON_SOCKET", DEFAULT_SOCKET),
        help="socket of the process monitor (default: $PMON_SOCKET, or %(default)s)",
    )
    parser.add_argument(
        "--deadline",
        type=_seconds,
        default=DEADLINE_S,
        metavar="SECONDS",
        help="wait so long for the result (default: %(default)g)",
    )
    options = parser.parse_args(arguments)
    try:
        is_ok, text = order(options.socket, verb, options.process, options.deadline)
    except CliError as error:
        is_ok, text = False, str(error)
    print(text, file=sys.stdout if is_ok else sys.stderr)
    return 0 if is_ok else 1


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError("it must be more than 0 and at most 86400 seconds")
    return value


def start() -> int:
    """Entry point of pmon-start."""
    return main(Verb.START)


def stop() -> int:
    """Entry point of pmon-stop."""
    return main(Verb.STOP)


def restart() -> int:
    """Entry point of pmon-restart."""
    return main(Verb.RESTART)
