# SPDX-License-Identifier: Apache-2.0
"""How the documentation is built: `sphinx-build -W -b html doc/source doc/build/html`."""

import pathlib
import sys

from stx import version

TOP = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "doc" / "ext"))

project = "StarlingX"
author = "StarlingX developers"
copyright = author
version, release = version.SOFTWARE_VERSION, version.VERSION

extensions = [
    "oslo_config.sphinxext",
    "oslo_config.sphinxconfiggen",
    "oslo_policy.sphinxext",
    "oslo_policy.sphinxpolicygen",
    "cliff.sphinxext",
    "command_help",
    "rest_reference",
    "alarm_catalogue",
]

# Samples are written into _static before the pages are read.
config_generator_config_file = str(TOP / "doc" / "config-generator.conf")
sample_config_basename = "_static/starlingx"
policy_generator_config_file = str(TOP / "doc" / "policy-generator.conf")
sample_policy_basename = "_static/starlingx"

# Every command has these; the page about output says what they do.
autoprogram_cliff_ignored = [
    "--help",
    "--format",
    "--column",
    "--sort-column",
    "--sort-ascending",
    "--sort-descending",
    "--quote",
    "--noindent",
    "--max-width",
    "--fit-width",
    "--print-empty",
    "--prefix",
]

# The theme asks git for the revision, and warns where there is none.
if (TOP / ".git").exists():
    extensions.append("openstackdocstheme")
    html_theme = "starlingxdocs"
    # Readers of these pages are nobody else's business.
    html_theme_options = {"analytics_tracking_code": ""}
    openstackdocs_auto_name = False
    openstackdocs_auto_version = False
html_title = f"{project} {release}"
pygments_style = "native"
