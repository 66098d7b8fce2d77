# SPDX-License-Identifier: Apache-2.0
"""A whole cloud on one machine: hosts as containers with their own systemd, networks, board controllers, faults."""
