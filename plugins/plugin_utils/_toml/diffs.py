# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in a file, as people may see it: every secret masked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import ABSENT, differences, leaves


def _shown(path: str, text: str) -> str:
    """Return a file's text as people may see it: certificates are not secret, everything else can contain secrets."""
    return _text.escaped(text if path.endswith(".crt") else masking.mask_toml(text))


def file_diff(path: str, before: str | None, after: str | None, also: Sequence[str] = ()) -> dict[str, str]:
    """Return one entry of an Ansible diff; None stands for "no file". A secret that changes is said to.

    `also` names directories in which the same changes.
    """
    old, new = (_shown(path, text or "") for text in (before, after))
    path = _text.line(path)
    note = " (only a secret changes)" if before and after and before != after and old == new else ""
    same = _text.line(f", and the same in {', '.join(also)}") if also else ""
    return {
        "before_header": path if before is not None else f"{path} (absent)",
        "after_header": (path if after is not None else f"{path} (absent)") + note + same,
        "before": old,
        "after": new + ("# a secret in this file changes\n" if note else ""),
    }


def changes(before: str | None, after: str | None) -> list[dict[str, Any]]:
    """Return the keys of a TOML text that change, with their values, secrets masked and dates as text."""
    old, new = (_secrets.mask_data(load(text or "")) for text in (before, after))
    found: list[dict[str, Any]] = fit_for_a_result(changed_leaves(old, new))
    return found


def fit_for_a_result(data: Any) -> Any:
    """Return data with secrets masked, dates as text and nothing for a terminal to act on, fit for a task's result."""
    return _escaped(json.loads(json.dumps(_secrets.mask_data(data), default=str)))


def _escaped(data: Any) -> Any:
    if isinstance(data, dict):
        return {_text.escaped(key): _escaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_escaped(item) for item in data]
    return _text.escaped(data) if isinstance(data, str) else data


def changed_leaves(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return C({"path": [...], "before": x, "after": y}) per leaf that differs, sorted; an absent side is left out."""
    found: dict[Path, dict[str, Any]] = {}
    for path, old, new in differences(before, after):
        for side, value in (("before", old), ("after", new)):
            for leaf, content in () if value is ABSENT else leaves({path[-1]: value}, path[:-1]):
                found.setdefault(leaf, {"path": list(leaf)})[side] = content
    return [found[path] for path in sorted(found)]
