# SPDX-License-Identifier: Apache-2.0
"""Finds the packages of every room; all else is in setup.cfg."""

import pathlib

import setuptools

ROOMS = ("common", "fm", "sysinv", "sm", "mtce", "client", "embedded", "lab")

packages = {}
for room in ROOMS:
    for name in setuptools.find_packages(room):
        packages[name] = str(pathlib.Path(room, *name.split(".")))

setuptools.setup(
    packages=sorted(packages),
    package_dir={name: path for name, path in packages.items() if "." not in name},
    package_data={"": ["*.yaml", "*.mako", "*.html", "*-MIB.txt", "py.typed"]},
)
