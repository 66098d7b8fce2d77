# SPDX-License-Identifier: Apache-2.0
"""Tests of the lab: real hosts that are started, broken and looked at from outside."""
