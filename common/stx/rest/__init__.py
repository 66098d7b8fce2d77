# SPDX-License-Identifier: Apache-2.0
"""What every REST service stands on: one way to authenticate, authorise, read a request, page a list and tell an error."""
