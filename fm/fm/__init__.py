# SPDX-License-Identifier: Apache-2.0
"""Fault Management: which alarms are active, and what happened."""
