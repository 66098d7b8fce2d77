# SPDX-License-Identifier: Apache-2.0
"""When a service that has failed, and cannot go elsewhere, is tried again: soon at first, less and less often while it goes on failing."""

import dataclasses
import math

# Time for the other controller to be given the activity, if it would do better.
FIRST_S = 1.0
LONGEST_S = 30.0
# After so long without another failure the first pause is short again; a service forgets its own failures after as long.
CALM_S = 90.0


@dataclasses.dataclass(frozen=True)
class Recovery:
    """:ivar at: when it is tried, in monotonic seconds; infinity while nothing has failed
    :ivar pause_s: before the last try
    :ivar tried_at: when that was
    """

    at: float = math.inf
    pause_s: float = 0.0
    tried_at: float = -math.inf


def step(recovery: Recovery, has_failed: bool, now: float) -> tuple[Recovery, bool]:
    """Gives also whether it is to be tried now."""
    if not has_failed:
        return dataclasses.replace(recovery, at=math.inf), False
    if recovery.at == math.inf:
        is_new = now - recovery.tried_at >= CALM_S
        pause_s = FIRST_S if is_new else min(2 * recovery.pause_s, LONGEST_S)
        return dataclasses.replace(recovery, at=now + pause_s, pause_s=pause_s), False
    if now < recovery.at:
        return recovery, False
    return dataclasses.replace(recovery, at=math.inf, tried_at=now), True
