# SPDX-License-Identifier: Apache-2.0
"""Pulses between the active controller and all hosts, several a second: who answers, and who has not for how long."""
