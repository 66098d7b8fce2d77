# SPDX-License-Identifier: Apache-2.0
"""The sensors of hosts, as their boards show them: which there are (model), and what is done about what they show (audit)."""
