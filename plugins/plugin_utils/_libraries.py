# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that the control node needs, and may lack or have in a version that is too old."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import sys

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import load

NEEDED = {"jmespath": ">=1.0", "tomli": ">=2.0.1", "tomlkit": ">=0.15.1"}
"""The versions of each that work, as in requirements.txt."""


def require(*libraries: str) -> None:
    """Refuse to continue without what all this needs, and more libraries, which are imported where they are used."""
    for library in (*load.LIBRARIES, *libraries):
        if importlib.util.find_spec(library) is None:
            raise Refusal(missing_required_lib(library, reason="on the control node"))
        if (found := _too_old(library)) is not None:
            needed = f"{library}{NEEDED[library]}"
            raise Refusal(
                f"{library} {found} of {sys.executable} is too old: this needs {needed}. Install it with "
                f"{sys.executable} -m pip install '{needed}', or run Ansible from a virtual environment."
            )


@functools.cache
def _too_old(library: str) -> str | None:
    """The version of a library, if it does not work; a library without a version counts as new enough."""
    try:
        found = importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
    from packaging.specifiers import SpecifierSet  # comes with ansible-core, but not where only imports are tested

    return None if SpecifierSet(NEEDED[library]).contains(found, prereleases=True) else found
