# SPDX-License-Identifier: Apache-2.0
"""Service Management: decides which controller is active, and moves services when something dies."""
