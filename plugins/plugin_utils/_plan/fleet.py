# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes of a fleet say, each distinct answer once."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys

_OUTCOMES = ("to change", "nothing to do", "cannot be changed")


def plans(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the results of `containerd_registry`, keyed by host, as `{nodes, plan}`: nodes with the same plan once.

    `plan` are lines for people. Nodes that will be changed come first, those that cannot be last.
    """
    groups: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for host, result in results.items():
        groups.setdefault((_outcome(result), tuple(_lines(result))), []).append(host)
    return [
        {"nodes": f"{', '.join(hosts)} ({_count(len(hosts), 'node')}, {_OUTCOMES[outcome]})", "plan": list(lines)}
        for (outcome, lines), hosts in sorted(groups.items(), key=lambda group: group[0][0])
    ]


def _outcome(result: Mapping[str, Any]) -> int:
    if result.get("failed") or result.get("unreachable"):
        return 2
    return 0 if result.get("changed") else 1


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield str(result.get("msg") or "no answer").strip()
    yield from (f"carried over: {text}" for text in result.get("migrated") or [])
    yield from (f"warning: {text}" for text in result.get("warnings") or [])
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
