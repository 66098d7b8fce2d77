# SPDX-License-Identifier: Apache-2.0
"""Versions of the shelf's schema."""
