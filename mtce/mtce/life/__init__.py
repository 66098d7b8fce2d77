# SPDX-License-Identifier: Apache-2.0
"""The life of a host: which state it is in, what is done to it, and what follows; all pure (spec mtce-sm.md A2).

Nothing here is an event: what a host, its board and its operator are asked for follows from the state alone, and is asked for again until
it is so. An mtce-agent that starts anew reads the states and goes on.
"""
