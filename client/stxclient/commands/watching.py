# SPDX-License-Identifier: Apache-2.0
"""Shows something again and again, whenever it may have changed."""

import queue
import threading
import time
from collections.abc import Callable, Iterable

# So often at the most, however much happens.
PERIOD_S = 1.0


def watch(changes: Iterable[object], show: Callable[[], bool], pause: Callable[[float], None] = time.sleep) -> None:
    """Show at each change, and once for those that come together, until the changes end.

    :param changes: iterated over in a thread of its own, so that it is not held up
    :param show: gives whether it could; if not it is tried again
    :param pause: called with seconds after each showing
    :raises Exception: what iterating over the changes raises
    """
    # What waits in it: that there was a change, or how they ended.
    news: queue.Queue[Exception | StopIteration | None] = queue.Queue(1)

    def follow() -> None:
        end: Exception = StopIteration()
        try:
            for _ in changes:
                if news.empty():
                    news.put(None)
        except Exception as error:
            end = error
        news.put(end)

    threading.Thread(target=follow, name="watch", daemon=True).start()
    while True:
        new = news.get()
        if isinstance(new, StopIteration):
            return
        if new is not None:
            raise new
        while not show():
            pause(PERIOD_S)
        pause(PERIOD_S)
