# SPDX-License-Identifier: Apache-2.0
"""The `stx` command, a module for each of its subcommands."""
