# SPDX-License-Identifier: Apache-2.0
"""The fm database: the only SQL of this component."""
