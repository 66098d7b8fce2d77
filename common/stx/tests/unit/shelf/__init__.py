# SPDX-License-Identifier: Apache-2.0
"""A component as small as can be, a shelf of books, that the tests of the ground floor stand on it."""
