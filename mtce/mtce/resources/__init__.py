# SPDX-License-Identifier: Apache-2.0
"""The resource monitor: how much of a host's processors, memory and file systems is used up, and which of its networks have a link."""
