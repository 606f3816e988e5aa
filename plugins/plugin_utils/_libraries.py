# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that the control node needs and may lack."""

from __future__ import annotations

import importlib.util

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import load


def require(*libraries: str) -> None:
    """Refuse to continue without what all this needs, and more libraries, which are imported where they are used."""
    for library in (*load.LIBRARIES, *libraries):
        if importlib.util.find_spec(library) is None:
            raise Refusal(missing_required_lib(library, reason="on the controller"))
