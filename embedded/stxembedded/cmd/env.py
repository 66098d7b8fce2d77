# SPDX-License-Identifier: Apache-2.0
"""`stx env`: credentials for a shell, to be evaluated. They are printed, never an argument of a process."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from stx import exception
from stxembedded import config
from stxembedded.config import Layout

PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


def run(arguments: argparse.Namespace) -> int:
    layout = Layout.load(arguments.data_dir)
    password = config.read_passwords(layout).get(arguments.user)
    if password is None:
        raise exception.NotFound(f"There is no platform in {layout.data_dir} yet. Start it with: {layout.call('up')}")
    print("\n".join(lines(layout, arguments.user, password)))
    return 0


def lines(layout: Layout, user: str, password: str) -> list[str]:
    variables = {**config.login_variables(layout, user, password), "PMON_SOCKET": str(layout.run_dir / "pmon.sock")}
    programs = shlex.quote(str(Path(sys.executable).parent))
    exports = config.exports(variables)
    exports.append(f'case ":$PATH:" in *:{programs}:*) ;; *) export PATH={programs}:"$PATH" ;; esac')
    if any(name in os.environ for name in PROXIES):
        exports.append(f'export no_proxy="${{no_proxy:+$no_proxy,}}{layout.address}"')
    return exports
