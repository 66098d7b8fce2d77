# SPDX-License-Identifier: Apache-2.0
"""The host watchdog: starts a host anew whose processes that it cannot do without hang."""
