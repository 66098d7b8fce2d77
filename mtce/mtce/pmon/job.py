# SPDX-License-Identifier: Apache-2.0
"""A program that is run to its end: a start or stop action, or a look at a process."""

import os
import selectors
from collections.abc import Callable, Sequence

from mtce.pmon import launch

MAX_OUTPUT_BYTES = 4096


class Job:
    """Runs at once; its end comes through the selector, whose data are functions to call.

    :param on_end: called with the exit code and, when `is_heard`, the begin of what the program wrote
    :raises launch.LaunchError:
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        argv: Sequence[str],
        on_end: Callable[[int | None, bytes], None],
        *,
        log_path: str = "",
        is_heard: bool = False,
    ) -> None:
        self._selector = selector
        self._on_end: Callable[[int | None, bytes], None] | None = on_end
        # A file in memory, unlike a pipe, needs nobody who reads it.
        self._output = os.memfd_create("output", os.MFD_CLOEXEC) if is_heard else None
        try:
            self._pid, self._pidfd = launch.launch(argv, log_path, self._output)
        except launch.LaunchError:
            self._close_output()
            raise
        selector.register(self._pidfd, selectors.EVENT_READ, self._ended)

    def cancel(self) -> None:
        """Kill the program and its process group; its end will not be told."""
        self._on_end = None
        launch.kill_group(self._pid)

    def _ended(self) -> None:
        self._selector.unregister(self._pidfd)
        code = launch.reap(self._pid, self._pidfd)
        os.close(self._pidfd)
        output = b"" if self._output is None else os.pread(self._output, MAX_OUTPUT_BYTES, 0)
        self._close_output()
        if self._on_end is not None:
            self._on_end(code, output)

    def _close_output(self) -> None:
        if self._output is not None:
            os.close(self._output)
            self._output = None
