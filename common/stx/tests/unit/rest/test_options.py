# SPDX-License-Identifier: Apache-2.0
"""Tests of where a REST service listens."""

from stx import testing
from stx.rest import options


class ListeningTest(testing.TestCase):
    def test_a_service_listens_on_loopback_and_its_own_port_by_default(self) -> None:
        defaults = {option.name: option.default for option in options.listening(18002)}

        self.assertEqual({"bind_host": "127.0.0.1", "bind_port": 18002, "threads": 16}, defaults)

    def test_every_option_has_a_help_text(self) -> None:
        self.assertEqual([], [option.name for option in options.listening(1) if not option.help])
