# SPDX-License-Identifier: Apache-2.0
"""Tests of what those outside are told."""
