# SPDX-License-Identifier: Apache-2.0
"""Tests of version 1, a module a resource."""
