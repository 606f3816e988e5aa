# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested plain data: look up, build, merge and compare by key path."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils.toml_values import same

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


def leaves(data: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield `(key path, value)` of everything that is not a table, and of empty tables."""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*prefix, key))
        else:
            yield (*prefix, key), value


def revert(
    data: Mapping[str, Any], ours: Mapping[str, Any], merge: Mapping[str, Any], remove: Iterable[KeyPath]
) -> dict[str, Any]:
    """Return a copy of `data` with our change taken back where it is still ours.

    `ours` is what we merged, `merge` and `remove` undo it (see `delta`). A key that has another value than ours now
    stays, and so do keys that others put beside ours.
    """
    result = copy.deepcopy(dict(data))
    undone = list(leaves(merge))
    gone = {tuple(path) for path in remove} | {path for path, dummy in undone}
    for path, value in leaves(ours):
        if value is not None and at(result, path) == value:
            _drop(result, path, gone)
    for path, value in undone:
        if at(result, path) is None:
            deep_merge(result, nested(list(path), copy.deepcopy(value)))
    return result


def _drop(data: dict[str, Any], path: tuple[str, ...], gone: set[tuple[str, ...]]) -> None:
    """Remove a key, and the tables that this empties if they are below one of the paths `gone`."""
    while path:
        del at(data, path[:-1])[path[-1]]
        path = path[:-1]
        if at(data, path) or not any(path[: len(each)] == each for each in gone):
            return


def delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], list[KeyPath]]:
    """Return what to merge into and what to remove from `before` to get `after`."""
    merge: dict[str, Any] = {}
    remove = [[key] for key in before if key not in after]
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner, gone = delta(old, value)
            if inner or (old and not value):  # an emptied table that stays is named, or a removal would take it along
                merge[key] = inner
            remove += [[key, *path] for path in gone]
        elif key not in before or not same(old, value):
            merge[key] = value
    return merge, remove
