# SPDX-License-Identifier: Apache-2.0
"""The sysinv database: the only SQL of this component."""
