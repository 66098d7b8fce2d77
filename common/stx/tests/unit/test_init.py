# SPDX-License-Identifier: Apache-2.0
"""Tests of what importing the ground floor decides for the whole process."""

import subprocess
import sys

from stx import testing

_PROGRAM = """
import sys
import stx.{module}
from oslo_service import backend
print(backend.get_backend_type().value, sys.modules.get("eventlet"))
"""


class ImportTest(testing.TestCase):
    def test_processes_use_threads_and_never_eventlet_whichever_module_comes_first(self) -> None:
        command = [sys.executable, "-c"]
        started = [
            subprocess.Popen([*command, _PROGRAM.format(module=module)], stdout=subprocess.PIPE, text=True)
            for module in ("rpc", "service")
        ]
        printed = [process.communicate(timeout=60)[0] for process in started]

        self.assertEqual(["threading None\n"] * 2, printed)
