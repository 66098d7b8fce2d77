# SPDX-License-Identifier: Apache-2.0
"""Whether this process has been told to end: what would be tried again for a while is given up then."""

import threading

TOLD = threading.Event()
