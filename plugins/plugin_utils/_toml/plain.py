# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested plain data: made plain, looked up, built, merged and compared by key path."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError

ABSENT = object()
_DATES = (datetime.datetime, datetime.date, datetime.time)


def exact(value: Any, path: Path = ()) -> Any:
    """Return a deep copy of exact built-in types; the input may hold subclasses of them (ansible's tagged values)."""
    where = keys.show(path) or "the value"
    if value is None:
        raise TomlError(f"{where}: TOML has no null; to remove a key, list its path in remove")
    if isinstance(value, Mapping):
        result = {}
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TomlError(f"{where}: a key in it is of type {type(name).__name__}, it must be a string")
            name = _text(name, where)
            result[name] = exact(inner, (*path, name))
        return result
    if isinstance(value, (list, tuple)):
        return [exact(inner, path) for inner in value]
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    for kind in _DATES:
        if isinstance(value, kind):
            return kind.fromisoformat(value.isoformat())
    raise TomlError(f"{where}: TOML cannot hold a {type(value).__name__}")


def same(one: Any, other: Any) -> bool:
    """Compare plain data as TOML does: 1, 1.0 and true all differ, and nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other) if isinstance(one, float) else one == other


def differences(before: dict[str, Any], after: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield (path, old, new) for the topmost keys that differ; what is not there is ABSENT."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, (*path, name))
        elif not same(old, new):
            yield (*path, name), old, new


def is_array_of_tables(value: Any) -> bool:
    """Return whether a value can be written as [[tables]]."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def is_mixed(items: list[Any]) -> bool:
    """Return whether a list holds values of several types."""
    return len({type(item) for item in items}) > 1


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TomlError(f"{where}: a text in it is not valid Unicode") from None
    return str.__str__(value)


KeyPath = list[str]


def at(data: Any, path: Iterable[str], default: Any = None) -> Any:
    """Return the value at a key path, or the default."""
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return default
        data = data[name]
    return data


def nested(path: KeyPath, value: Any) -> dict[str, Any]:
    """Return `{path[0]: {path[1]: … value}}`."""
    found: dict[str, Any] = {path[-1]: value}
    for key in reversed(path[:-1]):
        found = {key: found}
    return found


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
    """Return a copy of `data` with our change undone where it is still ours.

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
