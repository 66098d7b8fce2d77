# SPDX-License-Identifier: Apache-2.0
"""Tests of the tree of exceptions."""

import inspect

from stx import exception, testing


class ExceptionTest(testing.TestCase):
    def test_the_message_is_the_sentence_it_was_raised_with(self) -> None:
        self.assertEqual("The disk is full.", exception.StxException("The disk is full.").message)

    def test_an_exception_without_a_sentence_is_named_by_its_class(self) -> None:
        self.assertEqual("NotFound", exception.NotFound().message)

    def test_the_message_is_the_sentence_also_when_str_says_more(self) -> None:
        class Remote(exception.Invalid):
            def __str__(self) -> str:
                return "sentence and a remote traceback"

        self.assertEqual("sentence", Remote("sentence").message)

    def test_each_class_answers_with_its_http_status(self) -> None:
        expected = {
            "StxException": 500,
            "Invalid": 400,
            "NotAuthenticated": 401,
            "Forbidden": 403,
            "NotFound": 404,
            "MethodNotAllowed": 405,
            "Conflict": 409,
            "PayloadTooLarge": 413,
            "Unavailable": 503,
            "ConfigurationError": 500,
        }
        classes = inspect.getmembers(exception, inspect.isclass)

        self.assertEqual(expected, {name: kind.code for name, kind in classes})

    def test_all_are_of_one_tree(self) -> None:
        classes = inspect.getmembers(exception, inspect.isclass)

        self.assertEqual([], [name for name, kind in classes if not issubclass(kind, exception.StxException)])
