# SPDX-License-Identifier: Apache-2.0
"""The source tree that the program runs from, for commands that work on the source."""

from pathlib import Path

from stx import exception


def root() -> Path:
    """The top folder of the checkout.

    :raises exception.NotFound: when the program was installed without one
    """
    top = Path(__file__).resolve().parents[2]
    if not (top / "setup.cfg").exists():
        raise exception.NotFound("This needs the source: call ./stx in a checkout of the repository.")
    return top
