# SPDX-License-Identifier: Apache-2.0
"""Other projects, run for real, that the platform is measured beside."""
