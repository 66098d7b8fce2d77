# SPDX-License-Identifier: Apache-2.0
"""Tests of the system as a resource."""

from stxclient.tests.unit import sessions
from stxclient.tests.unit import wire_data as data


class SystemsTest(sessions.LibraryTest):
    def test_system_is_listed_and_got(self) -> None:
        (system,) = self.client.systems.list()
        self.assertEqual(data.SYSTEM, system.to_dict())
        self.assertEqual(system, self.client.systems.get(system.uuid))

    def test_changes_are_sent_as_replacements_with_texts(self) -> None:
        changed = self.client.systems.update(data.SYSTEM_UUID, {"name": "x", "https_enabled": True, "contact": ""})
        self.assertEqual("x", changed.name)
        self.assertEqual(
            [
                {"op": "replace", "path": "/name", "value": "x"},
                {"op": "replace", "path": "/https_enabled", "value": "true"},
                {"op": "replace", "path": "/contact", "value": ""},
            ],
            self.wire.requests[-1].body,
        )
