# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested plain data: look up, build, merge and compare by key path."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

KeyPath = list[str]


def at(data: Mapping[str, Any], path: Iterable[str]) -> Any:
    """Return the value at a key path, or None."""
    found: Any = data
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def nested(path: KeyPath, value: Any) -> dict[str, Any]:
    """Return `{path[0]: {path[1]: … value}}`."""
    for key in reversed(path):
        value = {key: value}
    return value


def deep_merge(target: dict[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings into `target`, replacing everything else, and return it."""
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            deep_merge(target[key], value)
        else:
            target[key] = value
    return target


def patch(data: Mapping[str, Any], merge: Mapping[str, Any], remove: Iterable[KeyPath]) -> dict[str, Any]:
    """Return a copy of `data` without the removed keys and with `merge` merged; tables that are left empty stay."""
    result = copy.deepcopy(dict(data))
    for path in remove:
        table = at(result, path[:-1])
        if isinstance(table, dict):
            table.pop(path[-1], None)
    return deep_merge(result, copy.deepcopy(dict(merge)))


def delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], list[KeyPath]]:
    """Return what to merge into and what to remove from `before` to get `after`; the inverse of `patch`."""
    merge: dict[str, Any] = {}
    remove = [[key] for key in before if key not in after]
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner, gone = delta(old, value)
            if inner or (old and not value):  # an emptied table that stays is named, or a removal would take it along
                merge[key] = inner
            remove += [[key, *path] for path in gone]
        elif key not in before or type(old) is not type(value) or old != value:
            merge[key] = value
    return merge, remove
