# SPDX-License-Identifier: Apache-2.0
"""Host Management: keeps the hosts of the platform in service and says how they are."""
