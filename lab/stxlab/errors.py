# SPDX-License-Identifier: Apache-2.0
"""The root of the lab's errors."""


class LabError(Exception):
    """What the person who typed the command is told: the message says what is wrong and what to do."""
