# SPDX-License-Identifier: Apache-2.0
"""Configuration Management: what the system and its hosts are, and how they are configured."""
