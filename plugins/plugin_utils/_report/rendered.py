# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was rendered for many nodes: each distinct result once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names, reasons


def lines(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines for `{node: result of containerd_render}`; their folders differ in the name of the node."""
    texts = {name: str(result.get("msg")) for name, result in results.items()}
    return [f"{names.several(who, len(results))}: {text}" for text, who in reasons.grouped(texts)]
