# SPDX-License-Identifier: Apache-2.0
"""The client of the platform: a Python library, the `system` and `fm` commands, and `openstack stx …`.

It speaks to the REST APIs only and imports no component.
"""
