# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables as their specification has them."""

from __future__ import annotations

from functools import cache

import yaml
from pages import ROLE, ROOT


@cache
def role_options() -> dict[str, dict]:
    """Return `{name without the prefix: specification}`."""
    path = ROOT / "roles" / "containerd_registry" / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["variables"]["options"]
    return {name.removeprefix(ROLE): value for name, value in options.items()}
