# SPDX-License-Identifier: Apache-2.0
"""The boards of all hosts: asked, and told what to do, without anybody waiting for them."""

from mtce.boards.keeper import Boards
from mtce.boards.terms import BoardState, Order, Result, Sensed, Timing

__all__ = ["BoardState", "Boards", "Order", "Result", "Sensed", "Timing"]
