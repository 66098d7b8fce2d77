# SPDX-License-Identifier: Apache-2.0
"""Measurements of the platform, beside those of its peers."""
