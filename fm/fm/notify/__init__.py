# SPDX-License-Identifier: Apache-2.0
"""Tells those outside of the platform what happens: trap receivers, webhooks, Alertmanager, syslog, SNMP managers."""
