# SPDX-License-Identifier: Apache-2.0
"""The process monitor of a host: restarts what dies, and raises alarm 200.006 when that does not help.

`monitor.ProcessMonitor` is the way in. The rules are in the pure modules `conf`, `fsm` and `pulse`.
"""
