# SPDX-License-Identifier: Apache-2.0
"""The commands, one module a subject. Their names are bound in the entry points of the distribution only."""
