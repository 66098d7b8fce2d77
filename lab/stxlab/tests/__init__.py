# SPDX-License-Identifier: Apache-2.0
"""Tests of the embedded controller and of the `stx` command."""
