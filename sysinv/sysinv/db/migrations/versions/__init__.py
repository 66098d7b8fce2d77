# SPDX-License-Identifier: Apache-2.0
"""Versions of the schema, one module a version."""
