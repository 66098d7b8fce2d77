# SPDX-License-Identifier: Apache-2.0
"""Tests of the platform as a whole, and the collection of every room's unit tests."""
