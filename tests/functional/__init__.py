# SPDX-License-Identifier: Apache-2.0
"""Tests of whole deployments, through what their users have: REST, commands, signals."""
