# SPDX-License-Identifier: Apache-2.0
"""The shelf's database."""
