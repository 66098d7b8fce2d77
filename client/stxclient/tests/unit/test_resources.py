# SPDX-License-Identifier: Apache-2.0
"""Tests of objects."""

import copy

from oslotest import base

from stxclient import resources


class ResourceTest(base.BaseTestCase):
    def test_fields_are_attributes(self) -> None:
        host = resources.Resource({"hostname": "controller-0", "task": None})
        self.assertEqual("controller-0", host.hostname)
        self.assertIsNone(host.task)
        self.assertIn("task", host)

    def test_missing_field_is_an_attribute_error_or_the_default(self) -> None:
        host = resources.Resource({})
        self.assertRaises(AttributeError, getattr, host, "hostname")
        self.assertEqual("?", host.get("hostname", "?"))
        self.assertNotIn("hostname", host)

    def test_objects_with_the_same_fields_are_equal_and_can_be_copied(self) -> None:
        host = resources.Resource({"id": 1})
        self.assertEqual(host, copy.deepcopy(host))
        self.assertNotEqual(host, resources.Resource({"id": 2}))
        self.assertEqual({"id": 1}, host.to_dict())


class BooleanTest(base.BaseTestCase):
    def test_texts_of_booleans_become_booleans_and_nothing_else_does(self) -> None:
        given = ["True", "false", " TRUE ", True, "yes", "", None, 1]
        expected = [True, False, True, True, "yes", "", None, 1]
        self.assertEqual(expected, [resources.boolean(value) for value in given])
