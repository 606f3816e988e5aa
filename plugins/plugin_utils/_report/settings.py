# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nodes are configured as the variables describe, as a document of the same kind as that of their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document

CAUSES = ("new_node", "variables", "hand_edit", "other_tool", "removed", "restored", "upgrade", "restart")
"""Why a run would change something (see `_plan/drift`)."""

_FIX = "Run airgap.containerd.site to restore it, or change the variables."
_KEYS = ("path", "cause", "seen", "upstream", "changed_at", "owner")
_ALL = "*"


def settings(
    plans: Mapping[str, Any], created: str, done: Mapping[str, Any] | None = None, seconds: float | None = None
) -> dict[str, Any]:
    """Return what `containerd_registry` planned for nodes, and with `done` what became of that, as a document."""
    told = {name: _told(planned, (done or {}).get(name)) for name, planned in plans.items()}
    found = document.document(told, created, about="site", seconds=seconds)
    changes = {document.clean(name): result.get("changes") or [] for name, result in told.items()}
    for node in found["nodes"]:
        node["changes"] = changes[node["name"]]
    return found


def closing(found: Mapping[str, Any]) -> str:
    """Return the sentence that sums up."""
    total, good = len(found["nodes"]), sum(node["ok"] for node in found["nodes"])
    drifted = sum(bool(node["changes"]) for node in found["nodes"])
    silent = total - good - drifted
    parts = [f"{drifted} would change" if drifted else "", f"{silent} cannot be checked" if silent else ""]
    more = ", ".join(filter(None, parts))
    return f"{good} of {total} nodes are configured as the variables describe{f', {more}' if more else ''}"


def _told(planned: Any, done: Any) -> dict[str, Any]:
    """Return a node's plan, or what became of it, in the shape that pulls have."""
    planned = planned if isinstance(planned, Mapping) else {}
    done = done if isinstance(done, Mapping) else None
    last = planned if done is None else done
    if last.get("unreachable") or last.get("failed") or "pending" not in planned:
        return {"unreachable": bool(last.get("unreachable")), "msg": last.get("msg"), "version": planned.get("version")}
    changes = [] if done is not None else [_change(each) for each in planned.get("changes") or () if _is_change(each)]
    names = [*(planned.get("namespaces") or ()), *(each["upstream"] for each in changes if each["upstream"])]
    images = [_outcome(planned, str(name), changes) for name in dict.fromkeys(names or [_ALL])]
    return {"version": planned.get("version"), "images": images, "changes": changes}


def _is_change(each: Any) -> bool:
    return isinstance(each, Mapping) and isinstance(each.get("seen"), str) and each.get("cause") in CAUSES


def _change(each: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = document.clean({key: each.get(key) for key in _KEYS})
    owner = kept["owner"]
    return {**kept, "owner": owner if isinstance(owner, int) and not isinstance(owner, bool) else None}


def _outcome(planned: Mapping[str, Any], upstream: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    ours = [each for each in changes if each["upstream"] in (None, upstream)]
    seen = "; ".join(dict.fromkeys(each["seen"] for each in ours))
    endpoints = planned.get("endpoints")
    url = endpoints.get(upstream) if isinstance(endpoints, Mapping) else None
    wrong = {"kind": ours[0]["cause"], "seen": f"{seen[:1].upper()}{seen[1:]}.", "fix": _FIX} if ours else None
    return {
        "image": None,
        "upstream": upstream,
        "state": "drift" if ours else "configured",
        "served_by": {"endpoint": str(url), "known_by": None} if url else None,
        "diagnosis": wrong,
        "mode": planned.get("mode"),
        "endpoints": [],
        "log": [],
        "notes": [],
    }
