# SPDX-License-Identifier: Apache-2.0
"""Tells what was done, and when."""

import sys
import time


class Progress:
    def __init__(self) -> None:
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._begun:6.2f} s] {text}", file=sys.stderr, flush=True)
