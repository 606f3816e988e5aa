# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would become of many nodes, each distinct plan once."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys

_MISTAKES = 8
_OUTCOMES = ("to change", "nothing to do", "cannot be changed")


def lines(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines for `{node: result of containerd_registry}`: each distinct plan once, below its nodes.

    Nodes that will be changed come first, those that cannot be last.
    """
    groups: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for name, result in results.items():
        groups.setdefault((_outcome(result), tuple(_plan(name, result))), []).append(name)
    shown = []
    for (outcome, plan), who in sorted(groups.items(), key=lambda group: group[0][0]):
        shown += [f"{names.several(who, len(results))}: {_OUTCOMES[outcome]}", *(f"  {line}" for line in plan), ""]
    return shown[:-1]


def mistakes(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what is wrong in `{node: result of checking its variables}`: each mistake once, with its nodes."""
    groups: dict[str, list[str]] = {}
    for name, result in results.items():
        if "depends_on_release" not in result:
            groups.setdefault(str(result.get("msg") or "no answer").strip(), []).append(name)
    told = [f"{names.several(who, len(results))}: {text}" for text, who in groups.items()]
    more = len(told) - _MISTAKES
    return " | ".join([*told[:_MISTAKES], *([f"and {more} more mistakes"] if more > 0 else [])])


def _outcome(result: Mapping[str, Any]) -> int:
    if result.get("failed") or result.get("unreachable"):
        return 2
    return 0 if result.get("changed") else 1


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _plan(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    yield str(result.get("msg") or "no answer").strip()
    yield from (f"carried over: {text}" for text in result.get("migrated") or [])
    yield from (f"warning: {str(text).removeprefix(f'{name}: ')}" for text in result.get("warnings") or [])
    changes = result.get("config_changes") or []
    for change in (change for change in changes if "before" in change):
        after = json.dumps(change["after"]) if "after" in change else "gone"
        yield f"config.toml: {keys.show(change['path'])} = {json.dumps(change['before'])} becomes {after}"
    added = sum("before" not in change for change in changes)
    if added:
        yield f"config.toml: {_count(added, 'key')} added"
    for verb, key in (("writes", "written"), ("removes", "removed")):
        places = Counter(map(_hosts_dir, result.get(key) or []))
        yield from (f"{verb} {_count(number, 'file')} in {place}" for place, number in places.items() if place)
        yield from (f"{verb} {path}" for path in result.get(key) or [] if not _hosts_dir(path))


def _hosts_dir(path: str) -> str | None:
    """Return the directory that the directory of a hosts.toml is in, None for other files."""
    folder, name = posixpath.split(path)
    return posixpath.dirname(folder) if name == "hosts.toml" else None
