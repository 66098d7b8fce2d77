# SPDX-License-Identifier: Apache-2.0
"""Unit tests of what REST services stand on."""
