# SPDX-License-Identifier: Apache-2.0
"""Tests of the readers of a machine's inventory.

samples/ holds what the tools printed on a machine of two sockets, each with two cores of two
threads, with an NVMe disk of three partitions and two virtual functions; and what lldpcli said of
a switch and of a server.
"""

import pathlib

SAMPLES = pathlib.Path(__file__).parent / "samples"


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()
