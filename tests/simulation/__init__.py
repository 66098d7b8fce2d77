# SPDX-License-Identifier: Apache-2.0
"""Lives of whole systems on a virtual clock, many thousands of them."""
