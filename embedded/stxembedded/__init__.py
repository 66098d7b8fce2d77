# SPDX-License-Identifier: Apache-2.0
"""A whole platform on one machine: its processes, its Keystone, and the `stx` command that runs them."""
