# SPDX-License-Identifier: Apache-2.0
"""Version 1: one module a resource."""
