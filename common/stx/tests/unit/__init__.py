# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the ground floor, one module for each of its modules."""
