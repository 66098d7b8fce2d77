# SPDX-License-Identifier: Apache-2.0
"""Command lines of programs that are too small for oslo.config."""

import argparse
from typing import Any


class Parser(argparse.ArgumentParser):
    """Its help ends with an example; so does that of its commands."""

    def __init__(self, *, example: str, **given: Any) -> None:
        super().__init__(epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter, **given)
